"""Tuning: what is tried, kept and in force; and a whole search on the shipped model."""

from pathlib import Path

import pytest

from runner.bench.tune import Search, base_of, candidates
from runner.bench.workloads import synthetic
from runner.models import Located, locate, ready, tuned
from runner.settings import Settings, load


@pytest.fixture
def located(tiny_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Located:
    monkeypatch.setenv("RUNNER_HOME", str(tmp_path))
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


def test_what_the_user_says_wins() -> None:
    told = load({"threads": 2})
    assert (applied := tuned.applied(told, FOUND)).threads == 2
    assert (applied.micro_batch, applied.origin("micro_batch")) == (64, "tuned")
    assert tuned.applied(load({"batch": 32}), FOUND).micro_batch is None
    elsewhere = load({"device": "cpu"})
    assert tuned.applied(elsewhere, FOUND) == elsewhere


def test_a_damaged_file_tunes_nothing(located: Located, tmp_path: Path) -> None:
    tuned.keep(located, FOUND)
    for path in tmp_path.rglob("tuned.json"):
        path.write_text(path.read_text().replace('"threads": 1', '"threads": "many"'))
    assert tuned.tuned_for(located) is None


def test_only_kv_types_must_be_allowed(located: Located) -> None:
    base = base_of(located, Settings(threads=2))
    tried = candidates(base, logical=4, layers=4, allow_kv=False)
    assert not any("kv" in one for one in tried)
    assert {"threads": 1} in tried
    assert {"threads": 4} in tried
    assert any("kv" in one for one in candidates(base, logical=4, layers=4, allow_kv=True))


def test_a_search_keeps_nothing_that_is_not_better(located: Located) -> None:
    settings = Settings(ctx=256)
    base = base_of(located, Settings(ctx=256, threads=1))
    told: list[object] = []
    search = Search(
        located, settings, base, [{"mmap": True}, {"mmap": False}], time_budget=1.0,
        workloads=synthetic(prompts=(32,), replies=(8,)), told=told.append,
    )  # fmt: skip
    outcome = search.run()
    assert [one.options for one in outcome.tries] == [{"mmap": False}]
    assert len(told) == 1
    comparison = outcome.tries[0].comparison
    assert comparison is not None
    assert comparison.tests


def test_a_search_finds_what_is_several_times_as_fast(located: Located) -> None:
    settings = Settings(ctx=256)
    base = base_of(located, Settings(ctx=256, threads=1)) | {"micro_batch": 1}
    search = Search(
        located, settings, base, [{"micro_batch": 128}], time_budget=6.0,
        workloads=synthetic(prompts=(128,)),
    )  # fmt: skip
    outcome = search.run()
    assert outcome.options == {"micro_batch": 128}
    ratio, low, high = outcome.gains["pp128"]
    assert 1 < low <= ratio <= high
    assert len(outcome.records) == 2


def test_what_cannot_be_is_said_and_left(located: Located) -> None:
    base = base_of(located, Settings(ctx=256, threads=1))
    impossible = {"batch": 64, "micro_batch": 128}
    search = Search(located, Settings(ctx=256), base, [impossible], time_budget=1.0)
    (tried,) = search.run().tries
    assert not tried.kept
    assert "--micro-batch 128 is more than --batch 64" in tried.why


def test_threads_are_kept_with_those_of_prompts(located: Located) -> None:
    base = base_of(located, Settings(threads=2))
    search = Search(located, Settings(), base, [], time_budget=1.0)
    assert search._complete({"threads": 1}) == {"threads": 1, "threads_batch": 2}
    assert search._complete({"repack": False}) == {"repack": False}


def test_the_command_forgets_and_show_tells(
    located: Located, capsys: pytest.CaptureFixture[str]
) -> None:
    from runner.cli.main import app

    tuned.keep(locate("tiny"), FOUND)
    app(["show", "tiny"], standalone_mode=False)
    assert "threads 1, micro batch 64 (tg16 +20.0%)" in capsys.readouterr().out
    app(["tune", "tiny", "--forget"], standalone_mode=False)
    assert "forgotten" in capsys.readouterr().err
    assert tuned.tuned_for(locate("tiny")) is None
