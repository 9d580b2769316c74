"""`runner fit`: its tables and JSON, for the catalogue, a file, and a repository's headers."""

import json
import subprocess
import sys
from pathlib import Path
from shutil import copyfile

import pytest

from runner.catalog import load_catalog, user_catalog
from tests.cli.conftest import FETCHABLE, FETCHABLE_FILE, Runner
from tests.fit.test_weights import Q4_0, quantized
from tests.library.stores import ollama
from tests.loopback import LoopbackHub

HEADS = ["QUANT", "SIZE", "MEMORY", "PRIVATE", "FILE", "CONTEXT", "LARGEST", "LAYERS", "PREFILL",
         "DECODE", "VERDICT"]  # fmt: skip


def test_a_catalogue_entry_by_its_shape(runner: Runner) -> None:
    said = runner("fit", "qwen3:0.6b", "--ctx", "4096", "--device", "cpu")
    assert said.code == 0
    heads, *rows = said.out.splitlines()
    assert heads.split() == HEADS
    entry = load_catalog().find("qwen3:0.6b")
    assert entry is not None
    assert {row.split()[0] for row in rows} == {one.name for one in entry.quantizations}
    assert all("GiB   4096      40960" in row for row in rows)
    assert "the shape that the catalogue records" in said.err
    one = json.loads(runner("fit", "qwen3:0.6b:q4_k_m", "--kv", "q8_0", "--json").out)["models"]
    assert len(one) == 1
    assert one[0]["plan"]["kv_type"] == "q8_0"
    assert one[0]["plan"]["by"] == "catalogue"


def test_every_entry_in_brief(runner: Runner) -> None:
    said = runner("fit", "--quiet")
    assert (said.code, said.err) == (0, "")
    heads, *rows = said.out.splitlines()
    assert heads.split() == ["NAME", "QUANT", "SIZE", "MEMORY", "CONTEXT", "DECODE", "VERDICT"]
    assert len(rows) == sum(1 for entry in load_catalog().entries if entry.quantizations)
    verdicts = ("fits", "partly", "does not fit, short by")
    assert all(any(f"   {words}" in row for words in verdicts) for row in rows)


def test_a_file_is_planned_by_llama(runner: Runner, tiny_path: Path) -> None:
    said = runner("fit", str(tiny_path), "--json")
    (one,) = json.loads(said.out)["models"]
    assert one["bytes"] == tiny_path.stat().st_size
    assert one["plan"]["by"] == "llama.cpp"
    assert one["plan"]["context"] == one["plan"]["largest_context"] == 2048
    memory = one["plan"]["memory"]
    assert memory["needed"] == memory["private"] + memory["file_backed"] - memory["read_once"]
    assert one["verdict"] == {"kind": "well", "words": "fits well", "short_by": 0}
    assert runner("fit", "tiny").out.splitlines()[0].split() == HEADS


def test_a_repository_by_its_headers_alone(
    runner: Runner, loopback_hub: LoopbackHub, tiny_path: Path, tmp_path: Path
) -> None:
    small = quantized(tiny_path, tmp_path / "small.gguf", Q4_0)
    files = {"Small-Q8_0.gguf": tiny_path.read_bytes(), "Small-Q4_0.gguf": small.read_bytes()}
    loopback_hub.add(FETCHABLE, files)
    said = runner("fit", FETCHABLE, "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)["models"]
    assert [one["quantization"] for one in found] == ["Q4_0", "Q8_0"]
    assert all(one["plan"]["by"] == "llama.cpp" for one in found)
    (file,) = json.loads(runner("fit", str(tiny_path), "--json").out)["models"]
    assert found[1]["plan"]["memory"]["file_backed"] == file["plan"]["memory"]["file_backed"]
    assert found[1]["plan"]["memory"]["private"] == pytest.approx(
        file["plan"]["memory"]["private"], abs=2**20
    )
    one = json.loads(runner("fit", f"{FETCHABLE}:Q4_0", "--json").out)["models"]
    assert [each["quantization"] for each in one] == ["Q4_0"]
    assert runner("fit", "nobody/Nothing-GGUF", "--offline").code == 8


def test_a_file_that_is_no_model_is_left_out(
    runner: Runner, loopback_hub: LoopbackHub, tiny_path: Path
) -> None:
    data = tiny_path.read_bytes()
    files = {
        "Small-Q8_0.gguf": data,
        "Junk-Q4_0.gguf": b"GGUF" + bytes(2000),
        "Helper-F16.gguf": data.replace(b"llama", b"lhama"),  # nothing that llama.cpp knows
    }
    loopback_hub.add(FETCHABLE, files)
    said = runner("fit", FETCHABLE, "--json")
    assert said.code == 0, said.err
    assert [one["file"] for one in json.loads(said.out)["models"]] == ["Small-Q8_0.gguf"]
    assert "Junk-Q4_0.gguf is left out" in said.err
    assert "Helper-F16.gguf is left out" in said.err
    assert runner("fit", f"{FETCHABLE}:Q4_0").code == 5


def test_models_of_other_programs_are_planned_as_files(
    runner: Runner, tiny_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "ollama"))
    ollama(tmp_path / "ollama", tiny_path.read_bytes())
    (tmp_path / "mine").mkdir()
    copyfile(tiny_path, tmp_path / "mine" / "own-Q8_0.gguf")
    monkeypatch.setenv("RUNNER_MODEL_FOLDERS", str(tmp_path / "mine"))
    for name in ("ollama:small:8b", "folder:own-Q8_0"):
        said = runner("fit", name, "--json")
        assert said.code == 0, said.err
        (one,) = json.loads(said.out)["models"]
        assert (one["plan"]["by"], one["bytes"]) == ("llama.cpp", tiny_path.stat().st_size)
    assert runner("fit", "ollama:nothing").code == 4


def test_exact_is_about_one_model(runner: Runner) -> None:
    said = runner("fit", "--exact")
    assert said.code == 2
    assert "runner fit MODEL --exact" in said.err


def test_what_is_not_there_is_told(runner: Runner) -> None:
    assert runner("fit", "qwen3:9999b").code == 4
    assert runner("fit", "./missing.gguf").code == 4


def test_a_catalogue_entry_imports_nothing_heavy() -> None:
    script = (
        "import sys; sys.argv = ['runner', 'fit', 'qwen3:0.6b', '--quiet']\n"
        "from runner.cli.main import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
        "heavy = ('llama_cpp', 'huggingface_hub', 'httpx', 'numpy', 'jinja2')\n"
        "print('heavy:', [name for name in heavy if name in sys.modules])\n"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert said.stdout.endswith("heavy: []\n"), said.stderr


def test_exact_asks_the_hub_for_what_the_catalogue_only_records(
    runner: Runner, hub_with_model: LoopbackHub, tiny_path: Path
) -> None:
    user_catalog().write_text(
        f'''
        [[model]]
        name = "mine:2m"
        title = "Mine"
        family = "mine"
        parameters = 2_000_000
        architecture = "llama"
        distilled = "no"
        method = "trained"
        licence = "MIT"
        evidence = "medium"
        [model.quantizations.Q8_0]
        repository = "{FETCHABLE}"
        file = "{FETCHABLE_FILE}"
        ''',
        encoding="utf-8",
    )
    (rough,) = json.loads(runner("fit", "mine:2m", "--json").out)["models"]
    assert rough["plan"] is None
    assert "its shape is not known" in runner("fit", "mine:2m").out
    assert hub_with_model.requests == []
    (exact,) = json.loads(runner("fit", "mine:2m", "--exact", "--json").out)["models"]
    assert exact["plan"]["by"] == "llama.cpp"
    assert exact["bytes"] == tiny_path.stat().st_size
