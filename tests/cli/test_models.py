"""`pull`, `list`, `show` and `rm` against a stand-in Hub: whole transcripts, files and JSON."""

import hashlib
import json
import math
from pathlib import Path

import pytest

from runner import models
from runner.cli.words import size
from runner.errors import NetworkError
from runner.hub import Hub, Patience
from runner.journal import Journal
from runner.library import Library
from tests.cli.conftest import FETCHABLE, FETCHABLE_FILE, Runner
from tests.loopback import LoopbackHub

NAME = f"hf.co/{FETCHABLE}"


@pytest.fixture
def place(hub_with_model: LoopbackHub) -> Path:
    """Where the model lands: in the Hugging Face cache."""
    commit = hub_with_model.repositories[FETCHABLE].commit
    return Library().cache.snapshot(FETCHABLE, commit, FETCHABLE_FILE)


def blob_of(place: Path) -> Path:
    """Where the bytes of the shipped model belong in that repository."""
    digest = hashlib.sha256(models.shipped().path.read_bytes()).hexdigest()
    return place.parents[2] / "blobs" / digest


def test_pull_list_run_show_rm(
    runner: Runner, hub_with_model: LoopbackHub, place: Path, tiny_path: Path
) -> None:
    much = size(tiny_path.stat().st_size)

    pulled = runner("pull", f"{FETCHABLE}:Q8_0")
    assert (pulled.code, pulled.out) == (0, f"{NAME}   {much}   {place}\n")
    licence = f"licence: mit, {hub_with_model.endpoint}/{FETCHABLE}"
    assert pulled.err.startswith(f"{licence}\n{FETCHABLE_FILE}: fetching {much}\n")
    assert pulled.err.endswith(f"{FETCHABLE_FILE}: {much} of {much} (100 %)\n")
    assert place.read_bytes() == tiny_path.read_bytes()

    hub_with_model.requests.clear()
    listed = runner("list")
    assert listed.code == 0
    heads, shipped, fetched = listed.out.splitlines()
    assert heads.split() == ["NAME", "QUANT", "SIZE", "CONTEXT", "SOURCE", "USED"]
    assert shipped.split() == ["tiny", "Q8_0", *much.split(), "2048", "comes", "with", "Runner"]
    assert fetched.split() == [NAME, "Q8_0", *much.split(), "2048", NAME, "never"]

    assert runner("run", FETCHABLE, "hello", "--max-tokens", "3", "--offline").code == 0
    assert "just now" in runner("list").out

    shown = runner("show", FETCHABLE)
    assert shown.code == 0
    assert f"hf.co/{FETCHABLE}, commit " in shown.out
    assert "llama" in shown.out

    removed = runner("rm", FETCHABLE, "--yes")
    assert (removed.code, removed.err) == (0, "")
    assert removed.out == f"deleted {NAME}, {much} freed\n"
    assert not list(Library().root.iterdir())
    assert hub_with_model.requests == [], "only pull may ask the Hub"


def test_the_one_used_last_is_the_default(runner: Runner, hub_with_model: LoopbackHub) -> None:
    runner("pull", FETCHABLE, "--quiet")
    said = runner("chat", "--think", "hide", stdin="")
    assert said.err.startswith(f"{NAME} Q8_0 · context 2048 ")
    assert "small model inside" not in said.err


def test_pull_again_fetches_nothing(runner: Runner, hub_with_model: LoopbackHub) -> None:
    first = runner("pull", FETCHABLE, "--quiet")
    assert first.err == ""
    hub_with_model.requests.clear()
    again = runner("pull", FETCHABLE)
    assert (again.code, again.out) == (0, first.out)
    assert again.err == f"{NAME}:Q8_0 is already here: {first.out.split()[-1]}\n"
    assert hub_with_model.seen("cdn") == []


def test_pull_continues_what_an_earlier_run_began(
    runner: Runner, hub_with_model: LoopbackHub, place: Path, tiny_path: Path
) -> None:
    hub_with_model.fault("cdn", "cut", at=tiny_path.stat().st_size // 2)
    hub_with_model.fault("cdn", "status", times=math.inf)
    with pytest.raises(NetworkError):
        patience = Patience(attempts=1, first_wait=0)
        models.pull(FETCHABLE, hub=Hub(patience=patience), progress=lambda *_: None)
    hub_with_model.faults.clear()
    blob = blob_of(place)
    begun = Journal(blob.with_name(blob.name + ".part.journal")).arrived()
    assert 0 < begun < tiny_path.stat().st_size
    findings = runner("doctor").out
    assert f"{FETCHABLE_FILE} of {FETCHABLE} is fetched in part: {begun} of" in findings
    assert f"runner pull {FETCHABLE} --file {FETCHABLE_FILE} continues it." in findings

    pulled = runner("pull", FETCHABLE)
    assert pulled.code == 0
    whole = f"of {size(tiny_path.stat().st_size)}"
    assert f"{FETCHABLE_FILE}: continuing at {size(begun)} {whole}\n" in pulled.err
    steps = [line for line in pulled.err.splitlines() if line.endswith("%)")]
    assert len(steps) <= 6
    assert hub_with_model.seen("cdn")[-1].range == f"bytes={begun}-{tiny_path.stat().st_size - 1}"
    assert place.read_bytes() == tiny_path.read_bytes()


def test_as_json(runner: Runner, hub_with_model: LoopbackHub, place: Path) -> None:
    pulled = json.loads(runner("pull", FETCHABLE, "--json", "--quiet").out)
    assert pulled["path"] == str(place)
    listed = json.loads(runner("list", "--json").out)["models"]
    assert [model["name"] for model in listed] == ["tiny", NAME]
    assert listed[0]["shipped"] is True
    assert listed[1] == pulled
    assert listed[1]["bytes"] == place.stat().st_size
    assert listed[1]["quantization"] == "Q8_0"
    shown = json.loads(runner("show", FETCHABLE, "--json").out)
    assert shown["catalogue"] is None
    assert shown["here"] == pulled
    assert shown["file"]["architecture"] == "llama"
    assert shown["file"]["context"] == 2048
    removed = json.loads(runner("rm", FETCHABLE, "--yes", "--json").out)["removed"]
    assert [entry["path"] for entry in removed] == [str(place)]
    assert Library().records() == []


def test_offline_fetches_nothing(runner: Runner, hub_with_model: LoopbackHub) -> None:
    said = runner("pull", FETCHABLE, "--offline")
    assert (said.code, said.out) == (8, "")
    assert "offline" in said.err
    assert hub_with_model.requests == []


def test_a_repository_that_is_not_there(runner: Runner, hub_with_model: LoopbackHub) -> None:
    said = runner("pull", "nobody/Nothing-GGUF")
    assert (said.code, said.out) == (4, "")
    assert said.err.startswith("error: ")


def test_a_gated_repository(runner: Runner, loopback_hub: LoopbackHub) -> None:
    loopback_hub.add("somebody/Gated-GGUF", {"m-Q4_K_M.gguf": b"x" * 100}, gated=True)
    said = runner("pull", "somebody/Gated-GGUF")
    assert (said.code, said.out) == (9, "")
    assert len(said.err.splitlines()) <= 4


def test_rm_asks_a_person_and_wants_yes_from_a_script(
    runner: Runner, hub_with_model: LoopbackHub, place: Path
) -> None:
    runner("pull", FETCHABLE, "--quiet")
    said = runner("rm", FETCHABLE)
    assert (said.code, said.out) == (2, "")
    assert said.err == "error: nobody is here to be asked\nDelete with --yes.\n"
    slip = runner("rm", FETCHABLE, "no-such-model", "--yes")
    assert slip.code == 4
    assert place.exists(), "a slip in one name deletes nothing"


def test_the_shipped_model_is_not_removed(runner: Runner, tiny_path: Path) -> None:
    said = runner("rm", "tiny", "--yes")
    assert said.code != 0
    assert tiny_path.exists()


def test_a_file_shows_its_header(runner: Runner, tiny_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "copy.gguf"
    path.write_bytes(tiny_path.read_bytes())
    said = runner("show", str(path))
    assert said.code == 0
    facts = {line[:15].strip(): line[15:].strip() for line in said.out.splitlines()}
    assert facts["file"].startswith(str(path))
    assert facts["architecture"] == "llama"
    assert facts["context"] == "2048 tokens"
    assert facts["template"] == "its own"
    assert "Q8_0" in facts["tensors"]


def test_a_catalogue_entry_that_is_not_here(runner: Runner) -> None:
    said = runner("show", "r1-qwen:1.5b")
    assert said.code == 0
    assert "deepseek-r1-distill-qwen:1.5b" in said.out
    for word in ("MIT", "Q4_K_M", "Q8_0", "between <think> and </think>", "AIME 2024", "from "):
        assert word in said.out
    shown = json.loads(runner("show", "r1-qwen:1.5b", "--json").out)
    assert (shown["here"], shown["file"]) == (None, None)
    entry = shown["catalogue"]
    assert entry["name"] == "deepseek-r1-distill-qwen:1.5b"
    assert entry["licence"] == "MIT"
    assert all(file["file"].endswith(".gguf") for file in entry["quantizations"])


def test_every_entry_can_be_shown(runner: Runner) -> None:
    entries = json.loads(runner("list", "--catalogue", "--json").out)["catalogue"]
    assert len(entries) > 10
    for entry in entries:
        said = runner("show", entry["name"])
        assert (said.code, said.err) == (0, "")
        assert entry["licence"] in said.out


def test_list_the_catalogue(runner: Runner) -> None:
    heads, *rows = runner("list", "--catalogue").out.splitlines()
    assert heads.split() == ["NAME", "QUANT", "SIZE", "LICENCE", "HERE"]
    assert rows[0].split() == ["tiny", "MIT", "yes"]
    assert all(row == row.rstrip() for row in rows)
