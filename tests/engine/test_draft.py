"""A second model that guesses: the same reply, whatever it guesses."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.engine.draft import CHUNK, DraftModel
from runner.engine.events import Timings
from runner.engine.model import Model
from runner.engine.options import Options
from runner.engine.sampling import Sampling
from runner.errors import ConfigurationError
from runner.fit import Placement
from runner.llama.model import LlamaModel
from runner.prompt import Prompt

PLACEMENT = Placement(1024, 0, None, 1, "f32", sequences=1)
TEXTS = ("What is 12 + 34?", "Spell banana", "1 2 3 4 " * 60)


@pytest.fixture
def model(tiny_f32: Path, tiny_path: Path) -> Iterator[Model]:
    """The shipped model in F32; in Q8_0 it guesses for itself."""
    with Model.open(tiny_f32, PLACEMENT, draft=(tiny_path, PLACEMENT)) as model:
        yield model


def reply(model: Model, text: str, **options: object) -> tuple[list[int], Timings]:
    chosen = Options(max_tokens=60, ignore_end=True, reuse=False, **options)  # type: ignore[arg-type]
    stream = model.generate(Prompt.raw(text), chosen)
    return [token for event in stream for token in event.tokens], stream.finish.timings


def test_the_likeliest_reply_is_the_same(model: Model) -> None:
    sampling = Sampling(temperature=0)
    for text in TEXTS:
        plain, none = reply(model, text, sampling=sampling)
        guessed, timings = reply(model, text, sampling=sampling, speculate=True)
        assert guessed == plain
        assert none.guessed_tokens == none.accepted_tokens == 0
        assert timings.accepted_tokens <= timings.guessed_tokens
        assert timings.reply_tokens == none.reply_tokens


def test_its_first_guess_is_right(model: Model) -> None:
    """Whether it is asked again depends on the clock."""
    _, timings = reply(model, TEXTS[0], sampling=Sampling(temperature=0), speculate=True)
    assert timings.accepted_tokens > 0


def test_what_is_not_what_it_guesses_is_followed_all_the_same(model: Model) -> None:
    recording = tuple(model.vocabulary.encode("quite another text than expected, 7 8", marks=False))
    said, _ = reply(model, "Spell banana", replay=recording, speculate=True)
    assert said == list(recording)


@pytest.fixture
def draft(tiny_path: Path) -> Iterator[DraftModel]:
    model = LlamaModel(tiny_path)
    draft = DraftModel.open(tiny_path, PLACEMENT, model.vocabulary)
    yield draft
    draft.close()
    model.close()


def test_a_long_text_is_read_in_parts_before_anything_is_guessed(draft: DraftModel) -> None:
    tokens = list(range(20, 60)) * 4
    parts = -(-len(tokens) // CHUNK)
    asked = [draft.propose(tokens, 4) for _ in range(parts)]
    assert asked[:-1] == [None] * (parts - 1)
    assert asked[-1] is not None


def test_it_goes_back_to_where_a_guess_was_wrong(draft: DraftModel, tiny_path: Path) -> None:
    tokens = list(range(20, 50))
    first = draft.propose(tokens, 6)
    draft.propose([*tokens, 99, 98, 97], 6)
    assert draft.propose(tokens, 6) == first


def test_it_does_not_go_past_its_context_nor_past_its_vocabulary(draft: DraftModel) -> None:
    assert draft.propose([20] * PLACEMENT.context, 4) is None
    assert draft.propose([20, 2**20], 4) is None


def test_a_cache_that_cannot_take_back_is_refused(tiny_f32: Path, shared: Path) -> None:
    for name in ("mamba2", "gemma3"):
        path = next((shared / "models" / "archs").glob(f"{name}*.gguf"))
        with pytest.raises(ConfigurationError, match="cannot take back"):
            Model.open(tiny_f32, PLACEMENT, draft=(path, PLACEMENT))


def test_another_vocabulary_is_refused(tiny_f32: Path, shared: Path) -> None:
    stories = shared / "models" / "stories260K-F32.gguf"
    with pytest.raises(ConfigurationError, match="another vocabulary"):
        Model.open(tiny_f32, PLACEMENT, draft=(stories, PLACEMENT))
