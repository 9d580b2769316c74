"""The waits that servers ask for, and the budget of attempts."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import NetworkError
from runner.hub.retry import Patience, Retries, Transient, asked_wait


@given(st.integers(0, 10**9))
def test_seconds(seconds: int) -> None:
    assert asked_wait(str(seconds)) == seconds


def test_a_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert 3500 < (asked_wait(soon) or 0) <= 3600
    assert asked_wait("Wed, 21 Oct 2015 07:28:00 GMT") == 0


@given(st.none() | st.text() | st.from_regex(r"\w+, \d+ \w+ \d{1,4} [\d:]+ [+-]\d{4}"))
def test_no_header_is_too_odd(text: str | None) -> None:
    wait = asked_wait(text)
    assert wait is None or wait >= 0


def test_waits_double_up_to_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    retries = Retries(Patience(attempts=6, first_wait=1, longest_wait=5), lambda _: None)
    with pytest.raises(NetworkError, match=r"no luck \(6 attempts\)"):
        while True:
            retries.again(Transient("no luck"))
    assert waits == [1, 2, 4, 5, 5]
    retries.progressed()
    retries.again(Transient("no luck", wait=2))
    assert waits[-1] == 2
