"""`runner search`: the catalogue and the disk at once, then the Hub."""

import json
import math
from typing import Any

import pytest

from tests.cli.conftest import FETCHABLE, Runner
from tests.loopback import LoopbackHub

HEADS = ["NAME", "PARAMETERS", "LICENCE", "DOWNLOADS", "UPDATED", "BASE", "MODEL", "GATED"]


@pytest.fixture
def hub(hub_with_model: LoopbackHub) -> LoopbackHub:
    facts: dict[str, Any] = {
        "downloads": 12_345,
        "likes": 7,
        "lastModified": "2026-05-04T03:02:01.000Z",
        "gguf": {"total": 1_777_088_000, "architecture": "qwen2", "context_length": 131072},
        "cardData": {"license": "mit", "base_model": ["org/Base\x1b[31m"]},
        "gated": "manual",
    }
    hub_with_model.add("org/R1-Qwen-GGUF", {}, facts=facts)
    return hub_with_model


def test_catalogue_disk_and_hub(runner: Runner, hub: LoopbackHub) -> None:
    runner("pull", f"{FETCHABLE}:Q8_0", "--quiet")
    said = runner("search", "small")
    assert (said.code, said.err) == (0, "")
    assert said.out.index("On this disk:") < said.out.index("On the Hub:")
    said = runner("search", "r1", "QWEN")
    assert said.out.index("In the catalogue:") < said.out.index("On the Hub:")
    assert "deepseek-r1-distill-qwen:1.5b " in said.out
    heads, row = said.out[said.out.index("On the Hub:") :].splitlines()[1:]
    assert heads.split() == HEADS
    assert row.split() == [
        "org/R1-Qwen-GGUF", "1.8", "B", "mit", "12.3", "k", "2026-05-04", "org/Base", "manual",
    ]  # fmt: skip


def test_offline_it_says_that_the_hub_was_not_asked(runner: Runner, hub: LoopbackHub) -> None:
    said = runner("search", "r1", "qwen", "--offline")
    assert said.code == 0
    assert "deepseek-r1-distill-qwen:1.5b " in said.out
    assert said.err == "offline: the Hub was not asked\n"
    assert hub.requests == []


def test_what_is_known_is_shown_before_the_hub_fails(runner: Runner, hub: LoopbackHub) -> None:
    hub.fault("api", "status", status=403, times=math.inf)
    said = runner("search", "r1", "qwen")
    assert said.code == 9
    assert "deepseek-r1-distill-qwen:1.5b " in said.out


def test_nothing_is_found(runner: Runner, hub: LoopbackHub) -> None:
    said = runner("search", "xyzzy")
    assert said.out == "The Hub has no GGUF repository whose name holds these words.\n"


def test_as_json(runner: Runner, hub: LoopbackHub) -> None:
    found = json.loads(runner("search", "r1", "qwen", "--json").out)
    assert "deepseek-r1-distill-qwen:1.5b" in [entry["name"] for entry in found["catalogue"]]
    assert found["here"] == []
    (repository,) = found["hub"]
    assert repository["repository"] == "org/R1-Qwen-GGUF"
    assert repository["updated"] == "2026-05-04T03:02:01+00:00"
    assert repository["context"] == 131072
    assert json.loads(runner("search", "r1", "--json", "--offline").out)["hub"] is None


def test_sort_and_limit(runner: Runner, hub: LoopbackHub) -> None:
    runner("search", "gguf", "--sort", "trending", "--limit", "3", "--quiet")
    (asked,) = hub.seen("api")
    assert "sort=trendingScore" in asked.path and "limit=3" in asked.path
    assert runner("search", "gguf", "--sort", "size").code == 2
    assert runner("search", "gguf", "--limit", "0").code == 2
