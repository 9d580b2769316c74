"""How long to keep trying: the one budget of attempts, and the waits between them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from runner.errors import NetworkError

T = TypeVar("T")

# The Hub counts requests in windows of five minutes, so a longer wait is not about its limits.
LONGEST_ASKED_WAIT = 300.0


@dataclass(frozen=True, slots=True)
class Patience:
    """What to bear with. Times in seconds; waits double from `first_wait` to `longest_wait`."""

    timeout: float = 10.0  # for a connection to open, and between two arrivals of bytes
    attempts: int = 8  # failures in a row, without progress between them
    first_wait: float = 1.0
    longest_wait: float = 8.0
    silence: float = 55.0  # without progress; waits that a server asks for do not count


class Transient(Exception):
    """A failure that another attempt may mend. `wait`: the seconds the server asked for."""

    def __init__(self, cause: str, *, remedy: str = "", wait: float | None = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.remedy = remedy
        self.wait = wait


class Retries:
    """The failures of one errand, counted against its budget."""

    def __init__(self, patience: Patience, remark: Callable[[str], None]) -> None:
        self.patience = patience
        self.remark = remark
        self.failures = 0
        self.alive()
        self._said: set[str] = set()

    def progressed(self) -> None:
        """Start the count anew: what had failed works again."""
        self.failures = 0
        self.alive()

    def alive(self) -> None:
        """Begin to wait for a sign of life anew: there was one."""
        self.deadline = time.monotonic() + self.patience.silence

    def remark_once(self, text: str) -> None:
        """Tell what may happen often, the first time."""
        if text not in self._said:
            self._said.add(text)
            self.remark(text)

    def again(self, problem: Transient) -> None:
        """Wait before the next attempt. Raises what `wait_for` raises."""
        time.sleep(self.wait_for(problem))

    def wait_for(self, problem: Transient) -> float:
        """Seconds to wait before the next attempt, which is told.

        Raises NetworkError where the budget is spent, or the server asks for a longer wait than
        a person would sit through.
        """
        self.failures += 1
        wait = min(
            self.patience.first_wait * 2.0 ** (self.failures - 1), self.patience.longest_wait
        )
        if problem.wait is not None and problem.wait > wait:
            wait = problem.wait
            self.deadline += wait
        late = time.monotonic() + wait + self.patience.timeout > self.deadline
        if late or self.failures >= self.patience.attempts:
            tries = f" ({self.failures} attempts)" if self.failures > 1 else ""
            raise NetworkError(f"{problem.cause}{tries}", remedy=problem.remedy)
        if wait > LONGEST_ASKED_WAIT:
            raise NetworkError(
                f"{problem.cause}, and asks to wait {wait:.0f} s",
                remedy=f"Try again in {wait / 60:.0f} minutes; a token raises the Hub's limits.",
            )
        self.remark(f"{problem.cause}; trying again in {wait:.0f} s")
        return wait


def patiently(ask: Callable[[], T], patience: Patience, remark: Callable[[str], None]) -> T:
    """What `ask` gives, asked again where it raises Transient. Raises NetworkError."""
    retries = Retries(patience, remark)
    while True:
        try:
            return ask()
        except Transient as problem:
            retries.again(problem)


def asked_wait(retry_after: str | None, date: str | None = None) -> float | None:
    """Seconds meant by a Retry-After header: a number, or a date (RFC 9110, 10.2.3).

    `date` is the answer's own Date header: this machine's clock may be wrong.
    """
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    until, now = _moment(retry_after), _moment(date or "") or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds()) if until else None


def _moment(text: str) -> datetime | None:
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    return when.replace(tzinfo=when.tzinfo or UTC)
