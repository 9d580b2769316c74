"""`--help` and `--version`: what they say, and what they must not import to say it."""

import subprocess
import sys

import pytest

from runner import __version__
from runner.errors import RunnerError
from runner.settings import OPTIONS
from tests.cli.conftest import Runner

HEAVY = (
    "llama_cpp",
    "huggingface_hub",
    "httpx",
    "rich",
    "numpy",
    "jinja2",
    "prompt_toolkit",
    "psutil",
    "platformdirs",
    "tomllib",
)


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "sys.argv = ['runner', '--help']\n"
        "from runner.cli.main import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
        f"print('heavy:', [name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert said.stdout.endswith("heavy: []\n")
    assert "Usage: runner" in said.stdout


def test_help_lists_every_command_and_exit_code(runner: Runner) -> None:
    said = runner("--help")
    assert said.code == 0
    assert said.err == ""
    for name in ("chat", "run", "pull", "list", "show", "rm", "bench", "doctor", "config"):
        assert f"\n  {name} " in said.out
    words = " ".join(said.out.split())
    for error in RunnerError.__subclasses__():
        assert f" {error.exit_code} " in words[words.index("Exit codes") :]


def test_no_command_shows_the_help(runner: Runner) -> None:
    said = runner()
    assert "Usage: runner [OPTIONS] COMMAND" in said.out + said.err


def test_version(runner: Runner) -> None:
    assert runner("--version").out == f"runner {__version__}\n"


def test_what_few_need_is_told_in_a_line_each(runner: Runner) -> None:
    words = runner("run", "-h").out.partition("More sampling")[2].rstrip().splitlines()
    few = [option for option in OPTIONS if option.group == "more sampling"]
    assert len(words) == 1 + len(few)
    assert max(map(len, words)) < 80


@pytest.mark.parametrize("command", ["chat", "run"])
def test_every_option_is_in_its_group(runner: Runner, command: str) -> None:
    said = runner(command, "-h")
    assert said.code == 0
    group = ""
    found = {}
    for line in said.out.splitlines():
        if line and not line.startswith(" "):
            group = line.partition(" (")[0].rstrip(":").lower()
        elif line.startswith("  --"):
            found[line.split()[0].rstrip(",")] = group
    useless = {"when_full", "keys", "plain"} if command == "run" else set()
    for option in OPTIONS:
        assert found.get(option.flag) == (None if option.name in useless else option.group)


def test_unknown_options_and_commands_end_with_2(runner: Runner) -> None:
    for arguments in (["run", "tiny", "hello", "--hot"], ["sing"], ["pull", "--quant"]):
        said = runner(*arguments)
        assert said.code == 2
        assert "Error: " in said.err
        assert said.out == ""
