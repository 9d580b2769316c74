"""One file over several connections, and what each answer is held against."""

import itertools
import math
import random

import pytest

from runner.errors import NetworkError
from runner.hub import Patience
from runner.hub.transfer import Rates
from tests.hub.conftest import KIB, MIB, Bench
from tests.loopback.faults import Kind


def test_several_connections_fetch_every_byte_once(bench: Bench, pieces: int) -> None:
    bench.fetch()
    spans = sorted(bench.asked())
    assert len(spans) > 4
    assert all(start % pieces == 0 for start, _ in spans)
    assert [0, *(stop for _, stop in spans)] == [*(start for start, _ in spans), len(bench.data)]
    assert len(bench.server.seen("resolve", "HEAD")) == 1


FAULTS: list[tuple[Kind, dict[str, int]]] = [
    ("cut", {"at": 100 * KIB}),
    ("reset", {"at": 100 * KIB}),
    ("stall", {"at": 100 * KIB}),
    ("short", {}),
    ("long", {}),
    ("wrong_start", {}),
    ("encoded", {}),
    ("portal", {}),
    ("status", {"status": 403}),
    ("status", {"status": 416}),
    ("status", {"status": 429}),
    ("status", {"status": 503}),
]


@pytest.mark.parametrize(("kind", "how"), FAULTS, ids=lambda value: str(value))
def test_a_fault_of_one_connection_does_not_touch_the_others(
    bench: Bench, pieces: int, kind: Kind, how: dict[str, int]
) -> None:
    bench.server.fault("cdn", kind, **how)  # type: ignore[arg-type]
    if kind == "stall":
        bench.soon_out_of_patience()
    bench.fetch()
    assert bench.sent() <= len(bench.data) + 4 * pieces  # those of one request


def test_an_outage_counts_once_however_many_connections_it_cuts(bench: Bench, pieces: int) -> None:
    bench.server.rate = 2 * MIB
    bench.server.fault("cdn", "status", status=503, times=3)
    bench.fetch()


def test_every_connection_is_cut_again_and_again(bench: Bench, pieces: int) -> None:
    bench.server.fault("cdn", "cut", at=200 * KIB, times=math.inf)
    bench.hub.patience = Patience(timeout=5, attempts=50, first_wait=0.001, longest_wait=0.001)
    bench.fetch()
    assert bench.sent() == len(bench.data)


def test_an_address_that_expired_is_asked_for_again(bench: Bench, pieces: int) -> None:
    bench.server.rate = 4 * MIB

    def expire(done: int) -> None:
        if done >= MIB and not bench.server.seen("resolve", "HEAD")[1:]:
            bench.server.fault("cdn", "status", status=403)

    listing, file = bench.file()
    bench.hub.fetch(listing, file, bench.destination, progress=expire)
    bench.is_here()
    assert 2 <= len(bench.server.seen("resolve", "HEAD")) <= 3
    assert not any("403" in remark for remark in bench.remarks[1:])


def test_content_that_changes_under_another_tag_is_not_mixed_in(bench: Bench, pieces: int) -> None:
    bench.server.rate = 4 * MIB

    def change(done: int) -> None:
        if done >= MIB and not bench.remarks:
            bench.server.fault("cdn", "changed")

    listing, file = bench.file()
    bench.hub.fetch(listing, file, bench.destination, progress=change)
    bench.is_here()
    assert any("changed on the server" in remark for remark in bench.remarks)


KINDS: list[Kind] = [
    *("cut", "reset", "stall", "short", "long", "wrong_start", "encoded", "portal", "status"),
]


@pytest.mark.parametrize("seed", range(4))
def test_many_faults_in_any_order(bench: Bench, pieces: int, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(10):
        position, status = chance.randrange(len(bench.data)), chance.choice([403, 416, 429, 500])
        bench.server.fault("cdn", chance.choice(KINDS), at=position, status=status)
    bench.hub.patience = Patience(timeout=0.3, attempts=20, first_wait=0.001, longest_wait=0.001)
    bench.fetch()


# Servers that do not do ranges


def test_ranges_that_are_ignored(bench: Bench, pieces: int) -> None:
    bench.server.ranges = False
    bench.fetch()
    assert bench.asked()[-1] == (0, 0)
    assert len(bench.server.seen("cdn")) <= 5


def test_ignored_ranges_do_not_matter_for_all_of_it(bench: Bench) -> None:
    bench.server.ranges = False
    bench.fetch()
    assert bench.asked() == [bench.rest(0)]


def test_what_is_there_stays_where_ranges_are_ignored(bench: Bench) -> None:
    bench.leave_part(bench.data[:MIB])
    bench.server.ranges = False
    seen = bench.fetch()
    assert seen[0] == MIB
    assert bench.asked() == [bench.rest(MIB), bench.rest(MIB), (0, 0)]


@pytest.mark.parametrize("kind", ["wrong_start", "status"])
def test_ranges_that_are_always_wrong(bench: Bench, kind: Kind) -> None:
    bench.leave_part(bench.data[:MIB])
    bench.server.fault("cdn", kind, status=416, of_ranges=True, times=math.inf)
    bench.fetch()
    assert bench.asked() == [bench.rest(MIB), bench.rest(MIB), (0, 0)]


def test_ignored_ranges_and_cuts_together_end(bench: Bench, pieces: int) -> None:
    bench.server.ranges = False
    bench.server.fault("cdn", "cut", at=2 * MIB, times=math.inf)
    with pytest.raises(NetworkError, match="4 attempts"):
        bench.fetch()
    assert bench.kept() >= 2 * MIB


def test_more_bytes_than_the_file_has(bench: Bench) -> None:
    bench.server.fault("cdn", "long")
    bench.fetch()
    assert bench.asked() == [bench.rest(0)] or len(bench.asked()) == 2


# How many connections


def rates(monkeypatch: pytest.MonkeyPatch, arrived: list[int]) -> list[bool | None]:
    """The verdicts where so many bytes more arrive each second."""
    clock = itertools.count(100)
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    measured = Rates()
    return [measured.faster(total) for total in itertools.accumulate(arrived)]


def test_connections_are_added_while_that_makes_it_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rates(monkeypatch, [40, 80, 150, 155, 300]) == [True, True, True, False, None]


def test_silence_is_no_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rates(monkeypatch, [0, 0, 40, 40]) == [None, None, True, False]
