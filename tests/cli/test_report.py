"""`runner report`."""

import json
from pathlib import Path

from runner.bench.history import History
from tests.cli.conftest import Runner
from tests.report.made import quality_records, speed_records, with_few_runs


def test_the_latest_run_with_its_answers(runner: Runner, tmp_path: Path) -> None:
    History().add_all([*map(with_few_runs, speed_records()[:2]), *quality_records()])
    page = tmp_path / "page.html"
    done = runner(
        "report", "-o", str(page), "--plots", str(tmp_path / "plots"), "--format", "svg", "--json"
    )
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert set(said["records"]) == {one.id for one in speed_records()[:2] + quality_records()[:2]}
    assert {Path(one).suffix for one in said["plots"]} == {".svg"}
    assert "<h1>2 models, measured</h1>" in page.read_text(encoding="utf-8")
    again = runner("report", "-o", str(page))
    assert again.code == 2 and "--force" in again.err


def test_nothing_measured(runner: Runner, tmp_path: Path) -> None:
    done = runner("report", "-o", str(tmp_path / "page.html"))
    assert done.code == 4 and "runner bench" in done.err
    assert not (tmp_path / "page.html").exists()


def test_an_unknown_format(runner: Runner) -> None:
    assert runner("report", "--plots", "here", "--format", "gif").code == 2


def test_a_format_of_no_files(runner: Runner, tmp_path: Path) -> None:
    done = runner("report", "-o", str(tmp_path / "page.html"), "--format", "svg")
    assert done.code == 2 and "--plots" in done.err
