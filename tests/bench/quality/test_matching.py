"""Answers are judged by rules with names; each here on answers whose verdict is plain."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.bench.quality.latex import boxed, normalised, number_of
from runner.bench.quality.matching import MATCHERS, Answer, choice_letter, last_number, matcher
from runner.errors import ConfigurationError


def right(name: str, answer: str, expected: str, calls: str = "") -> bool:
    return matcher(name).judge(Answer(answer, calls), expected)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("so 12 - 5 = 7.", "7"),
        ("It costs $1,234.50 in all", "1234.5"),
        (r"perhaps 3, no: \boxed{-42}, and 7 more", "-42"),
        ("1 + 1\n#### 1,000", "1000"),
        ("between 3-5 days", "5"),
        ("x=-7", "-7"),
        ("−8 degrees", "-8"),
        (r"\boxed{10{,}080}", "10080"),
        (r"\boxed{\text{none}} but 3", "3"),
        ("1,23 is no thousand", "23"),
        (".5", "0.5"),
    ],
)
def test_the_last_number(text: str, expected: str) -> None:
    assert last_number(text) == Decimal(expected)


@pytest.mark.parametrize("text", ["", "none", "model3 v", "."])
def test_no_number(text: str) -> None:
    assert last_number(text) is None


@settings(max_examples=30)
@given(st.integers(-(10**12), 10**12))
def test_numbers_are_found_however_they_are_written(number: int) -> None:
    assert right("numeric", f"The answer is {number:,}.", str(number))
    assert right("numeric", f"\\boxed{{{number}.00}}", f"#### {number}")
    assert not right("numeric", f"The answer is {number + 1}.", str(number))


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
        ("A man walks. I can't say.", ""),
        ("nothing", ""),
    ],
)
def test_the_letter_of_a_choice(text: str, letter: str) -> None:
    assert choice_letter(text) == letter


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
