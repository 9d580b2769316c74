"""Real measurements of the shipped model: order, counts, what is kept and refused."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from runner.bench import order
from runner.bench.arm_process import ArmProcess
from runner.bench.arms import Arm
from runner.bench.bench_model import BenchModel
from runner.bench.measure import Progress, Wanted, measure
from runner.bench.page_cache import drop, resident
from runner.bench.plain import from_plain, to_plain
from runner.bench.record import Record
from runner.bench.workloads import synthetic, texts
from runner.errors import ConfigurationError, RunnerError
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
def records(arms: list[Arm], told: list[Progress]) -> tuple[Record, ...]:
    wanted = Wanted(time_budget=60, most_blocks=BLOCKS, warm_ups=2, energy=True)
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


def test_progress_goes_from_loading_to_the_end(told: list[Progress], records: object) -> None:
    phases = list(dict.fromkeys(one.phase for one in told))
    assert phases == ["loading", "warming up", "measuring", "energy"]
    runs = Counter(one.block for one in told if one.phase == "measuring")
    assert runs == dict.fromkeys(range(1, BLOCKS + 1), 4 * len(TESTS))
    shares = [one.share for one in told if one.share is not None]
    assert shares == sorted(shares)


def test_enough_ends_it_and_loads_are_timed(arms: list[Arm]) -> None:
    seen = list[int]()

    def enough(records: object) -> bool:
        seen.append(1)
        return len(seen) == 2

    wanted = Wanted(loads=True, warm_ups=1)
    (record,) = measure(arms[:1], synthetic([16], [4]), wanted, enough=enough)
    assert record.method is not None and record.load is not None
    assert (record.method.blocks, record.method.stopped) == (2, "confident")
    assert record.method.looked
    assert record.load.warm is not None and record.load.warm > 0
    assert (record.load.cold is None) == bool(record.load.reason)
    prefill = record.test("pp16")
    assert prefill is not None and prefill.summary("first_token_cold") is not None
    assert record.noise and record.noise[0].blocks == 2


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


def test_lesser_depths_come_first() -> None:
    tests = synthetic([8, 16], depths=[0, 64, 32])
    orders = {tuple(order.shuffled(tests, 0, block)) for block in range(40)}
    assert len(orders) == 8  # two tests at each of three depths
    assert {tuple(one.depth for one in some) for some in orders} == {(0, 0, 32, 32, 64, 64)}
