import importlib.metadata
import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODELS = (
    "from runner.catalog import load_catalog, models_directory;"
    "assert load_catalog().find('tiny');"
    "assert (models_directory() / 'tiny/tiny-Q8_0.gguf').is_file();"
    "print(models_directory().resolve())"
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This checkout built into a wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (built,) = folder.glob("*.whl")
    return built


def models_seen_from(folder: Path, **variables: str) -> Path:
    """Where a Python started in `folder` finds the models that ship with Runner."""
    told = subprocess.run(
        [sys.executable, "-c", MODELS],
        cwd=folder,
        env=os.environ | variables,
        check=True,
        capture_output=True,
        text=True,
    )
    return Path(told.stdout.strip())


@pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="pip is not installed")
def test_an_installed_wheel_has_its_models_inside(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    install = ["install", "--quiet", "--no-index", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", *install], check=True)
    paths = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    assert models_seen_from(tmp_path, PYTHONPATH=paths) == (site / "runner/_models").resolve()


def test_a_wheel_holds_nothing_else_of_the_checkout(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = [Path(name) for name in archive.namelist()]
    assert {name.parts[0].partition("-")[0] for name in names} == {"runner", "runner_llm"}
    left_over = {"__pycache__", "work", ".venv", "tests"}  # work: the training's checkpoints
    assert [name for name in names if left_over.intersection(name.parts)] == []


def test_a_wheel_has_what_measurements_need(wheel: Path) -> None:
    room, models = ROOT / "runner/bench", ROOT / "models"
    texts = [path for path in (room / "texts").iterdir() if path.is_file()]
    tasks = list((models / "tasks").glob("*.jsonl")) + list((models / "tiny/tasks").glob("*.jsonl"))
    assert texts and tasks
    needed = {
        "runner/bench/report/page.html.jinja",
        "runner/bench/report/style.css",
        "runner/bench/record.schema.json",
        "runner/_models/prices.toml",
        *(path.relative_to(ROOT).as_posix() for path in texts),
        *(f"runner/_models/{path.relative_to(models).as_posix()}" for path in tasks),
    }
    with zipfile.ZipFile(wheel) as archive:
        assert needed - set(archive.namelist()) == set()


def test_a_wheel_says_that_it_has_types(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert "runner/py.typed" in archive.namelist()


def test_an_editable_install_finds_them_in_the_checkout(tmp_path: Path) -> None:
    try:
        importlib.metadata.distribution("runner-llm")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("Runner is not installed into the Python that runs the tests")
    assert models_seen_from(tmp_path) == ROOT / "models"
