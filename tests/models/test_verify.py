"""Rot is found without a network, piece by piece, and mended by fetching those pieces alone."""

import random
from dataclasses import replace

import pytest

from runner import models
from runner.errors import BadModelFile, ModelNotHere, OfflineError, UnknownModel
from runner.hub import Hub
from runner.library import Library, Record
from runner.models.verify import Verdict, repair, to_verify, verify
from runner.pieces import PIECE
from tests.library.conftest import home as home
from tests.library.making import pieces_of
from tests.loopback import LoopbackHub

REPOSITORY = "someone/Small-Distill-GGUF"
SIZE = 1000
DATA = random.Random(7).randbytes(10 * SIZE + 17)


def silent(*_: object) -> None:
    """No progress wanted."""


@pytest.fixture
def record(loopback_hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> Record:
    """A model that was fetched, with hashes of small pieces."""
    monkeypatch.setattr("runner.pieces.PIECE", SIZE)
    loopback_hub.add(REPOSITORY, {"m-Q4_0.gguf": DATA})
    located = models.pull(REPOSITORY, hub=Hub(), progress=silent)
    assert located.record is not None
    assert Library().pieces(located.record.sha256) == pieces_of(DATA, SIZE)
    loopback_hub.requests.clear()
    return located.record


def damage(record: Record, *places: int) -> None:
    data = bytearray(record.path.read_bytes())
    for place in places:
        data[place] ^= 1
    record.path.resolve().write_bytes(bytes(data))


def one(record: Record) -> Verdict:
    (verdict,) = verify(record, silent)
    return verdict


def test_a_whole_model(record: Record, loopback_hub: LoopbackHub) -> None:
    steps: list[tuple[str, int, int]] = []
    (verdict,) = verify(record, lambda *step: steps.append(step))
    assert (verdict.state, verdict.wrong) == ("whole", ())
    assert steps[-1] == ("m-Q4_0.gguf", len(DATA), len(DATA))
    assert loopback_hub.requests == []


def test_damaged_pieces_are_named_and_only_they_are_fetched(
    record: Record, loopback_hub: LoopbackHub
) -> None:
    damage(record, 2 * SIZE, 3 * SIZE + 5, 10 * SIZE + 16)
    verdict = one(record)
    assert verdict.state == "damaged"
    assert verdict.wrong == (range(2 * SIZE, 4 * SIZE), range(10 * SIZE, 10 * SIZE + 17))
    assert verdict.wrong_bytes == 2017
    (mended,) = repair(record, [verdict], Hub(), silent)
    assert (mended.state, one(record).state) == ("mended", "whole")
    assert record.path.read_bytes() == DATA
    requests = loopback_hub.seen("cdn")
    assert all(request.range for request in requests)
    assert sum(request.sent for request in requests) == verdict.wrong_bytes


@pytest.mark.parametrize("there", [5 * SIZE + 3, 0])
def test_a_file_cut_short(record: Record, there: int) -> None:
    record.path.resolve().write_bytes(DATA[:there])
    verdict = one(record)
    assert verdict.wrong == (range(there // SIZE * SIZE, len(DATA)),)
    repair(record, [verdict], Hub(), silent)
    assert record.path.read_bytes() == DATA


def test_a_file_that_grew_is_cut(record: Record) -> None:
    record.path.resolve().write_bytes(DATA + bytes(3 * SIZE))
    verdict = one(record)
    assert (verdict.state, verdict.wrong) == ("damaged", (range(10 * SIZE, len(DATA)),))
    repair(record, [verdict], Hub(), silent)
    assert record.path.read_bytes() == DATA


def test_without_hashes_of_pieces_all_of_a_file_is_suspect(record: Record) -> None:
    other = "e" * 64
    bare = replace(record, files=(replace(record.files[0], sha256=other),))
    assert one(bare).wrong == (range(len(DATA)),)


def test_a_whole_model_gets_hashes_of_its_pieces(record: Record) -> None:
    Library().database.path.unlink()
    Library().add(replace(record, files=(replace(record.files[0], pieces=None),)))
    assert Library().pieces(record.sha256) is None
    assert one(record).state == "whole"
    assert Library().pieces(record.sha256) == pieces_of(DATA, PIECE)


def test_a_missing_file_is_fetched_again(record: Record) -> None:
    record.path.resolve().unlink()
    verdict = one(record)
    assert (verdict.state, verdict.wrong_bytes) == ("missing", len(DATA))
    repair(record, [verdict], Hub(), silent)
    assert record.path.read_bytes() == DATA
    assert Library().records() == [record]


def test_repair_offline_is_refused_and_whole_models_need_none(record: Record) -> None:
    offline = Hub(offline=True)
    assert repair(record, [one(record)], offline, silent) == [one(record)]
    damage(record, 0)
    with pytest.raises(OfflineError):
        repair(record, [one(record)], offline, silent)


def test_files_of_another_program_are_not_changed(
    record: Record, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("theirs") / "m-Q4_0.gguf"
    path.write_bytes(bytes(len(DATA)))
    theirs = replace(record, adopted=True, files=(replace(record.files[0], path=path),))
    with pytest.raises(UnknownModel, match="belongs to another program"):
        repair(theirs, [one(theirs)], Hub(), silent)
    assert path.read_bytes() == bytes(len(DATA))


def test_adopted_files_are_not_changed_in_the_cache_either(record: Record) -> None:
    damage(record, 0)
    rotten = record.path.read_bytes()
    with pytest.raises(UnknownModel, match="belongs to another program"):
        repair(replace(record, adopted=True), [one(record)], Hub(), silent)
    assert record.path.read_bytes() == rotten


def test_own_files_outside_the_cache_are_to_be_fetched_anew(
    record: Record, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("own") / "m-Q4_0.gguf"
    path.write_bytes(bytes(len(DATA)))
    own = replace(record, files=(replace(record.files[0], path=path),))
    with pytest.raises(UnknownModel, match="is not in the cache") as refused:
        repair(own, [one(own)], Hub(), silent)
    called = f"hf.co/{REPOSITORY}:Q4_0"
    assert refused.value.remedy == f"`runner rm {called}`, then `runner pull {called}`."


def test_what_is_verified(record: Record) -> None:
    assert to_verify([]) == [record]
    assert to_verify([REPOSITORY]) == [record]
    with pytest.raises(UnknownModel, match="nobody recorded"):
        to_verify(["tiny"])
    with pytest.raises(ModelNotHere):
        to_verify(["nobody/Nothing-GGUF"])


def test_a_model_cut_short_is_named_as_such(record: Record) -> None:
    record.path.resolve().write_bytes(DATA[:-1])
    with pytest.raises(BadModelFile) as caught:
        models.locate(REPOSITORY)
    assert caught.value.remedy == f"`runner verify --repair hf.co/{REPOSITORY}` mends it."
    assert to_verify([f"{REPOSITORY}:Q4_0"]) == [record]
    assert models.pull(REPOSITORY, hub=Hub(), progress=silent).path.read_bytes() == DATA
    record.path.resolve().write_bytes(DATA[:-1])
    assert models.remove(models.to_remove(REPOSITORY)).bytes == len(DATA) - 1
    assert Library().recorded() == []
