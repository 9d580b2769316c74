"""Which quantization of a model to take where nobody named one: the best that fits well here."""

from collections.abc import Sequence
from dataclasses import dataclass

from runner.errors import DoesNotFit
from runner.models.fit import Fit

QUALITY = (
    "Q8_0", "UD-Q8_K_XL", "UD-Q6_K_XL", "Q6_K_L", "Q6_K", "UD-Q5_K_XL", "Q5_K_L", "Q5_K_M", "Q5_K",
    "Q5_K_S", "Q5_1", "Q5_0", "MXFP4_MOE", "MXFP4", "UD-Q4_K_XL", "Q4_K_XL", "Q4_K_L", "UD-Q4_K_M",
    "Q4_K_M", "Q4_K", "UD-Q4_K_S", "Q4_K_S", "Q4_1", "IQ4_NL", "UD-IQ4_XS", "IQ4_XS", "Q4_0",
    "NVFP4", "BF16", "F16", "F32", "UD-Q3_K_XL", "Q3_K_XL", "Q3_K_L", "IQ3_M", "Q3_K_M", "Q3_K_S",
    "UD-Q2_K_XL", "Q2_K_L", "IQ2_M", "Q2_K",
)  # fmt: skip
"""From the best down. Whole weights stand behind those of four bits: beside Q8_0 they answer no
better, and take twice the memory and the time."""

CUSTOMARY = QUALITY.index("Q4_K_M")
"""Below this, quality is given up only for the sake of fitting at all."""

READING_SPEED = 8.0
"""Tokens/s at which a reply comes about as fast as a person reads it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A quantization, and why it was taken, as a clause: `the best that fits well here …`."""

    fit: Fit
    why: str


def best(fits: Sequence[Fit], *, force: bool = False) -> Choice:
    """The best of a model's quantizations that fits well, and replies at the speed of reading where
    this machine was measured; else the one that fits best. None worse than Q4_K_M is taken where
    one that is not fits at all.

    Raises DoesNotFit where none does, unless `force` takes one all the same.
    """
    known = [fit for fit in fits if fit.verdict is not None]
    if not known:  # nothing tells their shape, so nothing can be held against the customary one
        return Choice(_customary(fits), "the customary one; nothing tells how it fits here")
    fitting = [fit for fit in known if fit.verdict and fit.verdict.fits]
    well = [fit for fit in fitting if fit.verdict and fit.verdict.kind == "well"]
    good = [fit for fit in well if _rank(fit)[0] <= CUSTOMARY]
    quick = [fit for fit in good if fit.speed is None or fit.speed.decode >= READING_SPEED]
    if quick:
        return Choice(min(quick, key=_rank), "the best that fits well here")
    if good:
        why = "it fits well here, and better ones would be slower still"
        return Choice(_customary(good), why)
    if good := [fit for fit in fitting if _rank(fit)[0] <= CUSTOMARY]:
        chosen = _customary(good)
        return Choice(chosen, f"none fits well here; this one {_clause(chosen)}")
    if well or fitting:
        chosen = min(well or fitting, key=_rank)
        return Choice(chosen, f"better ones do not fit here; this one {_clause(chosen)}")
    if force:
        return Choice(_customary(known), "none fits here; it was asked for all the same")
    raise does_not_fit(min(known, key=lambda fit: fit.verdict.short_by if fit.verdict else 0))


def does_not_fit(fit: Fit) -> DoesNotFit:
    """The error for a quantization that does not fit."""
    assert fit.verdict is not None
    called = f"{fit.name}:{fit.quantization}" if fit.quantization else fit.name
    return DoesNotFit(
        f"{called} {fit.verdict.words}",
        remedy=f"`runner fit {fit.name}` shows all of them, and `runner recommend` what would run "
        "well here. `runner pull --force` fetches it all the same.",
    )


def _clause(fit: Fit) -> str:
    words = fit.verdict.words if fit.verdict else ""
    return words if words.startswith("fits") else f"goes {words}"


def _rank(fit: Fit) -> tuple[int, int]:
    """The place in the order of quality, and of equals the larger one first. A mixture that is not
    in the order counts as the plain form of its name, anything else as worse than all."""
    name = fit.quantization or ""
    plain = name.removeprefix("UD-")
    forms = (name, plain, plain.replace("_XL", "_L"), plain.removesuffix("_XL"))
    places = [QUALITY.index(form) for form in forms if form in QUALITY]
    return (places[0] if places else len(QUALITY)), -(fit.bytes or 0)


def _customary(fits: Sequence[Fit]) -> Fit:
    """The smallest that is no worse than Q4_K_M; where all are worse, the best."""
    good = [fit for fit in fits if _rank(fit)[0] <= CUSTOMARY]
    return max(good, key=_rank) if good else min(fits, key=_rank)
