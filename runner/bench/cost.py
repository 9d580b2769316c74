"""What measured energy costs, beside what an API asks for the same tokens.

Electricity alone: neither the machine's price nor anybody's time. Nothing is said of it where
energy was not measured; and where it is not known what the machine takes at rest, the gross counts,
which is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10

from runner.bench.prices import Api, Prices
from runner.bench.record import Cost, Energy

KWH = 3.6e6
"""Joules."""

MILLION = 1e6

NO_PRICE = "--price-per-kwh, or a price in prices.toml, gives its cost"


@dataclass(frozen=True, slots=True)
class Spent:
    """Joules of parts that were measured and have nothing in common, for each token; `of_machine`
    where they are all that the machine took. They are net of rest unless `gross` says why they are
    not."""

    joules: float
    of_machine: bool
    domains: tuple[str, ...]
    gross: str = ""

    @property
    def words(self) -> str:
        """What is to be said beside the figure: what it leaves out, and what is in it; with a blank
        before it."""
        alone = "" if self.of_machine else f" ({' + '.join(self.domains)} alone)"
        return alone + (f", gross: {self.gross}" if self.gross else "")


def costs(energy: Sequence[Energy], prices: Prices) -> tuple[Cost, ...]:
    """For prefill, and for decode, beside every API of the price file: its input price for the one,
    its output price for the other. One Cost without an API where the file names none.

    $/Mtok = J/token ÷ 3.6 MJ × 10⁶ × $/kWh
    """
    found = []
    for of in dict.fromkeys(one.of for one in energy):
        entries = [one for one in energy if one.of == of]
        for api in prices.apis or (None,):
            found.append(_cost(of, entries, api, prices))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class PerCorrect:
    """What a correct answer took; None with the reason where that cannot be said. `gross` says why
    it is not net of rest."""

    seconds: float | None
    joules: float | None
    electricity: float | None
    currency: str
    reason: str = ""
    remedy: str = ""
    gross: str = ""


def per_correct(seconds: float, energy: Sequence[Energy], right: int, prices: Prices) -> PerCorrect:
    """Time, energy and its cost, all of a task's, shared out among the answers that are right.

    `energy` is what `Tally.energy` gave for the task's tokens.
    """
    currency, price = prices.electricity.currency, prices.electricity.price_per_kwh
    if not right:
        return PerCorrect(None, None, None, currency, "no answer is right")
    spent = spent_per_token(energy)
    if spent is None:
        missing = next((one for one in energy if one.reason), None)
        return PerCorrect(
            seconds / right,
            None,
            None,
            currency,
            missing.reason if missing else "energy was not measured",
            missing.remedy if missing else "",
        )
    joules = spent.joules * max(one.tokens for one in energy) / right
    electricity = None if price is None else joules / KWH * price
    return PerCorrect(seconds / right, joules, electricity, currency, gross=spent.gross)


def spent_per_token(energy: Sequence[Energy]) -> Spent | None:
    """The widest that was measured: the machine, else the processor, its memory and its GPUs
    together. None where nothing was."""
    told = [one for one in energy if one.gross is not None]
    if not told:
        return None
    whole = [one for one in told if one.domain.startswith(("whole machine", "platform"))][:1]
    taken = whole or told
    restless = next((one for one in taken if one.net is None), None)
    joules = sum((one.net if restless is None else one.gross) or 0.0 for one in taken)
    why = "" if restless is None else f"{restless.domain}: {restless.reason}"
    return Spent(joules, bool(whole), tuple(one.domain for one in taken), why)


def _cost(of: str, energy: Sequence[Energy], api: Api | None, prices: Prices) -> Cost:
    currency, price = prices.electricity.currency, prices.electricity.price_per_kwh
    spent = spent_per_token(energy)
    asked = None if api is None else api.input if of == "prefill" else api.output
    kwh = None if spent is None else spent.joules * MILLION / KWH
    electricity = None if kwh is None or price is None else kwh * price
    if spent is None or not kwh:
        reasons = [one.reason for one in energy if one.reason]
        verdict = f"not measured: {reasons[0] if reasons else 'no energy was measured'}"
    elif electricity is None:
        beside = [_even(api, asked, kwh, currency)] if api and asked is not None else []
        verdict = "; ".join([f"{kwh:.3g} kWh a million tokens{spent.words}", *beside, NO_PRICE])
    else:
        verdict = f"electricity {_money(electricity)} {currency} a million tokens{spent.words}"
        if api and asked:
            verdict += f"; {_beside(api, asked, electricity)}"
        if api and asked is not None:
            verdict += f"; {_even(api, asked, kwh, currency)}"
    return Cost(
        of=of,
        electricity=electricity,
        currency=currency,
        price_per_kwh=price,
        api=api.name if api else None,
        api_price=asked,
        prices_dated=api.dated if api else None,
        verdict=verdict,
    )


def _beside(api: Api, asked: float, electricity: float) -> str:
    """Which costs less; of a local one the machine's price is not counted, so that it is cheaper at
    most."""
    offer = f"{api.name} asks {_money(asked)} ({api.dated})"
    if electricity > asked:
        return f"{offer}: the API is cheaper than electricity alone"
    return f"{offer}: electricity is {_share(electricity, asked)} of it"


def _even(api: Api, asked: float, kwh: float, currency: str) -> str:
    """The price of electricity at which both cost the same."""
    if not asked:
        return f"{api.name} costs nothing ({api.dated})"
    return f"as much as {api.name} at {_money(asked / kwh)} {currency}/kWh"


def _money(value: float) -> str:
    """With two places, and of less than a tenth two digits."""
    places = 2 if not value or value >= 0.1 else min(1 - floor(log10(value)), 8)
    return f"{value:.{places}f}"


def _share(part: float, whole: float) -> str:
    if not part:
        return "nothing"
    return f"{part / whole:.0%}" if part >= 0.01 * whole else "under 1%"
