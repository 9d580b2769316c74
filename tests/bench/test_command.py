"""`runner bench`: its table, its remarks and its JSON."""

import io
import json
import re
import sys

import pytest
from typer.testing import CliRunner

from runner import __version__
from runner.cli.bench import _bars
from runner.cli.main import app

SMALL = ["bench", "tiny", "--threads", "1", "--prompt-tokens", "32", "--reply-tokens", "8"]


def test_the_table() -> None:
    done = CliRunner().invoke(app, [*SMALL, "--repeat", "3", "--quiet"])
    assert done.exit_code == 0
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert re.fullmatch(r"model +tiny, Q8_0, [\d.]+ MB, [\d.]+ million parameters", lines[0])
    assert re.fullmatch(r"loaded +on .*CPU, threads 1, context \d+, KV f16", lines[1])
    assert lines[2].startswith("machine ")
    assert re.fullmatch(r"llama.cpp +llama-cpp-python \d+\.\d+\.\d+", lines[3])
    assert lines[5].split() == ["TEST", "TOKENS/S", "MIN", "TO", "MAX", "RUNS"]
    row = r" +[\d.]+ ± [\d.]+ +[\d.]+ to [\d.]+ +3 +[▁▂▃▄▅▆▇█]{3}"
    assert re.fullmatch("pp32" + row, lines[6])
    assert re.fullmatch("tg8" + row, lines[7])
    assert re.fullmatch(
        r"first token after \S+ s with a prompt of 32 tokens \(TTFT, \S+ to \S+\)", lines[9]
    )
    assert len(lines) == 10


def test_the_rates_in_the_table_are_of_one_kind() -> None:
    done = CliRunner().invoke(app, [*SMALL, "--repeat", "2", "--quiet"])
    for line in done.stdout.splitlines()[6:8]:
        numbers = re.findall(r"[\d.]+", line[5:])[:4]
        assert len({"." in number for number in numbers}) == 1


def test_json_is_all_there_is_on_stdout() -> None:
    done = CliRunner().invoke(app, [*SMALL, "--repeat", "2", "--json"])
    assert done.exit_code == 0
    written = json.loads(done.stdout)
    assert list(written) == [
        "schema", "date", "runner", "llama_cpp_python", "instruction_sets", "model", "placement",
        "machine", "warm_up_runs", "tests",
    ]  # fmt: skip
    assert (written["schema"], written["runner"]) == ("runner-bench/1", __version__)
    assert [test["name"] for test in written["tests"]] == ["pp32", "tg8"]
    assert [len(test["samples"]) for test in written["tests"]] == [2, 2]
    for test in written["tests"]:
        assert set(test["tokens_per_second"]) == {
            "count", "median", "mean", "standard_deviation", "minimum", "maximum", "interval",
        }  # fmt: skip


def test_a_prompt_that_the_context_cannot_hold_is_shortened_and_said() -> None:
    wish = ["bench", "tiny", "--ctx", "256", "--prompt-tokens", "300", "--reply-tokens", "2"]
    done = CliRunner().invoke(app, [*wish, "--repeat", "1"])
    assert done.exit_code == 0
    assert "pp255, not 300 tokens: the context holds no more (--ctx)" in done.stderr
    assert "\npp255 " in done.stdout
    assert "±" not in done.stdout  # one run has no deviation


@pytest.mark.parametrize("option", ["--prompt-tokens", "--reply-tokens", "--repeat"])
def test_nothing_to_measure_is_refused(option: str) -> None:
    done = CliRunner().invoke(app, ["bench", "tiny", option, "0"])
    assert done.exit_code == 2
    assert option in done.stderr


def test_an_unknown_model_ends_as_everywhere() -> None:
    done = CliRunner().invoke(app, ["bench", "tinny"])
    assert done.exit_code == 4
    assert "tiny" in done.stderr


def test_bars_begin_at_zero_and_need_a_stream_that_has_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for encoding, steep, level in (("utf-8", "▅█", "███"), ("ascii", "", "")):
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
        assert _bars([1.0, 2.0]) == steep
        assert _bars([10.0, 9.9, 10.0]) == level
