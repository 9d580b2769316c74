import json
import os
import shutil
import signal
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from runner.errors import INTERRUPTED, BuildError
from tests.bootstrap.clone import PYPROJECT, Clone

SETTING_UP = (
    "Setting up Runner in .venv (once). llama.cpp is compiled for this machine: "
    "about four minutes on two cores.\n"
)
# An empty folder to be found before the standard library, with modules that cannot run.
BROKEN = "raise SystemExit('not on this machine')"


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_a_bare_clone_sets_itself_up_once_for_the_program_and_once_for_its_tests(
    clone: Clone,
) -> None:
    code, output, errors = clone.run("chat", "--seed", "1")
    assert errors.startswith(SETTING_UP + "Done in 0:")
    assert code == 7
    told = json.loads(output)
    assert told["arguments"] == ["chat", "--seed", "1"]
    assert Path(told["prefix"]).resolve() == clone.venv.resolve()

    assert clone.run("doctor")[::2] == (7, "")  # the next start says nothing

    code, output, errors = clone.run("-k", "name", module="tests")
    assert errors.startswith("Adding to .venv: runner-tests-need-this>=1.0.\nDone in 0:")
    assert (code, output) == (5, "pytest -k name\n")
    assert clone.run(module="tests")[::2] == (5, "")
    assert clone.run()[::2] == (7, "")

    clone.pyproject.write_text(PYPROJECT.replace("this>=1.0,<3", "this>=2"), encoding="utf-8")
    code, _, errors = clone.run()
    assert code == BuildError.exit_code
    assert "the setup failed: no package index has runner-needs-this>=2. Log: " in errors
    clone.pyproject.write_text(PYPROJECT, encoding="utf-8")
    assert clone.run()[::2] == (7, "")  # what was there still is


def test_flags_for_the_compiler_build_anew_once_and_stay(clone: Clone) -> None:
    def flags(**variables: str) -> tuple[str, str]:
        _, output, errors = clone.run(**variables)
        return json.loads(output)["flags"], errors

    assert flags()[0] == ""
    cuda, told = flags(CMAKE_ARGS="-DGGML_CUDA=on")
    assert cuda == "-DGGML_CUDA=on"
    assert told.startswith('With CMAKE_ARGS="-DGGML_CUDA=on", llama.cpp is compiled')
    assert flags() == ("-DGGML_CUDA=on", "")
    assert flags(CMAKE_ARGS="-DGGML_CUDA=on") == ("-DGGML_CUDA=on", "")

    told = clone.run(CMAKE_ARGS="-DGGML_HIP=on", BUILD_ERROR="CMake Error: no such thing")[2]
    assert "the setup failed: " in told
    assert flags() == ("-DGGML_CUDA=on", "")  # a build that failed takes nothing away
    assert flags(CMAKE_ARGS="")[0] == ""


def test_without_a_compiler_one_line_says_what_to_do(clone: Clone) -> None:
    code, output, errors = clone.run(PATH="")
    assert code == BuildError.exit_code
    assert output == ""
    lines = errors.splitlines()
    assert lines[0] == "Setting up Runner in .venv (once)."
    assert len(lines) == 2
    assert lines[1].startswith(
        "runner: llama.cpp must be compiled for this machine, and no C and C++ compiler was found."
        " Run `"
    )
    assert "PIP_EXTRA_INDEX_URL=https://abetlen.github.io/llama-cpp-python/whl/cpu" in lines[1]

    clone.add_llama_wheel()
    code, output, _ = clone.run(PATH="")
    assert code == 7
    assert json.loads(output)["flags"] == "prebuilt"


def test_a_setup_that_was_cut_off_is_begun_anew(clone: Clone) -> None:
    clone.venv.mkdir()
    (clone.venv / "half-written").touch()
    clone.unfinished.touch()
    code, _, errors = clone.run()
    assert (code, errors.startswith(SETTING_UP)) == (7, True)
    assert not (clone.venv / "half-written").exists()
    assert not clone.unfinished.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
def test_ctrl_c_ends_it_and_two_starts_do_not_meet(clone: Clone) -> None:
    with clone.start(BUILD_SECONDS="60") as first:
        while not clone.unfinished.exists():
            assert first.poll() is None
            time.sleep(0.05)
        with clone.start() as second:
            assert second.stderr is not None
            assert (
                second.stderr.readline() == "Another start is setting up .venv; waiting for it.\n"
            )
            os.killpg(first.pid, signal.SIGINT)
            errors = first.communicate(timeout=60)[1]
            assert first.returncode == INTERRUPTED
            assert errors.endswith(
                "Interrupted: the setup is not finished, and the next start begins it anew.\n"
            )
            assert "Traceback" not in errors
            assert json.loads(second.communicate(timeout=100)[0])["flags"] == ""
        assert second.returncode == 7


BUNDLED = Path(sysconfig.get_path("stdlib")) / "ensurepip/_bundled"


@pytest.mark.skipif(not BUNDLED.exists(), reason="needs the wheels of ensurepip")
def test_a_python_in_parts(clone: Clone, tmp_path: Path) -> None:
    """Debian's python3 without python3-venv has no ensurepip; its pip serves, if it is there."""
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / "ensurepip.py").write_text(BROKEN)
    (parts / "pip.py").write_text(BROKEN)
    code, _, errors = clone.run(PYTHONPATH=str(parts))
    assert code == BuildError.exit_code
    assert "runner: this Python has neither pip nor ensurepip. Run `" in errors

    (parts / "pip.py").unlink()
    links = f"{clone.links} {BUNDLED}"
    code, _, _ = clone.run(PYTHONPATH=str(parts), PIP_FIND_LINKS=links)
    assert code == 7
    assert "No module named pip" not in clone.log.read_text(encoding="utf-8")


UV = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))


@pytest.mark.skipif(UV is None, reason="uv is not installed")
def test_uv_run_installs_with_uv(clone: Clone) -> None:
    assert UV is not None
    code, output, errors = clone.run("list", UV=UV)
    assert errors.startswith(SETTING_UP + "Done in ")
    assert (code, json.loads(output)["arguments"]) == (7, ["list"])
    assert f"$ {UV} pip install" in clone.log.read_text(encoding="utf-8")
    code, output, _ = clone.run(UV=UV, CMAKE_ARGS="-DGGML_VULKAN=on")
    assert json.loads(output)["flags"] == "-DGGML_VULKAN=on"
    assert clone.run()[::2] == (7, "")  # and pip's way in finds nothing to do
