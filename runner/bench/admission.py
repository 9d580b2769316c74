"""Which arms take part: those whose files can be read and that can be placed, by arithmetic."""

from collections.abc import Callable, Sequence
from pathlib import Path

from runner.bench import facts
from runner.bench.arms import Arm
from runner.bench.record import ModelFile
from runner.bench.records import Taken
from runner.bench.room import plan_of
from runner.bench.wanted import Progress
from runner.errors import RunnerError
from runner.gguf import Header, read_whole_header
from runner.models import Located

Lost = Callable[[Arm, RunnerError], None]


def admitted(
    arms: Sequence[Arm], lost: Lost | None, tell: Callable[[Progress], None]
) -> list[Taken]:
    """The arms with their files' hashes and headers, before anything runs, which hashing would
    disturb. `lost` is told of an arm that cannot be. Raises why, without `lost`, and where no arm
    is left; of one arm alone only what its file has wrong."""
    taken, known = list[Taken](), dict[Path, tuple[ModelFile, Header]]()
    for arm in arms:
        path = arm.located.path
        try:
            if path not in known:
                known[path] = _file(arm.located, tell)
            if len(arms) > 1:
                plan_of(arm)
        except RunnerError as error:
            if lost is None:
                raise
            lost(arm, error)
            if arm is arms[-1] and not taken:
                raise
        else:
            taken.append(Taken(arm, facts.new_id(), *known[path]))
    return taken


def _file(located: Located, tell: Callable[[Progress], None]) -> tuple[ModelFile, Header]:
    now, header = Progress("hashing", located.name), read_whole_header(located.path)
    return facts.model_file(located, lambda _: tell(now)), header
