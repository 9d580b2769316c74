"""What a caller wants of a reply, besides the prompt."""

from dataclasses import dataclass, field

from runner.engine.constraint import Constraint
from runner.engine.sampling import Sampling


@dataclass(frozen=True, slots=True)
class Options:
    sampling: Sampling = field(default_factory=Sampling)
    max_tokens: int | None = None
    """Tokens of reasoning and answer together; None for as many as the context holds."""
    think_tokens: int | None = None
    """Tokens of reasoning after which it is closed, and the answer follows."""
    stop: tuple[str, ...] = ()
    """Texts that end the answer where they begin; they are not part of it."""
    constraint: Constraint | None = None
    """What the answer is held to; reasoning before it is free."""
    ignore_end: bool = False
    """Go on past tokens that end a generation (benchmarks)."""
    speculate: bool = False
    """Guess what repeats itself, and compute it in one step where the guess is right."""
    reuse: bool = True
    """Go on from what earlier requests left in the cache. False empties it of all that is idle
    first (benchmarks)."""
    owner: str = ""
    """Whose it is: what is written to disk of it is deleted under this name."""
    private: bool = False
    """Write nothing of this to disk."""
    logprobs: int | None = None
    """Give each token's log-probability, and those of this many of the likeliest."""
    times: bool = False
    """Let the finish tell when each token was sampled (benchmarks)."""
    together: int | None = None
    """One of many that nobody reads along: it begins while fewer than so many are under way, and
    prompts are read as fast as can be, however long the others wait for their next token. Then it
    does not depend on the time what is computed together, and so how llama.cpp rounds."""
    replay: tuple[int, ...] | None = None
    """Tokens that the sampler is made to return, whatever the logits say; the reply ends with
    them. For measuring with real text, and for tests that need a certain reply."""
