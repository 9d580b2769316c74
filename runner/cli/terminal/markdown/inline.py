"""The marks inside a line of Markdown: emphasis, code, links. A link's address is shown beside its
text; LaTeX stays as it is written."""

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from runner.cli.terminal.clean import clean
from runner.cli.terminal.markdown.rows import Row, Span, merged
from runner.cli.terminal.markdown.style import ADDRESS, BOLD, CODE, ITALIC, both

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

# A dollar that is no sum of money, or one of LaTeX's own brackets, up to its fellow if it is there.
MATH = re.compile(
    r"\$\$[^$]+\$\$|\$(?=\S)[^$\n]*(?<=\S)\$(?!\d)"
    r"|\\\(.+?\\\)|\\\[.+?\\\]|\\[()\[\]]",
    re.DOTALL,
)

# A mark that begins a word, and was not taken for one: its fellow is yet to come.
OPEN = re.compile(r"(?<!\S)[(\"'“‘]*(\*{1,3}|_{1,3}|`+)(?=[^\s*_`])")


@lru_cache(maxsize=256)  # the unfinished end is shown again and again
def styled(source: str) -> tuple[Span, ...]:
    """`source` without its marks; line feeds stay."""
    (line,) = _parser().parseInline(source)
    row: Row = []
    styles: list[str] = []
    links: list[tuple[str, int]] = []
    for token in line.children or ():
        if token.type == "link_open":
            links.append((_address(token), len(row)))
        elif token.type == "link_close":
            address, start = links.pop()
            row += _beside("".join(text for text, _ in row[start:]), address)
        elif token.nesting == 1:
            styles.append(BOLD if token.type == "strong_open" else ITALIC)
        elif token.nesting == -1:
            styles.pop()
        else:
            row += _leaf(token, both(*styles))
    # An entity (`&#9;`) may stand for a character that had no business here.
    return tuple(merged((clean(text).expandtabs(1), style) for text, style in row if text))


def open_mark(row: Iterable[Span]) -> str:
    """The first mark in a rendered text that was opened and not closed; "" if there is none."""
    marks = (OPEN.search(text) for text, style in row if CODE not in style)
    return next((found[1] for found in marks if found), "")


def completed(source: str) -> str:
    """`source`, still growing, with the mark that is open closed."""
    source = source.rstrip()
    bare = source.rstrip("*_`")
    if mark := open_mark(styled(bare)):
        return bare + mark
    return source if bare and not bare[-1].isspace() else bare


def _leaf(token: "Token", style: str) -> Row:
    if token.type in ("softbreak", "hardbreak"):
        return [("\n", "")]
    if token.type == "code_inline":
        return [(token.content, both(style, CODE))]
    if token.type == "image":
        return [(token.content, style), *_beside(token.content, _address(token))]
    return [(token.content, style)]


def _address(token: "Token") -> str:
    address = str(token.attrs.get("href") or token.attrs.get("src") or "")
    title = token.attrs.get("title")
    return f'{address} "{title}"' if title else address


def _beside(text: str, address: str) -> Row:
    """The address of a link, unless the text says it."""
    if not address or address in (text, f"mailto:{text}"):
        return []
    return [(f" ({address})" if text else address, ADDRESS)]


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False})
    parser.inline.ruler.before("escape", "math", _math)
    # Nothing follows these links: they are shown, letter for letter.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    parser.normalizeLinkText = lambda link: link  # type: ignore[method-assign]
    return parser


def _math(state: "StateInline", silent: bool) -> bool:
    found = MATH.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        state.push("math", "", 0).content = found[0]
    state.pos = found.end()
    return True
