"""A comparison in words and columns."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from runner.settings import Settings

if TYPE_CHECKING:
    from runner.bench.answers import TaskComparison
    from runner.bench.compare import Comparison, TestComparison

UNPAIRED = (
    "the two were measured apart, so that what changed on the machine between counts as theirs; "
    "measure both in one run to have it cancel"
)


def print_comparison(found: "Comparison", settings: Settings) -> None:
    """Tables on stdout, the second against the first; what limits them as remarks."""
    from runner.cli.output import print_facts, remark

    print_facts([("A", _name(found.first_name, found.first)),
                 ("B", _name(found.second_name, found.second))])  # fmt: skip
    if found.tests:
        print()
        _print_table(
            ("TEST", "A", "B", "B TO A", f"{found.confidence:.0%} INTERVAL", "P", "BLOCKS", "B IS",
             "FLAGS"),
            list(map(_test_row, found.tests)),
        )  # fmt: skip
    if found.tasks:
        print()
        _print_table(
            ("TASK", "A", "B", "B - A", f"{found.confidence:.0%} INTERVAL", "P", "ITEMS", "LOST",
             "GAINED", "B IS"),
            list(map(_task_row, found.tasks)),
        )  # fmt: skip
    print()
    print_facts([("method", method(found))])
    for line in found.remarks:
        remark(line, settings)
    if any(not test.paired for test in found.tests):
        remark(UNPAIRED, settings)


def _print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Without a last column that is empty."""
    from runner.cli.output import print_table

    width = len(heads) if any(row[-1] for row in rows) else len(heads) - 1
    print_table(heads[:width], [row[:width] for row in rows])


def method(found: "Comparison") -> str:
    """How it was judged, in a sentence each."""
    paired = all(test.paired for test in found.tests)
    text = ""
    if found.tests:
        ranks = "signed ranks of pairs of blocks" if paired else "rank sums of blocks"
        text = (
            f"rates in tokens/s; Hodges–Lehmann ratio and permutation test of {ranks}; "
            f"equivalent: both one-sided tests rule out ±{found.margin:.0%}"
        )
    if found.tasks:
        text += f"{'; ' if text else ''}answers to the same items: McNemar's exact test of flips"
    text += "; p corrected for their number (Holm)"
    if found.looked is not None:
        text += "; and for looking while it was measured"
    return text


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
