"""Flags of llama-bench that scripts have: each is known here, and does what it says or says why
not."""

from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from runner.bench.history import History
from runner.cli import bench_arms, llama_bench
from runner.cli.main import app
from runner.errors import ConfigurationError

SMALL = ["bench", "tiny", "-p", "16", "-n", "0", "-r", "1", "-t", "1", "--no-energy",
         "--no-ceiling"]  # fmt: skip

LLAMA_BENCH = [
    "--numa",
    "-r",
    "--repetitions",
    "--prio",
    "--delay",
    "-o",
    "--output",
    "-oe",
    "--output-err",
    "--list-devices",
    "-v",
    "--verbose",
    "--progress",
    "--no-warmup",
    "-fitt",
    "--fit-target",
    "-fitc",
    "--fit-ctx",
    "-rpc",
    "--rpc",
    "-m",
    "--model",
    "-hf",
    "-hfr",
    "--hf-repo",
    "-hff",
    "--hf-file",
    "-hft",
    "--hf-token",
    "--offline",
    "-p",
    "--n-prompt",
    "-n",
    "--n-gen",
    "-pg",
    "-d",
    "--n-depth",
    "-b",
    "--batch-size",
    "-ub",
    "--ubatch-size",
    "-ctk",
    "--cache-type-k",
    "-ctv",
    "--cache-type-v",
    "-t",
    "--threads",
    "-C",
    "--cpu-mask",
    "--cpu-strict",
    "--poll",
    "-ngl",
    "--n-gpu-layers",
    "-ncmoe",
    "--n-cpu-moe",
    "-sm",
    "--split-mode",
    "-mg",
    "--main-gpu",
    "-nkvo",
    "--no-kv-offload",
    "-fa",
    "--flash-attn",
    "-dev",
    "--device",
    "-lm",
    "--load-mode",
    "-lzm",
    "--lazy-mode",
    "-embd",
    "--embeddings",
    "-ts",
    "--tensor-split",
    "-ot",
    "--override-tensor",
    "-nopo",
    "--no-op-offload",
    "--no-host",
    "--repack",
]
"""Every one that the pinned llama.cpp's `llama-bench --help` lists."""


def test_every_flag_is_known() -> None:
    command: Any = typer.main.get_command(app)
    known = {name for one in command.commands["bench"].params for name in one.opts}
    assert [name for name in LLAMA_BENCH if name not in known] == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["-sm", "row"], "--split-mode row is llama-bench's, and there is none here: devices get"),
        (["-mg", "1"], "--device names the one"),
        (["-nkvo", "1"], "--gpu-layers 0"),
        (["--prio", "2"], "nice -n"),
        (["--poll", "100"], "at 50"),
        (["-C", "0xf"], "taskset"),
        (["--numa", "distribute"], "numactl"),
        (["-ncmoe", "3"], "--cpu-moe"),
        (["--no-warmup"], "--no-warmup is llama-bench's"),
        (["--list-devices"], "runner doctor"),
        (["-lm", "mlock"], "--mmap on or off"),
        (["-ot", "exps=CPU"], "--cpu-moe"),
        (["-oe", "xml"], "--output-err does not know 'xml'"),
        (["-ts", "1/1,2/1"], "-ts 2/1 is one of several values"),
        (["-dev", "CUDA0", "--device", "CUDA1"], "-dev CUDA0 is one of several values"),
    ],
)
def test_what_is_not_here_is_said_with_a_way(given: list[str], said: str) -> None:
    done = CliRunner().invoke(app, [*SMALL, *given])
    assert done.exit_code == 2
    assert said in done.stderr
    assert "No such option" not in done.stderr


def test_what_asks_for_what_is_done_anyway_passes() -> None:
    same = ["-sm", "layer", "-mg", "0", "-nkvo", "0", "--prio", "0", "--poll", "50", "-ncmoe", "0",
            "-embd", "0", "--progress", "-dev", "none", "-oe", "json", "-o", "none"]  # fmt: skip
    done = CliRunner().invoke(app, [*SMALL, *same])
    assert done.exit_code == 0, done.output
    assert done.stdout == ""
    assert '"n_prompt": 16' in done.stderr
    assert [test.name for test in History().get("latest").tests] == ["pp16"]


def test_flags_become_options() -> None:
    def applied(name: str, given: list[str], **before: Any) -> dict[str, Any]:
        (flag,) = (one for one in llama_bench.FLAGS if name in one.names)
        llama_bench._apply(flag, given, before)
        return before

    assert applied("-dev", ["CUDA0/CUDA1"]) == {"device": "CUDA0,CUDA1"}
    assert applied("-dev", ["none"]) == {"device": "cpu"}
    assert applied("-dev", ["auto"]) == {}
    assert applied("-rpc", ["a:1,b:2"]) == {"rpc": "a:1,b:2"}
    assert applied("-ts", ["3/1"]) == {"tensor_split": "3,1"}
    assert applied("-hf", ["a/b:Q4_0,c/d"]) == {"more_names": ["a/b:Q4_0", "c/d"]}
    assert applied("-hf", ["a/b"], more_names=["x"]) == {"more_names": ["x", "a/b"]}
    with pytest.raises(ConfigurationError, match="one of several values"):
        applied("-dev", ["CUDA0"], device="CUDA1")


def test_models_are_parted_by_commas_unless_a_file_is_called_so(tmp_path: Any) -> None:
    odd = tmp_path / "a,b.gguf"
    odd.touch()
    assert llama_bench.models_of(["x.gguf,y.gguf", str(odd)]) == ["x.gguf", "y.gguf", str(odd)]


def test_words_of_llama_bench_for_on_and_off() -> None:
    words = ["on", "enabled", "true", "1", "off", "disabled", "false", "0", "auto", "-1"]
    found = [bench_arms.FLASH[word] for word in words]
    assert found == ["on"] * 4 + ["off"] * 4 + ["auto"] * 2


def test_one_type_of_the_cache_is_for_both_and_that_is_said() -> None:
    done = CliRunner().invoke(app, [*SMALL, "-ctk", "q8_0", "--no-history"])
    assert done.exit_code == 0, done.output
    assert "keys and values of the KV cache have one type here" in done.stderr
