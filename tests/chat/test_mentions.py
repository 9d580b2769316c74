"""Which files a message names."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.chat.documents import mentions

Named = Callable[[str], list[str]]


@pytest.fixture
def named(tmp_path: Path) -> Named:
    """The files that a message names in a folder that has some."""
    (tmp_path / "src").mkdir()
    for name in ("a.py", "my notes.txt", "src/b.c", "v1.", "ты.md"):
        (tmp_path / name).write_text("x", encoding="utf-8")

    def found(text: str) -> list[str]:
        return [path.relative_to(tmp_path).as_posix() for path in mentions(text, tmp_path)]

    return found


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("@a.py", ["a.py"]),
        ("compare @a.py with @src/b.c.", ["a.py", "src/b.c"]),
        ("see (@a.py), or `@src/b.c`: which?", ["a.py", "src/b.c"]),
        ("@a.py @./a.py @src/../a.py", ["a.py"]),
        ('what does @"my notes.txt" say', ["my notes.txt"]),
        ("what do @'my notes.txt' say", ["my notes.txt"]),
        (r"what do @my\ notes.txt say", ["my notes.txt"]),
        ("@v1. is its name", ["v1."]),
        ("@ты.md!?", ["ты.md"]),
        ("in @src", ["src"]),
        ("line one\n@a.py\nline three", ["a.py"]),
        ("me@a.py, @none.py, @property, @ a.py, a.py @", []),
        ("@" + "a" * 5000 + " @a\0b", []),
        ("@~nobody-of-this-name/a.py", []),
        (f"@//localhost{os.sep}a.py @\\\\localhost\\a.py", []),
    ],
)
def test_mentions(named: Named, text: str, files: list[str]) -> None:
    assert named(text) == files


def test_whole_paths_and_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: Named
) -> None:
    assert named(f"@{tmp_path / 'a.py'}") == ["a.py"]
    monkeypatch.setenv("USERPROFILE" if sys.platform == "win32" else "HOME", str(tmp_path))
    assert named("@~/src/b.c") == ["src/b.c"]


def test_from_where_the_program_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here.txt").touch()
    monkeypatch.chdir(tmp_path)
    assert mentions("@here.txt") == [Path("here.txt")]


@given(st.text("@./~\\'\" a()\n", max_size=40))
def test_no_text_stumbles_over_it(text: str) -> None:
    for path in mentions(text):
        assert path.exists()
