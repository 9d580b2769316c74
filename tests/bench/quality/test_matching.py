"""Answers are judged by rules with names; each here on answers whose verdict is plain."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.bench.quality.latex import boxed, normalised
from runner.bench.quality.matching import (
    MATCHERS,
    Answer,
    choice_letter,
    judge,
    last_line,
    matcher,
)
from runner.bench.quality.numbers import number_of
from runner.bench.quality.reading import Find, Reading
from runner.bench.quality.task import Question
from runner.errors import ConfigurationError


def right(name: str, answer: str, expected: str, calls: str = "") -> bool:
    return matcher(name).judge(Answer(answer, calls), expected)[0]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (r"\boxed{\dfrac12}", r"\frac{1}{2}"),
        (r"\boxed{1/2}", r"\frac{1}{2}"),
        (r"\boxed{0.5}", r"\frac{1}{2}"),
        (r"\boxed{x = 5}", "5"),
        (r"\boxed{90^\circ}", "90"),
        (r"\boxed{\left(3, \frac{\pi}{2}\right)}", r"\left( 3, \frac{\pi}{2} \right)"),
        (r"\boxed{\text{Evelyn}}", r"\text{Evelyn}"),
        (r"\boxed{Evelyn}", r"\text{Evelyn}"),
        (r"\boxed{5\text{ cm}}", "5"),
        (r"\boxed{\$18.90}", "18.9"),
        (r"\boxed{-\frac{1}{3}}", r"\frac{-1}{3}"),
        (r"\boxed{10{,}080}", "10,080"),
        (r"so \boxed{1} … no, \boxed{\{1,2\}}", r"\{1, 2\}"),
        ("It follows that\n\n**The answer is 14.**", "14"),
        (r"\boxed{\sqrt2}", r"\sqrt{2}"),
        (r"\boxed{1\frac{1}{2}}", "1.5"),
        (r"\boxed{x^{2}+1}", "x^2+1"),
        (r"\boxed{2516_{8}}", "2516_8"),
        (
            r"\boxed{\begin{pmatrix} 1 \\ 2 \end{pmatrix}}",
            r"\begin{pmatrix}1\\2\end{pmatrix}",
        ),
        (
            r"\boxed{\begin{pmatrix}1\\[1ex] 2\end{pmatrix}}",
            r"\begin{pmatrix}1\\[1ex]2\end{pmatrix}",
        ),
        (r"\boxed{3\,x}", "3x"),
        (r"\boxed{\frac{\sqrt{3}}3}", r"\frac{\sqrt{3}}{3}"),
        (r"\boxed{\frac{\frac12}3}", r"\frac{\frac{1}{2}}{3}"),
        (r"\boxed{\frac{-\sqrt{3}}{2}}", r"-\frac{\sqrt{3}}{2}"),
        (r"\boxed{y = \frac{-x}{2}}", r"-\frac{x}{2}"),
        (r"\boxed{(1, \frac{-1}{2})}", r"(1,-\frac{1}{2})"),
        ("C", r"\text{(C)}"),
        (r"\boxed{(C)}", "C"),
        (r"\boxed{5\text{ meters}}", "5"),
        (r"\boxed{12 \text{ pounds}}", "12"),
        (r"\boxed{30\text{ miles per hour}}", "30"),
        (r"\boxed{9\text{ square feet}}", r"9\text{ ft}^2"),
        (r"\boxed{12\,500}", "12,500"),
        (r"\boxed{–3}", "-3"),
        ("Hence\n\\[\nx = 5\n\\]", "5"),
        ("Hence\n$$\n\\frac{1}{2}\n$$\n", r"\frac12"),
        (r"The answer is \(5\).", "5"),
    ],
)
def test_equal_mathematics(answer: str, expected: str) -> None:
    assert right("boxed", answer, expected)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (r"\boxed{12}", r"\frac{1}{2}"),
        (r"\boxed{100}", "1"),
        (r"\boxed{x+1}", "x+2"),
        (r"\boxed{(1,2)}", "12"),
        (r"\boxed{}", "0"),
        ("", "0"),
        (r"\boxed{\frac{1}{0}}", "0"),
        (r"\boxed{-3}", "3"),
        (r"-\frac{1+\sqrt{5}}{2}", r"\frac{-1+\sqrt{5}}{2}"),
        (r"-\frac{1\pm\sqrt{5}}{2}", r"\frac{-1\pm\sqrt{5}}{2}"),
        (r"x-\frac{1}{2}", r"x\frac{-1}{2}"),
        (r"-\frac{1}{2}^2", r"\frac{-1}{2}^2"),
        (r"\text{inches}", r"\text{feet}"),
        (r"\boxed{2}", "1,2"),
        (r"\boxed{12}", r"\begin{pmatrix}1\\2\end{pmatrix}"),
    ],
)
def test_other_mathematics(answer: str, expected: str) -> None:
    assert not right("boxed", answer, expected)


@settings(max_examples=50)
@given(st.text(max_size=60))
def test_no_text_upsets_a_matcher(text: str) -> None:
    for name in MATCHERS:
        expected = '{"name": "f", "arguments": {}}' if name == "call" else "B"
        correct, extracted = matcher(name).judge(Answer(text, text), expected)
        assert isinstance(correct, bool)
        assert isinstance(extracted, str)
    again = normalised(normalised(text))
    assert boxed(text) is None or isinstance(number_of(again), object)


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("The answer is (B).", "B"),
        ("B", "B"),
        ("I think it is a good one: C)", "C"),
        (r"A or B? \boxed{\text{D}}", "D"),
        ("**Answer: A**", "A"),
        ("Option c is right", "C"),
        (r"\boxed{\text{Choice B}}", "B"),
        (r"\boxed{c}", "C"),
        (r"\boxed{\text{b) a dog}}", "B"),
        ("The answer is a prime, so C.", "C"),
        ("The answer is b) a dog", "B"),
        ("answer: d", "D"),
        ("Answer: b\nbecause it is", "B"),
        ("A man walks. I can't say.", ""),
        ("nothing", ""),
    ],
)
def test_the_letter_of_a_choice(text: str, letter: str) -> None:
    assert choice_letter(text) == letter


@settings(max_examples=60)
@given(st.integers(-99, 99), st.integers(1, 99), st.sampled_from(["dfrac", "tfrac", "frac"]))
def test_a_fraction_has_its_value_however_it_is_written(above: int, below: int, how: str) -> None:
    sign, size = "-" if above < 0 else "", abs(above)
    forms = (
        rf"\{how}{{{above}}}{{{below}}}",
        rf"{sign}\{how}{{{size}}}{{{below}}}",
        f"{above}/{below}",
        rf"x = \left.\{how}{{{above}}}{{{below}}}\right.",
    )
    for form in forms:
        assert right("boxed", rf"\boxed{{{form}}}", rf"\frac{{{above}}}{{{below}}}")
        assert not right("boxed", rf"\boxed{{{form}}}", rf"\frac{{{above + 1}}}{{{below}}}")


def test_the_last_line_has_something_to_say() -> None:
    assert last_line("x\n\\[ y \\]\n") == "\\[ y \\]"
    assert last_line("\\begin{align*}\nz\n\\end{align*}") == "z"
    assert last_line("$$\n\\]") == ""


@pytest.mark.parametrize(
    ("reading", "answer", "matcher", "expected"),
    [
        (Reading((Find(r"answer is \(?([A-J])\)?"),)), "Hm. The answer is (C).", "exact", "C"),
        (Reading((Find("(?<=answer is )(.*)(?=.)"),)), "The answer is Yes.", "exact", "Yes"),
        (Reading((Find("[A-Z]", index=-1),)), "A, no B", "exact", "B"),
        (Reading((Find(r"\d(x)|\d(y)"),)), "1y 2x", "exact", "y"),
        (Reading((Find("(D)", fallback="none"),)), "well", "exact", "none"),
        (Reading(ignored=("case", "punctuation")), "YES!", "exact", "yes"),
        (Reading(ignored=("numbers",)), "a1", "exact", "a"),
        (Reading(left_out=("(?s).*#### ",)), "so\n#### 5", "exact", "5"),
        (Reading(ignored=("case",)), "PARIS", "one of", "Rome\nParis"),
    ],
)
def test_what_of_an_answer_counts(
    reading: Reading, answer: str, matcher: str, expected: str
) -> None:
    question = Question("1", (), expected, matcher, reading=reading)
    assert judge(question, Answer(answer))[0]
    assert not judge(question, Answer("The answer is (D)."))[0]


def test_texts_to_the_letter() -> None:
    assert right("exact", " b-a-n \n", "b-a-n")
    assert not right("exact", "B-a-n", "b-a-n")
    assert not right("exact", "b-a-n", "b-a-n", calls='{"name": "f", "arguments": {}}')
    assert right("one of", "2 + 1 = 3.", "1 + 2 = 3.\n2 + 1 = 3.")
    assert not right("one of", "3", "1 + 2 = 3.\n2 + 1 = 3.")
    assert right("begins", "I was not taught that. I can add.", "I was not taught that.")


def test_calls_are_compared_by_what_they_mean() -> None:
    expected = '{"name": "add", "arguments": {"a": "1"}}'
    assert right("call", "", expected, calls='{"arguments":{"a":"1"},"name":"add"}')
    assert not right("call", "", expected, calls='{"name":"add","arguments":{"a":"2"}}')
    assert not right("call", "Let me see.", expected, calls=expected)
    assert not right("call", "", expected, calls="{broken")
    assert not right("call", "", expected)


def test_an_unknown_matcher_names_those_there_are() -> None:
    with pytest.raises(ConfigurationError, match="no matcher 'close'") as caught:
        matcher("close")
    assert "numeric" in caught.value.remedy
