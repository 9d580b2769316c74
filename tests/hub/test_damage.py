"""Damage on the way, found at the end, and damage on the disk, found later."""

import math

import pytest

from runner.errors import IntegrityError
from tests.hub.conftest import FILE, MIB, Bench


def test_one_wrong_bit_costs_one_look_at_each_piece(bench: Bench, pieces: int) -> None:
    bench.server.fault("cdn", "flip", at=100)
    bench.fetch()
    assert "fetching its pieces again" in bench.remarks[0]
    assert bench.asked()[-1] == (0, pieces)
    assert bench.sent() == len(bench.data) + pieces


def test_pieces_that_came_in_two_answers_are_looked_at_first(bench: Bench, pieces: int) -> None:
    start = 3 * pieces + 1000
    damaged = bytearray(bench.data[:start])
    damaged[start - 1] ^= 1
    bench.leave_part(bytes(damaged))
    bench.fetch()
    assert bench.asked()[-1] == (3 * pieces, 4 * pieces)
    assert bench.sent() == len(bench.data) - start + pieces


def test_damage_everywhere_is_mended_with_each_piece_fetched_once_more(
    bench: Bench, pieces: int
) -> None:
    bench.leave_part(bytes(len(bench.data)))
    bench.fetch()
    assert bench.sent() == len(bench.data)


@pytest.mark.parametrize("cut", [False, True])
def test_a_server_without_ranges_sends_it_all_once_more(
    bench: Bench, pieces: int, cut: bool
) -> None:
    bench.leave_part(bytes(len(bench.data)))
    bench.server.ranges = False
    if cut:
        bench.server.fault("cdn", "cut", at=MIB, times=2)
    bench.fetch()


def test_a_file_of_one_piece(bench: Bench) -> None:
    bench.server.fault("cdn", "flip", at=2 * MIB)
    bench.fetch()
    assert bench.asked() == [bench.rest(0), bench.rest(0)]


def test_a_fault_while_damage_is_mended(bench: Bench, pieces: int) -> None:
    bench.leave_part(bytes(len(bench.data)))
    bench.server.fault("cdn", "cut", at=1000, times=2)
    bench.fetch()


def test_a_damaged_file_in_the_way_is_replaced_and_progress_only_rises(bench: Bench) -> None:
    bench.destination.parent.mkdir(parents=True)
    bench.destination.write_bytes(bytes(len(bench.data)))
    seen = bench.fetch()
    assert seen == sorted(seen)
    assert "is not the published file; replacing it" in bench.remarks[0]


def test_the_wrong_file_is_never_published(bench: Bench, pieces: int) -> None:
    bench.server.fault("cdn", "wrong", times=math.inf)
    with pytest.raises(IntegrityError, match="sha256"):
        bench.fetch()
    assert not bench.destination.parent.exists()
    assert bench.sent() == 2 * len(bench.data)
    bench.server.faults.clear()
    bench.fetch()


# Repair


def rot(bench: Bench, *positions: int) -> None:
    data = bytearray(bench.data)
    for position in positions:
        data[position] ^= 255
    bench.destination.write_bytes(data)


def test_only_what_rotted_is_fetched(bench: Bench, pieces: int) -> None:
    bench.fetch()
    rot(bench, 2 * pieces + 5, len(bench.data) - 1)
    listing, file = bench.file()
    before, seen = bench.sent(), list[int]()
    count = len(bench.data) // pieces
    wrong = [range(2 * pieces, 3 * pieces), range(count * pieces, (count + 1) * pieces)]
    fetched = bench.hub.repair(listing, file, bench.destination, wrong, progress=seen.append)
    bench.is_here()
    assert fetched.pieces == bench.pieces(pieces)
    assert bench.sent() - before == pieces + len(bench.data) % pieces
    assert seen == sorted(seen) and seen[-1] == len(bench.data)


def test_damage_that_was_not_named_is_found(bench: Bench, pieces: int) -> None:
    bench.fetch()
    rot(bench, 5, 3 * pieces)
    listing, file = bench.file()
    bench.hub.repair(listing, file, bench.destination, [range(pieces)])
    bench.is_here()


def test_a_file_that_was_cut_short_is_repaired(bench: Bench, pieces: int) -> None:
    bench.fetch()
    bench.destination.write_bytes(bench.data[:MIB])
    listing, file = bench.file()
    before = bench.sent()
    bench.hub.repair(listing, file, bench.destination, [range(MIB, len(bench.data))])
    bench.is_here()
    assert bench.sent() - before == len(bench.data) - MIB


def test_a_repair_that_fails_leaves_the_file_as_it_was(bench: Bench, pieces: int) -> None:
    bench.fetch()
    rot(bench, 5)
    rotten = bench.destination.read_bytes()
    listing, file = bench.file()
    bench.server.fault("cdn", "wrong", times=math.inf)
    with pytest.raises(IntegrityError):
        bench.hub.repair(listing, file, bench.destination, [range(pieces)])
    assert bench.destination.read_bytes() == rotten
    assert [path.name for path in bench.destination.parent.iterdir()] == [FILE]
