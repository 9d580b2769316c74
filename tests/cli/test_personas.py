"""`runner personas`, and `--persona` with the tiny model."""

import json
import sys
from pathlib import Path

import pytest

from runner.chat.personas import folder
from runner.cli import options
from runner.cli.terminal import editor
from runner.errors import ConfigurationError
from tests.cli.conftest import Runner


def test_listed_and_shown(runner: Runner) -> None:
    said = runner("personas")
    assert said.out == runner("personas", "list").out
    assert said.out.splitlines()[0].split() == ["NAME", "MODEL", "FROM", "DESCRIPTION"]
    assert "translator" in said.out
    facts = json.loads(runner("personas", "--json").out)["personas"]
    assert {"name", "path", "shipped", "description", "model", "settings"} == set(facts[0])
    assert runner("personas", "show", "tutor").out.startswith("description = ")
    assert json.loads(runner("personas", "show", "tutor", "--json").out)["settings"]["think"]


def test_a_broken_one_is_told_and_the_others_listed(runner: Runner) -> None:
    folder().mkdir()
    (folder() / "broken.toml").write_text("\x1b[31m = 3", encoding="utf-8")
    said = runner("personas")
    assert said.code == 0 and "translator" in said.out
    assert "broken.toml: is not TOML" in said.err and "\x1b" not in said.err


def test_made_copied_and_deleted(runner: Runner) -> None:
    path = folder() / "mine.toml"
    assert runner("personas", "new", "mine").out == f"{path}\n"
    assert runner("personas", "path").out == f"{folder()}\n"
    assert "is a persona mine already" in runner("personas", "new", "mine").err
    assert runner("personas", "new", "mine-too", "--like", "tutor").code == 0
    said = runner("personas", "edit", "tutor")
    assert said.out == f"{folder() / 'tutor.toml'}\n"
    assert "your copy" in said.err
    assert "nobody is here" in runner("personas", "rm", "mine").err
    assert runner("personas", "rm", "mine", "--yes").out == f"deleted {path}\n"
    assert json.loads(runner("personas", "rm", "tutor", "--yes", "--json").out) == {
        "removed": [str(folder() / "tutor.toml")]
    }


def test_added(runner: Runner, tmp_path: Path) -> None:
    shared = tmp_path / "pirate.toml"
    shared.write_text('system = "Arr."', encoding="utf-8")
    said = runner("personas", "add", str(shared), "--as", "captain")
    assert said.out == f"added captain: {folder() / 'captain.toml'}\n"
    shared.write_text('mcp = ["evil"]', encoding="utf-8")
    assert runner("personas", "add", str(shared)).code == 2


def test_the_editor_is_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "my editor.py"
    script.write_text("import sys; open(sys.argv[-1], 'a').write('top_k = 7\\n')")
    monkeypatch.setenv("VISUAL", f'"{sys.executable}" "{script}"')
    path = tmp_path / "x.toml"
    editor.edit(path)
    assert path.read_text() == "top_k = 7\n"
    monkeypatch.setenv("VISUAL", "no-such-editor-anywhere")
    with pytest.raises(ConfigurationError, match="the editor failed"):
        editor.edit(path)


def test_a_reply_with_one(runner: Runner, tmp_path: Path) -> None:
    """A persona's model, sampling and schema act; what the command line says goes before it."""
    persona = tmp_path / "judge.toml"
    persona.write_text(
        'model = "tiny"\nseed = 5\ntemperature = 0\nmax_tokens = 40\nchoice = ["yes", "no"]\n'
        'system = "You judge."\n',
        encoding="utf-8",
    )
    said = runner("run", "tiny", "hello", "--persona", str(persona), "--json")
    facts = json.loads(said.out)
    assert facts["answer"] in ("yes", "no")
    assert facts["seed"] == 5
    other = runner("run", "tiny", "hello", "--persona", str(persona), "--seed", "6", "--json")
    assert json.loads(other.out)["seed"] == 6
    said = runner("chat", "--persona", str(persona), stdin="hello\n")
    assert said.code == 0 and said.out.strip() in ("yes", "no")


def test_one_that_there_is_not(runner: Runner) -> None:
    said = runner("run", "tiny", "hello", "--persona", "transltor")
    assert (said.code, said.err) == (
        2,
        "error: there is no persona 'transltor'\n"
        "Did you mean 'translator'? `runner personas` lists them.\n",
    )


def test_its_files_go_with_those_of_the_command_line(tmp_path: Path) -> None:
    persona = tmp_path / "judge.toml"
    persona.write_text('file = ["law.md"]\nmodel = "tiny"\ntop_k = 3\n', encoding="utf-8")
    given = {"persona": str(persona), "file": ["case.md"], "seed": None, "prompt": "x"}
    settings = options._with_persona(given)
    assert settings.file == (str(tmp_path / "law.md"), "case.md")
    assert (settings.model, settings.top_k) == ("tiny", 3)
    assert settings.origin("top_k") == "persona (judge)"
