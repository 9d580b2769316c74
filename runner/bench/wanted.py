"""How a measurement is to be made, and how far it is."""

from dataclasses import dataclass

from runner.bench.statistics import CONFIDENCE, LEAST_BLOCKS


@dataclass(frozen=True, slots=True)
class Wanted:
    """It ends when half the interval of every test's main figure is at most `width` of it, after
    `least_blocks`; after `most_blocks`; or when another block would take it past `time_budget`
    seconds, which begin with the first run that counts and always leave room for one block.

    At most `warm_ups` runs of each test precede them. With `energy` joules are measured after the
    blocks, and with `loads` how long loading takes before them; with `ceiling` figures are held
    against what this machine can reach, where that was measured. `delay` seconds are waited between
    runs. `price_per_kwh` is that of electricity, else the price file's. The same `seed` gives the
    same order and prompts.
    """

    time_budget: float = 60.0
    width: float = 0.01
    least_blocks: int = LEAST_BLOCKS
    most_blocks: int | None = None
    warm_ups: int = 5
    energy: bool = False
    loads: bool = False
    ceiling: bool = True
    seed: int = 0
    confidence: float = CONFIDENCE
    delay: float = 0.0
    price_per_kwh: float | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """`phase` is "hashing", "loading", "warming up", "measuring" or "energy"; `block` counts from
    1. `left` are the seconds until all blocks are measured at the latest, 0 where it takes longer
    than was thought, None where that cannot be told, and `share` how much of the phase is done."""

    phase: str
    arm: str
    test: str = ""
    block: int = 0
    left: float | None = None
    share: float | None = None
