"""Real measurements of the shipped model: order, counts, what is kept and refused."""

import math
import pickle
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner import machine
from runner.bench import order
from runner.bench import records as records_room
from runner.bench.arm_process import ArmProcess, _parts, _rebuilt
from runner.bench.arms import Arm
from runner.bench.bench_model import BenchModel, Loaded
from runner.bench.measure import Progress, Wanted, measure
from runner.bench.page_cache import drop, resident
from runner.bench.plain import from_plain, to_plain
from runner.bench.record import Energy, Method, Record, Summary
from runner.bench.records import Facts, Taken
from runner.bench.shift import LOOKS
from runner.bench.workloads import synthetic, texts
from runner.errors import ConfigurationError, ModelNotHere, Offer, RunnerError
from runner.machine.rates import CPU, DeviceRates, Rates, keep
from runner.models import Located
from runner.settings import Settings

TESTS = (*synthetic([32], [8], depths=[0, 64]), *texts(["chat"], 8))
BLOCKS = 2


@pytest.fixture(scope="module")
def located(tiny_path: Path) -> Located:
    return Located(tiny_path, "tiny", "Q8_0")


@pytest.fixture(scope="module")
def arms(located: Located) -> list[Arm]:
    return [Arm(kv, located, Settings(threads=1, kv=kv)) for kv in ("f16", "q8_0")]


@pytest.fixture(scope="module")
def told() -> list[Progress]:
    return []


@pytest.fixture(scope="module")
def records(
    arms: list[Arm], told: list[Progress], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Record, ...]:
    wanted = Wanted(time_budget=60, most_blocks=BLOCKS, warm_ups=2, energy=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUNNER_HOME", str(tmp_path_factory.mktemp("measured")))
        return measure(arms, TESTS, wanted, progress=told.append)


def test_each_arm_has_a_record_of_the_same_run(records: tuple[Record, ...]) -> None:
    assert [one.name for one in records] == ["f16", "q8_0"]
    assert [one.configuration.kv for one in records] == ["f16", "q8_0"]
    assert len({one.run for one in records}) == 1
    assert len({one.id for one in records}) == 2
    for one in records:
        assert [test.name for test in one.tests] == [test.name for test in TESTS]
        assert one.method is not None
        assert (one.method.blocks, one.method.stopped) == (BLOCKS, "blocks")
        assert one.method.warm_ups >= len(TESTS)
        assert from_plain(Record, to_plain(one)) == one


def test_blocks_are_mirrored(records: tuple[Record, ...]) -> None:
    for test in TESTS:
        for block in range(BLOCKS):
            places = [
                [s.position for s in found.samples if s.block == block]
                for one in records
                if (found := one.test(test.name))
            ]
            assert sorted(places) == [[0, 3], [1, 2]]


def test_counts_are_those_of_the_workload(records: tuple[Record, ...]) -> None:
    for one in records:
        for test, workload in zip(one.tests, TESTS, strict=True):
            for sample in test.samples:
                assert sample.cached_tokens == test.depth
                assert sample.reply_tokens == workload.sampled_tokens
                if not workload.text:
                    read = sample.prompt_tokens - sample.cached_tokens
                    assert read == max(workload.prompt_tokens, 1)
                between = 0 if test.kind == "prefill" else sample.reply_tokens - 1
                assert len(sample.inter_token_seconds) == between
                assert sum(sample.inter_token_seconds) == pytest.approx(
                    sample.decode_seconds, abs=1e-5
                )
                again = test.kind != "decode" and not test.depth
                assert (sample.cached_first_token_seconds is not None) == again


def test_energy_that_nothing_measures_is_no_number(records: tuple[Record, ...]) -> None:
    for one in records:
        prefill = one.test("pp32")
        assert prefill is not None
        for energy in prefill.energy:
            assert energy.of == "prefill"
            assert energy.net is not None or energy.reason


def test_progress_goes_from_loading_to_the_end(
    told: list[Progress], records: tuple[Record, ...]
) -> None:
    phases = list(dict.fromkeys(one.phase for one in told))
    assert phases == ["hashing", "loading", "warming up", "measuring", "energy"]
    runs = {(one.block, one.arm, one.test) for one in told if one.phase == "measuring"}
    assert len(runs) == BLOCKS * len(records) * len(TESTS)
    for phase in phases:
        shares = [one.share for one in told if one.phase == phase and one.share is not None]
        assert shares == sorted(shares) and all(0 <= share < 1 for share in shares)
    assert all(one.left is not None for one in told if one.phase == "measuring")


def test_enough_ends_it_and_loads_are_timed(arms: list[Arm]) -> None:
    seen = list[int]()

    def enough(records: object) -> bool:
        seen.append(1)
        return len(seen) == 2

    wanted = Wanted(time_budget=math.inf, loads=True, warm_ups=1)
    (record,) = measure(arms[:1], synthetic([16], [4]), wanted, enough=enough)
    assert record.method is not None and record.load is not None
    assert (record.method.blocks, record.method.stopped) == (2, "confident")
    assert record.method.looked
    assert record.load.warm is not None and record.load.warm > 0
    assert (record.load.cold is None) == bool(record.load.reason)
    prefill = record.test("pp16")
    assert prefill is not None and prefill.summary("first_token_cold") is not None
    assert record.noise and record.noise[0].blocks == 2


@pytest.mark.parametrize("in_turn", [False, True])
def test_it_is_asked_at_the_moments_to_look_and_nothing_is_reckoned_between(
    arms: list[Arm], monkeypatch: pytest.MonkeyPatch, in_turn: bool
) -> None:
    if in_turn:
        monkeypatch.setattr("runner.bench.room.SHARE", 0.0)
    made, shares = Counter[str](), list[float]()
    reckoned = records_room.record

    def counted(taken: Taken, facts: Facts, method: Method) -> Record:
        made[taken.arm.name] += 1
        return reckoned(taken, facts, method)

    def never(records: Sequence[Record]) -> bool:
        method = records[0].method
        assert method is not None
        shares.append(method.seconds / method.time_budget)
        return False

    monkeypatch.setattr("runner.bench.measure.record", counted)
    wanted = Wanted(time_budget=8.0 if in_turn else 2.0, warm_ups=1, ceiling=False)
    first, second = measure(arms, synthetic([16], [4]), wanted, enough=never)
    assert first.method is not None and first.method.stopped == "time"
    moments = [math.floor(LOOKS * share) for share in shares]
    assert moments == sorted(set(moments)) and 0 not in moments
    if in_turn:
        # None is missed: in each eighth in which a block ended, well before its end, was a look.
        ends = [LOOKS * one for one in block_ends(first, second)[:-1]]
        assert set(moments) >= {int(one) for one in ends if one >= 1 and int(one) == int(one + 0.2)}
    else:
        # One where both orders of loading had as much time; the last may be the end itself.
        assert len(shares) in (first.method.loads // 2 - 1, first.method.loads // 2)
    assert set(made.values()) == {len(shares) + 1}


def block_ends(*records: Record) -> list[float]:
    """When blocks ended, as far as samples tell, as shares of the budget."""
    method = records[0].method
    assert method is not None
    samples = [one for record in records for test in record.tests for one in test.samples]
    return [
        max(one.began + one.total_seconds for one in samples if one.block == block)
        / method.time_budget
        for block in range(method.blocks)
    ]


def test_records_are_made_once_where_nobody_looks(
    arms: list[Arm], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, looked = list[int](), list[int]()
    reckoned, figures = records_room.record, records_room.main_figures

    def counted(taken: Taken, facts: Facts, method: Method) -> Record:
        made.append(method.blocks)
        return reckoned(taken, facts, method)

    def seen(taken: Taken, confidence: float) -> Iterator[Summary]:
        looked.append(max(one.block for one in next(iter(taken.samples.values()))) + 1)
        return figures(taken, confidence)

    monkeypatch.setattr("runner.bench.measure.record", counted)
    monkeypatch.setattr("runner.bench.measure.main_figures", seen)
    wanted = Wanted(most_blocks=30, width=0.0, warm_ups=1, ceiling=False)
    measure(arms[:1], synthetic([16]), wanted)
    assert made == [30]
    assert looked == [6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 21, 24, 27]


def test_seconds_are_those_of_the_blocks(arms: list[Arm], monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(*_: object) -> tuple[Energy, ...]:
        time.sleep(1.5)
        return ()

    monkeypatch.setattr(ArmProcess, "energy", slowly)
    wanted = Wanted(most_blocks=2, warm_ups=1, energy=True)
    (record,) = measure(arms[:1], synthetic([16]), wanted)
    samples = record.tests[0].samples
    assert record.method is not None
    assert record.method.seconds < samples[-1].began + samples[-1].total_seconds + 1


def test_ctrl_c_while_energy_is_measured_leaves_the_figures_whole(arms: list[Arm]) -> None:
    said = list[str]()

    def stop(now: Progress) -> None:
        if now.phase == "energy":
            raise KeyboardInterrupt

    wanted = Wanted(most_blocks=2, warm_ups=1, energy=True)
    (record,) = measure(arms[:1], synthetic([16]), wanted, progress=stop, remark=said.append)
    assert record.method is not None
    assert (record.method.stopped, record.method.blocks) == ("blocks", 2)
    assert said == ["stopped after the blocks: their figures are whole"]
    (energy,) = record.tests[0].energy
    assert energy.net is None and "stopped" in energy.reason


def test_a_figure_is_refused_only_where_the_ceiling_was_measured_anew(
    arms: list[Arm], monkeypatch: pytest.MonkeyPatch
) -> None:
    cpu = DeviceRates("", 1e-9, {"Q8_0": 1.0}, {"Q8_0": 1.0}, 1.0, 1.0)
    keep(Rates(1, 1.0, {CPU: cpu}, datetime.now(UTC)))
    # So little that the shipped model is faster than "possible", until it is measured anew.
    monkeypatch.setattr("runner.bench.ceiling.last_cache", lambda: 1)
    phases = list[str]()
    wanted = Wanted(most_blocks=2, warm_ups=1)
    (record,) = measure(
        arms[:1], synthetic([16], [4]), wanted, progress=lambda now: phases.append(now.phase)
    )
    assert record.flags.count("IMPLAUSIBLE") == 0
    assert all(test.summaries and test.ceiling for test in record.tests)
    assert [one for one in phases if "ceiling" in one]
    kept = machine.rates()
    assert kept is not None and kept.peak > 1e6 and kept.read_bandwidth > 1e6

    keep(Rates(1, 1.0, {CPU: cpu}, datetime.now(UTC)))
    (without,) = measure(arms[:1], synthetic([16], [4]), replace(wanted, ceiling=False))
    assert all(test.ceiling is None and test.summaries for test in without.tests)


def test_ctrl_c_keeps_what_was_measured(arms: list[Arm]) -> None:
    def stop(now: Progress) -> None:
        if now.phase == "measuring" and now.block == 2:
            raise KeyboardInterrupt

    (record,) = measure(arms[:1], synthetic([16]), Wanted(warm_ups=1), progress=stop)
    assert record.method is not None and record.method.stopped == "interrupted"
    assert len(record.tests[0].samples) == 2


def test_ctrl_c_before_anything_was_measured_is_raised(arms: list[Arm]) -> None:
    def stop(now: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(arms[:1], synthetic([16]), Wanted(), progress=stop)


def test_ctrl_c_in_the_first_run_leaves_arms_without_figures(arms: list[Arm]) -> None:
    runs = list[str]()

    def stop(now: Progress) -> None:
        if now.phase == "measuring" and now.arm not in runs:
            runs.append(now.arm)
            if len(runs) == 2:
                raise KeyboardInterrupt

    records = measure(arms, synthetic([16]), Wanted(warm_ups=1), progress=stop)
    assert sorted(len(one.tests) for one in records) == [0, 1]


def test_arms_that_do_not_fit_together_are_loaded_in_turn(
    arms: list[Arm], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.bench.room.SHARE", 0.0)
    said = list[str]()
    wanted = Wanted(most_blocks=2, warm_ups=1)
    records = measure(arms, synthetic([16], [4]), wanted, remark=said.append)
    assert any("in turn" in text for text in said)
    assert [len(test.samples) for one in records for test in one.tests] == [4] * 4


def test_a_test_that_the_context_cannot_hold_is_left_out_and_said(located: Located) -> None:
    arm, said = Arm("short", located, Settings(ctx=64, threads=1)), list[str]()
    wanted = Wanted(most_blocks=1, warm_ups=1)
    (record,) = measure([arm], synthetic([16, 100]), wanted, remark=said.append)
    assert [test.name for test in record.tests] == ["pp16"]
    assert any("pp100 is left out for short" in text for text in said)
    with pytest.raises(ConfigurationError, match="no test fits"):
        measure([arm], synthetic([100]), wanted)


def test_a_process_that_dies_is_an_error_with_its_name(arms: list[Arm]) -> None:
    process = ArmProcess(arms[0], synthetic([16]))
    process.open()
    process._process.kill()
    with pytest.raises(RunnerError, match="f16: the process that measures ended"):
        process.run(synthetic([16])[0], "0")
    process.close()


def test_what_a_process_raises_is_raised_here(located: Located, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(located.path.read_bytes()[:5000])
    process = ArmProcess(Arm("damaged", replace(located, path=damaged), Settings()), TESTS)
    with pytest.raises(RunnerError, match=r"damaged\.gguf"):
        process.open()
    process.close()


def test_an_error_arrives_as_what_it_is() -> None:
    offer = Offer("tiny", "somebody/tiny", None, 5)
    sent = pickle.dumps(_parts(ModelNotHere("not here", offer=offer, remedy="Fetch it.")))
    error = _rebuilt(*pickle.loads(sent))
    assert isinstance(error, ModelNotHere)
    assert (str(error), error.message, error.remedy) == ("not here", "not here", "Fetch it.")
    assert error.offer == offer


def test_what_should_not_happen_in_a_process_is_raised_here_with_its_name(arms: list[Arm]) -> None:
    process = ArmProcess(arms[0], synthetic([16]))
    with pytest.raises(RunnerError, match=r"AttributeError.*run") as caught:
        process.run(synthetic([16])[0], "0")  # nothing is open
    assert "bench_model" not in caught.value.message
    assert "Traceback" in "".join(caught.value.__notes__)
    assert process.open().seconds > 0  # and it goes on
    process.close()


def test_while_a_process_works_that_is_told(
    arms: list[Arm], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.bench.arm_process.WAKE_SECONDS", 0.01)
    monkeypatch.setattr("runner.bench.arm_process.TELL_SECONDS", 0.0)
    told = list[int]()
    process = ArmProcess(arms[0], synthetic([16]), waiting=lambda: told.append(1))
    process.open()
    process.close()
    assert told


@pytest.mark.skipif(sys.platform != "linux", reason="only there a process tells what it blocks")
def test_ctrl_c_does_not_reach_even_the_first_process(tiny_path: Path) -> None:
    """It would die of it with a traceback while it starts; the parent decides what Ctrl-C means."""
    code = """if True:
        import sys
        from pathlib import Path
        from runner.bench.arm_process import ArmProcess
        from runner.bench.arms import Arm
        from runner.bench.workloads import synthetic
        from runner.models import Located
        from runner.settings import Settings
        located = Located(Path(sys.argv[1]), "tiny", "Q8_0")
        process = ArmProcess(Arm("tiny", located, Settings(threads=1)), synthetic([16]))
        print(Path(f"/proc/{process.pid}/status").read_text())
        process.close()
    """
    told = subprocess.run(
        [sys.executable, "-c", code, str(tiny_path)], capture_output=True, text=True, check=True
    ).stdout
    (blocked,) = re.findall(r"^SigBlk:\s*([0-9a-f]+)$", told, re.M)
    assert int(blocked, 16) & 1 << signal.SIGINT - 1


def test_no_arm_is_among_the_others_of_another(
    arms: list[Arm], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = list[ArmProcess]()
    load = ArmProcess.open

    def seen(process: ArmProcess) -> Loaded:
        opened.append(process)
        return load(process)

    monkeypatch.setattr(ArmProcess, "open", seen)
    measure(arms, synthetic([16]), Wanted(most_blocks=1, warm_ups=1))
    assert len(opened) == 2
    pids = {one.pid for one in opened}
    assert all(set(one.family) == pids for one in opened)


def test_a_run_with_too_few_tokens_is_refused(arms: list[Arm]) -> None:
    model = BenchModel(replace(arms[0], settings=Settings(threads=1, ctx=64)), synthetic([16]))
    try:
        with pytest.raises(RunnerError, match="of 101 tokens"):
            model.run(synthetic([], [100])[0], "0")
    finally:
        model.close()


def test_a_dropped_file_is_not_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(2**20))
    path.read_bytes()
    reason = drop([path])
    assert reason or resident(path) < 0.02


def test_the_order_of_two_arms_is_a_fair_coin() -> None:
    orders = Counter(
        "".join(arm for arm, _ in order.mirrored(("A", "B"), 0, block, "pp512"))
        for block in range(400)
    )
    assert set(orders) == {"ABBA", "BAAB"}
    assert 150 < orders["ABBA"] < 250


def test_depths_go_up_and_down() -> None:
    tests = synthetic([8, 16], depths=[0, 64, 32])
    orders = {tuple(order.shuffled(tests, 0, block)) for block in range(80)}
    assert len(orders) == 16  # two tests at each of three depths, up or down
    up = {tuple(one.depth for one in order.shuffled(tests, 0, block)) for block in range(0, 40, 2)}
    down = {
        tuple(one.depth for one in order.shuffled(tests, 0, block)) for block in range(1, 40, 2)
    }
    assert (up, down) == ({(0, 0, 32, 32, 64, 64)}, {(64, 64, 32, 32, 0, 0)})
