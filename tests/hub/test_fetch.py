"""A file fetched through every fault that was ever seen on the way, and found whole."""

import json
import math
import sys
from pathlib import Path

import pytest

from runner.errors import (
    AccessDenied,
    DiskError,
    IntegrityError,
    NetworkError,
    OfflineError,
    UnknownModel,
)
from runner.hub import Hub, RemoteFile
from tests.hub.conftest import FILE, MIB, REPOSITORY, Bench
from tests.loopback.faults import Kind, Where


def leave_part(bench: Bench, data: bytes, **about: object) -> None:
    """What an earlier run left behind, with `about` altered in its note."""
    bench.part.parent.mkdir(parents=True)
    bench.part.write_bytes(data)
    note = {"repository": REPOSITORY, "commit": "0" * 40, "file": FILE} | {
        "bytes": len(bench.data),
        "sha256": bench.sha256,
    }
    bench.part.with_name(FILE + ".part.json").write_text(json.dumps(note | about))


def test_a_file_arrives_whole(bench: Bench) -> None:
    seen = bench.fetch()
    assert seen == sorted(seen) and len(seen) > 10
    (asked,) = bench.server.seen("resolve")
    assert asked.path == f"/{REPOSITORY}/resolve/{bench.listing().commit}/{FILE}"
    assert len(bench.server.seen("cdn")) == 1


def test_the_cdn_never_sees_the_token(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_member")
    bench.fetch()
    assert bench.server.seen("resolve")[0].headers["authorization"] == "Bearer hf_member"
    assert "authorization" not in bench.server.seen("cdn")[0].headers


def test_a_file_that_is_here_needs_no_connection(bench: Bench) -> None:
    listing, file = bench.file()
    bench.fetch()
    before = len(bench.server.requests)
    assert Hub(offline=True).fetch(listing, file, bench.destination).sha256 == bench.sha256
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
    bench.destination.write_bytes(bytes(len(bench.data)))
    bench.fetch()
    assert any("replacing" in remark for remark in bench.remarks)


# Faults that pass. `asked` is where the next requests start.

PASSING: list[tuple[Where, Kind, dict[str, int], list[str | None]]] = [
    ("cdn", "cut", {"at": MIB}, [None, f"bytes={MIB}-"]),
    ("cdn", "cut", {"at": 0}, [None, None]),
    ("cdn", "reset", {"at": 0}, [None, None]),
    ("cdn", "stall", {"at": MIB}, [None, f"bytes={MIB}-"]),
    ("cdn", "short", {}, [None, None]),
    ("cdn", "status", {"status": 403}, [None, None]),
    ("cdn", "status", {"status": 404}, [None, None]),
    ("cdn", "status", {"status": 503}, [None, None]),
    ("cdn", "portal", {}, [None, None]),
    ("resolve", "status", {"status": 500}, [None]),
    ("resolve", "status", {"status": 429}, [None]),
    ("resolve", "portal", {}, [None]),
]


@pytest.mark.parametrize(
    ("where", "kind", "how", "asked"),
    PASSING,
    ids=[f"{where}-{kind}-{'-'.join(map(str, how.values()))}" for where, kind, how, _ in PASSING],
)
def test_a_passing_fault_costs_only_what_was_lost(
    bench: Bench, where: Where, kind: Kind, how: dict[str, int], asked: list[str | None]
) -> None:
    bench.server.fault(where, kind, **how)  # type: ignore[arg-type]
    bench.fetch()
    assert [request.range for request in bench.server.seen("cdn")] == asked
    assert len(bench.remarks) == 1


def test_a_reset_keeps_what_had_arrived(bench: Bench) -> None:
    bench.server.fault("cdn", "reset", at=2 * MIB)
    bench.fetch()
    first, second = bench.server.seen("cdn")
    assert first.range is None
    assert second.range is None or 0 < int(second.range[6:-1]) <= 2 * MIB


def test_many_cuts_are_borne_as_long_as_bytes_arrive(bench: Bench) -> None:
    bench.server.fault("cdn", "cut", at=MIB, times=3)
    bench.server.fault("cdn", "status", status=503, times=2)
    bench.fetch()
    ranges = [request.range for request in bench.server.seen("cdn")]
    last = f"bytes={3 * MIB}-"
    assert ranges == [None, f"bytes={MIB}-", f"bytes={2 * MIB}-", last, last, last]


@pytest.mark.parametrize(
    ("where", "kind", "message"),
    [
        ("cdn", "cut", "lost the connection"),
        ("cdn", "stall", "stopped answering"),
        ("cdn", "status", "the CDN at 127.0.0.1 answered 503"),
        ("cdn", "portal", "a web page came instead of the file"),
        ("resolve", "status", "answered 503"),
        ("resolve", "stall", "stopped answering"),
        ("resolve", "portal", "a web page came instead of the file"),
    ],
)
def test_a_lasting_fault_ends(bench: Bench, where: Where, kind: Kind, message: str) -> None:
    bench.server.fault(where, kind, times=math.inf)
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
    assert bench.part.read_bytes() == bench.data[:MIB]
    bench.server.faults.clear()
    bench.fetch()
    assert bench.server.seen("cdn")[-1].range == f"bytes={MIB}-"


def test_a_server_that_always_breaks_off_early_is_not_asked_for_ever(bench: Bench) -> None:
    bench.server.fault("cdn", "cut", at=1000, times=math.inf)
    with pytest.raises(NetworkError, match="4 attempts"):
        bench.fetch()
    assert bench.part.stat().st_size == 4000


# Ranges


def test_an_ignored_range_starts_over(bench: Bench) -> None:
    leave_part(bench, bytes(MIB))  # wrong, which nobody will ever know
    bench.server.ranges = False
    seen = bench.fetch()
    assert seen[0] == MIB and min(seen) < MIB
    assert [request.range for request in bench.server.seen("cdn")] == [f"bytes={MIB}-"]


def test_another_range_than_was_asked_for_starts_over(bench: Bench) -> None:
    leave_part(bench, bench.data[:MIB])
    bench.server.fault("cdn", "wrong_start", times=math.inf)
    bench.fetch()
    assert [request.range for request in bench.server.seen("cdn")] == [f"bytes={MIB}-", None]


def test_a_range_that_is_refused(bench: Bench) -> None:
    leave_part(bench, bench.data[:MIB])
    bench.server.fault("cdn", "status", status=416, of_ranges=True, times=math.inf)
    bench.fetch()
    assert [request.range for request in bench.server.seen("cdn")] == [f"bytes={MIB}-", None]


def test_ignored_ranges_and_cuts_together_end(bench: Bench) -> None:
    bench.server.ranges = False
    bench.server.fault("cdn", "cut", at=2 * MIB, times=math.inf)
    with pytest.raises(NetworkError, match="4 attempts"):
        bench.fetch()
    assert len(bench.server.seen("cdn")) == 4


def test_more_bytes_than_the_file_has(bench: Bench) -> None:
    bench.server.fault("cdn", "long")
    bench.fetch()
    bench.destination.unlink()
    bench.server.fault("cdn", "long", times=math.inf)
    with pytest.raises(NetworkError, match="more than the file holds"):
        bench.fetch()


# What is here already


def test_a_part_of_another_content_is_not_continued(bench: Bench) -> None:
    leave_part(bench, bytes(MIB), sha256="0" * 64)
    bench.fetch()
    assert bench.server.seen("cdn")[0].range is None


@pytest.mark.parametrize("note", ["", "[]", "{", '"x"', "null"])
def test_a_damaged_note_starts_over(bench: Bench, note: str) -> None:
    leave_part(bench, bytes(MIB))
    bench.part.with_name(FILE + ".part.json").write_text(note)
    bench.fetch()
    assert bench.server.seen("cdn")[0].range is None


def test_a_part_longer_than_the_file_starts_over(bench: Bench) -> None:
    leave_part(bench, bench.data + b"x")
    bench.fetch()
    assert bench.server.seen("cdn")[0].range is None


def test_the_same_content_under_a_new_commit_is_continued(bench: Bench) -> None:
    leave_part(bench, bench.data[:MIB], commit="f" * 40)
    bench.fetch()
    assert bench.server.seen("cdn")[0].range == f"bytes={MIB}-"


def test_a_whole_part_needs_no_bytes(bench: Bench) -> None:
    leave_part(bench, bench.data)
    bench.fetch()
    assert not bench.server.seen("cdn")


# Integrity


def test_one_wrong_bit_is_never_published(bench: Bench) -> None:
    bench.server.fault("cdn", "flip", at=2 * MIB + 17)
    with pytest.raises(IntegrityError, match="sha256"):
        bench.fetch()
    assert not bench.destination.parent.exists()
    bench.fetch()


def test_a_wrong_part_is_never_published(bench: Bench) -> None:
    leave_part(bench, bytes(MIB))
    with pytest.raises(IntegrityError):
        bench.fetch()
    assert not list(bench.destination.parent.iterdir())
    bench.fetch()


def test_a_file_that_changed_since_it_was_listed(bench: Bench) -> None:
    bench.server.fault("resolve", "other_etag")
    with pytest.raises(IntegrityError, match="changed on the Hub since it was listed"):
        bench.fetch()
    assert not bench.destination.parent.exists()


def test_a_file_without_a_published_hash_is_refused(bench: Bench) -> None:
    listing = bench.listing()
    with pytest.raises(IntegrityError, match="publishes no sha256"):
        bench.hub.fetch(listing, listing.file("README.md"), bench.destination)


# Refusals


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


def test_a_file_that_is_gone(bench: Bench) -> None:
    listing = bench.listing()
    with pytest.raises(UnknownModel, match=r"no gone\.gguf in org/model-GGUF"):
        bench.hub.fetch(listing, RemoteFile("gone.gguf", 5, "0" * 64), bench.destination)


# Disk


def test_no_space_is_said_before_the_first_byte(bench: Bench) -> None:
    listing, file = bench.file()
    with pytest.raises(DiskError, match=r"1000000\.00 GB are needed"):
        bench.hub.fetch(listing, RemoteFile(FILE, 10**15, file.sha256), bench.destination)
    assert not bench.server.seen("resolve")
    assert not bench.destination.parent.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on a file's size")
def test_a_disk_that_fills_up_leaves_a_part_to_continue(bench: Bench) -> None:
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, limits[1]))
    try:
        with pytest.raises(DiskError, match="no space left") as caught:
            bench.fetch()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "continues where it stopped" in caught.value.remedy
    assert bench.part.read_bytes() == bench.data[:MIB]
    bench.fetch()
    assert bench.server.seen("cdn")[-1].range == f"bytes={MIB}-"


def test_a_folder_that_cannot_be_made(bench: Bench) -> None:
    bench.destination.parents[1].write_text("a file where the folder should be")
    with pytest.raises(DiskError):
        bench.fetch()


def test_ctrl_c_leaves_a_part_to_continue(bench: Bench) -> None:
    def interrupt(done: int) -> None:
        if done >= MIB:
            raise KeyboardInterrupt

    listing, file = bench.file()
    with pytest.raises(KeyboardInterrupt):
        bench.hub.fetch(listing, file, bench.destination, progress=interrupt)
    kept = bench.part.read_bytes()
    assert len(kept) >= MIB and bench.data.startswith(kept)
    beside = sorted(path.name for path in bench.destination.parent.iterdir())
    assert beside == [f"{FILE}.part", f"{FILE}.part.json"]
    bench.fetch()
    assert bench.server.seen("cdn")[-1].range == f"bytes={len(kept)}-"


def test_ctrl_c_while_an_old_part_is_read_back_keeps_it(bench: Bench) -> None:
    leave_part(bench, bench.data[: 2 * MIB])

    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    listing, file = bench.file()
    with pytest.raises(KeyboardInterrupt):
        bench.hub.fetch(listing, file, bench.destination, progress=interrupt)
    assert bench.part.read_bytes() == bench.data[: 2 * MIB]


def test_an_empty_file(bench: Bench) -> None:
    bench.server.add(REPOSITORY, {FILE: b""})
    bench.data = b""
    bench.fetch()
    assert Path(bench.destination).stat().st_size == 0
