"""Reading ahead: what was expected is not read again, and never changes a reply."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.engine.ahead import Expectation
from runner.engine.events import Timings
from runner.engine.model import Model
from runner.engine.options import Options
from runner.engine.sampling import Sampling
from runner.engine.sequences import Sequences
from runner.fit import Placement
from runner.kvstore import Store
from runner.llama.context import Batch

KINDS = ["qwen3-dense", "gemma3-dense", "lfm2-dense", "mamba2-dense"]
FIRST = [1 + step * 7 % 100 for step in range(300)]
SECOND = [*FIRST[:200], *range(1, 60)]


@pytest.fixture(params=KINDS)
def opened(request: pytest.FixtureRequest, shared: Path) -> Callable[[], Model]:
    path = shared / "models" / "archs" / f"{request.param}.gguf"
    return lambda: Model.open(path, Placement(1024, 0, None, 1, "f16"))


def reply(model: Model, tokens: list[int]) -> tuple[list[int], Timings]:
    options = Options(sampling=Sampling(temperature=0), max_tokens=12, ignore_end=True)
    stream = model.generate(tokens, options)
    return [token for event in stream for token in event.tokens], stream.finish.timings


def settle(model: Model) -> None:
    """Wait until everything expected has been read."""
    deadline = time.monotonic() + 30
    while model.reading_ahead:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_was_expected_is_not_read_again(opened: Callable[[], Model]) -> None:
    with opened() as model:
        expected, _ = reply(model, FIRST)
    with opened() as model:
        model.expect(FIRST[:250])
        settle(model)
        said, timings = reply(model, FIRST)
    assert said == expected
    assert timings.reused_tokens == 250


def test_another_prompt_gets_the_reply_it_would_have_had(opened: Callable[[], Model]) -> None:
    with opened() as model:
        expected, _ = reply(model, SECOND)
    with opened() as model:
        model.expect(FIRST)
        settle(model)
        assert reply(model, SECOND)[0] == expected
        model.expect(FIRST)  # and one that comes in the middle of reading
        assert reply(model, SECOND)[0] == expected


def test_what_grows_is_read_on(shared: Path) -> None:
    """As somebody types: the end changes, the beginning stays."""
    path = shared / "models" / "archs" / "qwen3-dense.gguf"
    with Model.open(path, Placement(1024, 0, None, 1, "f16")) as model:
        for length in range(20, 250, 40):
            model.expect([*FIRST[:length], 99])
            settle(model)
        assert reply(model, FIRST)[1].reused_tokens >= 220


def test_a_conversation_is_not_given_up_for_what_is_only_expected(shared: Path) -> None:
    path = shared / "models" / "archs" / "qwen3-dense.gguf"
    with Model.open(path, Placement(1024, 0, None, 1, "f16")) as model:
        reply(model, FIRST)
        model.expect(SECOND)
        settle(model)
        assert reply(model, FIRST)[1].reused_tokens == len(FIRST) - 1


# From disk, and to disk

LONG = [1 + step * 7 % 100 for step in range(600)]


def keeping(path: Path, folder: Path, sequences: int = 1) -> Model:
    placement = Placement(1024, 0, None, 1, "f16", sequences=sequences)
    return Model.open(path, placement, store=Store(folder, 10**9), identity="this file")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_on_disk_is_not_read_again(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = shared / "models" / "archs" / f"{kind}.gguf"
    with keeping(path, tmp_path) as model:
        model.expect(LONG[:500])
        settle(model)
    assert len(Store(tmp_path, 10**9).entries()) == 1
    with keeping(path, tmp_path) as model:
        computed: list[int] = []
        decode = model._context.decode

        def counted(batch: Batch) -> None:
            computed.append(batch.count)
            decode(batch)

        monkeypatch.setattr(model._context, "decode", counted)
        model.expect(LONG[:520])
        settle(model)
        assert sum(computed) == 20
        said, timings = reply(model, LONG)
    assert timings.reused_tokens == 520
    with keeping(path, tmp_path / "empty") as model:
        assert reply(model, LONG)[0] == said


def test_what_is_private_is_read_ahead_and_leaves_nothing(shared: Path, tmp_path: Path) -> None:
    path = shared / "models" / "archs" / "qwen3-dense.gguf"
    with keeping(path, tmp_path) as model:
        model.expect(LONG[:500], Options(private=True))
        settle(model)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sequences", [1, 2])
def test_private_and_not_by_turns(shared: Path, tmp_path: Path, sequences: int) -> None:
    """Only what a request that is not private has said is on disk, whoever else had its place."""
    path = shared / "models" / "archs" / "qwen3-dense.gguf"
    secret, common = LONG[300:], LONG[:300]
    private, public = Options(private=True), Options(owner="me")
    with keeping(path, tmp_path, sequences) as model:
        for _ in range(2):
            model.expect([*common, *secret], private)
            settle(model)
            model.expect(common, public)
            settle(model)
            model.expect([*common, *secret], private)
            settle(model)
    for entry in Store(tmp_path, 10**9).entries():
        assert entry.tokens.tolist() == common[: len(entry.tokens)]
    with keeping(path, tmp_path, sequences) as model:
        model.expect([*common, *secret], private)
        settle(model)
        model.generate(common, public).cancel()
        model.expect(common, public)
        settle(model)
    for entry in Store(tmp_path, 10**9).entries():
        assert entry.tokens.tolist() == common[: len(entry.tokens)]


def test_a_place_that_another_had_meanwhile_is_private_again(shared: Path, tmp_path: Path) -> None:
    path = shared / "models" / "archs" / "qwen3-dense.gguf"
    with keeping(path, tmp_path) as model:
        sequences = Sequences(model._context)
        expected = Expectation(LONG[:500], Options(private=True))
        held = expected.place(sequences, None)
        assert held is not None and held.private
        sequences.read(held, LONG[:50])
        taken = sequences.take(LONG[:100])
        assert taken is not None and taken[0] is held
        held.belong_to(Options())
        sequences.give_back(held)
        assert expected.place(sequences, None) is held and held.private


def test_what_is_kept_has_its_owner(shared: Path, tmp_path: Path) -> None:
    path = shared / "models" / "archs" / "qwen3-dense.gguf"
    with keeping(path, tmp_path) as model:
        model.expect(LONG[:500], Options(owner="one"))
        settle(model)
    with keeping(path, tmp_path) as model:
        options = Options(sampling=Sampling(temperature=0), max_tokens=1, owner="two")
        model.generate(LONG[500:0:-1], options).drain()
    assert {entry.owner for entry in Store(tmp_path, 10**9).entries()} == {"one", "two"}
