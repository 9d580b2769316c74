"""Guessing ahead: the same reply, in fewer steps where text repeats itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.engine.model import Model
from runner.engine.options import Options
from runner.engine.repeats import NGRAM, Repeats
from runner.engine.sampling import Sampling
from runner.engine.speculation import LONGEST, PAUSE, SHORTEST, Speculation
from runner.fit import Placement
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


def test_what_repeats_itself_is_guessed() -> None:
    tokens = [1, 2, 3, 4, 5, 6, 7, 9, 9]
    repeats = Repeats()
    assert repeats.propose(tokens, 8) is None
    tokens += [2, 3, 4]
    assert repeats.propose(tokens, 3) == [5, 6, 7]


def test_what_does_not_pay_is_left_off_for_a_while() -> None:
    tokens = [1, 2, 3, 4] * 5
    speculation = Speculation(tokens, [Repeats()])

    def step(*, guesses: bool) -> None:
        tokens.append(tokens[-4])
        guess = speculation.propose(LONGEST)
        assert bool(guess) == guesses
        # Three times as long as a plain step, for one token.
        speculation.took(len(guess), 1, 3.0 if guess else 1.0)

    step(guesses=False)  # how long a plain step takes is not known yet
    step(guesses=True)
    for _ in range(PAUSE - 1):
        step(guesses=False)
    step(guesses=True)


def test_it_guesses_farther_while_it_is_right() -> None:
    tokens = [1, 2, 3, 4] * 20
    speculation = Speculation(tokens, [Repeats()])
    speculation.took(0, 1, 1.0)
    lengths = []
    for right in (True, True, True, False, True):
        guess = speculation.propose(99)
        lengths.append(len(guess))
        speculation.took(len(guess), 1 + len(guess) * right, 1.1)
    assert lengths == [SHORTEST, 2 * SHORTEST, LONGEST, LONGEST, SHORTEST]


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
def test_a_guess_is_what_followed_the_last_time(tokens: list[int]) -> None:
    seen: list[int] = []
    repeats = Repeats()
    for token in tokens:
        seen.append(token)
        ends = range(NGRAM, len(seen))
        match = [end for end in ends if seen[end - NGRAM : end] == seen[-NGRAM:]]
        expected = (seen[match[-1] :] * 4)[:4] if match else None
        assert repeats.propose(seen, 4) == expected
