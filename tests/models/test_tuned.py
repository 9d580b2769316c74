"""What was tuned: kept for a model on a machine, in force wherever the user says nothing else."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from runner.models import Located, ready, tuned
from runner.settings import BY_NAME, LARGEST_COUNT, Settings, load

rates = import_module("runner.machine.rates")
"""The module, whose name in `runner.machine` a function has."""


@pytest.fixture
def located(tiny_path: Path) -> Located:
    return Located(tiny_path, "tiny", "Q8_0")


FOUND = tuned.Tuned({"threads": 1, "micro_batch": 64}, {"tg16": (1.2, 1.1, 1.3)}, "run", "date")


def test_what_was_tuned_holds_until_it_is_forgotten(located: Located) -> None:
    assert tuned.tuned_for(located) is None
    tuned.keep(located, FOUND)
    assert tuned.tuned_for(located) == FOUND
    with ready(located, Settings(ctx=256)) as loaded:
        assert (loaded.placement.threads, loaded.placement.micro_batch) == (1, 64)
        assert "tuned: threads 1, micro batch 64" in loaded.placement.remarks
    assert tuned.forget(located)
    assert not tuned.forget(located)
    assert tuned.tuned_for(located) is None


def test_what_has_no_room_any_more_is_said_and_left(located: Located) -> None:
    huge = {"threads": 1, "batch": LARGEST_COUNT, "micro_batch": LARGEST_COUNT}
    tuned.keep(located, tuned.Tuned(huge, {}, "run", "date"))
    said = list[str]()
    with ready(located, Settings(ctx=256), remark=said.append) as loaded:
        assert loaded.placement.micro_batch == 512
        assert not any("tuned" in one for one in loaded.placement.remarks)
    (remark,) = said
    assert remark.startswith("tuned, but there is no room for it now: threads 1, batch ")


def test_what_the_user_says_wins() -> None:
    told = load({"threads": 2})
    assert (applied := tuned.applied(told, FOUND)).threads == 2
    assert (applied.micro_batch, applied.origin("micro_batch")) == (64, "tuned")
    assert tuned.applied(load({"batch": 32}), FOUND).micro_batch is None
    elsewhere = load({"device": "cpu"})
    assert tuned.applied(elsewhere, FOUND) == elsewhere


def test_a_damaged_file_tunes_nothing(located: Located, isolated: Path) -> None:
    tuned.keep(located, FOUND)
    (path,) = isolated.rglob("tuned.json")
    for damage in ('"threads": "many"', '"threads": 0', '"thread": 1'):
        path.write_text(path.read_text().replace('"threads": 1', damage))
        assert tuned.tuned_for(located) is None


@pytest.mark.parametrize("changed", ["processor", "threads", "gpus", "llama_cpp", "build"])
def test_another_machine_or_build_has_nothing_of_it(
    located: Located, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    tuned.keep(located, FOUND)
    here = rates.key()
    assert set(here) == {"processor", "threads", "gpus", "llama_cpp", "build"}
    monkeypatch.setattr(rates, "key", lambda: here | {changed: "another"})
    assert tuned.tuned_for(located) is None
    monkeypatch.setattr(rates, "key", lambda: here)
    assert tuned.tuned_for(located) == FOUND


def test_another_file_has_nothing_of_it(located: Located, tmp_path: Path) -> None:
    tuned.keep(located, FOUND)
    copy = tmp_path / "copy.gguf"
    copy.write_bytes(located.path.read_bytes())
    assert tuned.tuned_for(Located(copy, "tiny", "Q8_0")) is None


def test_it_wins_over_nothing_that_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither on the command line nor in the environment."""
    monkeypatch.setenv("RUNNER_MICRO_BATCH", "32")
    applied = tuned.applied(load({"threads": 2}), FOUND)
    assert (applied.threads, applied.micro_batch) == (2, 32)
    assert tuned.ORIGIN not in applied.origins.values()


@pytest.mark.parametrize("name", tuned.PLACING)
def test_a_model_that_is_placed_otherwise_has_nothing_of_it(name: str) -> None:
    given: Any = {int: 1, str: "cpu", bool: True}[BY_NAME[name].type]
    elsewhere = Settings(**{name: given})
    assert tuned.applied(elsewhere, FOUND) == elsewhere


def test_what_belongs_together_is_applied_together() -> None:
    both = tuned.Tuned({"threads": 1, "threads_batch": 4}, {}, "run", "date")
    assert tuned.applied(Settings(), both).threads_batch == 4
    assert tuned.applied(Settings(threads=2), both).threads_batch is None
    guesses = tuned.Tuned({"speculate": True}, {}, "run", "date")
    assert tuned.applied(Settings(), guesses).speculate
    assert tuned.applied(Settings(draft="tiny"), guesses).speculate is None


def test_in_words_and_as_flags() -> None:
    options = {"threads": 2, "repack": False, "speculate": True, "flash_attention": "off"}
    assert tuned.words_of(options) == "threads 2, no repack, speculate, flash attention off"
    assert tuned.flags_of(options) == "--threads 2 --no-repack --speculate --flash-attention off"
