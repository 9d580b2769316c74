"""What a task of lm-evaluation-harness says of how answers in words are compared: its filters, and
the options of its metric, which is exact_match.

Of several filters the first counts that is known here. One that takes numbers out of answers stands
for the matcher of numbers, which finds them however a chat puts them.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runner.bench.quality.reading import NOTHING, Find, Reading
from runner.errors import ConfigurationError

DIGITS = ("\\d", "0-9")
IDLE = ("take_first", "remove_whitespace")
"""Filters that change nothing of one answer without space around it."""
METRIC = "exact_match"
IGNORED = {
    "ignore_case": "case",
    "ignore_punctuation": "punctuation",
    "ignore_numbers": "numbers",
}
OPTIONS = (*IGNORED, "metric", "aggregation", "higher_is_better", "regexes_to_ignore")


def takes_numbers(filters: Any) -> bool:
    """Whether a filter takes numbers out of an answer: a regular expression that has digits."""
    if isinstance(filters, list):
        return any(map(takes_numbers, filters))
    if not isinstance(filters, dict):
        return False
    pattern = filters.get("regex_pattern")
    found = isinstance(pattern, str) and any(digits in pattern for digits in DIGITS)
    return found or takes_numbers(filters.get("filter"))


def reading_of(path: Path, asked: dict[str, Any], *, numeric: bool) -> Reading | None:
    """How the answers of the task in `path`, whose content is `asked`, are read; None where they
    are compared as they are, or by their numbers. Raises ConfigurationError for what is not known
    here."""
    metric = _metric(path, asked.get("metric_list") or [])
    if numeric:
        return None
    finds = _finds(path, asked.get("filter_list") or [])
    ignored = tuple(name for key, name in IGNORED.items() if metric.get(key))
    left_out = metric.get("regexes_to_ignore") or []
    left_out = left_out if isinstance(left_out, list) else [left_out]
    for pattern in left_out:
        _compiled(path, pattern)
    return Reading(finds, tuple(left_out), ignored) if finds or ignored or left_out else None


def _finds(path: Path, filters: Any) -> tuple[Find, ...]:
    if not isinstance(filters, list) or not all(isinstance(one, dict) for one in filters):
        raise ConfigurationError(f"{path.name}: filter_list is malformed")
    unknown = dict[str, None]()
    for one in filters:
        steps = one.get("filter") or []
        if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
            raise ConfigurationError(f"{path.name}: filter_list is malformed")
        names = [str(step.get("function")) for step in steps]
        others = [name for name in names if name not in ("regex", *IDLE)]
        if not others:
            return tuple(_find(path, step) for step in steps if step.get("function") == "regex")
        unknown |= dict.fromkeys(others)
    if unknown:
        raise ConfigurationError(
            f"{path.name}: its filters ({', '.join(unknown)}) are not known here",
            remedy="regex, remove_whitespace and take_first are.",
        )
    return ()


def _find(path: Path, step: dict[str, Any]) -> Find:
    pattern = _compiled(path, step.get("regex_pattern", r"#### (\-?[0-9\.\,]+)"))
    index, fallback = step.get("group_select", 0), step.get("fallback", NOTHING)
    if not isinstance(index, int):
        raise ConfigurationError(f"{path.name}: group_select of a filter is no whole number")
    return Find(pattern, index, str(fallback))


def _compiled(path: Path, pattern: Any) -> str:
    """The pattern, if it is one."""
    try:
        re.compile(pattern)
    except (re.error, TypeError, RecursionError, OverflowError) as error:
        raise ConfigurationError(
            f"{path.name}: {pattern!r} is no regular expression: {error}"
        ) from error
    return str(pattern)


def _metric(path: Path, metrics: Any) -> dict[str, Any]:
    """The metric that answers are right or wrong by, with its options."""
    listed: Sequence[Any] = metrics if isinstance(metrics, list) else [metrics]
    entries = [one for one in listed if isinstance(one, dict)]
    found = next((one for one in entries if one.get("metric") == METRIC), None)
    if listed and found is None:
        names = ", ".join(str(one.get("metric")) for one in entries)
        raise ConfigurationError(
            f"{path.name}: its answers are scored by {names or metrics}, not by {METRIC}",
            remedy=f"Answers in words are right or wrong here; ask for {METRIC}.",
        )
    if found and (unknown := [key for key in found if key not in OPTIONS]):
        raise ConfigurationError(
            f"{path.name}: {METRIC} with {', '.join(map(str, unknown))} is not known here"
        )
    return found or {}
