"""Which quantization `pull` takes, and why; what does not fit; `recommend`; `show` of the Hub."""

import json
from dataclasses import replace
from pathlib import Path

import gguf
import pytest

from runner import machine
from runner.library import Library
from tests.cli.conftest import Runner
from tests.fit.test_weights import Q4_0, quantized
from tests.hub.header_files import Dimensions, made_up_vocabulary, write_header_file
from tests.loopback import LoopbackHub
from tests.loopback.repository import Big, digest

REPOSITORY = "somebody/Choice-GGUF"
F16 = gguf.GGMLQuantizationType.F16


@pytest.fixture
def choice(loopback_hub: LoopbackHub, tiny_path: Path, tmp_path: Path) -> LoopbackHub:
    """The shipped model as three quantizations of a repository."""
    files = {
        "Choice-Q8_0.gguf": tiny_path,
        "Choice-Q4_0.gguf": quantized(tiny_path, tmp_path / "q4.gguf", Q4_0),
        "Choice-F16.gguf": quantized(tiny_path, tmp_path / "f16.gguf", F16),
    }
    loopback_hub.add(REPOSITORY, {name: path.read_bytes() for name, path in files.items()})
    return loopback_hub


def fetched() -> list[str]:
    return [record.file for record in Library().records()]


def test_the_best_that_fits_well_is_taken_and_said(runner: Runner, choice: LoopbackHub) -> None:
    pulled = runner("pull", REPOSITORY)
    assert pulled.code == 0
    assert pulled.err.startswith("Q8_0 of 3 quantizations: the best that fits well here (")
    assert fetched() == ["Choice-Q8_0.gguf"]

    choice.requests.clear()
    again = runner("pull", REPOSITORY)
    assert again.out == pulled.out
    assert "already here" in again.err
    assert not choice.seen("cdn")


def test_what_is_here_is_not_chosen_anew(runner: Runner, choice: LoopbackHub) -> None:
    runner("pull", REPOSITORY, "--quant", "Q4_0", "--quiet")
    again = runner("pull", REPOSITORY)
    assert (again.code, fetched()) == (0, ["Choice-Q4_0.gguf"])
    assert "already here" in again.err


def test_a_quantization_or_a_file_may_be_named(runner: Runner, choice: LoopbackHub) -> None:
    assert runner("pull", REPOSITORY, "--quant", "q4_0", "--quiet").code == 0
    assert runner("pull", REPOSITORY, "--file", "Choice-F16.gguf", "--quiet").code == 0
    assert fetched() == ["Choice-F16.gguf", "Choice-Q4_0.gguf"]
    for wrong in (
        (f"{REPOSITORY}:Q8_0", "--quant", "Q4_0"),
        (REPOSITORY, "--quant", "Q4_0", "--file", "Choice-F16.gguf"),
        ("qwen3:0.6b", "--file", "x.gguf"),
    ):
        refused = runner("pull", *wrong)
        assert refused.code == 2
        assert "and not both" in refused.err


def test_what_does_not_fit_needs_force(
    runner: Runner, loopback_hub: LoopbackHub, tmp_path: Path
) -> None:
    words = made_up_vocabulary(300)
    huge = Dimensions(layers=400, hidden=16384, heads=128, kv_heads=128, ffn=65536)
    path = write_header_file(tmp_path / "huge.gguf", "Q8_0", words, huge)
    loopback_hub.add(REPOSITORY, {"Huge-Q8_0.gguf": Big(path, "0" * 64)})

    for name in (REPOSITORY, f"{REPOSITORY}:Q8_0"):
        refused = runner("pull", name)
        assert refused.code == 6
        assert "does not fit, short by" in refused.err
        assert "--force" in refused.err
    assert fetched() == []
    # Then it is the disk that is too small.
    assert runner("pull", REPOSITORY, "--force").code == 10


def test_recommend_answers_for_this_machine(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    roomy = replace(machine.memory(), available=16 * 2**30)
    monkeypatch.setattr(machine, "memory", lambda: roomy)
    said = runner("recommend", "--device", "cpu")
    assert said.code == 0
    heads, *rows = said.out.splitlines()
    assert heads.split() == ["FOR", "MODEL", "QUANT", "SIZE", "MEMORY", "DECODE", "TRY"]
    kinds = {kind.strip() for row in rows for kind in row.split("   ")[0].split(",")}
    assert kinds == {"fast", "balanced", "best"}

    found = json.loads(runner("recommend", "--json").out)["recommended"]
    assert all(one["verdict"]["kind"] == "well" for one in found)
    sizes = {kind: one["bytes"] for one in found for kind in one["kinds"]}
    assert sizes["fast"] <= sizes["balanced"] <= sizes["best"]

    scarce = replace(machine.memory(), available=10**8)
    monkeypatch.setattr(machine, "memory", lambda: scarce)
    none = runner("recommend", "--json")
    assert none.code == 6
    assert "no model of the catalogue fits" in json.loads(none.out)["error"]["message"]


def test_show_asks_the_hub_about_what_nobody_here_knows(
    runner: Runner, choice: LoopbackHub
) -> None:
    shown = runner("show", REPOSITORY)
    assert shown.code == 0
    assert f"hf.co/{REPOSITORY}" in shown.out
    assert "mit" in shown.out
    assert [row.split()[0] for row in shown.out.splitlines()[-3:]] == ["Q4_0", "Q8_0", "F16"]
    assert shown.out.count("fits well") == 3
    facts = json.loads(runner("show", REPOSITORY, "--json").out)
    assert facts["repository"]["licence"] == "mit"
    assert [fit["quantization"] for fit in facts["fits"]] == ["Q4_0", "Q8_0", "F16"]
    choice.requests.clear()
    assert runner("show", REPOSITORY, "--offline").code == 3
    assert choice.requests == []


def test_show_says_how_a_catalogues_model_fits(runner: Runner) -> None:
    shown = runner("show", "qwen3:0.6b", "--offline")
    assert shown.code == 0
    assert "tokens/s   hf.co/" in shown.out
    assert "https://huggingface.co/Qwen/Qwen3-0.6B" in shown.out


def test_what_was_begun_is_continued(runner: Runner, choice: LoopbackHub) -> None:
    data = choice.repositories[REPOSITORY].files["Choice-F16.gguf"]
    library = Library()
    blob = library.blob_for(REPOSITORY, digest(data))
    library.claim(blob, REPOSITORY, "Choice-F16.gguf", len(data))
    blob.parent.mkdir(parents=True)
    blob.with_name(blob.name + ".part").write_bytes(b"")
    again = runner("pull", REPOSITORY)
    assert "F16: an earlier run began it" in again.err
    assert fetched() == ["Choice-F16.gguf"]


def test_a_lock_file_takes_no_other_wishes(runner: Runner) -> None:
    refused = runner("pull", "--from", "x.lock", "--quant", "Q4_0")
    assert refused.code == 2
    assert "a lock file says itself" in refused.err


def test_show_of_one_quantization_that_is_not_here(runner: Runner) -> None:
    assert runner("show", "qwen3:0.6b:Q8_0", "--offline").code == 0
    assert "fits well" in runner("show", "tiny").out
