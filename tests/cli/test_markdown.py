"""Markdown on a terminal: the same however it streams, no wider than the terminal, nothing lost."""

import pickle
import re
from itertools import pairwise

import pytest
import wcwidth
from hypothesis import example, given
from hypothesis import strategies as st

from runner.cli.terminal.markdown import NARROWEST, MarkdownStream, rendered
from runner.cli.terminal.markdown.style import TOKENS

SGR = re.compile(r"\x1b\[[0-9;]*m")
WIDTHS = st.sampled_from([10, 11, 24, 40, 80])

BEGINNINGS = [
    "", "", "", "- ", "* ", "1. ", "2) ", "> ", "# ", "### ", "    ", "  ", "   ", "- - ",
    "> - ", "```", "```python", "````md", "~~~", "$$", "\\[", "---", "===", "| ", "|---|---|",
    ":-:|--", "-",
]  # fmt: skip
MIDDLES = [
    "word", "another ", " ", "  ", "*", "**", "_", "`", "``", "[", "](u)", "![", "<br>", "|", " | ",
    "\\", "$", "def f(x):", '"""', "/*", "*/", "# c", "世界", "🙂", "👩\u200d👩\u200d👧", "e\u0301",
    "שלום", "\t", "&lt;", "&#9;", "&#x202e;", "\x1b[31m", "\u202e", "\x07", "x" * 30, "a" * 250,
    "1.5 ",
]  # fmt: skip

LINES = st.builds(
    lambda beginning, middles: beginning + "".join(middles),
    st.sampled_from(BEGINNINGS),
    st.lists(st.sampled_from(MIDDLES), max_size=8),
)
MARKDOWN = st.one_of(st.lists(LINES, max_size=30).map("\n".join), st.text())


def plain(text: str) -> str:
    return SGR.sub("", text)


def streamed(text: str, width: int, cuts: list[int], tail: int = 5) -> str:
    """As it is given out piece by piece, with the rest looked at after each."""
    stream, given = MarkdownStream(width), ""
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    for start, end in pairwise(places):
        given += stream.feed(text[start:end])
        rest = stream.tail(tail)
        assert len(rest.split("\n")) <= tail
        assert_fits(rest, width)
    return given + stream.close()


def assert_fits(shown: str, width: int) -> None:
    """No row is too wide, and nothing is there that a terminal obeys but styles."""
    for row in plain(shown).split("\n"):
        assert wcwidth.width(row) <= width
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", row)


@given(MARKDOWN, WIDTHS, st.lists(st.integers(0, 10_000), max_size=12))
@example("**" + "bold " * 400 + "**", 40, [500, 900, 1300])
@example("| a | b |\n|---|---|\n" + "| cell | *x* |\n" * 40, 24, [100, 300])
@example("x" * 5000 + "\n- " + "y " * 2000, 24, [3000])
def test_it_is_the_same_however_it_streams(text: str, width: int, cuts: list[int]) -> None:
    assert streamed(text, width, cuts) == rendered(text, width)


@given(MARKDOWN, WIDTHS)
def test_no_row_is_wider_than_the_terminal(text: str, width: int) -> None:
    shown = rendered(text, width)
    assert_fits(shown, width)
    assert shown == "" or shown.endswith("\n")


@given(MARKDOWN, WIDTHS)
def test_without_colours_it_is_the_same_text(text: str, width: int) -> None:
    assert rendered(text, width, colour=False) == plain(rendered(text, width))


def letters(text: str) -> str:
    return "".join(re.findall(r"[a-z0-9]", text))


@given(st.lists(LINES.filter(lambda line: "|" not in line and "&" not in line)), WIDTHS)
@example(["$$", "$$" + "a" * 250], 40)
@example([" " * 250 + "a"], 40)
def test_no_letter_is_lost(lines: list[str], width: int) -> None:
    text = re.sub(r"\x1b\[31m|\x07", "", "\n".join(lines))
    assert letters(plain(rendered(text, width))) == letters(text)


@given(st.lists(st.lists(st.sampled_from(["one", "two **words**", "`x`", "", "世界"]), min_size=2)))
def test_no_cell_is_lost(rows: list[list[str]]) -> None:
    source = ["| h | i |", "|---|--:|", *("| " + " | ".join(row) + " |" for row in rows)]
    shown = letters(plain(rendered("\n".join(source), 80)))
    assert sorted(shown) == sorted(letters("\n".join(source)))  # cells wrap side by side


@given(MARKDOWN, st.lists(st.tuples(st.integers(0, 10_000), WIDTHS), max_size=6))
def test_resizing_loses_and_doubles_nothing(text: str, sizes: list[tuple[int, int]]) -> None:
    text = re.sub(r"[|&]|\x1b\[31m|\x07", "", text)
    stream, given, start = MarkdownStream(40), "", 0
    for cut, width in sorted((cut % (len(text) + 1), width) for cut, width in sizes):
        given += stream.feed(text[start:cut])
        stream.resize(width)
        start = cut
        assert_fits(stream.tail(99), 80)
    given += stream.feed(text[start:]) + stream.close()
    assert letters(plain(given)) == letters(plain(rendered(text, 40)))


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("one\ntwo\n\n\nthree", "one\ntwo\n\nthree\n"),
        ("# Title #\ntext\n## Next", "Title\ntext\n\nNext\n"),
        ("Title\n===\ntext", "Title\ntext\n"),
        ("a **b** *c* ***d*** `e*f*` _g_ h_i_j", "a b c d e*f* g h_i_j\n"),
        ("[text](https://a.example/x_y_z)", "text (https://a.example/x_y_z)\n"),
        ('[text](https://a.example "why")', 'text (https://a.example "why")\n'),
        ("[https://a.example](https://a.example)", "https://a.example\n"),
        ("<https://a.example> ![alt](b.png)", "https://a.example alt (b.png)\n"),
        ("[x](javascript:alert)", "x (javascript:alert)\n"),
        ("$a_1 * b_2 * c$ costs $5 or *$10*", "$a_1 * b_2 * c$ costs $5 or $10\n"),
        ("\\(x^{2}\\) \\[y_{*}*\\]", "\\(x^{2}\\) \\[y_{*}*\\]\n"),
        ("\\(x_1 is not closed", "\\(x_1 is not closed\n"),
        ("$$\n- a_1\n= \\frac{1}{2}\n$$\nend", "$$\n- a_1\n= \\frac{1}{2}\n$$\nend\n"),
        ("<b>html</b> &lt;i&gt; *x*", "<b>html</b> <i> x\n"),
        ("- a\n- b\n  - c\n\n  d\n- e", "• a\n• b\n  • c\n\n  d\n• e\n"),
        ("1. a\n  - b\n2. c", "1. a\n   • b\n2. c\n"),
        ("9. a\n10. b", "9. a\n10. b\n"),
        ("- [ ] a\n- [x] b", "• [ ] a\n• [x] b\n"),
        ("-\n- a", "•\n• a\n"),
        ("In\n1987. it was", "In\n1987. it was\n"),
        ("> a\nb\n\nc", "│ a\n│ b\n\nc\n"),
        ("> a\n>\n> - b", "│ a\n│\n│ • b\n"),
        ("a\n\n***\nb", f"a\n\n{'─' * 13}\nb\n"),
        ("\n\n  text\n\n", "text\n"),
        ("text\n\n    x = *p\n    y", "text\n\nx = *p\ny\n"),
        ("**not closed", "**not closed\n"),
        ("שלום **עולם**", "שלום עולם\n"),
        ("a\\*b\\_c", "a*b_c\n"),
    ],
)  # fmt: skip
def test_what_it_looks_like(source: str, shown: str) -> None:
    assert rendered(source, 40, colour=False) == shown


LINE = "─" * 40


def test_code_is_between_lines() -> None:
    assert rendered("a:\n```py\nx = '*'\n\n  y\n```\nb", 40, colour=False) == (
        f"a:\n── py {LINE[6:]}\nx = '*'\n\n  y\n{LINE}\nb\n"
    )


def test_a_fence_that_is_not_closed_is_closed_at_the_end() -> None:
    assert rendered("```\nx", 40, colour=False) == f"{LINE}\nx\n{LINE}\n"


@pytest.mark.parametrize("fence", ["````", "~~~"])
def test_fences_in_a_fence(fence: str) -> None:
    inner = "```python\nx\n```"
    shown = rendered(f"{fence}\n{inner}\n{fence}\n*after*", 40, colour=False)
    assert shown == f"{LINE}\n{inner}\n{LINE}\nafter\n"


def test_fences_of_the_same_length_in_an_example_of_markdown() -> None:
    inner = "# T\n```python\nx\n```\n*t*"
    shown = rendered(f"```markdown\n{inner}\n```\n*after*", 40, colour=False)
    assert shown == f"── markdown {LINE[12:]}\n{inner}\n{LINE}\nafter\n"


def test_code_in_an_item_may_be_less_indented_than_it_should() -> None:
    shown = rendered("1. a\n   ```\nx\n  y\n   ```\n2. b", 40, colour=False)
    line = LINE[3:]
    assert shown == f"1. a\n   {line}\n   x\n   y\n   {line}\n2. b\n"


def test_a_table_is_aligned() -> None:
    source = "| Name | Size | Note |\n|:-|-:|:-:|\n| a\\|b | 10 | `x` |\n| **世界** | 1234 |\n\nend"
    assert rendered(source, 40, colour=False) == (
        "Name  Size  Note\n"
        "────  ────  ────\n"
        "a|b     10   x\n"
        "世界  1234\n"
        "\n"
        "end\n"
    )  # fmt: skip


def test_a_table_too_wide_is_wrapped_in_its_columns() -> None:
    source = "| A | B |\n|-|-|\n| a | some words to be wrapped |\n| b | x<br>y |"
    assert rendered(source, 20, colour=False) == (
        "A  B\n"
        "─  ─────────────────\n"
        "a  some words to be\n"
        "   wrapped\n"
        "\n"
        "b  x\n"
        "   y\n"
    )  # fmt: skip


def test_a_table_of_too_many_columns_is_told_row_by_row() -> None:
    source = "| A | B |\n|-|-|\n| long words here | some more words |\n| c | d |"
    assert rendered(source, 20, colour=False) == (
        "A: long words here\nB: some more words\n\nA: c\nB: d\n"
    )


def test_a_long_table_is_given_out_before_its_end() -> None:
    stream = MarkdownStream(40)
    given = stream.feed("| a | b |\n|---|---|\n" + "| c | d |\n" * 50)
    assert given.count("\n") == 52


@pytest.mark.parametrize(
    "unit", ["word ", "*word* ", "x = 1\n", "- an item\n", "世界", "x", "> quoted\n", "**a ", "`"]
)
def test_of_a_long_block_little_is_kept(unit: str) -> None:
    """So that neither memory nor the cost of looking at what waits grows with it."""
    opening = "```python\n" if unit.startswith("x =") else ""
    stream = MarkdownStream(80)
    stream.feed(opening + unit * (20_000 // len(unit)))
    assert len(pickle.dumps(stream)) < 15_000
    assert len(plain(stream.tail(10_000))) < 2_400


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("This is **bold te", "This is bold te"),
        ("This is **bold*", "This is bold"),
        ("This is **", "This is"),
        ("Call `f(x", "Call f(x"),
        ("2 * 3 and a_b", "2 * 3 and a_b"),
        ("```py\nx = 1", f"── py {LINE[6:]}\nx = 1\n{LINE}"),
    ],
)
def test_the_rest_is_shown_as_if_its_marks_were_closed(text: str, shown: str) -> None:
    stream = MarkdownStream(40)
    given = stream.feed(text)
    assert plain(given + stream.tail(5)) == shown


def test_looking_at_the_rest_changes_nothing() -> None:
    stream = MarkdownStream(40)
    stream.feed("- a\n- **b")
    assert stream.tail(5) == stream.tail(5)
    assert plain(stream.tail(1)) == "• b"
    assert stream.tail(0) == ""
    assert plain(stream.close()) == "• a\n• **b\n"


def test_colours() -> None:
    shown = rendered('```python\ndef f():\n    """A text\n    goes on."""\n```', 40)
    assert f"\x1b[{TOKENS['Keyword']}mdef\x1b[0m" in shown
    assert f"\x1b[{TOKENS['Name.Function']}mf\x1b[0m" in shown
    assert f'\x1b[{TOKENS["Literal.String"]}m    goes on."""\x1b[0m' in shown


def test_colours_go_on_in_a_block_of_any_length() -> None:
    """A string that began hundreds of lines before is still one, and code after it is code."""
    body = "words and more words\n" * 300
    shown = rendered(f'```python\nx = """\n{body}"""\ndef f(): pass\n```', 80).split("\n")
    string = f"\x1b[{TOKENS['Literal.String']}mwords and more words\x1b[0m"
    assert shown.count(string) == 300
    assert f"\x1b[{TOKENS['Keyword']}mdef\x1b[0m" in shown[-3]


@pytest.mark.parametrize(
    ("language", "code", "word", "kind"),
    [
        ("json", '{\n"a": [1, true]\n}', "true", "Keyword.Constant"),
        ("yaml", "a:\n  - b: 'text'\n", "'text'", "Literal.String"),
        ("console", "$ ls 'a b'\na b\n", "'a b'", "Literal.String"),
        ("rust", "fn main() {}", "fn", "Keyword"),
        ("diff", "-a\n+b\n", "+b", "Generic.Inserted"),
        ("c", "/* a\n b */ int x;\n", " b */", "Comment"),
        ("http", "GET / HTTP/1.1\n", "GET", "Name.Function"),
    ],
)
def test_colours_of_lexers_of_each_kind(language: str, code: str, word: str, kind: str) -> None:
    assert f"\x1b[{TOKENS[kind]}m{word}\x1b[0m" in rendered(f"```{language}\n{code}\n```", 40)


@pytest.mark.parametrize("language", ["nonesuch", "html+jinja", "perl", "console", "sql", "c++"])
def test_code_in_any_language_is_whole(language: str) -> None:
    code = "<b>{{ x }}</b>\n$ ls <<EOF\nint main() { /* a */ }\nEOF\n" * 20
    shown = plain(rendered(f"```{language}\n{code}```", 60))
    assert code in shown


# Levels of red, green and blue in the cube of 216 colours, and the greys after it.
LEVELS = (0, 95, 135, 175, 215, 255)


def luminance(number: int) -> float:
    """Of a colour of the 256, by the formula of WCAG 2."""
    if number >= 232:
        colour = (8 + 10 * (number - 232),) * 3
    else:
        cube = number - 16
        colour = LEVELS[cube // 36], LEVELS[cube // 6 % 6], LEVELS[cube % 6]
    red, green, blue = (
        level / 255 / 12.92 if level <= 10 else ((level / 255 + 0.055) / 1.055) ** 2.4
        for level in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("style", sorted({one for one in TOKENS.values() if ";" in one}))
def test_colours_stand_out_from_dark_and_from_light(style: str) -> None:
    light = luminance(int(style.removeprefix("38;5;")))
    assert (light + 0.05) / 0.05 > 3.9
    assert 1.05 / (light + 0.05) > 3.9


def test_a_terminal_too_narrow_is_taken_for_wider() -> None:
    assert rendered("a few words", 1) == rendered("a few words", NARROWEST)
