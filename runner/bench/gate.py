"""Conditions under which a comparison fails a check: `slower:3%`, `worse:1%`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from runner.bench.compare import Comparison
from runner.errors import ConfigurationError

CONDITION = re.compile(r"(slower|worse):(\d+(?:\.\d+)?)\s*%?")


@dataclass(frozen=True, slots=True)
class Gate:
    """`share` is of the rate for "slower", and of all questions (or of the score) for "worse"."""

    kind: Literal["slower", "worse"]
    share: float


def gates(texts: Sequence[str]) -> list[Gate]:
    """Such as `slower:3%`. Raises ConfigurationError."""
    found = []
    for text in texts:
        match = CONDITION.fullmatch(text.strip().lower())
        if match is None:
            raise ConfigurationError(
                f"--fail-if {text} is no condition", remedy="Such as slower:3% or worse:1%."
            )
        kind: Literal["slower", "worse"] = "slower" if match[1] == "slower" else "worse"
        found.append(Gate(kind, float(match[2]) / 100))
    return found


def failures(comparison: Comparison, wanted: Sequence[Gate]) -> list[str]:
    """What fails, in words. A difference counts where it is significant, whether or not it is
    within the margin of equivalence, and it is as large as asked, as it was measured: noise alone
    fails one check in twenty at most."""
    found = []
    for gate in wanted:
        if gate.kind == "slower":
            found += [
                f"{test.test} is {1 - test.ratio:.1%} slower"
                for test in comparison.tests
                if test.p_corrected < 1 - comparison.confidence and 1 - test.ratio >= gate.share
            ]
            continue
        for task in comparison.tasks:
            whole = 1.0 if task.metric == "accuracy" else abs(task.first)
            lost = abs(task.difference)
            if task.verdict == "worse" and lost >= gate.share * whole:
                found.append(f"{task.task} is {lost / whole if whole else lost:.1%} worse")
    return found
