"""Guessing ahead: the same reply, in fewer steps where text repeats itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.engine.model import Model
from runner.engine.options import Options
from runner.engine.repeats import NGRAM, SURE, Repeats
from runner.engine.sampling import Sampling
from runner.engine.speculation import PAUSE, Speculation
from runner.fit import Placement
from runner.fit.memory import GUESSES
from runner.prompt import Prompt

REPEATING = "1 2 3 4 5 6 7 8 9 " * 6
TEXTS = (REPEATING, "Spell banana. Spell banana. Spell")
ROUNDING = 0.02
"""Of a log-probability; 0.002 was seen here, between batches of different shapes."""


@pytest.fixture
def model(tiny_f32: Path) -> Iterator[Model]:
    with Model.open(tiny_f32, Placement(1024, 0, None, 1, "f32", sequences=1)) as model:
        yield model


def reply(model: Model, text: str, **options: object) -> tuple[list[int], int]:
    chosen = Options(max_tokens=80, ignore_end=True, reuse=False, **options)  # type: ignore[arg-type]
    stream = model.generate(Prompt.raw(text), chosen)
    return [token for event in stream for token in event.tokens], stream.finish.timings.reply_tokens


def test_the_likeliest_reply_is_the_same(model: Model) -> None:
    sampling = Sampling(temperature=0)
    for text in TEXTS:
        plain = reply(model, text, sampling=sampling)
        assert reply(model, text, sampling=sampling, speculate=True) == plain


def test_draws_are_from_the_same_probabilities(model: Model) -> None:
    """Computed in another order, so that they differ by rounding, and a draw may fall otherwise."""
    sampling = Sampling(temperature=0.7, seed=3)

    def logprobs(**options: object) -> list[float]:
        chosen = Options(
            sampling=sampling, max_tokens=80, logprobs=0, reuse=False, ignore_end=True,
            **options,  # type: ignore[arg-type]
        )  # fmt: skip
        stream = model.generate(Prompt.raw(text), chosen)
        return [one.logprob for event in stream for one in event.logprobs]

    for text in TEXTS:
        said, _ = reply(model, text, sampling=sampling)
        replayed = logprobs(replay=tuple(said), speculate=True)
        assert replayed == pytest.approx(logprobs(replay=tuple(said)), abs=ROUNDING)


def test_a_recording_is_followed(model: Model) -> None:
    """Whatever is guessed, the reply is the recording, to its last token."""
    tokens = tuple(model.vocabulary.encode(REPEATING + "and then no more 1 2 3", marks=False))
    said, count = reply(model, REPEATING, replay=tokens[:79], speculate=True)
    assert said == list(tokens[:79])[:count]


def test_a_copy_is_guessed_once_it_is_clear_that_it_is_one() -> None:
    source = list(range(100, 200))
    tokens = [*source, 1, 2]
    repeats = Repeats()
    for number, token in enumerate(source[:SURE], 1):
        tokens.append(token)
        guess = repeats.propose(tokens, 4)
        assert guess == (None if number < SURE else source[SURE : SURE + 4])


def test_a_copy_goes_on_after_a_change() -> None:
    """Also where the same tokens stand elsewhere, and nearer to the end."""
    source = [*range(100, 140), 7, 7, 7, 140, *range(200, 240)]
    tokens = [*source, 200, 201, 202, 9, 9, *source[:40]]
    repeats = Repeats()
    assert repeats.propose(tokens, 2) == [7, 7]
    tokens += [8, 8, 140, 200]  # in place of the three sevens
    assert repeats.propose(tokens, 2) is None
    tokens.append(201)
    assert repeats.propose(tokens, 2) == [202, 203]
    tokens.append(202)
    assert repeats.propose(tokens, 2) == [203, 204]


def test_what_does_not_pay_is_left_off_for_a_while() -> None:
    tokens = [1, 2, 3, 4] * 5
    speculation = Speculation(tokens, [Repeats()])

    def step(*, guesses: bool) -> None:
        tokens.append(tokens[-4])
        guess = speculation.propose(GUESSES)
        assert bool(guess) == guesses
        # Three times as long as a plain step, for one token.
        speculation.took(len(guess), 1, 3.0 if guess else 1.0)

    step(guesses=False)  # how long a plain step takes is not known yet
    step(guesses=True)
    for _ in range(PAUSE - 1):
        step(guesses=False)
    step(guesses=True)


class Sure:
    """Always guesses the same tokens."""

    def __init__(self, *guess: int) -> None:
        self.guess = list(guess)

    def propose(self, tokens: list[int], room: int) -> list[int] | None:
        return self.guess[:room] or None


def test_the_first_that_has_a_guess_and_pays_is_asked() -> None:
    tokens = [0]
    speculation = Speculation(tokens, [Sure(), Sure(1, 1), Sure(2, 2)])
    speculation.took(0, 1, 1.0)
    assert speculation.propose(9) == [1, 1]
    speculation.took(2, 1, 5.0)
    assert speculation.propose(1) == [2]
    assert speculation.propose(0) == []


@given(st.lists(st.integers(0, 3), min_size=NGRAM + 1, max_size=60))
def test_a_guess_is_what_followed_some_time(tokens: list[int]) -> None:
    seen: list[int] = []
    repeats = Repeats()
    for token in tokens:
        seen.append(token)
        guess = repeats.propose(seen, 4)
        ends = range(NGRAM, len(seen))
        places = [end for end in ends if seen[end - NGRAM : end] == seen[-NGRAM:]]
        if guess is not None:
            assert guess in [(seen[place:] * 4)[:4] for place in places]
        elif places:
            assert seen[max(0, places[-1] - SURE) : places[-1]] != seen[-SURE:]
