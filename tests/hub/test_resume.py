"""What an interrupted fetch leaves behind, and what the next one makes of it."""

import json
import random
import struct
from pathlib import Path

import pytest

from runner.hub import Listing
from runner.journal import Journal
from tests.hub.conftest import FILE, KIB, MIB, REPOSITORY, Bench


def test_a_part_is_continued(bench: Bench) -> None:
    bench.leave_part(bench.data[:MIB])
    assert bench.fetch()[0] == MIB
    assert bench.asked() == [bench.rest(MIB)]


def test_a_whole_part_needs_no_bytes(bench: Bench) -> None:
    bench.leave_part(bench.data)
    bench.fetch()
    assert not bench.asked()


@pytest.mark.parametrize("about", [{"sha256": "0" * 64}, {"bytes": 5}, {"piece": 5}])
def test_a_part_of_another_content_is_not_continued(bench: Bench, about: dict[str, object]) -> None:
    bench.leave_part(bench.data[:MIB], **about)
    bench.fetch()
    assert bench.asked()[0] == bench.rest(0)


@pytest.mark.parametrize("note", ["", "[]", "{", '"x"', "null"])
def test_a_damaged_note_starts_over(bench: Bench, note: str) -> None:
    bench.leave_part(bench.data[:MIB])
    bench.part.with_name(FILE + ".part.json").write_text(note)
    bench.fetch()
    assert bench.asked()[0] == bench.rest(0)


def test_the_note_says_what_it_is_of(bench: Bench) -> None:
    bench.server.fault("cdn", "cut", at=MIB)
    bench.server.fault("cdn", "status", status=503, times=9)
    with pytest.raises(Exception, match="503"):
        bench.fetch()
    note = json.loads(bench.part.with_name(FILE + ".part.json").read_text())
    assert (note["repository"], note["file"]) == (REPOSITORY, FILE)
    assert (note["bytes"], note["sha256"]) == (len(bench.data), bench.sha256)


def test_another_repository_with_the_same_content_continues(bench: Bench, tmp_path: Path) -> None:
    other = tmp_path / "other" / FILE
    bench.leave_part(bench.data[:MIB])
    bench.server.add("other/copy", {FILE: bench.data})
    listing = bench.hub.listing("other/copy")
    bench.hub.fetch(listing, listing.file(FILE), other, elsewhere=[bench.destination])
    assert other.read_bytes() == bench.data
    assert bench.asked() == [bench.rest(MIB)]
    assert not list(bench.destination.parent.iterdir())


# After a power cut: file and journal tell of different times.


def test_a_page_that_was_lost_is_fetched_again_with_its_piece(bench: Bench, pieces: int) -> None:
    data = bytearray(bench.data[: 2 * MIB])
    data[pieces + 5000 : pieces + 9096] = bytes(4096)
    bench.leave_part(bench.data[: 2 * MIB])
    bench.part.write_bytes(data)
    bench.fetch()
    assert sorted(bench.asked())[0] == (pieces, 2 * pieces)
    assert bench.sent() == len(bench.data) - 2 * MIB + pieces


def test_of_a_piece_the_longest_part_that_is_right_is_kept(bench: Bench) -> None:
    bench.leave_part(bench.data[:MIB])
    journal = Journal(bench.journal.path)
    first = journal.read()[0][0]
    with journal.path.open("ab") as stream:
        stream.write(struct.pack("<II32s", 0, 2 * MIB, b"?" * 32))
    bench.fetch()
    assert first[0] == MIB
    assert bench.asked() == [bench.rest(MIB)]


def test_a_journal_of_noise_costs_nothing_but_the_part(bench: Bench) -> None:
    bench.leave_part(bench.data[:MIB])
    bench.journal.path.write_bytes(random.Random(1).randbytes(4001) + bytes(4000))
    bench.fetch()
    assert bench.asked() == [bench.rest(0)]


def test_a_part_that_was_cut_short(bench: Bench, pieces: int) -> None:
    bench.leave_part(bench.data[: 2 * MIB])
    with bench.part.open("r+b") as stream:
        stream.truncate(MIB + 100)
    bench.fetch()
    assert bench.sent() == len(bench.data) - MIB


# Ctrl-C


def test_ctrl_c_leaves_a_part_to_continue(bench: Bench) -> None:
    bench.server.rate = 8 * MIB

    def interrupt(done: int) -> None:
        if done >= MIB:
            raise KeyboardInterrupt

    listing, file = bench.file()
    with pytest.raises(KeyboardInterrupt):
        bench.hub.fetch(listing, file, bench.destination, progress=interrupt)
    kept = bench.kept()
    assert kept >= MIB
    beside = sorted(path.name for path in bench.destination.parent.iterdir())
    assert beside == [f"{FILE}.part", f"{FILE}.part.journal", f"{FILE}.part.json"]
    bench.server.rate = None
    bench.fetch()
    assert bench.asked()[-1] == bench.rest(kept)


def test_ctrl_c_while_an_old_part_is_read_back_keeps_it(bench: Bench) -> None:
    bench.leave_part(bench.data[: 2 * MIB])

    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    listing, file = bench.file()
    with pytest.raises(KeyboardInterrupt):
        bench.hub.fetch(listing, file, bench.destination, progress=interrupt)
    assert bench.kept() == 2 * MIB


def test_a_part_that_holds_nothing_is_not_left(bench: Bench) -> None:
    listing, file = bench.file()
    bench.server.fault("cdn", "status", status=503, times=9)
    with pytest.raises(Exception, match="503"):
        bench.hub.fetch(listing, file, bench.destination)
    assert not bench.destination.parent.exists()


def test_a_listing_of_an_older_commit_continues_too(bench: Bench) -> None:
    bench.leave_part(bench.data[: 512 * KIB], commit="f" * 40)
    listing: Listing = bench.listing()
    bench.hub.fetch(listing, listing.file(FILE), bench.destination)
    assert bench.asked() == [bench.rest(512 * KIB)]
