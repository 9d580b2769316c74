"""What a shell offers on Tab, in the shells that are installed here."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.catalog import user_catalog
from runner.chat.personas import make
from runner.cli.complete import outline
from runner.cli.complete.answer import completions, split
from runner.cli.complete.scripts import SCRIPTS
from runner.cli.main import COMMANDS
from runner.paths import cache_directory
from runner.settings import OPTIONS
from tests.cli.conftest import Runner
from tests.cli.shells import completed_by
from tests.cli.test_help import HEAVY

START = "from runner.cli.start import main; main()"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing kept, and a folder without files."""
    monkeypatch.setattr(outline, "_outline", None)
    monkeypatch.chdir(tmp_path)


def offered(line: str) -> list[str]:
    return [text for text, _ in completions(split(line))]


def test_commands_and_what_they_do() -> None:
    offers = dict(completions(["runner", ""]))
    assert set(COMMANDS) <= set(offers)
    assert offers["pull"] == "Fetch a model from Hugging Face"
    assert offered("runner qu") == ["quantize"]
    assert offered("runner nothing-like-it") == []


def test_every_option_of_a_command() -> None:
    assert {option.flag for option in OPTIONS} < set(offered("runner chat -"))
    names = offered("runner run -")
    chats_alone = {"--keys", "--when-full", "--plain"}
    assert {option.flag for option in OPTIONS} - set(names) == chats_alone
    assert {"--help", "--no-json", "--temp", "-n"} < set(names)
    assert offered("runner run tiny --think") == ["--think", "--think-tokens"]
    assert offered("runner --ver") == ["--version"]
    assert offered("runner run -- --") == []


def test_personas() -> None:
    make("mine")
    assert offered("runner chat --persona t") == ["translator", "tutor"]
    assert offered("runner run --persona=mi") == ["--persona=mine"]
    assert offered("runner personas show mi") == ["mine"]


@pytest.mark.parametrize("typed", ["--kv q", "--kv=q", "--threads 2 --kv q", "tiny hi --kv q"])
def test_values_of_an_option(typed: str) -> None:
    prefix = "--kv=" if "=" in typed else ""
    kinds = ("q8_0", "q5_1", "q5_0", "q4_1", "q4_0")
    assert offered(f"runner run {typed}") == [prefix + kind for kind in kinds]


def test_models_and_their_quantizations() -> None:
    assert "deepseek-r1-distill-qwen:1.5b" in offered("runner show deepseek")
    assert offered("runner show r1-qwen:1") == ["r1-qwen:1.5b", "r1-qwen:14b"]
    assert offered("runner show r1-qwen:1.5b:q4") == ["r1-qwen:1.5b:Q4_K_M"]
    assert "tiny" in offered("runner run --draft ")
    assert offered("runner run --draft tiny r1-llama:8") == ["r1-llama:8b"]
    assert offered("runner rm --yes tiny smollm") == []
    assert offered("runner show smollm3:")[:3] == ["smollm3:3b", "smollm3:Q4_K_M", "smollm3:Q8_0"]


def test_what_needs_no_model_offers_none() -> None:
    assert offered("runner show tiny ") == []
    assert offered("runner run tiny ") == []
    assert offered("runner run --system ") == []
    assert offered("runner completion ") == list(SCRIPTS)
    assert offered("runner quantize tiny q4_k") == ["Q4_K_M", "Q4_K_S"]


def test_models_on_this_disk(runner: Runner, hub_with_model: object) -> None:
    assert runner("pull", "somebody/Small-GGUF").code == 0
    assert offered("runner rm ") == ["hf.co/somebody/Small-GGUF"]
    assert offered("runner verify tiny ") == ["hf.co/somebody/Small-GGUF"]
    assert offered("runner rm hf.co/somebody/Small-GGUF:") == ["hf.co/somebody/Small-GGUF:Q8_0"]
    assert "hf.co/somebody/Small-GGUF" in offered("runner run ")


def test_files_of_this_folder(tmp_path: Path) -> None:
    for name in ("zz.gguf", "zz top.gguf", "zz.txt"):
        (tmp_path / name).touch()
    assert offered("runner run zz") == ["zz.gguf"]
    assert offered("runner run ./zz") == []  # the shell completes paths itself


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", [""]),
        ("runner", ["runner"]),
        ("runner  run ", ["runner", "run", ""]),
        ("runner run 'a b' c", ["runner", "run", "a b", "c"]),
        ("runner run 'a b", ["runner", "run", "a b"]),
        ("runner run a\\ b", ["runner", "run", "a b"]),
        ("runner run # x", ["runner", "run", "#", "x"]),
    ],
)
def test_words_of_an_unfinished_line(line: str, words: list[str]) -> None:
    assert split(line) == words


def test_the_outline_is_kept_until_something_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    offered("runner ")
    kept = cache_directory() / "completion.json"
    first = kept.stat().st_mtime_ns
    monkeypatch.setattr(outline, "_outline", None)
    offered("runner ")
    assert kept.stat().st_mtime_ns == first
    for spoilt in (
        "{",
        "[]",
        '{"version": "0"}',
        kept.read_text().replace('"inputs": {"', '"inputs": {"x'),
    ):
        kept.write_text(spoilt)
        monkeypatch.setattr(outline, "_outline", None)
        assert offered("runner qu") == ["quantize"]
        assert kept.read_text() != spoilt


def test_a_catalogue_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert offered("runner show mine") == []
    user_catalog().write_text('[aliases]\n"mine" = "smollm3:3b"\n', "utf-8")
    monkeypatch.setattr(outline, "_outline", None)
    assert offered("runner show mine") == ["mine"]


def test_a_disk_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RUNNER_HOME", str(tmp_path / "file"))
    assert offered("runner qu") == ["quantize"]


def test_it_imports_nothing_heavy(runner: Runner) -> None:
    assert runner("completion", "bash").code == 0
    script = (
        "import sys\n"
        "sys.argv = ['runner', 'runner run r1-qwen:1.5b:', ':=']\n"
        "from runner.cli.start import main\n"
        "main()\n"
        f"print([name for name in {(*HEAVY, 'typer', 'runner.catalog')!r} if name in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"_RUNNER_COMPLETE": "bash"},
    )
    assert said.stdout.splitlines() == ["Q4_K_M", "Q8_0", "[]"]


def test_the_scripts_say_where_they_belong(runner: Runner) -> None:
    for shell, script in SCRIPTS.items():
        said = runner("completion", shell)
        assert (said.code, said.out, said.err) == (0, script, "")
        assert f"#   runner completion {shell} >" in script
    assert "bash, zsh, fish, powershell" in runner("completion", "tcsh").err


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on PATH with a `runner` in it, and with the completion scripts."""
    if sys.platform == "win32":
        pytest.skip("needs a shell of POSIX systems")
    home = tmp_path / "shell"
    home.mkdir()
    command = home / "runner"
    command.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{START}' \"$@\"\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{home}{os.pathsep}{os.environ['PATH']}")
    for name, script in SCRIPTS.items():
        (home / name).write_text(script)
    (tmp_path / "mine.gguf").touch()
    yield home


LINES = {
    "runner qu": "runner quantize ",
    "runner show r1-llama:8": "runner show r1-llama:8b ",
    "runner show r1-qwen:1.5b:q4": "runner show r1-qwen:1.5b:Q4_K_M ",
    "runner run --kv=q8": "runner run --kv=q8_0 ",
    "runner run tiny --logp": "runner run tiny --logprobs ",
    "runner show ./mi": "runner show ./mine.gguf ",
}


def need(shell: str) -> str:
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"{shell} is not installed")
    return path


def test_bash(shell: Path) -> None:
    command = [need("bash"), "--norc", "--noprofile", "-i"]
    assert completed_by(command, f"source {shell}/bash", list(LINES)) == list(LINES.values())


def test_zsh(shell: Path) -> None:
    setup = f"autoload -U compinit; compinit -D -u; source {shell}/zsh"
    completed = completed_by([need("zsh"), "-f", "-i"], setup, list(LINES))
    # zsh takes the space away again where a line ends.
    assert completed == [line.rstrip() for line in LINES.values()]


def test_fish(shell: Path) -> None:
    script = "".join(f"complete -C '{line}'\n" for line in LINES)
    said = subprocess.run(
        [need("fish"), "--no-config", "-c", f"source {shell}/fish\n{script}"],
        capture_output=True,
        text=True,
        check=True,
    )
    offers = [line.split("\t")[0] for line in said.stdout.splitlines()]
    assert offers == [line.split()[-1] for line in LINES.values()]
