"""Measuring in sight of a person: progress with the time left, and what is to be said after it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from runner.errors import RunnerError
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.bench.arms import Arm
    from runner.bench.measure import Enough
    from runner.bench.record import Record
    from runner.bench.wanted import Progress, Wanted
    from runner.bench.workloads import Workload

T = TypeVar("T")

BAR = 20


def measured(
    arms: "Sequence[Arm]",
    tests: "Sequence[Workload]",
    wanted: "Wanted",
    settings: Settings,
    *,
    enough: "Enough | None" = None,
    failed: list[RunnerError] | None = None,
) -> "tuple[Record, ...]":
    """A record of each arm; Ctrl-C keeps what there is. With `failed`, which gets the errors, the
    others go on where an arm fails. Raises what `bench.measure` raises."""
    from runner.bench.measure import measure

    def work(**tell: Any) -> "tuple[Record, ...]":
        def lost(arm: "Arm", error: RunnerError) -> None:
            if not error.message.startswith(arm.name):
                error.message = f"{arm.name}: {error.message}"
            tell["remark"](f"{error.message}; it is left out from here on")
            assert failed is not None
            failed.append(error)

        keep_on = None if failed is None else lost
        return measure(arms, tests, wanted, **tell, enough=enough, lost=keep_on)

    return in_sight(settings, work)


def in_sight(settings: Settings, work: Callable[..., T]) -> T:
    """What `work` gives, which is told whom to tell its `progress` and `remark`."""
    from runner.cli.output import remark
    from runner.cli.terminal.progress import PassingLine

    line, said = PassingLine(settings), set[str]()

    def tell(text: str) -> None:
        if text not in said:  # arms of one model have the same to say
            said.add(text)
            line.clear()
            remark(text, settings)

    try:
        return work(progress=lambda now: line.show(words(now)), remark=tell)
    except KeyboardInterrupt:
        tell("stopped before anything was measured")
        raise
    finally:
        line.clear()


def words(now: "Progress") -> str:
    """One line: how far it is, what runs, and the time left at most."""
    from runner.cli.figures import bar

    text = f"{now.phase} {now.arm}"
    if now.phase == "measuring":
        text = f"block {now.block}: {now.test}, {now.arm}"
    elif now.test:
        text += f": {now.test}"
    if now.share is not None:
        text = f"{bar(now.share, BAR)} {text}"
    return text + (f", at most {seconds_left(now.left)} left" if now.left else "")


def seconds_left(seconds: float) -> str:
    """Such as 40 s, 3 min, 1 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def keep(records: "Sequence[Record]", settings: Settings) -> bool:
    """Keep them for `runner history`, and tell whether they are; where the disk does not let it,
    that is a remark."""
    from runner.bench.history import History
    from runner.cli.output import note, remark
    from runner.errors import DiskError

    try:
        History(remark=note).add_all(records)
    except DiskError as error:
        remark(f"not kept: {error.message}", settings)
        return False
    return True


def remark_on(records: "Sequence[Record]", settings: Settings) -> None:
    """Say what the figures lack, and what would give it."""
    from runner.bench.statistics import LEAST_BLOCKS
    from runner.cli.output import remark

    methods = [one.method for one in records if one.method is not None]
    method = next((one for one in methods if one.stopped != "failed"), None)
    if method is None:
        return
    if method.stopped == "interrupted":
        remark("stopped: these are the figures until then", settings)
    if method.stopped == "blocks" and method.blocks < LEAST_BLOCKS:
        remark(
            f"no intervals: they need {LEAST_BLOCKS} blocks; -r {LEAST_BLOCKS} gives them", settings
        )
    if method.stopped == "time" and method.blocks < LEAST_BLOCKS:
        needed = LEAST_BLOCKS * method.seconds / method.blocks * 1.1
        time = f"{needed:.0f}" if needed < 90 else f"{needed / 60:.0f}m"
        remark(
            f"no intervals: they need {LEAST_BLOCKS} blocks, and there is time for "
            f"{method.blocks}; --time {time} gives them",
            settings,
        )


def remark_on_refused(records: "Sequence[Record]", settings: Settings) -> None:
    """Say which tests have no figure, and so no place in other programs' tables."""
    from runner.bench.wording import rate_summary
    from runner.cli.output import remark

    for record in records:
        for test in record.tests:
            if rate_summary(test) is None:
                remark(
                    f"{test.name} of {record.name} is left out: {', '.join(test.flags)}", settings
                )
