"""What measured energy costs, beside what an API asks for the same tokens.

Electricity alone: neither the machine's price nor anybody's time. Nothing is said of it where
energy was not measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from runner.bench.prices import Api, Prices
from runner.bench.record import Cost, Energy

KWH = 3.6e6
"""Joules."""

MILLION = 1e6

NO_PRICE = "not computed: no price of electricity; give --price-per-kwh, or set it in prices.toml"


@dataclass(frozen=True, slots=True)
class Spent:
    """Joules of parts that were measured and have nothing in common, for each token; `of_machine`
    where they are all that the machine took."""

    joules: float
    net: bool
    of_machine: bool
    domains: tuple[str, ...]


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
    """What a correct answer took; None with the reason where that cannot be said."""

    seconds: float | None
    joules: float | None
    electricity: float | None
    currency: str
    reason: str = ""
    remedy: str = ""


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
    return PerCorrect(
        seconds / right, joules, None if price is None else joules / KWH * price, currency
    )


def spent_per_token(energy: Sequence[Energy]) -> Spent | None:
    """The widest that was measured: the machine, else the processor, its memory and its GPUs
    together; net of rest where each of them is. None where nothing was."""
    told = [one for one in energy if one.gross is not None]
    if not told:
        return None
    whole = [one for one in told if one.domain.startswith(("whole machine", "platform"))][:1]
    taken = whole or told
    net = all(one.net is not None for one in taken)
    joules = sum((one.net if net else one.gross) or 0.0 for one in taken)
    return Spent(joules, net, bool(whole), tuple(one.domain for one in taken))


def _cost(of: str, energy: Sequence[Energy], api: Api | None, prices: Prices) -> Cost:
    currency, price = prices.electricity.currency, prices.electricity.price_per_kwh
    spent = spent_per_token(energy)
    asked = None if api is None else api.input if of == "prefill" else api.output
    kwh = None if spent is None else spent.joules * MILLION / KWH
    electricity = None if kwh is None or price is None else kwh * price
    return Cost(
        of=of,
        electricity=electricity,
        currency=currency,
        price_per_kwh=price,
        api=api.name if api else None,
        api_price=asked,
        prices_dated=api.dated if api else None,
        verdict=_verdict(spent, kwh, electricity, asked, energy, currency),
    )


def _verdict(
    spent: Spent | None,
    kwh: float | None,
    electricity: float | None,
    asked: float | None,
    energy: Sequence[Energy],
    currency: str,
) -> str:
    if spent is None or not kwh:
        reasons = [one.reason for one in energy if one.reason]
        return f"not measured: {reasons[0] if reasons else 'no energy was measured'}"
    covered = "" if spent.of_machine else f" ({' + '.join(spent.domains)} alone)"
    if electricity is None:
        even = f"; even with the API at {asked / kwh:.2f} {currency}/kWh" if asked else ""
        return NO_PRICE + even
    if asked is None:
        return f"electricity {electricity:.3g} {currency} a million tokens{covered}"
    if electricity > asked:
        return f"the API is cheaper: electricity alone is {electricity / asked:.2g} times its price"
    return (
        f"electricity is {_share(electricity, asked)} of the API's price{covered}; "
        f"even at {asked / kwh:.2f} {currency}/kWh"
    )


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.0%}" if part >= 0.01 * whole else "under 1%"
