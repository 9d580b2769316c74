from pathlib import Path

import pytest

from runner.bench.cost import costs, per_correct, spent_per_token
from runner.bench.prices import Api, Electricity, Prices, read_prices, user_prices
from runner.bench.record import Energy
from runner.errors import ConfigurationError

API = Api("hosted", input=0.15, output=0.60, dated="2026-11", source="example.org")
PRICES = Prices(Electricity(0.30, "USD"), (API,))


def energy(
    of: str, net: float | None, gross: float | None, domain: str = "whole machine"
) -> Energy:
    if gross is None:
        return Energy(of, None, None, None, domain, "RAPL", None, reason="only root may read")
    reason = "" if net is not None else "its rests differ"
    return Energy(of, net, gross, 5.0, domain, "RAPL", "counter", 1000, 20.0, reason)


def test_a_million_tokens() -> None:
    """8B on a laptop: 4.9 J a token at 0.30 $/kWh is 0.41 $."""
    prefill, decode = costs([energy("prefill", 0.1, 0.2), energy("decode", 4.9, 6.0)], PRICES)
    assert decode.electricity == pytest.approx(0.408, abs=0.001)
    assert (decode.api_price, prefill.api_price) == (0.60, 0.15)
    assert decode.prices_dated == "2026-11"
    assert decode.verdict == (
        "electricity 0.41 USD a million tokens; hosted asks 0.60 (2026-11): electricity is 68% of "
        "it; as much as hosted at 0.44 USD/kWh"
    )
    assert prefill.electricity == pytest.approx(0.1 / 3.6 * 0.30)
    assert prefill.verdict.startswith("electricity 0.0083 USD a million tokens; hosted asks 0.15")


def test_a_larger_model() -> None:
    """14B on the same: 8.6 J a token, 0.72 $."""
    (cost,) = costs([energy("decode", 8.6, 9.0)], Prices(Electricity(0.30)))
    assert cost.electricity == pytest.approx(0.717, abs=0.001)
    assert cost.verdict == "electricity 0.72 USD a million tokens"


def test_the_api_may_be_cheaper() -> None:
    (cost,) = costs([energy("decode", 14.4, 20.0)], PRICES)
    assert cost.electricity == pytest.approx(1.2)
    assert cost.verdict == (
        "electricity 1.20 USD a million tokens; hosted asks 0.60 (2026-11): the API is cheaper "
        "than electricity alone; as much as hosted at 0.15 USD/kWh"
    )


def test_both_cost_the_same_where_it_says_so() -> None:
    """At the price of electricity that is named, either direction."""
    for joules in (1.0, 4.9, 14.4):
        (cost,) = costs([energy("decode", joules, 20.0)], Prices(Electricity(), (API,)))
        named = 0.60 * 3.6 / joules
        assert f"as much as hosted at {named:.2f} USD/kWh" in cost.verdict
        (cost,) = costs([energy("decode", joules, 20.0)], PRICES.at(named))
        assert cost.electricity == pytest.approx(0.60)


def test_every_api_is_named_in_its_own_verdict() -> None:
    other = Api("other", input=0.1, output=0.2, dated="2026-10", source="example.org")
    found = costs([energy("decode", 3.6, 4.0)], Prices(Electricity(0.30), (API, other)))
    assert [cost.api for cost in found] == ["hosted", "other"]
    assert "hosted asks 0.60 (2026-11): electricity is 50% of it" in found[0].verdict
    assert "other asks 0.20 (2026-10): the API is cheaper" in found[1].verdict


def test_what_costs_nothing() -> None:
    (cost,) = costs([energy("decode", 3.6, 4.0)], PRICES.at(0.0))
    assert cost.electricity == 0
    assert cost.verdict == (
        "electricity 0.00 USD a million tokens; hosted asks 0.60 (2026-11): electricity is nothing "
        "of it; as much as hosted at 0.60 USD/kWh"
    )
    free = Api("free", input=0, output=0, dated="2026-11", source="example.org")
    for price in (0.0, 0.3, None):
        prices = Prices(Electricity(price), (free,))
        (cost,) = costs([energy("decode", 3.6, 4.0)], prices)
        assert "free costs nothing (2026-11)" in cost.verdict


def test_without_a_price_of_electricity_it_says_where_both_cost_the_same() -> None:
    (cost,) = costs([energy("decode", 3.6, 4.0)], Prices(Electricity(), (API,)))
    assert cost.electricity is None
    assert cost.verdict == (
        "1 kWh a million tokens; as much as hosted at 0.60 USD/kWh; --price-per-kwh, or a price in "
        "prices.toml, gives its cost"
    )


def test_gross_is_said() -> None:
    package = energy("decode", None, 3.6, "processor package")
    (cost,) = costs([package], Prices(Electricity(0.30)))
    assert cost.electricity == pytest.approx(0.30)
    assert cost.verdict == (
        "electricity 0.30 USD a million tokens (processor package alone), gross: processor "
        "package: its rests differ"
    )
    told = per_correct(600.0, [package], 10, PRICES)
    assert told.joules == pytest.approx(360)
    assert told.gross == "processor package: its rests differ"


def test_nothing_is_estimated() -> None:
    (cost,) = costs([energy("decode", None, None)], PRICES)
    assert cost.electricity is None
    assert cost.verdict == "not measured: only root may read"


def test_without_an_api() -> None:
    (cost,) = costs([energy("decode", 3.6, 4.0)], Prices(Electricity(0.3)))
    assert cost.api is None
    assert cost.verdict == "electricity 0.30 USD a million tokens"


def test_parts_are_added_and_the_whole_is_not() -> None:
    package = energy("decode", 2.0, 3.0, "processor package")
    gpu = energy("decode", 5.0, 6.0, "GPU 0")
    spent = spent_per_token([package, gpu])
    assert spent is not None
    assert (spent.joules, spent.of_machine) == (7.0, False)
    spent = spent_per_token([energy("decode", 9.0, 12.0, "platform (psys)"), package, gpu])
    assert spent is not None
    assert (spent.joules, spent.of_machine) == (9.0, True)
    spent = spent_per_token([energy("decode", None, 3.0, "processor package"), gpu])
    assert spent is not None
    assert spent.joules == 9.0  # gross of both
    assert spent.gross == "processor package: its rests differ"
    assert spent_per_token([]) is None


def test_a_correct_answer() -> None:
    told = per_correct(600.0, [energy("task", 3.6, 4.0)], 10, PRICES)
    assert told.seconds == 60
    assert told.joules == pytest.approx(360)
    assert told.electricity == pytest.approx(360 / 3.6e6 * 0.30)
    told = per_correct(600.0, [energy("task", None, None)], 10, PRICES)
    assert (told.seconds, told.joules, told.reason) == (60, None, "only root may read")
    assert per_correct(600.0, [], 0, PRICES).reason == "no answer is right"


def test_the_prices_that_ship_are_dated_and_have_sources() -> None:
    prices = read_prices()
    assert prices.electricity.price_per_kwh is None  # nobody knows what you pay
    assert all(api.dated and api.source for api in prices.apis)
    assert prices.at(0.25).electricity.price_per_kwh == 0.25
    assert prices.at(None) is prices


def test_a_users_own_prices_win() -> None:
    user_prices().parent.mkdir(parents=True, exist_ok=True)
    user_prices().write_text(
        '[electricity]\nprice_per_kwh = 0.35\ncurrency = "EUR"\n', encoding="utf-8"
    )
    assert read_prices() == Prices(Electricity(0.35, "EUR"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[electricity]\nprice = 1", "unknown key 'price'"),
        ("[elektra]", "unknown key elektra"),
        ('[[api]]\nname = "x"', "key 'input' is missing"),
        ('[electricity]\ncurrency = "dollars"', "three capital letters"),
        ("api = 1", "[[api]]"),
        ("electricity = 1", "not a table"),
        ("[electricity]\nprice_per_kwh = -1", "negative"),
        ('[[api]]\nname="x"\ninput=1\noutput=1\ndated="now"\nsource="y"', "not a date"),
        ("[", ""),
    ],
)
def test_prices_that_make_no_sense(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        read_prices(path)
    assert told in raised.value.message
    assert str(path) in raised.value.message
