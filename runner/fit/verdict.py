"""Whether a model runs well here, in words."""

from dataclasses import dataclass
from typing import Literal

from runner.fit.memory import CELLS
from runner.fit.plans import SHARE_OF_MEMORY, Plan

Kind = Literal["well", "tightly", "less context", "partly", "no"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`words` as a table shows them. `short_by` are the bytes that are missing for what was asked,
    0 where it fits; of a model that does not fit at all, those for its smallest context."""

    kind: Kind
    words: str
    short_by: int = 0

    @property
    def fits(self) -> bool:
        return self.kind != "no"


def verdict(plan: Plan) -> Verdict:
    """The verdict on a plan, for the context that was asked for or the comfortable one."""
    wanted = plan.wishes.context or plan.comfortable
    counts = plan.counts(plan.context)
    return judge(
        needed=plan.needed(wanted),
        free=plan.here.free,
        short_by=plan.short_by(wanted),
        short_at_least=plan.short_by(min(CELLS, wanted)),
        offloaded=sum(counts),
        layers=plan.weights.layers + 1,
        less_context=plan.context < wanted,
    )


def judge(
    *,
    needed: int,
    free: int,
    short_by: int,
    short_at_least: int,
    offloaded: int = 0,
    layers: int = 1,
    less_context: bool = False,
) -> Verdict:
    """From bytes `needed` in main memory with the context that is wanted and those that are `free`;
    what is missing for that context (`short_by`) and for the smallest (`short_at_least`), on
    whichever device lacks most; and how many of the `layers` are on an accelerator."""
    if short_at_least > 0:
        return Verdict("no", f"does not fit, short by {in_words(short_at_least)}", short_at_least)
    if short_by > 0 or less_context:
        return Verdict("less context", "fits with less context", max(0, short_by))
    if 0 < offloaded < layers:
        return Verdict("partly", "partly on the accelerator")
    if needed > free * SHARE_OF_MEMORY:
        return Verdict("tightly", "fits, and leaves little for anything else")
    return Verdict("well", "fits well")


def in_words(count: int) -> str:
    """Bytes of memory: "1.3 GiB", "12 MiB"."""
    return f"{count / 2**30:.1f} GiB" if count >= 0.05 * 2**30 else f"{count / 2**20:.0f} MiB"
