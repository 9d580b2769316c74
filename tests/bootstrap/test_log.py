from pathlib import Path

import pytest

from runner.bootstrap.causes import failure
from runner.bootstrap.progress import Progress, activity
from runner.errors import BuildError, DiskError, NetworkError, RunnerError

# The telling lines of real logs, and what they come to.
LOGS = [
    (
        "  CMake Error: CMAKE_C_COMPILER not set, after EnableLanguage\n"
        "  error: subprocess-exited-with-error\n",
        BuildError,
        "the C and C++ compiler does not work.",
    ),
    (
        '    The C compiler\n      "/usr/bin/gcc"\n'
        "    is not able to compile a simple test program.\n",
        BuildError,
        "the C and C++ compiler does not work.",
    ),
    (
        "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError("
        "'<HTTPSConnection object>: Failed to establish a new connection: [Errno -2] Name or "
        "service not known')': /simple/hatchling/\n"
        "ERROR: Could not find a version that satisfies the requirement hatchling>=1.27\n"
        "ERROR: No matching distribution found for hatchling>=1.27\n",
        NetworkError,
        "the package index cannot be reached.",
    ),
    (
        "error: Request failed after 3 retries in 11.5s\n"
        "  cause: Failed to fetch: https://index.example/simple/rich/\n"
        "  cause: tcp connect error\n  cause: Connection refused (os error 111)\n",
        NetworkError,
        "the package index cannot be reached.",
    ),
    (
        "ERROR: No matching distribution found for numpy>=2.1\n",
        BuildError,
        "no package index has numpy>=2.1.",
    ),
    (
        "fatal error: error writing to /tmp/ccOm3Q7k.s: No space left on device\n"
        "compilation terminated.\n",
        DiskError,
        "the disk is full.",
    ),
    (
        "c++: fatal error: Killed signal terminated program cc1plus\n",
        BuildError,
        "the compiler ran out of memory.",
    ),
    (
        "CMake Error at vendor/llama.cpp/ggml/src/ggml-cuda/CMakeLists.txt:258 (message):\n"
        "  CUDA Toolkit not found\n",
        BuildError,
        "CMAKE_ARGS asks for CUDA, and the CUDA toolkit (nvcc) was not found.",
    ),
    (
        "  Could NOT find Vulkan (missing: Vulkan_LIBRARY glslc)\n",
        BuildError,
        "CMAKE_ARGS asks for Vulkan, and its headers, library or compiler (glslc) were not found.",
    ),
    (
        "something\nERROR: the moon is in the way\nmore\n",
        BuildError,
        "ERROR: the moon is in the way",
    ),
    ("", BuildError, "the installer does not say why."),
]


@pytest.mark.parametrize(("log", "kind", "cause"), LOGS)
def test_causes(tmp_path: Path, log: str, kind: type[RunnerError], cause: str) -> None:
    path = tmp_path / "setup.log"
    path.write_text(log, encoding="utf-8")
    error = failure(path)
    assert type(error) is kind
    assert error.message == f"the setup failed: {cause}"
    assert error.remedy.endswith(f"Log: {path}")


def test_a_broken_compiler_gets_the_line_that_installs_one(tmp_path: Path) -> None:
    path = tmp_path / "setup.log"
    path.write_text(LOGS[0][0], encoding="utf-8")
    assert failure(path).remedy.startswith("Run `")


@pytest.mark.parametrize(
    ("tail", "words"),
    [
        ("", "preparing"),
        ("Collecting rich>=14.0\n  Downloading rich-15.0.0.whl", "fetching packages"),
        ("  *** Configuring CMake...\n", "preparing llama.cpp"),
        (
            "  [77/311] /usr/bin/c++ -O3\n  [78/311] /usr/bin",
            "compiling llama.cpp, 78 of 311 steps",
        ),
        ("DEBUG [78/311] /usr/bin/c++", "compiling llama.cpp, 78 of 311 steps"),
        ("[ 12%] Building CXX object", "compiling llama.cpp, 12 %"),
        ("[311/311] c++\nInstalling collected packages: rich", "installing packages"),
    ],
)
def test_what_the_log_says_is_being_done(tail: str, words: str) -> None:
    assert activity(tail) == words


def test_a_program_that_cannot_start_is_a_failure_like_another(tmp_path: Path) -> None:
    progress = Progress(tmp_path / "setup.log")
    assert not progress.try_run([str(tmp_path / "no-such-program")])
    with pytest.raises(BuildError):
        progress.run([str(tmp_path / "no-such-program"), "--really"])
    assert "no-such-program --really" in (tmp_path / "setup.log").read_text(encoding="utf-8")
