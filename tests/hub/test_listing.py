"""What a repository holds, asked of the stand-in Hub by the real client."""

import hashlib
import math
import os
import re
import subprocess
import sys

import pytest

from runner.errors import AccessDenied, ConfigurationError, NetworkError, OfflineError, UnknownModel
from runner.hub import Hub, Patience
from tests.hub.conftest import FILE, REPOSITORY, Bench
from tests.loopback import LoopbackHub


def test_a_listing_gives_commit_licence_sizes_and_hashes(bench: Bench) -> None:
    listing = bench.listing()
    assert listing.repository == REPOSITORY
    assert re.fullmatch("[0-9a-f]{40}", listing.commit)
    assert listing.licence == "mit"
    assert not listing.gated
    model, card = listing.file(FILE), listing.file("README.md")
    assert (model.bytes, model.sha256) == (len(bench.data), bench.sha256)
    assert (card.bytes, card.sha256) == (8, None)
    assert len(bench.server.seen("api")) == 1


def test_the_name_is_the_hubs_own_whatever_case_was_typed(bench: Bench) -> None:
    assert bench.hub.listing(REPOSITORY.upper()).repository == REPOSITORY


def test_a_commit_can_be_named(bench: Bench) -> None:
    commit = bench.listing().commit
    assert bench.hub.listing(REPOSITORY, commit).commit == commit


def test_names_that_could_steer_a_terminal_are_not_listed(bench: Bench) -> None:
    bench.server.add("org/odd", {"\x1b]0;owned\x07.gguf": b"x", "fine.gguf": b"x"})
    assert [file.path for file in bench.hub.listing("org/odd").files] == ["fine.gguf"]


def test_a_missing_file_is_named(bench: Bench) -> None:
    with pytest.raises(UnknownModel, match=r"org/model-GGUF has no file other\.gguf"):
        bench.listing().file("other.gguf")


@pytest.mark.parametrize("token", ["", "hf_member"])
def test_a_missing_repository(bench: Bench, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(UnknownModel, match="no model repository org/absent") as caught:
        bench.hub.listing("org/absent")
    assert "spelling" in caught.value.remedy and "hf auth login" in caught.value.remedy
    assert len(bench.server.seen("api")) == 1


def test_a_missing_revision(bench: Bench) -> None:
    with pytest.raises(UnknownModel, match="org/model-GGUF at v9"):
        bench.hub.listing(REPOSITORY, "v9")


@pytest.mark.parametrize("name", ["a/b/c", "org/na me", "../etc", "org/x--y"])
def test_what_cannot_be_a_repository_is_not_asked_for(bench: Bench, name: str) -> None:
    with pytest.raises(UnknownModel):
        bench.hub.listing(name)
    assert not bench.server.requests


def test_a_gated_repository_can_be_listed(bench: Bench) -> None:
    bench.server.add("org/gated", {"x-Q8_0.gguf": b"x"}, gated=True)
    assert bench.hub.listing("org/gated").gated


def test_a_refused_token(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_expired")
    with pytest.raises(AccessDenied, match="refused the Hugging Face token") as caught:
        bench.listing()
    assert "Unset it" in caught.value.remedy


def test_a_token_that_is_no_text_for_a_header(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_“quoted”")
    with pytest.raises(AccessDenied, match="characters that no token has"):
        bench.listing()


def test_the_token_is_sent_to_the_hub(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_member")
    bench.listing()
    assert bench.server.seen("api")[0].headers["authorization"] == "Bearer hf_member"


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_passing_failure_is_waited_out(bench: Bench, status: int) -> None:
    bench.server.fault("api", "status", status=status, times=2)
    assert bench.listing().files
    assert len(bench.remarks) == 2 and str(status) in bench.remarks[0]


def test_a_lasting_failure_ends(bench: Bench) -> None:
    bench.server.fault("api", "status", status=503, times=math.inf)
    with pytest.raises(NetworkError, match=r"answered 503 \(3 attempts\)"):
        bench.listing()
    assert len(bench.server.seen("api")) == 3


def test_a_silent_hub_is_given_up(bench: Bench) -> None:
    bench.server.fault("api", "stall", times=math.inf)
    hub = Hub(patience=Patience(timeout=0.05, attempts=2, first_wait=0))
    with pytest.raises(NetworkError, match=r"stopped answering \(2 attempts\)"):
        hub.listing(REPOSITORY)


def test_a_login_page_is_no_listing(bench: Bench) -> None:
    bench.server.fault("api", "portal", times=math.inf)
    with pytest.raises(NetworkError, match="did not answer as a Hub does") as caught:
        bench.listing()
    assert "login page" in caught.value.remedy


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub("http://127.0.0.1:9", patience=Patience(attempts=2, first_wait=0))
    with pytest.raises(NetworkError, match=r"cannot reach http://127\.0\.0\.1:9: .*2 attempts"):
        hub.listing(REPOSITORY)


def test_the_servers_wait_is_respected(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    bench.server.fault("api", "status", status=429, headers={"Retry-After": "7"})
    bench.server.fault("api", "status", status=429, headers={"RateLimit": '"api";r=0;t=42'})
    bench.listing()
    assert waits == [7.0, 42.0]


def test_a_wait_beyond_bearing_is_refused(bench: Bench) -> None:
    bench.server.fault("api", "status", status=429, headers={"Retry-After": "3600"})
    with pytest.raises(NetworkError, match="asks to wait 3600 s") as caught:
        bench.listing()
    assert "60 minutes" in caught.value.remedy


def test_offline_means_no_connection(bench: Bench) -> None:
    with pytest.raises(OfflineError, match="offline mode"):
        Hub(offline=True).listing(REPOSITORY)
    assert not bench.server.requests


def test_the_public_hub_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_ENDPOINT")
    assert Hub().endpoint == "https://huggingface.co"


def test_an_endpoint_without_a_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "hf-mirror.example")
    with pytest.raises(ConfigurationError, match="HF_ENDPOINT"):
        Hub()


def in_a_new_process(program: str) -> str:
    """What a Python prints for whom huggingface_hub's variables and side trips are new."""
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_nothing_is_asked_that_nobody_asked_for(loopback_hub: LoopbackHub) -> None:
    loopback_hub.add(REPOSITORY, {FILE: b"model"})
    sha256 = in_a_new_process(
        "import sys, runner.hub\n"
        "assert 'huggingface_hub' not in sys.modules\n"
        f"print(runner.hub.Hub().listing({REPOSITORY!r}).files[0].sha256)"
    )
    assert sha256 == hashlib.sha256(b"model").hexdigest()
    (asked,) = loopback_hub.requests
    assert asked.path == f"/api/models/{REPOSITORY}?blobs=true"
    agent = asked.headers["user-agent"].split("; ")
    assert [each.partition("/")[0] for each in agent] == ["runner", "hf_hub", "python"]


def test_the_libraries_own_offline_switch(
    loopback_hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    message = in_a_new_process(
        "import runner.errors, runner.hub\n"
        f"try: runner.hub.Hub().listing({REPOSITORY!r})\n"
        "except runner.errors.OfflineError as error: print(error.message)"
    )
    assert "HF_HUB_OFFLINE forbids it" in message
    assert not loopback_hub.requests
