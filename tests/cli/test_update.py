"""`runner update`: what changed at the source, said and not done."""

import json
from pathlib import Path
from typing import Any

import pytest

from runner import models
from runner.catalog import load_catalog
from runner.hub import Hub
from tests.cli.conftest import FETCHABLE, FETCHABLE_FILE, Runner
from tests.loopback import LoopbackHub

NAME = f"hf.co/{FETCHABLE}"


@pytest.fixture
def hub(runner: Runner, hub_with_model: LoopbackHub) -> LoopbackHub:
    assert runner("pull", f"{FETCHABLE}:Q8_0", "--quiet").code == 0
    hub_with_model.requests.clear()
    return hub_with_model


def changes(runner: Runner) -> list[dict[str, Any]]:
    (model,) = json.loads(runner("update", "--json").out)["models"]
    assert model["name"] == NAME
    found: list[dict[str, Any]] = model["changes"]
    return found


def test_nothing_changed(runner: Runner, hub: LoopbackHub) -> None:
    said = runner("update")
    heads, row = said.out.splitlines()
    assert heads.split() == ["NAME", "QUANT", "AT", "THE", "SOURCE"]
    assert row.split() == [NAME, "Q8_0", "unchanged"]
    assert changes(runner) == [{"kind": "same", "was": None, "now": None}]


def test_a_new_commit_that_leaves_the_file(
    runner: Runner, hub: LoopbackHub, tiny_path: Path
) -> None:
    was = hub.repositories[FETCHABLE].commit
    now = hub.add(FETCHABLE, {FETCHABLE_FILE: tiny_path.read_bytes(), "README.md": b"# New"})
    assert changes(runner) == [{"kind": "commit", "was": was, "now": now}]
    assert f"{was[:12]} then, {now[:12]} now" in runner("update", FETCHABLE).out


def test_another_file_of_the_same_name(runner: Runner, hub: LoopbackHub) -> None:
    hub.add(FETCHABLE, {FETCHABLE_FILE: b"other"})
    (change,) = changes(runner)
    assert (change["kind"], len(change["now"])) == ("content", 64)
    said = runner("update")
    assert "another file has this name now" in said.out
    assert said.err.startswith("nothing was fetched; `runner pull` takes what a repository holds")
    assert hub.seen("cdn") == []


def test_the_file_is_gone(runner: Runner, hub: LoopbackHub) -> None:
    hub.add(FETCHABLE, {"README.md": b"# Gone"})
    assert changes(runner) == [{"kind": "file gone", "was": FETCHABLE_FILE, "now": None}]


def test_another_licence(runner: Runner, hub: LoopbackHub, tiny_path: Path) -> None:
    hub.repositories[FETCHABLE].licence = "gemma"
    assert changes(runner) == [{"kind": "licence", "was": "mit", "now": "gemma"}]
    assert "another licence: gemma, fetched under mit" in runner("update").out


def test_the_words_of_the_catalogue_are_no_other_licence(
    runner: Runner, loopback_hub: LoopbackHub
) -> None:
    entry, known = next((e, q) for e in load_catalog().entries for q in e.quantizations if q.sha256)
    loopback_hub.add(known.repository, {known.file: b"GGUF"})
    loopback_hub.repositories[known.repository].licence = "some-words"
    models.pull(f"{entry.name}:{known.name}", hub=Hub(), progress=lambda *_: None, accept_new=True)
    assert entry.licence != "some-words"
    (model,) = json.loads(runner("update", "--json").out)["models"]
    assert [change["kind"] for change in model["changes"]] == ["same"]
    loopback_hub.repositories[known.repository].licence = "other-words"
    (model,) = json.loads(runner("update", "--json").out)["models"]
    assert model["changes"] == [{"kind": "licence", "was": "some-words", "now": "other-words"}]


def test_the_repository_is_gone(runner: Runner, hub: LoopbackHub) -> None:
    hub.repositories.clear()
    assert [change["kind"] for change in changes(runner)] == ["repository gone"]
    assert runner("update").code == 0


def test_without_a_connection(runner: Runner, hub: LoopbackHub) -> None:
    said = runner("update", "--offline")
    assert (said.code, said.out) == (8, "")
    assert hub.requests == []


def test_only_what_was_fetched_has_a_source(runner: Runner, hub: LoopbackHub) -> None:
    assert runner("update", "tiny").code == 4
    assert runner("update", "qwen3:4b").code == 3
