"""A file fetched through every fault that was ever seen on the way, and found whole."""

import itertools
import math
import socket
from pathlib import Path

import pytest

from runner.errors import AccessDenied, IntegrityError, NetworkError, OfflineError, UnknownModel
from runner.hub import Hub, Patience, RemoteFile
from tests.hub.conftest import FILE, MIB, REPOSITORY, Bench
from tests.loopback.faults import Kind, Where


def test_a_file_arrives_whole(bench: Bench) -> None:
    bench.fetch()
    (asked,) = bench.server.seen("resolve", "HEAD")
    assert asked.path == f"/{REPOSITORY}/resolve/{bench.listing().commit}/{FILE}"
    assert not bench.server.seen("resolve", "GET")
    assert bench.asked() == [bench.rest(0)]


def test_an_empty_file(bench: Bench) -> None:
    bench.server.add(REPOSITORY, {FILE: b""})
    bench.data = b""
    bench.fetch()
    assert Path(bench.destination).stat().st_size == 0


def test_the_cdn_never_sees_the_token(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_member")
    bench.fetch()
    (asked,) = bench.server.seen("resolve", "HEAD")
    assert asked.headers["authorization"] == "Bearer hf_member"
    assert "authorization" not in bench.server.seen("cdn")[0].headers


def test_a_file_that_is_here_needs_no_connection(bench: Bench) -> None:
    listing, file = bench.file()
    bench.fetch()
    before = len(bench.server.requests)
    there = Hub(offline=True).fetch(listing, file, bench.destination)
    assert there.sha256 == bench.sha256
    assert there.pieces == bench.pieces(there.pieces.size)
    assert len(bench.server.requests) == before


def test_offline_fetches_nothing(bench: Bench) -> None:
    listing, file = bench.file()
    bench.server.requests.clear()
    with pytest.raises(OfflineError):
        Hub(offline=True).fetch(listing, file, bench.destination)
    assert not bench.server.requests
    assert not bench.destination.parent.exists()


def test_another_file_at_the_destination_is_replaced_aloud(bench: Bench) -> None:
    bench.destination.parent.mkdir(parents=True)
    bench.destination.write_bytes(bytes(len(bench.data) - 1))
    bench.fetch()
    assert any("replacing" in remark for remark in bench.remarks)


# Faults that pass. The numbers are where the requests to the CDN start.

PASSING: list[tuple[Where, Kind, dict[str, int], list[int]]] = [
    ("cdn", "cut", {"at": MIB}, [0, MIB]),
    ("cdn", "cut", {"at": 0}, [0, 0]),
    ("cdn", "reset", {"at": 0}, [0, 0]),
    ("cdn", "stall", {"at": MIB}, [0, MIB]),
    ("cdn", "short", {}, [0, -100]),
    ("cdn", "encoded", {}, [0, 0]),
    ("cdn", "wrong_start", {}, [0, 0]),
    ("cdn", "status", {"status": 403}, [0, 0]),
    ("cdn", "status", {"status": 404}, [0, 0]),
    ("cdn", "status", {"status": 416}, [0, 0]),
    ("cdn", "status", {"status": 500}, [0, 0]),
    ("cdn", "status", {"status": 503}, [0, 0]),
    ("cdn", "portal", {}, [0, 0]),
    ("resolve", "status", {"status": 500}, [0]),
    ("resolve", "status", {"status": 429}, [0]),
    ("resolve", "portal", {}, [0]),
]


@pytest.mark.parametrize(
    ("where", "kind", "how", "starts"),
    PASSING,
    ids=[f"{where}-{kind}-{'-'.join(map(str, how.values()))}" for where, kind, how, _ in PASSING],
)
def test_a_passing_fault_costs_only_what_was_lost(
    bench: Bench, where: Where, kind: Kind, how: dict[str, int], starts: list[int]
) -> None:
    bench.server.fault(where, kind, **how)  # type: ignore[arg-type]
    if kind == "stall":
        bench.soon_out_of_patience()
    bench.fetch()
    assert bench.asked() == [bench.rest(start % len(bench.data)) for start in starts]
    assert len(bench.remarks) == 1


def test_a_reset_keeps_what_had_arrived(bench: Bench) -> None:
    bench.server.fault("cdn", "reset", at=2 * MIB)
    bench.fetch()
    first, second = bench.asked()
    assert first == bench.rest(0)
    assert second[0] <= 2 * MIB


def test_many_cuts_are_borne_as_long_as_bytes_arrive(bench: Bench) -> None:
    bench.server.fault("cdn", "cut", at=MIB, times=3)
    bench.server.fault("cdn", "status", status=503, times=2)
    bench.fetch()
    assert bench.asked() == [bench.rest(start * MIB) for start in (0, 1, 2, 3, 3, 3)]


@pytest.mark.parametrize(
    ("where", "kind", "message"),
    [
        ("cdn", "cut", "lost the connection"),
        ("cdn", "stall", r"the CDN at 127\.0\.0\.1 stopped answering"),
        ("cdn", "status", r"the CDN at 127\.0\.0\.1 answered 503"),
        ("cdn", "portal", "a web page came instead of the file"),
        ("cdn", "encoded", "compressed"),
        ("resolve", "status", "answered 503"),
        ("resolve", "stall", "stopped answering"),
        ("resolve", "portal", "a web page came instead of the file"),
    ],
)
def test_a_lasting_fault_ends(bench: Bench, where: Where, kind: Kind, message: str) -> None:
    bench.server.fault(where, kind, times=math.inf)
    if kind == "stall":
        bench.soon_out_of_patience()
    with pytest.raises(NetworkError, match=message) as caught:
        bench.fetch()
    assert "(4 attempts)" in caught.value.message
    assert not bench.destination.parent.exists()


def test_giving_up_keeps_what_arrived_and_says_so(bench: Bench) -> None:
    bench.server.fault("cdn", "cut", at=MIB)
    bench.server.fault("cdn", "status", times=math.inf)
    with pytest.raises(NetworkError) as caught:
        bench.fetch()
    assert "The same command continues after 0.00 of 0.00 GB" in caught.value.remedy
    assert bench.kept() == MIB
    bench.server.faults.clear()
    bench.fetch()
    assert bench.asked()[-1] == bench.rest(MIB)


def test_a_server_that_always_breaks_off_early_is_not_asked_for_ever(bench: Bench) -> None:
    bench.server.fault("cdn", "cut", at=1000, times=math.inf)
    with pytest.raises(NetworkError, match="4 attempts"):
        bench.fetch()
    assert bench.kept() == 4000


def test_a_silent_server_is_given_up_before_all_attempts(bench: Bench) -> None:
    bench.server.fault("cdn", "stall", times=math.inf)
    patience = Patience(timeout=0.2, attempts=100, first_wait=0.001, silence=0.5)
    listing, file = bench.file()
    with pytest.raises(NetworkError, match="stopped answering"):
        Hub(patience=patience).fetch(listing, file, bench.destination)
    assert len(bench.asked()) < 5


def test_nobody_at_the_cdn(bench: Bench) -> None:
    bench.server.cdn = "http://127.0.0.1:9"
    with pytest.raises(NetworkError, match=r"cannot reach the CDN at 127\.0\.0\.1"):
        bench.fetch()


def test_a_name_that_no_server_knows(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    bench.server.cdn = "http://cdn.invalid"
    listing, file = bench.file()
    monkeypatch.setattr("socket.getaddrinfo", unknown)
    with pytest.raises(NetworkError, match=r"cannot reach the CDN at cdn\.invalid: .*not known"):
        bench.hub.fetch(listing, file, bench.destination)


def test_a_clock_that_jumps_changes_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    hours = itertools.cycle([0, 5e6, -5e6])
    monkeypatch.setattr("time.time", lambda: 1.8e9 + next(hours))
    bench.server.fault("cdn", "cut", at=MIB)
    bench.server.fault("cdn", "status", status=429, headers={"Retry-After": "0"})
    bench.fetch()


def test_the_servers_wait_is_respected_and_said(bench: Bench) -> None:
    bench.server.fault("cdn", "status", status=429, headers={"Retry-After": "1"})
    bench.fetch()
    assert bench.remarks == ["the CDN at 127.0.0.1 answered 429; trying again in 1 s"]
    bench.destination.unlink()
    bench.server.fault("cdn", "status", status=429, headers={"Retry-After": "900"})
    with pytest.raises(NetworkError, match="asks to wait 900 s"):
        bench.fetch()


# Refusals


def test_a_file_without_a_published_hash_is_refused(bench: Bench) -> None:
    listing = bench.listing()
    with pytest.raises(IntegrityError, match="publishes no sha256"):
        bench.hub.fetch(listing, listing.file("README.md"), bench.destination)


def test_a_file_that_changed_since_it_was_listed(bench: Bench) -> None:
    bench.server.fault("resolve", "other_etag")
    with pytest.raises(IntegrityError, match="changed on the Hub since it was listed"):
        bench.fetch()
    assert not bench.destination.parent.exists()


def test_a_gated_model_without_a_token(bench: Bench) -> None:
    bench.server.add(REPOSITORY, {FILE: bench.data}, gated=True)
    with pytest.raises(AccessDenied, match="gated") as caught:
        bench.fetch()
    assert f"{bench.server.endpoint}/{REPOSITORY}" in caught.value.remedy
    assert "hf auth login" in caught.value.remedy
    assert not bench.destination.parent.exists()


def test_a_gated_model_with_a_strangers_token(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_stranger")
    bench.server.add(REPOSITORY, {FILE: bench.data}, gated=True)
    with pytest.raises(AccessDenied, match="gated") as caught:
        bench.fetch()
    assert "the account whose token is in use" in caught.value.remedy


def test_a_gated_model_with_a_members_token(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_member")
    bench.server.add(REPOSITORY, {FILE: bench.data}, gated=True)
    bench.fetch()


def test_a_refused_token(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    listing, file = bench.file()
    monkeypatch.setenv("HF_TOKEN", "hf_expired")
    with pytest.raises(AccessDenied, match="refused the Hugging Face token"):
        bench.hub.fetch(listing, file, bench.destination)


def test_a_file_that_is_gone(bench: Bench) -> None:
    listing = bench.listing()
    with pytest.raises(UnknownModel, match=r"no gone\.gguf in org/model-GGUF"):
        bench.hub.fetch(listing, RemoteFile("gone.gguf", 5, "0" * 64), bench.destination)
