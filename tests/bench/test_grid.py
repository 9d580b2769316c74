"""Lists and ranges as they are typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.bench.grid import combinations, numbers, pairs, words
from runner.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("512,4096", [512, 4096]),
        ("1-4", [1, 2, 3, 4]),
        ("1-8+2", [1, 3, 5, 7]),
        ("512-4096*2", [512, 1024, 2048, 4096]),
        ("-1,0, 5,5", [-1, 0, 5]),
        ("2,1-3", [2, 1, 3]),
    ],
)
def test_lists_and_ranges(text: str, expected: list[int]) -> None:
    assert numbers([text], "-t") == expected
    assert numbers(text.split(","), "-t") == expected


@pytest.mark.parametrize("text", ["a", "3-1", "1-8*1", "0-8*2", "1-8+0", "1.5", "0-99999999"])
def test_what_is_no_list_is_refused_with_its_flag(text: str) -> None:
    with pytest.raises(ConfigurationError, match="-t"):
        numbers([text], "-t")


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 9))
def test_a_range_is_python_s_with_its_end(first: int, more: int, step: int) -> None:
    last = first + more
    assert numbers([f"{first}-{last}+{step}"], "-t") == list(range(first, last + 1, step))


def test_words_and_pairs() -> None:
    assert words(["on,OFF", "on"], "--mmap", {"on": True, "off": False}) == [True, False]
    assert pairs(["512,128", "16/8"], "-pg") == [(512, 128), (16, 8)]
    with pytest.raises(ConfigurationError, match="--mmap"):
        words(["maybe"], "--mmap", {"on": True})
    with pytest.raises(ConfigurationError, match="-pg"):
        pairs(["512"], "-pg")


def test_every_combination_of_what_was_given() -> None:
    axes = {"threads": [1, 2], "kv": [], "batch": [8, 16]}
    assert list(combinations(axes)) == [
        {"threads": 1, "batch": 8}, {"threads": 1, "batch": 16},
        {"threads": 2, "batch": 8}, {"threads": 2, "batch": 16},
    ]  # fmt: skip
    assert list(combinations({})) == [{}]
