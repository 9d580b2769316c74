"""What a report is about: each model in one configuration, its speed and its answers together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from runner.bench.record import Record, Summary, TaskResult, Test
from runner.bench.wording import visible


@dataclass(frozen=True, slots=True)
class Entry:
    """One model in one configuration. `number` decides its colour and mark in every plot."""

    name: str
    number: int
    speed: Record | None
    qualities: tuple[Record, ...] = ()

    @property
    def record(self) -> Record:
        """The record that says which model, machine and configuration this is."""
        return self.speed or self.qualities[0]

    @property
    def label(self) -> str:
        """Its name in a legend, from which matplotlib leaves out what begins with a line below."""
        return f" {self.name}" if self.name.startswith("_") else self.name

    @property
    def tests(self) -> tuple[Test, ...]:
        """Its tests of speed."""
        return self.speed.tests if self.speed else ()

    @property
    def tasks(self) -> tuple[TaskResult, ...]:
        """Its tasks, of each name the last."""
        last = {task.name: task for record in self.qualities for task in record.tasks}
        return tuple(last.values())

    def test(self, name: str) -> Test | None:
        """The test of that name, where there is one."""
        return next((one for one in self.tests if one.name == name), None)

    def task(self, name: str) -> TaskResult | None:
        """The task of that name, where there is one."""
        return next((one for one in self.tasks if one.name == name), None)


def entries(records: Sequence[Record]) -> tuple[Entry, ...]:
    """An entry for each record of speed, in their order, each with the answers of the same file
    with the same KV type and adapters (what else is set does not change answers); and one for
    answers whose speed was not measured."""
    records = [_readable(record) for record in records]
    speeds = [record for record in records if record.kind == "speed"]
    qualities = [record for record in records if record.kind == "quality"]
    known = {_answers_alike(record) for record in speeds}
    alone = dict.fromkeys(_answers_alike(one) for one in qualities)
    made: list[tuple[Record | None, tuple[Record, ...]]] = [
        (one, _of(qualities, _answers_alike(one))) for one in speeds
    ]
    made += [(None, _of(qualities, key)) for key in alone if key not in known]
    taken: dict[str, int] = {}
    found = []
    for number, (speed, answers) in enumerate(made):
        record = speed or answers[0]
        name = record.name
        taken[name] = taken.get(name, 0) + 1
        if taken[name] > 1:
            name = f"{name} ({record.id})"
        found.append(Entry(name, number, speed, answers))
    return tuple(found)


def _readable(record: Record) -> Record:
    """With names that can be drawn, whatever files they are of."""
    tests = tuple(replace(one, name=visible(one.name)) for one in record.tests)
    tasks = tuple(replace(one, name=visible(one.name)) for one in record.tasks)
    name, run = visible(record.name), visible(record.run)
    return replace(record, name=name, run=run, tests=tests, tasks=tasks)


def _of(records: Sequence[Record], key: tuple[object, ...]) -> tuple[Record, ...]:
    return tuple(sorted((r for r in records if _answers_alike(r) == key), key=lambda r: r.date))


def _answers_alike(record: Record) -> tuple[object, ...]:
    model, how = record.model, record.configuration
    return (model.sha256 or model.file, how.kv, how.adapters)


def task_names(found: Sequence[Entry]) -> list[str]:
    """The names of all tasks, in their order."""
    return list(dict.fromkeys(task.name for entry in found for task in entry.tasks))


def test_names(found: Sequence[Entry]) -> list[str]:
    """The names of all tests, in their order."""
    return list(dict.fromkeys(test.name for entry in found for test in entry.tests))


def main_decode(found: Sequence[Entry]) -> str | None:
    """The test of decoding that most entries have, at the least depth."""
    return main_test(found, lambda test: test.kind != "prefill" and bool(test.summaries))


def main_test(found: Sequence[Entry], suits: Callable[[Test], bool]) -> str | None:
    """The test that suits and most entries have, at the least depth."""
    counts: dict[tuple[int, str], int] = {}
    for entry in found:
        for test in entry.tests:
            if suits(test):
                key = (test.depth, test.name)
                counts[key] = counts.get(key, 0) + 1
    if not counts:
        return None
    return max(counts, key=lambda key: (counts[key], -key[0]))[1]


def quality_figure(task: TaskResult) -> Summary | None:
    """The figure of how well a task was done: its first."""
    return task.summaries[0] if task.summaries else None
