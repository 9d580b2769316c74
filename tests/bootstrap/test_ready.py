import ast
import subprocess
import sys
from pathlib import Path

import pytest

from runner.bootstrap import ready
from runner.bootstrap.requirements import declared, installed, missing

ROOT = Path(__file__).resolve().parents[2]

OLD = """
import sys
sys.version, sys.version_info = "3.9.18 (main)", (3, 9, 18, "final", 0)
import runpy
runpy.run_module({module!r}, run_name="__main__")
"""


@pytest.mark.parametrize("module", ["runner", "tests"])
def test_an_old_python_gets_a_line(module: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", OLD.format(module=module)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr == (
        "runner: Python 3.11 or newer is needed; this is 3.9.18. "
        f"uv can fetch one: uv run --no-project --python 3.13 -m {module}\n"
    )


@pytest.mark.parametrize("name", ["runner/__init__.py", "runner/__main__.py", "tests/__main__.py"])
def test_what_an_old_python_reads_first_it_can_read(name: str) -> None:
    source = (ROOT / name).read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 7))
    unions = [node for node in ast.walk(tree) if isinstance(node, ast.BitOr)]
    assert not unions or "from __future__ import annotations" in source


def test_a_python_that_has_everything_goes_straight_on() -> None:
    assert missing(declared(ROOT / "pyproject.toml", development=True), installed(sys.path)) == []
    ready("tests", development=True)
    ready("runner")


def test_an_installed_runner_needs_no_checkout(tmp_path: Path) -> None:
    ready("runner", checkout=tmp_path)
    assert not (tmp_path / ".venv").exists()


def test_a_folder_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text('project.dependencies = ["no-such-thing"]')
    (tmp_path / ".venv").touch()  # a file, where a folder should be
    with pytest.raises(SystemExit) as ended:
        ready("runner", checkout=tmp_path)
    assert ended.value.code == 10
    assert capsys.readouterr().err.startswith(f"runner: {tmp_path / '.venv'} cannot be written: ")


def test_the_way_in_imports_only_what_python_ships() -> None:
    code = (
        "import sys; from runner.bootstrap import ready; import runner.bootstrap.setup;"
        "tops = {name.partition('.')[0] for name in sys.modules} - {'runner', 'sitecustomize'};"
        "print(*sorted(top for top in tops if top not in sys.stdlib_module_names"
        " and top[0] != '_'))"
    )
    told = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == ""
