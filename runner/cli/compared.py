"""A comparison in words and columns."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from runner.settings import Settings

if TYPE_CHECKING:
    from runner.bench.answers import TaskComparison
    from runner.bench.compare import Comparison, TestComparison

WRAPPED = (("TEST", "TASK", "B IS", "FLAGS"), ("95% INTERVAL",))
SPARE = ("P",)
"""What a narrow terminal has no room for; see `print_fitted`."""

UNPAIRED = (
    "the two were measured apart, so that what changed on the machine between counts as theirs; "
    "measure both in one run to have it cancel"
)


def print_comparison(found: "Comparison", settings: Settings) -> None:
    """Tables on stdout, the second against the first; what limits them as remarks."""
    from runner.cli.fitted import print_fitted
    from runner.cli.output import print_facts, remark

    print_facts([("A", _name(found.first_name, found.first)),
                 ("B", _name(found.second_name, found.second))])  # fmt: skip
    if found.tests:
        print()
        print_fitted(
            *_filled(
                ("TEST", "A", "B", "CHANGE", f"{found.confidence:.0%} INTERVAL", "P", "BLOCKS",
                 "B IS", "FLAGS"),
                list(map(_test_row, found.tests)),
            ),
            spare=SPARE,
            wrapped=WRAPPED,
        )  # fmt: skip
    if found.tasks:
        print()
        print_fitted(
            ("TASK", "A", "B", "CHANGE", f"{found.confidence:.0%} INTERVAL", "P", "ITEMS", "LOST",
             "GAINED", "B IS"),
            list(map(_task_row, found.tasks)),
            spare=SPARE,
            wrapped=WRAPPED,
        )  # fmt: skip
    print()
    print_facts([("method", method(found))])
    for line in found.remarks:
        remark(line, settings)
    if any(not test.paired for test in found.tests):
        remark(UNPAIRED, settings)
    for test in filter(_seems_wrong, found.tests):
        remark(_why(test), settings)


def _filled(
    heads: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Without a last column that is empty."""
    width = len(heads) if any(row[-1] for row in rows) else len(heads) - 1
    return heads[:width], [row[:width] for row in rows]


def _seems_wrong(test: "TestComparison") -> bool:
    """Whether the columns A and B would let one expect another change."""
    medians, low_high = test.second / test.first, test.interval or (0.0, float("inf"))
    shown = round(medians - 1, 3), round(test.ratio - 1, 3)
    return shown[0] * shown[1] < 0 or not low_high[0] <= medians <= low_high[1]


def _why(test: "TestComparison") -> str:
    """What a change is that the medians do not show."""
    of = (
        "that of pairs of blocks, in which what disturbed both cancels"
        if test.paired
        else "the middle one between any block of A and any of B"
    )
    return (
        f"{test.test}: the medians A and B, each of all blocks, differ by "
        f"{test.second / test.first - 1:+.1%}; the change is {of}"
    )


def method(found: "Comparison") -> str:
    """How it was judged, in a sentence each."""
    metrics = {task.metric for task in found.tasks}
    said = []
    if found.tests:
        paired = all(test.paired for test in found.tests)
        ranks = "signed ranks of pairs of blocks" if paired else "rank sums of blocks"
        said += [
            "rates in tokens/s",
            f"change: Hodges–Lehmann ratio of B to A, by a permutation test of {ranks}",
            f"equivalent, each test by itself: both one-sided tests rule out "
            f"±{100 * found.margin:.3g}%",
        ]
    if "accuracy" in metrics:
        said.append(
            "answers to the same items: McNemar's exact test of flips, with several samples "
            "Student's of the mean"
        )
    if metrics - {"accuracy"}:
        said.append("scores of the same items: Student's test of the mean of their changes")
    looked = "" if found.looked is None else " and for looking while it was measured"
    return "; ".join((*said, f"p corrected for their number (Holm){looked}"))


def _name(name: str, id: str) -> str:
    return f"{name} ({id})"


def _test_row(test: "TestComparison") -> tuple[str, ...]:
    interval = test.interval
    words = test.verdict
    more = test.more_blocks
    return (
        test.test,
        _figure(test.first),
        _figure(test.second),
        f"{test.ratio - 1:+.1%}",
        f"{interval[0] - 1:+.1%} to {interval[1] - 1:+.1%}" if interval else "too few blocks",
        _p(test.p_corrected),
        str(test.blocks),
        f"{words}, about {more} more blocks" if more is not None else words,
        " ".join(test.flags),
    )


def _task_row(task: "TaskComparison") -> tuple[str, ...]:
    shares = task.metric == "accuracy"

    def told(value: float, sign: str = "") -> str:
        return f"{value:{sign}.1%}" if shares else f"{value:{sign}.4g}"

    interval = task.interval
    return (
        task.task,
        told(task.first),
        told(task.second),
        told(task.difference, "+"),
        f"{told(interval[0], '+')} to {told(interval[1], '+')}" if interval else "—",
        _p(task.p_corrected),
        str(task.items),
        str(task.lost),
        str(task.gained),
        task.verdict,
    )


def _figure(rate: float) -> str:
    return f"{rate:.2f}" if rate < 100 else f"{rate:.0f}"


def _p(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"
