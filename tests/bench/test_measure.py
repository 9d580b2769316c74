"""A real bench over the shipped model: what is counted, kept and refused."""

import json

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from runner.bench import Result, Workload, measure, record, summarize, workloads
from runner.bench.measure import GREEDY
from runner.engine.options import Options
from runner.errors import RunnerError
from runner.models import Ready

REPEAT = 3


@pytest.fixture(scope="module")
def runs() -> list[tuple[str, int, int]]:
    return []


@pytest.fixture(scope="module")
def results(tiny: Ready, runs: list[tuple[str, int, int]]) -> tuple[Result, ...]:
    tests = workloads(48, 16, tiny.model.context_length)
    return measure(
        tiny.model, tests, REPEAT, lambda test, run, of: runs.append((test.name, run, of))
    )


def test_runs_take_turns_and_the_first_of_each_is_not_counted(
    results: tuple[Result, ...], runs: list[tuple[str, int, int]]
) -> None:
    assert [name for name, _, _ in runs] == ["pp48", "tg16"] * (1 + REPEAT)
    assert [(run, of) for _, run, of in runs] == [(number, 8) for number in range(1, 9)]
    assert [len(result.samples) for result in results] == [REPEAT, REPEAT]
    prefill, decode = ([sample.began for sample in result.samples] for result in results)
    turns = [began for pair in zip(prefill, decode, strict=True) for began in pair]
    assert turns == sorted(turns) and turns[0] >= 0


def test_counts_are_those_of_the_workload(results: tuple[Result, ...]) -> None:
    prefill, decode = results
    for sample in prefill.samples:
        timings = sample.timings
        assert (timings.prompt_tokens, timings.reused_tokens, timings.reply_tokens) == (48, 0, 1)
    for sample in decode.samples:
        timings = sample.timings
        # The first of 17 tokens comes with the prefill, so 16 decodes were timed.
        assert (timings.prompt_tokens, timings.reused_tokens, timings.reply_tokens) == (1, 0, 17)


def test_rates_are_tokens_over_time(results: tuple[Result, ...]) -> None:
    for result in results:
        workload = result.workload
        for sample, rate in zip(result.samples, result.rates, strict=True):
            timings = sample.timings
            assert rate * workload.seconds(timings) == pytest.approx(workload.tokens)
            assert 0 < workload.seconds(timings) <= timings.total_seconds
            assert timings.first_token_seconds >= timings.prefill_seconds
        assert result.statistics == summarize(result.rates)
        assert result.first_token.count == REPEAT


def test_what_earlier_requests_left_is_not_reused(tiny: Ready) -> None:
    workload = Workload("prefill", 32)
    prompt = workload.prompt(tiny.model.vocabulary, seed=0)
    tiny.model.generate(prompt, Options(sampling=GREEDY, max_tokens=1)).drain()
    (result,) = measure(tiny.model, [workload], 1)
    assert result.samples[0].timings.reused_tokens == 0


def test_a_run_that_found_its_prompt_in_use_is_void(tiny: Ready) -> None:
    workload = Workload("prefill", 32)
    prompt = workload.prompt(tiny.model.vocabulary, seed=-1)
    with tiny.model.generate(prompt, Options(sampling=GREEDY, ignore_end=True)) as endless:
        next(endless)
        with pytest.raises(RunnerError, match="pp32 is void: 31 tokens"):
            measure(tiny.model, [workload], 1)
    endless.drain()


@given(prompt=st.integers(1, 2000), reply=st.integers(1, 40))
@examples(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_length_runs_within_the_context(tiny: Ready, prompt: int, reply: int) -> None:
    for result in measure(tiny.model, workloads(prompt, reply, tiny.model.context_length), 1):
        assert len(result.samples) == 1
        assert result.statistics.standard_deviation is None


def test_a_reply_may_fill_the_context(tiny: Ready) -> None:
    _, decode = workloads(1, 10_000, tiny.model.context_length)
    (result,) = measure(tiny.model, [decode], 1)
    assert result.samples[0].timings.reply_tokens == tiny.model.context_length


def test_the_record_holds_every_sample_and_what_ran(
    tiny: Ready, results: tuple[Result, ...]
) -> None:
    written = record(tiny, results).to_json()
    assert json.loads(json.dumps(written))["schema"] == "runner-bench/1"
    assert written["model"]["name"] == "tiny"
    assert written["model"]["file"] == tiny.located.path.name
    assert written["model"]["bytes"] == tiny.located.path.stat().st_size
    assert written["model"]["parameters"] > 10**6
    assert written["placement"] | {"devices": None} == {
        "context": 256, "threads": 1, "gpu_layers": tiny.placement.gpu_layers, "kv": "f16",
        "devices": None, "adapters": (),
    }  # fmt: skip
    assert written["placement"]["devices"][-1] == "CPU"
    assert written["machine"]["processor"]["usable"] >= 1
    for test, result in zip(written["tests"], results, strict=True):
        assert test["name"] == result.workload.name
        assert [sample["tokens_per_second"] for sample in test["samples"]] == result.rates
        assert test["tokens_per_second"]["median"] == result.statistics.median
        for sample in test["samples"]:
            assert sample["tokens_per_second"] * sample["seconds"] == pytest.approx(test["tokens"])
