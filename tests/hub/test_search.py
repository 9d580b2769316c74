"""Searching the Hub, asked of the stand-in by the real client."""

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from runner.errors import AccessDenied, NetworkError, OfflineError
from runner.hub import Found, Hub, Patience
from tests.loopback import LoopbackHub

UPDATED = "2026-05-04T03:02:01.000Z"


def facts(downloads: int, **others: Any) -> dict[str, Any]:
    return {
        "downloads": downloads,
        "likes": 1000 - downloads,
        "lastModified": UPDATED,
        "gguf": {"total": 1_777_088_000, "architecture": "qwen2", "context_length": 131072},
        "cardData": {"license": "mit", "base_model": "org/Original"},
        **others,
    }


@pytest.fixture
def hub(loopback_hub: LoopbackHub) -> Hub:
    loopback_hub.add("org/Small-GGUF", {}, facts=facts(10))
    loopback_hub.add("other/small-imatrix-GGUF", {}, facts=facts(500, gated="manual"))
    loopback_hub.add("org/Large-GGUF", {}, facts=facts(70))
    return client()


def client() -> Hub:
    return Hub(patience=Patience(timeout=5, attempts=8, first_wait=0.001, longest_wait=0.001))


def test_what_is_found_and_told(hub: Hub, loopback_hub: LoopbackHub) -> None:
    popular, other = hub.search("small gguf")
    assert other == Found(
        repository="org/Small-GGUF",
        parameters=1_777_088_000,
        architecture="qwen2",
        context=131072,
        licence="mit",
        base_models=("org/Original",),
        downloads=10,
        likes=990,
        updated=datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC),
        gate=None,
    )
    assert (popular.repository, popular.gate) == ("other/small-imatrix-GGUF", "manual")
    (asked,) = loopback_hub.requests
    assert "filter=gguf" in asked.path and "limit=20" in asked.path


def test_sorting(hub: Hub, loopback_hub: LoopbackHub) -> None:
    names = [each.repository for each in hub.search("gguf", sort="likes")]
    assert names == ["org/Small-GGUF", "org/Large-GGUF", "other/small-imatrix-GGUF"]
    hub.search("gguf", sort="updated")
    hub.search("gguf", sort="trending")
    sorts = [
        request.path.partition("sort=")[2].partition("&")[0] for request in loopback_hub.requests
    ]
    assert sorts == ["likes", "lastModified", "trendingScore"]


def test_pages_are_turned_up_to_the_limit(loopback_hub: LoopbackHub) -> None:
    for number in range(250):
        loopback_hub.add(f"org/m{number}", {}, facts=facts(number))
    found = client().search("org", limit=230)
    assert [each.downloads for each in found] == list(range(249, 19, -1))
    assert len(loopback_hub.requests) == 3
    assert len(client().search("org", limit=5)) == 5


def test_a_page_elsewhere_is_not_turned_to(
    hub: Hub, loopback_hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.hub.search.PAGE", 1)
    for server in loopback_hub._servers:
        monkeypatch.setattr(type(server), "address", loopback_hub.cdn)
    assert len(hub.search("gguf", limit=3)) == 1
    assert loopback_hub.seen("cdn") == []


@pytest.mark.parametrize(
    "odd",
    [
        {"gguf": None, "cardData": None, "lastModified": None, "downloads": None},
        {"gguf": {"total": "many", "architecture": 3, "context_length": -1}, "downloads": "x"},
        {"gguf": [], "cardData": {"license": ["mit", "other"], "base_model": ["a/b", "c/d"]}},
    ],
)
def test_what_is_not_said_is_not_guessed(loopback_hub: LoopbackHub, odd: dict[str, Any]) -> None:
    loopback_hub.add("org/odd", {}, facts=facts(1) | odd)
    (found,) = client().search("odd")
    assert (found.parameters, found.context, found.architecture) == (None, None, None)


def test_names_that_could_steer_a_terminal_are_left_out(loopback_hub: LoopbackHub) -> None:
    loopback_hub.add("org/\x1b]0;owned\x07gguf", {}, facts=facts(1))
    assert client().search("gguf") == []


def test_a_silent_hub_is_given_up(hub: Hub, loopback_hub: LoopbackHub) -> None:
    loopback_hub.fault("api", "stall", times=math.inf)
    hub.patience = replace(hub.patience, timeout=0.3)
    with pytest.raises(NetworkError, match=r"stopped answering \(3 attempts\)"):
        hub.search("small")
    assert len(loopback_hub.requests) == 3


def test_a_passing_fault_is_waited_out(hub: Hub, loopback_hub: LoopbackHub) -> None:
    loopback_hub.fault("api", "status", status=503)
    loopback_hub.fault("api", "portal")
    assert len(hub.search("small")) == 2


def test_a_login_page_is_no_answer(hub: Hub, loopback_hub: LoopbackHub) -> None:
    loopback_hub.fault("api", "portal", times=math.inf)
    with pytest.raises(NetworkError, match="did not answer as a Hub does"):
        hub.search("small")


def test_a_token_that_is_no_text_for_a_header(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_“quoted”")
    with pytest.raises(AccessDenied, match="characters that no token has"):
        hub.search("small")


def test_offline(loopback_hub: LoopbackHub) -> None:
    with pytest.raises(OfflineError):
        Hub(offline=True).search("small")
    assert loopback_hub.requests == []
