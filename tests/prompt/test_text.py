"""Provenance through string operations: template characters are capitals, content is not."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from runner.prompt.sandbox import text
from runner.prompt.sandbox.meter import Meter
from runner.prompt.sandbox.methods import STRING

BOTH = " \n,"  # characters that both sides use, so that they have to be told apart by position
ours = st.text("ABC" + BOTH, max_size=6).map(text.literal)
theirs = st.text("abc" + BOTH, max_size=6)
mixed = st.lists(ours | theirs, max_size=6).map(text.join)
separators = st.sampled_from([",", "\n", " ", "A", "a", "Aa", ", "])


def check(value: Any, native: Any) -> None:
    """The same value as Python's, and no letter under the wrong origin."""
    assert value == native
    for piece in value if isinstance(value, list | tuple) else [value]:
        if isinstance(piece, str):
            mask = text.mask_of(piece)
            assert len(mask) == len(piece)
            for letter, written in zip(piece, mask, strict=True):
                assert letter in BOTH or (letter in "ABC") == bool(written)


def call(name: str, value: str, *args: Any) -> tuple[Any, Any]:
    """Our method's result and Python's."""
    return STRING[name](Meter(0), value, *args), getattr(text.plain(value), name)(*args)


@given(mixed, st.sampled_from(["strip", "lstrip", "rstrip"]), st.none() | separators)
def test_stripping(value: str, name: str, chars: str | None) -> None:
    check(*call(name, value, chars))


@given(mixed, st.sampled_from(["split", "rsplit"]), st.none() | separators, st.integers(-1, 3))
@example(text.literal("  A A  "), "rsplit", None, 1)
def test_splitting(value: str, name: str, separator: str | None, most: int) -> None:
    check(*call(name, value, separator, most))


@given(mixed, st.booleans())
def test_splitting_into_lines(value: str, keep: bool) -> None:
    check(*call("splitlines", value, keep))


@given(
    mixed,
    st.sampled_from(["partition", "rpartition", "removeprefix", "removesuffix"]),
    separators,
)
def test_taking_parts(value: str, name: str, part: str) -> None:
    check(*call(name, value, part))


@given(mixed, separators, ours | theirs, st.integers(-1, 3))
def test_replacing(value: str, old: str, new: str, most: int) -> None:
    check(*call("replace", value, old, new, most))


@given(mixed, st.lists(mixed, max_size=4))
def test_joining(separator: str, values: list[str]) -> None:
    check(*call("join", separator, values))


@given(mixed, *[st.none() | st.integers(-9, 9)] * 2, st.sampled_from([None, 1, 2, -1, -2]))
def test_slicing(value: str, start: int | None, stop: int | None, step: int | None) -> None:
    check(text.cut(value, slice(start, stop, step)), text.plain(value)[start:stop:step])


@given(mixed.filter(bool), st.integers(-40, 40))
def test_indexing(value: str, index: int) -> None:
    index %= len(value)
    check(text.cut(value, index - len(value)), text.plain(value)[index])


@given(mixed)
def test_runs_give_the_whole_string_back(value: str) -> None:
    runs = list(text.runs(value))
    assert "".join(words for words, _ in runs) == value
    assert all(type(words) is str and words for words, _ in runs)
    assert all(first[1] != second[1] for first, second in pairwise(runs))
    for words, written in runs:
        check(text.literal(words) if written else words, words)


@given(mixed, st.sampled_from(["upper", "lower", "title", "capitalize", "swapcase", "casefold"]))
def test_changing_case_keeps_origins(value: str, name: str) -> None:
    changed, native = call(name, value)
    assert changed == native
    assert text.mask_of(changed) == text.mask_of(value)


@given(st.text(max_size=8), st.text(max_size=8))
def test_case_changes_that_lengthen_a_string_make_it_content(first: str, second: str) -> None:
    value = text.join([text.literal(first), "ß", second])
    changed, native = call("upper", value)
    assert changed == native
    assert not any(text.mask_of(changed))


@given(mixed, st.sampled_from(["center", "ljust", "rjust", "zfill"]), st.integers(0, 20))
def test_padding_makes_content(value: str, name: str, width: int) -> None:
    padded, native = call(name, value, width)
    assert padded == native
    same = len(padded) == len(value)
    assert text.mask_of(padded) == (text.mask_of(value) if same else bytes(len(padded)))


def test_what_does_not_know_of_origins_gives_content() -> None:
    words = text.literal("<think>")
    unaware: list[Callable[[str], str]] = [
        lambda value: value + "",
        lambda value: value[:],
        lambda value: "".join([value]),
        lambda value: f"{value}!",
        lambda value: value.replace("t", "t"),
        lambda value: next(iter(value)),
    ]
    for operation in unaware:
        assert not any(text.mask_of(operation(words)))
