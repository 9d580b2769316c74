"""Tuning: what is tried, in which order and for how long; and searches on the shipped model."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from runner import machine
from runner.bench.candidates import Options, base_of, candidates, workloads_of
from runner.bench.compare import compare
from runner.bench.tune import Outcome, Search, is_better, is_long_enough, is_settled
from runner.bench.workloads import synthetic
from runner.cli.main import app
from runner.errors import DiskError
from runner.models import Located, locate, tuned
from runner.paths import data_directory
from runner.settings import Settings

from .compared import record
from .timed import Timed

USUAL = synthetic(prompts=(32,), replies=(8,))
BASE = {
    "threads": 4, "threads_batch": 4, "batch": 512, "micro_batch": 512, "flash_attention": "auto",
    "kv": "f16", "mmap": True, "repack": True, "speculate": False,
}  # fmt: skip
FOUND = tuned.Tuned({"threads": 1, "micro_batch": 64}, {"tg16": (1.2, 1.1, 1.3)}, "run", "date")
CHANGES: list[Options] = [
    {"threads": 3}, {"threads": 2}, {"micro_batch": 128}, {"repack": False}, {"mmap": False},
]  # fmt: skip


@pytest.fixture
def located(tiny_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Located:
    monkeypatch.setenv("RUNNER_HOME", str(tmp_path))
    return Located(tiny_path, "tiny", "Q8_0")


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
        located, settings, base, [{"mmap": True}, {"mmap": False}], 20.0, 256,
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
        located, settings, base, [{"micro_batch": 128}], 20.0, 256,
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
    search = Search(located, Settings(ctx=256), base, [impossible], 30.0, 256)
    (tried,) = search.run().tries
    assert not tried.kept
    assert "--micro-batch 128 is more than --batch 64" in tried.why


def test_threads_are_kept_with_those_of_prompts(located: Located) -> None:
    base = base_of(located, Settings(threads=2))
    search = Search(located, Settings(), base, [], 1.0, 256)
    assert search.complete({"threads": 1}) == {"threads": 1, "threads_batch": 2}
    assert search.complete({"repack": False}) == {"repack": False}


def search(seconds: float, changes: list[Options] = CHANGES) -> Outcome:
    """A search whose time and rates `Timed` gives."""
    return Search(
        Located(Path("m.gguf"), "m", "Q8_0"), Settings(), BASE, changes, seconds, 4096
    ).run()


def names(outcome: Outcome, *, tried: bool) -> list[Options]:
    return [one.options for one in outcome.tries if (one.comparison is not None) == tried]


def test_the_likeliest_gains_come_first() -> None:
    found = [next(iter(one)) for one in candidates(BASE, logical=8, layers=24, allow_kv=True)]
    order = ["threads", "threads_batch", "flash_attention", "speculate", "micro_batch", "repack",
             "mmap", "kv"]  # fmt: skip
    assert list(dict.fromkeys(found)) == order
    on_gpu = candidates(BASE | {"gpu_layers": -1}, logical=8, layers=24, allow_kv=False)
    layers = [one["gpu_layers"] for one in on_gpu if "gpu_layers" in one]
    assert layers == [12, 0]  # -1 is all 25 of them


def test_a_change_is_measured_by_what_it_makes_a_difference_to() -> None:
    def by(options: Options) -> list[str]:
        return [one.name for one in workloads_of(options, BASE, USUAL, room=600)]

    assert by({"threads": 2}) == by({"mmap": False}) == ["pp32", "tg8"]
    assert by({"threads_batch": 2}) == ["pp32"]
    assert by({"micro_batch": 128}) == ["pp512"]
    assert by({"micro_batch": 1024}) == ["pp1024"]
    assert by({"flash_attention": "off"}) == ["pp32@d300", "tg8@d300"]
    assert by({"speculate": True}) == ["code"]


def test_where_time_is_short_the_first_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    timed = Timed(monkeypatch)
    outcome = search(170.0)
    assert names(outcome, tried=True) == [{"threads": 3}, {"threads": 2}]
    assert [one.short for one in outcome.tries] == [False, False, True, True, True]
    assert "there was no time for it: a verdict takes about" in outcome.tries[-1].why
    assert timed.now < 170 * 1.1
    assert outcome.short == 3
    assert not outcome.conclusive


def test_in_the_time_that_it_names_all_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    Timed(monkeypatch)
    needed = search(60.0).time_for_all
    assert needed is not None
    outcome = search(needed + 1)
    assert outcome.conclusive
    assert outcome.tried == len(CHANGES)
    assert not search(needed * 0.6).conclusive


def test_a_try_that_took_longer_than_it_should_is_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the machine is slower than it was at first, as soon as that is known."""
    timed = Timed(monkeypatch, lambda settings, number: 1.0 if number == 0 else 0.25)
    outcome = search(1200.0, CHANGES[:2])
    assert outcome.tried == 2
    assert len(timed.taken) == 3
    hurried = Timed(monkeypatch, lambda settings, number: 1.0 if number == 0 else 0.1)
    outcome = search(260.0, CHANGES[:2])
    assert [one.short for one in outcome.tries] == [True, True]
    assert outcome.time_for_all is not None
    assert outcome.time_for_all > 1000
    assert hurried.now < 400


def test_what_takes_long_waits_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A micro-batch is measured by a prompt of 512 tokens, which takes eight seconds here."""
    Timed(monkeypatch)
    outcome = search(400.0)
    assert [one.options for one in outcome.tries] == [
        {"threads": 3}, {"threads": 2}, {"repack": False}, {"mmap": False}, {"micro_batch": 128},
    ]  # fmt: skip
    assert outcome.tries[-1].short


def test_what_is_slower_at_something_needs_no_other_verdict() -> None:
    steady = [100.0 + block % 3 for block in range(7)]
    noisy = [100.0 * 1.2 ** (block % 3 - 1) for block in range(7)]
    best = record({"tg8": steady, "pp32": noisy})
    slower = record({"tg8": [rate * 0.8 for rate in steady], "pp32": noisy[::-1]}, id="b")
    both = compare(best, slower)
    assert [test.verdict for test in both.tests] == ["slower", "undecided"]
    assert is_settled([best, slower]) and is_long_enough(both) and not is_better(both)
    unclear = replace(slower, tests=slower.tests[1:])
    assert [test.verdict for test in compare(best, unclear).tests] == ["undecided"]
    assert not is_settled([best, unclear]) and not is_long_enough(compare(best, unclear))
    assert not is_settled([best, record({}, id="c")])


def test_what_is_decided_early_leaves_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    changes: list[Options] = [{"threads": 3}, {"repack": False}]
    slow = Timed(monkeypatch, lambda settings, _: 0.5 if settings.threads == 3 else 1.0)
    search(600.0, changes)
    even = Timed(monkeypatch)
    search(600.0, changes)
    _, first, second = (one.time_budget for one in slow.taken)
    assert even.taken[1].time_budget == pytest.approx(first)
    assert second > even.taken[2].time_budget + 50
    assert slow.now <= 600


def test_what_is_kept_is_confirmed_by_all_that_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    timed = Timed(monkeypatch, lambda settings, _: 1.2 if settings.threads == 2 else 1.0)
    outcome = search(600.0, [{"threads": 2}])
    assert outcome.options == {"threads_batch": 4, "threads": 2}
    assert outcome.gains["tg8"][0] == pytest.approx(1.2)
    assert timed.taken[2].time_budget > 400
    assert outcome.conclusive


def test_what_is_not_confirmed_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    Timed(monkeypatch, lambda settings, number: 1.2 if settings.threads == 2 and number < 2 else 1)
    outcome = search(600.0, [{"threads": 2}])
    assert outcome.options == outcome.gains == {}
    assert outcome.best == {"threads_batch": 4, "threads": 2}
    assert outcome.confirmed is not None
    assert {test.verdict for test in outcome.confirmed.tests} == {"equivalent"}


@pytest.mark.parametrize("stop_at", [0, 1, 2, 3])
def test_interrupted_it_says_what_was_tried(monkeypatch: pytest.MonkeyPatch, stop_at: int) -> None:
    Timed(monkeypatch, lambda settings, _: 1.2 if settings.threads == 3 else 1.0, stop_at)
    outcome = search(600.0, CHANGES[:2])
    assert outcome.interrupted
    assert outcome.options == {}
    assert len(outcome.tries) == min(2, max(0, stop_at - 1))
    assert outcome.best == ({"threads_batch": 4, "threads": 3} if stop_at > 1 else {})


def told(*options: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["tune", "tiny", *options])
    return done.exit_code, done.stdout, done.stderr


def faster_at_first(settings: Settings, number: int) -> float:
    return 1.2 if settings.repack is False and number < 20 else 1.0


def test_the_last_word_of_an_interrupted_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNNER_THREADS", "1")
    Timed(monkeypatch, stop_at=3)
    code, out, err = told("--minutes", "60")
    assert code == 130
    assert out == (
        "stopped: 2 changes were tried, and nothing is kept\n`runner tune tiny` begins anew\n"
    )
    assert err.count("not kept") == 2


def test_how_to_go_on_with_what_was_found_until_then(monkeypatch: pytest.MonkeyPatch) -> None:
    Timed(monkeypatch, lambda settings, _: 1.2 if settings.flash_attention == "off" else 1, 9)
    code, out, _ = told("--minutes", "600", "--json")
    assert code == 130
    plain = json.loads(out)
    assert plain["interrupted"]
    assert plain["best"] == {"flash_attention": "off"}
    assert plain["options"] == {}
    Timed(monkeypatch, lambda settings, _: 1.2 if settings.flash_attention == "off" else 1, 9)
    _, out, _ = told("--minutes", "600")
    assert "faster so far, not confirmed: flash attention off" in out
    assert "`--flash-attention off` uses it" in out


def test_what_was_not_confirmed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def factor(settings: Settings, number: int) -> float:
        return 1.2 if settings.mmap is False and number <= number_of_mmap else 1.0

    logical = machine.processors().logical
    base = base_of(locate("tiny"), Settings())
    changes = candidates(base, logical=logical, layers=4, allow_kv=False)
    number_of_mmap = len(changes)
    Timed(monkeypatch, factor)
    code, out, _ = told("--minutes", "600")
    assert code == 0
    assert out.startswith("nothing is kept: no mmap seemed faster at first, not confirmed: pp32 ")
    assert "equivalent" in out
    Timed(monkeypatch, factor)
    _, out, _ = told("--minutes", "600", "--json")
    plain = json.loads(out)
    assert (plain["options"], plain["best"]) == ({}, {"mmap": False})
    assert plain["confirmed"]["tests"][0]["verdict"] == "equivalent"
    assert [one["options"] for one in plain["tries"] if one["kept"]] == [{"mmap": False}]


def test_what_a_disk_does_not_keep_is_said_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (data_directory() / "tuned.json" / "in the way").mkdir(parents=True)
    Timed(monkeypatch, lambda settings, _: 1.2 if settings.flash_attention == "off" else 1)
    code, out, err = told("--minutes", "600")
    assert code == DiskError.exit_code
    assert out.startswith(
        "faster, but not kept: flash attention off; `--flash-attention off` uses it\n"
        "gained over the defaults: pp32 +"
    )
    assert any(line.startswith("error: ") and "tuned.json" in line for line in err.splitlines())
    Timed(monkeypatch, lambda settings, _: 1.2 if settings.flash_attention == "off" else 1)
    code, out, _ = told("--minutes", "600", "--json")
    assert code == DiskError.exit_code
    assert json.loads(out)["options"] == {"flash_attention": "off"}


def test_too_little_time_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    tuned.keep(locate("tiny"), FOUND)
    Timed(monkeypatch)
    code, out, _ = told("--minutes", "0.05")
    assert code == 0
    assert out.startswith("too little time: nothing could be tried\n")
    assert "changes had no time, or too little; --minutes" in out
    assert out.endswith("what was found before holds on: threads 1, micro batch 64\n")
    assert tuned.tuned_for(locate("tiny")) == FOUND


def test_all_tried_and_nothing_better_forgets_what_was_found_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tuned.keep(locate("tiny"), FOUND)
    Timed(monkeypatch)
    _, out, _ = told("--minutes", "600")
    assert out == (
        "nothing that was tried is significantly faster than what holds already\n"
        "what was found before is forgotten: threads 1, micro batch 64\n"
    )
    assert tuned.tuned_for(locate("tiny")) is None


def test_the_command_forgets_and_show_tells(
    located: Located, capsys: pytest.CaptureFixture[str]
) -> None:
    tuned.keep(locate("tiny"), FOUND)
    app(["show", "tiny"], standalone_mode=False)
    assert "threads 1, micro batch 64 (tg16 +20.0%)" in capsys.readouterr().out
    app(["tune", "tiny", "--forget"], standalone_mode=False)
    assert "forgotten" in capsys.readouterr().err
    app(["tune", "tiny", "--forget", "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out) == {"model": "tiny", "forgotten": False}
    assert tuned.tuned_for(locate("tiny")) is None
