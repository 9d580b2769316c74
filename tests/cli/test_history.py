"""`runner history` as a person runs it."""

import json
from pathlib import Path

from tests.bench.test_llama_bench import DECODE, SAID
from tests.cli.conftest import Runner


def test_from_an_import_to_an_export(runner: Runner, tmp_path: Path) -> None:
    assert runner("history").err.startswith("there are none")
    path = tmp_path / "said.json"
    path.write_text(json.dumps([SAID, DECODE]), encoding="utf-8")
    assert "1 record added" in runner("history", "import", str(path)).out
    assert "1 were here already" in runner("history", "import", str(path)).out

    said = runner("history", "list", "--model", "stories f32")
    assert said.code == 0 and "pp16 27262 tokens/s" in said.out
    listed = json.loads(runner("history", "--json").out)["records"]
    assert [one["kind"] for one in listed] == ["speed"]
    shown = json.loads(runner("history", "show", listed[0]["id"][:10], "--json").out)
    assert shown["schema"] == "runner-record/1"
    assert "27262" in runner("history", "show", "latest").out.replace(",", "").replace(" ", "")

    file = tmp_path / "out.csv"
    assert runner("history", "export", "latest", "-o", str(file)).code == 0
    assert file.read_text(encoding="utf-8").count("\n") == 3
    assert runner("history", "export", "--all", "-o", str(file)).code == 2
    assert runner("history", "export", "--all", "--format", "llama-bench-json").out.startswith("[")


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
