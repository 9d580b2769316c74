"""Reading ahead: what was expected is not read again, and never changes a reply."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.engine.events import Timings
from runner.engine.model import Model
from runner.engine.options import Options
from runner.engine.sampling import Sampling
from runner.fit import Placement

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
