"""Errors as a person and as a script get them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from runner.cli.errors import explained
from runner.errors import (
    ConfigurationError,
    RunnerError,
    UnknownChat,
    UnknownModel,
    UnknownRecord,
    UnknownTask,
)
from runner.paths import config_file
from tests.cli.conftest import COMMAND, Runner


def test_an_unknown_name_gets_the_nearest(runner: Runner) -> None:
    said = runner("run", "deepseek-r1-distil-qwen:1.5b", "hello")
    assert (said.code, said.out) == (4, "")
    cause, remedy = said.err.splitlines()
    assert cause == "error: no model is called 'deepseek-r1-distil-qwen:1.5b'"
    assert "deepseek-r1-distill-qwen:1.5b" in remedy


def test_a_model_that_is_not_here_is_named_with_the_line_that_fetches_it(runner: Runner) -> None:
    said = runner("run", "deepseek-r1-distill-qwen:1.5b:Q8_0", "hello")
    assert (said.code, said.out) == (3, "")
    cause, remedy = said.err.splitlines()
    assert cause == "error: deepseek-r1-distill-qwen:1.5b:Q8_0 is not on this machine"
    assert remedy.startswith("runner pull deepseek-r1-distill-qwen:1.5b:Q8_0")
    assert remedy.endswith("GB)")


def test_as_json(runner: Runner) -> None:
    said = runner("run", "deepseek-r1-distill-qwen:1.5b", "hello", "--json")
    assert (said.code, said.err) == (3, "")
    error = json.loads(said.out)["error"]
    assert (error["kind"], error["exit_code"]) == ("ModelNotHere", 3)
    assert set(error) == {"kind", "message", "remedy", "exit_code"}


def test_json_asked_for_by_the_environment(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNNER_JSON", "1")
    assert json.loads(runner("show", "no-such-model").out)["error"]["kind"] == "UnknownModel"
    assert runner("show", "no-such-model", "--no-json").out == ""


def test_a_file_that_is_no_model(runner: Runner, tmp_path: Path) -> None:
    path = tmp_path / "picture.gguf"
    path.write_bytes(b"GIF89a" + bytes(100))
    said = runner("run", str(path), "hello")
    assert (said.code, said.out) == (5, "")
    assert said.err.startswith("error: picture.gguf is not a GGUF file\n")


def test_a_file_that_is_cut_short(runner: Runner, tmp_path: Path, tiny_path: Path) -> None:
    path = tmp_path / "half.gguf"
    path.write_bytes(tiny_path.read_bytes()[:500_000])
    said = runner("run", str(path), "hello")
    assert (said.code, said.out) == (5, "")
    assert said.err.startswith("error: ")
    assert "Traceback" not in said.err


def test_a_path_that_does_not_exist(runner: Runner, tmp_path: Path) -> None:
    said = runner("chat", str(tmp_path / "none.gguf"))
    assert said.code == 4
    assert "none.gguf" in said.err


def test_a_wrong_setting(runner: Runner) -> None:
    said = runner("run", "tiny", "hello", "--top-p", "7")
    assert (said.code, said.out) == (2, "")
    assert said.err == "error: --top-p is 7.0; it must be from 0 to 1\n"


def test_a_wrong_configuration_file_stops_every_command(runner: Runner) -> None:
    config_file().write_text("temprature = 1", "utf-8")
    for arguments in (["list"], ["config"], ["run", "tiny", "hello"], ["doctor"]):
        said = runner(*arguments)
        assert (said.code, said.out) == (2, "")
        assert said.err == (
            f"error: {config_file()}: there is no option 'temprature'\n"
            "The nearest is 'temperature'.\n"
        )


def test_a_prompt_longer_than_the_context_is_counted_and_not_cut(runner: Runner) -> None:
    said = runner("run", "tiny", "word " * 3000)
    assert (said.code, said.out) == (7, "")
    assert "tokens and the context holds 2048" in said.err
    assert "longer context" in said.err


def test_the_unexpected_is_a_line_and_a_traceback_on_request(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble() -> None:
        raise ZeroDivisionError("by\n\x1b[31mnothing")

    for debug in (False, True):
        if debug:
            monkeypatch.setenv("RUNNER_DEBUG", "1")
        with pytest.raises(typer.Exit) as ended:
            explained(stumble)()
        said = capsys.readouterr()
        assert ended.value.exit_code == 1
        assert "error: ZeroDivisionError: by nothing\n" in said.err
        assert ("Traceback" in said.err) == debug
        assert "RUNNER_DEBUG=1" in said.err


def test_every_error_keeps_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise ConfigurationError("no", remedy="yes")

    with pytest.raises(typer.Exit) as ended:
        explained(fail)()
    assert ended.value.exit_code == ConfigurationError.exit_code
    assert capsys.readouterr().err == "error: no\nyes\n"
    same = {UnknownModel, UnknownChat, UnknownRecord, UnknownTask}  # nothing of this name
    codes = [error.exit_code for error in RunnerError.__subclasses__() if error not in same]
    assert len({*codes, UnknownModel.exit_code}) == len(codes) + 1
    assert {error.exit_code for error in same} == {UnknownModel.exit_code}


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX pipes")
def test_a_reader_that_leaves_early_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    said = subprocess.run(
        [*COMMAND, "list", "--all"], stdout=write, stderr=subprocess.PIPE, text=True
    )
    os.close(write)
    assert said.stderr == ""
