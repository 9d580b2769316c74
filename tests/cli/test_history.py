"""`runner history` as a person runs it."""

import json
import re
from dataclasses import replace
from pathlib import Path

from runner.bench.history import History
from runner.bench.plain import to_plain
from tests.bench.test_llama_bench import DECODE, SAID
from tests.cli.conftest import Runner
from tests.report.made import MEASURED, quality_records, speed_records, with_few_runs


def test_from_an_import_to_an_export(runner: Runner, tmp_path: Path) -> None:
    assert runner("history").err.startswith("there are none")
    path = tmp_path / "said.json"
    path.write_text(json.dumps([SAID, DECODE]), encoding="utf-8")
    assert "1 record added" in runner("history", "import", str(path)).out
    assert "1 were here already" in runner("history", "import", str(path)).out

    said = runner("history", "list", "--model", "stories f32")
    assert said.code == 0 and "pp16 27262, tg8 9257 tokens/s" in said.out
    listed = json.loads(runner("history", "--json").out)["records"]
    assert [one["kind"] for one in listed] == ["speed"]
    shown = json.loads(runner("history", "show", listed[0]["id"][:10], "--json").out)
    (shown,) = shown["records"]
    assert shown["schema"] == "runner-record/1"
    assert "27262" in runner("history", "show", "latest").out.replace(",", "").replace(" ", "")

    file = tmp_path / "out.csv"
    assert runner("history", "export", "latest", "-o", str(file)).code == 0
    assert file.read_text(encoding="utf-8").count("\n") == 3
    assert runner("history", "export", "--all", "-o", str(file)).code == 2
    assert runner("history", "export", "--all", "--format", "llama-bench-json").out.startswith("[")


def test_answers_have_no_place_among_speeds(runner: Runner, tmp_path: Path) -> None:
    History().add_all([*quality_records()[:1], with_few_runs(speed_records()[0])])
    answers = quality_records()[0].id
    for form in ("benchstat", "llama-bench-json", "llama-bench-sql"):
        refused = runner("history", "export", answers, "-f", form, "-o", str(tmp_path / "out"))
        assert refused.code == 2 and f"{form} is for speeds" in refused.err
        assert "--format json, csv or markdown" in refused.err
        both = runner("history", "export", "--all", "-f", form)
        assert both.code == 0 and "left out: 2 tasks" in both.err
    assert not (tmp_path / "out").exists()
    assert runner("history", "export", answers, "-f", "csv").code == 0


def test_a_share_has_no_more_digits_than_its_items_give(runner: Runner) -> None:
    record = quality_records()[0]
    (task, _) = record.tasks
    few = replace(task.summaries[0], median=0.85, interval=(0.64, 0.95), samples=20)
    task = replace(task, count=20, summaries=(few,))
    History().add_all([record, replace(record, id="few", tasks=(task,))])
    listed = runner("history").out
    assert "arithmetic 85%" in listed and "arithmetic 74.1%" in listed
    posted = runner("history", "export", "few", "--format", "markdown").out
    assert "85% | 64% to 95%" in posted and "20 items" in posted


def test_joules_that_were_not_measured_are_told_once(runner: Runner) -> None:
    History().add_all([*map(with_few_runs, speed_records()[:2])])
    posted = runner("history", "export", "--all", "--format", "markdown").out
    assert posted.count("may be read by root only") == 1
    assert re.search(r"\| energy, decode +\| +0.412 J/token \|", posted)
    assert "- energy of decode: package by powercap (counter), net of 7.9 W idle" in posted


def test_energy_of_which_rest_is_unknown_is_the_gross(runner: Runner) -> None:
    record = with_few_runs(speed_records()[1])
    restless = replace(MEASURED, net=None, idle_watts=None, reason="the two rests differ")
    tests = [replace(one, energy=(restless,) if one.energy else ()) for one in record.tests]
    History().add(replace(record, tests=tuple(tests)))
    posted = runner("history", "export", "latest", "--format", "markdown").out
    assert re.search(r"\| energy, decode, gross +\| +0.655 J/token \|", posted)
    assert "by powercap (counter), gross; net of rest not measured: the two rests differ" in posted


def test_names_from_outside_are_no_markdown(runner: Runner) -> None:
    record = with_few_runs(speed_records()[0])
    name = "\\<img src=x onerror=alert(1)> **loud** [link](https://a.example)"
    machine = replace(record.machine, processor=name)
    History().add(replace(record, name=name, machine=machine))
    posted = runner("history", "export", "latest", "--format", "markdown").out
    escaped = r"\\\<img src=x onerror=alert(1)> \*\*loud\*\* \[link\](https://a.example)"
    assert f"## {escaped}\n" in posted and posted.count(escaped) > 5
    assert posted.count("<img") == posted.count(r"\\\<img")


def test_what_stands_before_a_command_is_meant_for_it(runner: Runner) -> None:
    assert json.loads(runner("history", "--json", "list").out) == {"records": []}
    assert runner("history", "--quiet", "list").err == ""
    assert runner("history", "--json", "list", "--no-json").err.startswith("there are none")
    assert runner("history", "list").err.startswith("there are none")


def test_what_a_later_version_says_goes_through(runner: Runner, tmp_path: Path) -> None:
    path = tmp_path / "later.json"
    later = {"records": [to_plain(with_few_runs(speed_records()[0])) | {"mood": "cheerful"}]}
    path.write_text(json.dumps(later), encoding="utf-8")
    assert runner("history", "import", str(path)).code == 0
    assert json.loads(runner("history", "export", "--all").out) == later


def test_a_damaged_history_is_told(runner: Runner, tmp_path: Path) -> None:
    path = History().path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"no database" * 100)
    ran = runner("bench", "tiny", "-n", "2", "-r", "1", "--no-energy", "--no-ceiling")
    assert ran.code == 0 and "set aside as history.sqlite3.damaged" in ran.err


def test_an_import_that_cannot_be_kept_is_explained(runner: Runner, tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    plain = to_plain(with_few_runs(speed_records()[0]))
    path.write_text(json.dumps(plain | {"date": "yesterday"}), encoding="utf-8")
    ran = runner("history", "import", str(path))
    assert ran.code == 15 and "its date is 'yesterday'" in ran.err and str(path) in ran.err
    assert History().find() == []


def test_what_cannot_be(runner: Runner, tmp_path: Path) -> None:
    for arguments, code in (
        (("show", "latest"), 4),
        (("export",), 2),
        (("export", "--all", "--format", "poem"), 2),
        (("list", "--since", "then"), 2),
        (("list", "--kind", "odd"), 2),
        (("import", str(tmp_path / "none.json")), 15),
    ):
        said = runner("history", *arguments)
        assert (said.code, said.out) == (code, ""), arguments
