"""How long to keep trying: the one budget of attempts, and the waits between them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from runner.errors import NetworkError

# The Hub counts requests in windows of five minutes, so a longer wait is not about its limits.
LONGEST_ASKED_WAIT = 300.0


@dataclass(frozen=True, slots=True)
class Patience:
    """What to bear with. Times in seconds; waits double from `first_wait` to `longest_wait`."""

    timeout: float = 10.0  # for a connection to open, and between two arrivals of bytes
    attempts: int = 8  # failures in a row, without progress between them
    first_wait: float = 1.0
    longest_wait: float = 30.0


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

    def progressed(self) -> None:
        """Start the count anew: what had failed works again."""
        self.failures = 0

    def again(self, problem: Transient) -> None:
        """Wait before the next attempt.

        Raises NetworkError where the budget is spent, or the server asks for a longer wait than
        a person would sit through.
        """
        self.failures += 1
        wait = min(self.patience.first_wait * 2 ** (self.failures - 1), self.patience.longest_wait)
        if problem.wait is not None:
            wait = max(wait, problem.wait)
        if self.failures >= self.patience.attempts:
            tries = f" ({self.failures} attempts)" if self.failures > 1 else ""
            raise NetworkError(f"{problem.cause}{tries}", remedy=problem.remedy)
        if wait > LONGEST_ASKED_WAIT:
            raise NetworkError(
                f"{problem.cause}, and asks to wait {wait:.0f} s",
                remedy=f"Try again in {wait / 60:.0f} minutes; a token raises the Hub's limits.",
            )
        self.remark(f"{problem.cause}; trying again in {wait:.0f} s")
        time.sleep(wait)


def asked_wait(retry_after: str | None) -> float | None:
    """Seconds meant by a Retry-After header: a number, or a date (RFC 9110, 10.2.3)."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        when = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
