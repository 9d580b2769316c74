"""This machine's speed, measured in sight of a person where a command needs it."""

import threading

from runner.cli.terminal.interrupts import on_interrupt
from runner.errors import BuildError, DiskError
from runner.settings import Settings


def measured(settings: Settings, *, again: bool = False, undisturbed: bool = False) -> None:
    """Measure this machine, unless that was done before; `again` does it in any case, and
    `undisturbed` where other programs loaded it then.

    Where it cannot be measured a person is told, and it stays unmeasured; with `again`, BuildError
    or DiskError is raised. Raises KeyboardInterrupt too.
    """
    from runner import machine

    known = machine.rates()
    if known is not None and not again and not (undisturbed and known.loaded):
        return

    from runner.cli.output import remark
    from runner.cli.terminal.progress import PassingLine

    once = "" if again else ", once"
    remark(f"measuring this machine's speed{once}: about ten seconds", settings)
    line, stopped = PassingLine(settings), threading.Event()

    def progress(fraction: float) -> bool:
        line.show(f"measured {fraction:.0%}")
        return not stopped.is_set()

    try:
        with on_interrupt(stopped.set):
            machine.measure(progress)
        if stopped.is_set():  # while nothing asked any more
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        line.clear()
        remark("stopped before this machine's speed was measured", settings)
        raise
    except (BuildError, DiskError) as error:
        if again:
            raise
        line.clear()
        remark(f"this machine's speed stays unmeasured: {error.message}", settings)
        return
    finally:
        line.clear()
    now = machine.rates()
    if now is not None and now.loaded:
        remark(
            f"other programs took {now.others:.0%} of the processors' time meanwhile: this machine "
            "can be faster than was measured",
            settings,
        )
