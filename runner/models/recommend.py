"""What this machine should run: three models of the catalogue, from a fast one to the best."""

from dataclasses import dataclass
from typing import Literal

from runner.catalog import Entry, load_catalog
from runner.models.choice import READING_SPEED, best
from runner.models.fit import Fit, entry_fits
from runner.settings import Settings

FAST = 3 * READING_SPEED
"""Tokens/s with which even long reasoning is over soon."""

BEARABLE = 2.0
"""Tokens/s below which nobody waits for a model that thinks first."""

DISTILLED = ("yes", "partly")

Kind = Literal["fast", "balanced", "best"]
LEAST: dict[Kind, float] = {"fast": FAST, "balanced": READING_SPEED, "best": BEARABLE}
"""Tokens/s that each choice asks for."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """`kinds` are the choices for which this model is the answer."""

    kinds: tuple[Kind, ...]
    entry: Entry
    fit: Fit


def recommend(settings: Settings) -> list[Recommendation]:
    """The largest distilled models of the catalogue that fit here and reply fast, at reading
    speed, and bearably; one model may be the answer to several. By the catalogue's shapes and this
    machine's measured rates, without a connection; empty where nothing fits.

    Raises DeviceError and ConfigurationError as placing a model does.
    """
    fitting = [
        (entry, chosen)
        for entry in load_catalog().entries
        if entry.suggest and entry.distilled in DISTILLED and entry.quantizations
        if (chosen := _well(entry, settings)) is not None
    ]
    found: dict[str, Recommendation] = {}
    for kind, least in LEAST.items():
        quick = [(entry, fit) for entry, fit in fitting if _speed(fit) >= least]
        if kind == "best" and all(fit.speed is None for _, fit in fitting):
            quick = fitting  # a device that was not measured: memory alone decides
        if not quick:
            continue
        entry, fit = max(quick, key=lambda one: (_weight(one[0]), _speed(one[1])))
        before = found.get(entry.name)
        kinds = (*(before.kinds if before else ()), kind)
        found[entry.name] = Recommendation(kinds, entry, fit)
    return list(found.values())


def _well(entry: Entry, settings: Settings) -> Fit | None:
    fits = entry_fits(entry, settings)
    well = [fit for fit in fits if fit.verdict and fit.verdict.kind in ("well", "partly")]
    return best(well).fit if well else None


def _speed(fit: Fit) -> float:
    return fit.speed.decode if fit.speed else 0.0


def _weight(entry: Entry) -> tuple[bool, int]:
    """What speaks for a model, its quality unmeasured here: that it reasons, and its size."""
    return entry.reasoning.thinks in ("always", "by default"), entry.parameters
