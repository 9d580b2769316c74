"""What electricity and APIs cost: a dated file that ships with Runner, and anyone may replace."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runner.catalog import models_directory
from runner.errors import ConfigurationError
from runner.paths import config_file
from runner.tables import build, require


@dataclass(frozen=True, slots=True)
class Electricity:
    """`price_per_kwh` in `currency`, None where nobody has said it."""

    price_per_kwh: float | None = None
    currency: str = "USD"

    def __post_init__(self) -> None:
        require(re.fullmatch(r"[A-Z]{3}", self.currency), "currency is not three capital letters")


@dataclass(frozen=True, slots=True)
class Api:
    """An offer: prices of a million tokens of prompts (`input`) and of replies (`output`)."""

    name: str
    input: float
    output: float
    dated: str
    source: str
    note: str = ""

    def __post_init__(self) -> None:
        dated = re.fullmatch(r"\d{4}-\d\d(-\d\d)?", self.dated)
        require(dated, f"dated is {self.dated!r}, not a date such as 2026-11-22")


@dataclass(frozen=True, slots=True)
class Prices:
    """All in one currency."""

    electricity: Electricity = Electricity()
    apis: tuple[Api, ...] = ()

    def at(self, price_per_kwh: float | None) -> "Prices":
        """The same with that price of electricity; None leaves it."""
        if price_per_kwh is None:
            return self
        return replace(self, electricity=replace(self.electricity, price_per_kwh=price_per_kwh))


def user_prices() -> Path:
    """Where a user's own prices lie, if there are any: beside the configuration file."""
    return config_file().with_name("prices.toml")


def read_prices(path: Path | None = None) -> Prices:
    """The file at `path`; without one, the user's own, else what ships with Runner.

    Raises ConfigurationError naming the file and the key.
    """
    if path is None:
        own = user_prices()
        path = own if own.is_file() else models_directory() / "prices.toml"
    import tomllib

    try:
        return _prices(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: {error}", remedy="Correct the file.") from error


def _prices(document: dict[str, Any]) -> Prices:
    unknown = document.keys() - {"electricity", "api"}
    require(not unknown, f"unknown key {', '.join(sorted(unknown))}")
    electricity, offers = document.get("electricity", {}), document.get("api", [])
    require(isinstance(electricity, dict), "electricity is not a table")
    tables = isinstance(offers, list) and all(isinstance(offer, dict) for offer in offers)
    require(tables, "api: not one or more [[api]] tables")
    apis = [build(Api, offer, f"api {offer.get('name', n)!r}") for n, offer in enumerate(offers, 1)]
    return Prices(build(Electricity, electricity, "electricity"), tuple(apis))
