"""Prefixes on disk: found again, checked, dropped when they are old, damaged or not wanted."""

import os
import stat
import sys
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.kvstore import Store
from runner.kvstore.store import common_length

MODEL, OTHER = "model a", "model b"
BIG = 10**9


def of(*tokens: int) -> "array[int]":
    return array("i", tokens)


@pytest.fixture
def remarks() -> list[str]:
    return []


@pytest.fixture
def store(tmp_path: Path, remarks: list[str]) -> Iterator[Store]:
    store = Store(tmp_path / "kv", BIG, remark=remarks.append)
    yield store
    store.close()


def keep(store: Store, identity: str, tokens: "array[int]", state: bytes) -> None:
    assert store.keep(identity, tokens, state, supersedes=False)
    store.close()  # written, for sure


def test_the_longest_beginning_is_found_and_its_state_is_whole(store: Store) -> None:
    keep(store, MODEL, of(1, 2, 3), b"short")
    keep(store, MODEL, of(1, 2, 3, 4, 5), b"long")
    keep(store, OTHER, of(1, 2, 3, 4, 5, 6), b"another model's")
    found = store.longest(MODEL, of(1, 2, 3, 4, 5, 6), whole=True)
    assert found is not None
    assert (found.tokens, store.load(found)) == (of(1, 2, 3, 4, 5), b"long")
    # It goes on where the prompt does not: no use to a cache that cannot forget.
    partly = store.longest(MODEL, of(1, 2, 3, 4, 9), whole=False)
    assert partly is not None and partly.tokens == of(1, 2, 3, 4, 5)
    whole = store.longest(MODEL, of(1, 2, 3, 4, 9), whole=True)
    assert whole is not None and whole.tokens == of(1, 2, 3)
    assert store.longest(MODEL, of(7), whole=False) is None


def test_another_process_finds_it(store: Store, tmp_path: Path) -> None:
    keep(store, MODEL, of(1, 2, 3), b"state")
    again = Store(tmp_path / "kv", BIG)
    found = again.longest(MODEL, of(1, 2, 3, 4), whole=True)
    assert found is not None
    assert again.load(found) == b"state"


def test_a_longer_stage_takes_the_place_of_a_shorter(store: Store) -> None:
    keep(store, MODEL, of(1, 2), b"one")
    keep(store, MODEL, of(1, 9), b"another text")
    assert store.keep(MODEL, of(1, 2, 3), b"two", supersedes=True)
    store.close()
    assert sorted(entry.tokens.tolist() for entry in store.entries()) == [[1, 2, 3], [1, 9]]


def test_what_was_used_longest_ago_makes_room(tmp_path: Path) -> None:
    store = Store(tmp_path, 3000)
    for number in range(4):
        if number == 2:  # the first is used again
            found = store.longest(MODEL, of(0), whole=True)
            assert found is not None and store.load(found)
        keep(store, MODEL, of(number), bytes(700))
        for age, entry in enumerate(store.entries()):
            os.utime(entry.path, (1000 - age, 1000 - age))
    assert sorted(entry.tokens[0] for entry in store.entries()) == [0, 2, 3]
    keep(store, MODEL, of(9), bytes(5000))  # more than the quota
    assert 9 not in [entry.tokens[0] for entry in store.entries()]


@pytest.mark.parametrize("at", [3, 40, -1])
def test_a_damaged_file_is_dropped_and_reported(
    store: Store, tmp_path: Path, remarks: list[str], at: int
) -> None:
    keep(store, MODEL, of(1, 2, 3), b"state" * 100)
    (path,) = (tmp_path / "kv").iterdir()
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(data)
    fresh = Store(tmp_path / "kv", BIG, remark=remarks.append)
    found = fresh.longest(MODEL, of(1, 2, 3), whole=True)
    assert found is None or fresh.load(found) is None
    assert not path.exists()
    assert path.name in remarks[0]


def test_a_file_cut_short_or_foreign_is_dropped(
    store: Store, tmp_path: Path, remarks: list[str]
) -> None:
    keep(store, MODEL, of(1, 2, 3), b"state" * 100)
    (path,) = (tmp_path / "kv").iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    (tmp_path / "kv" / "foreign.kv").write_bytes(b"something else")
    assert Store(tmp_path / "kv", BIG, remark=remarks.append).entries() == []
    assert len(remarks) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="no permission bits here")
def test_files_are_private(store: Store, tmp_path: Path) -> None:
    keep(store, MODEL, of(1, 2, 3), b"state")
    (path,) = (tmp_path / "kv").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_purging_frees_what_it_says(store: Store) -> None:
    keep(store, MODEL, of(1, 2, 3), b"state")
    keep(store, OTHER, of(1, 2, 3), b"state")
    kept = sum(entry.bytes for entry in store.entries())
    freed = store.purge(lambda entry: entry.identity == OTHER)
    assert 0 < freed < kept
    assert store.purge() == kept - freed
    assert store.entries() == []


def test_what_belongs_to_one_owner_is_purged(store: Store, tmp_path: Path) -> None:
    keep(store, MODEL, of(1, 2), b"nobody's")
    for owner, token in (("one", 3), ("two", 4)):
        store.keep(MODEL, of(token), b"state", supersedes=False, owner=owner)
        store.close()
    again = Store(tmp_path / "kv", BIG)
    assert {entry.owner for entry in again.entries()} == {"", "one", "two"}
    assert again.purge(lambda entry: entry.owner == "one") > 0
    assert {entry.owner for entry in store.entries()} == {"", "two"}


def test_an_entry_of_before_there_were_owners(store: Store, tmp_path: Path) -> None:
    keep(store, MODEL, of(1, 2), b"state")
    (path,) = (tmp_path / "kv").iterdir()
    path.write_bytes(path.read_bytes().replace(b'"owner": ""', b'"older": ""'))
    (entry,) = Store(tmp_path / "kv", BIG).entries()
    assert (entry.owner, store.load(entry)) == ("", b"state")


@given(a=st.lists(st.integers(0, 2)), b=st.lists(st.integers(0, 2)))
def test_common_length(a: list[int], b: list[int]) -> None:
    expected = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    shortest = min(len(a), len(b))
    assert common_length(of(*a), of(*b)) == (shortest if expected is None else expected)
