"""A text changed in a person's own editor."""

import sys
from pathlib import Path

import pytest

from runner.cli.terminal.editor import changed
from runner.errors import ConfigurationError


def test_the_text_comes_back_without_the_end_that_editors_add(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "an editor.py"
    script.write_text(
        "import pathlib, sys\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "path.write_text(path.read_text('utf-8') + ' é\\n', 'utf-8')\n",
        "utf-8",
    )
    monkeypatch.setenv("VISUAL", f'"{sys.executable}" "{script}"')
    assert changed("one\ntwo") == "one\ntwo é"


@pytest.mark.parametrize(
    "command", ["/nonexistent/editor", '"not closed', f'"{sys.executable}" --nosuch']
)
def test_an_editor_that_cannot_be_run(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("VISUAL", command)
    with pytest.raises(ConfigurationError, match="editor"):
        changed("text")
