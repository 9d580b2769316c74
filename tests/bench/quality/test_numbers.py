"""The number of an answer, however it is written; what is no number is not taken for one."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.bench.quality.matching import Answer, matcher
from runner.bench.quality.numbers import is_number, last_number


def right(answer: str, expected: str) -> bool:
    return matcher("numeric").judge(Answer(answer), expected)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("so 12 - 5 = 7.", "7"),
        ("It costs $1,234.50 in all", "1234.5"),
        (r"perhaps 3, no: \boxed{-42}, and 7 more", "-42"),
        ("1 + 1\n#### 1,000", "1000"),
        ("between 3-5 days", "5"),
        ("between 3–5 days", "5"),
        ("12 minus 3", "3"),
        ("it is minus 3", "-3"),
        ("it is negative 3", "-3"),
        ("x=-7", "-7"),
        ("−8 degrees", "-8"),
        ("–3", "-3"),
        ("a loss: -$18", "-18"),
        ("150 cm^2", "150"),
        ("150 cm^{2}", "150"),
        (r"$150\,\text{cm}^2$", "150"),
        (r"12\,500", "12500"),
        ("12\u202f500", "12500"),
        ("It is 29/2.", "29/2"),
        (r"It is $\frac{29}{2}$.", "29/2"),
        (r"\boxed{10{,}080}", "10080"),
        (r"\boxed{\text{none}} but 3", "3"),
        (r"\boxed{} and 3", "3"),
        ("#### none\n3", "3"),
        ("1,23 is no thousand", "23"),
        (".5", "0.5"),
    ],
)
def test_the_last_number(text: str, expected: str) -> None:
    assert last_number(text).value == Fraction(expected)


@pytest.mark.parametrize("text", ["", "none", "model3 v", ".", "9" * 5000, "1/0"])
def test_no_number(text: str) -> None:
    assert last_number(text).value is None
    assert last_number(f"\\boxed{{{text}}}").value is None


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (r"150\text{ cm}^2", "150"),
        ("150 cm^2", "150"),
        (r"12\,500", "12500"),
        ("12,500", "12500"),
        (r"\frac{29}{2}", "14.5"),
        (r"14\frac{1}{2}", "14.5"),
        ("29/2 miles", "14.5"),
        (r"-\$18", "-18"),
        (r"\text{minus } 3", "-3"),
        ("–3", "-3"),
        ("−3", "-3"),
        ("x = 3", "3"),
        ("2 + 1 = 3", "3"),
        (r"x \approx 3.5", "3.5"),
        (r"\$18.90", "18.9"),
        (r"50\%", "50"),
        (r"7 \text{ apples}", "7"),
        ("7 apples", "7"),
        (r"\text{18 dollars}", "18"),
        (r"\text{Monday: } 18", "18"),
        (r"65\text{ km/h}", "65"),
        (r"9.8\,\mathrm{m}/\mathrm{s}^2", "9.8"),
        ("65 km/h", "65"),
        (r"\mathbf{18}", "18"),
        ("{18}", "18"),
        ("18.", "18"),
        (r"90^\circ", "90"),
    ],
)
def test_a_number_in_a_box(inside: str, expected: str) -> None:
    assert right(rf"So 1 … \boxed{{{inside}}}", expected)


@pytest.mark.parametrize(
    "inside",
    [
        r"\frac{2}{3}", r"2\sqrt{3}", "(1,3)", r"3\pi", "x^3", "3x", r"3\theta", "1,3", "x=1, y=3",
        r"3 \text{ or } -3", r"1 \text{ hour and } 3 \text{ minutes}", "2^3", "10:3", r"\pi",
    ],
)  # fmt: skip
def test_other_mathematics_in_a_box_is_no_number(inside: str) -> None:
    assert not right(rf"It may be 3. \boxed{{{inside}}}", "3")


@settings(max_examples=50)
@given(st.integers(-(10**12), 10**12), st.sampled_from(["", " dollars", r"\text{ cm}^2", r"\%"]))
def test_numbers_are_found_however_they_are_written(number: int, unit: str) -> None:
    spaced = f"{number:,}".replace(",", r"\,")
    for written in (f"{number}", f"{number:,}", spaced, f"{number:,}".replace("-", "−"),
                    f"{number}.00", f"{number}/1", rf"\frac{{{number}}}{{1}}"):  # fmt: skip
        assert right(rf"\boxed{{{written}{unit}}}", str(number))
        assert right(f"The answer is {written}{unit}.", str(number))
        assert not right(rf"\boxed{{{written}{unit}}}", str(number + 1))
        assert not right(rf"\boxed{{{written}\pi}}", str(number))


def test_one_number_and_nothing_else() -> None:
    assert all(map(is_number, ("5", "-5", "1,234", "1,234,567.5", ".5", " 14.5 ", "−3")))
    assert not any(map(is_number, ("", "1,2", "3,5,7", "-2,1", "1,2345", "5 m", "5.", "x", "1/2")))
