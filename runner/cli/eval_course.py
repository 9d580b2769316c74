"""An evaluation in sight of a person: what is asked, how far it is, and how long it will take."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runner.cli.measured_arms import seconds_left
from runner.cli.terminal.progress import PassingLine

if TYPE_CHECKING:
    from runner.bench.quality.task import Asked, Task

NAMED = 4
"""Tasks that are named one by one; of more the first and the last are."""

TRUSTED = 3.0
"""Seconds after which the time left is told."""


def what_is_asked(model: str, tasks: "Sequence[Task]", asked: "Asked", *, chosen: bool) -> str:
    """Such as `tiny: 19 tasks (tiny/add … tiny/use-its-answer), 9098 questions; --task names
    others, --limit takes the first of each`."""
    from runner.bench.quality.run import count_of

    counts = [count_of(task, asked) for task in tasks if not task.text]
    texts = len(tasks) - len(counts)
    parts = [_counted(sum(counts) // asked.samples, "question")] if counts else []
    parts += [_counted(texts, "text")] if texts else []
    names = [task.name for task in tasks]
    named = ", ".join(names) if len(names) <= NAMED else f"{names[0]} … {names[-1]}"
    what = f"{len(tasks)} tasks ({named})" if len(tasks) > 1 else named
    text = f"{model}: {what}, {' and '.join(parts)}"
    text += f", {asked.samples} answers to each" if asked.samples > 1 else ""
    if not chosen:
        text += "; --task names others"
        text += "" if asked.limit else ", --limit takes the first of each"
    return text


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


class Course:
    """Tells a line how far the tasks of one model are."""

    def __init__(
        self, line: PassingLine, model: str, tasks: "Sequence[Task]", asked: "Asked"
    ) -> None:
        from runner.bench.quality.run import count_of

        self._line, self._model = line, model
        self._counts = {task.name: count_of(task, asked) for task in tasks}
        self._done = dict.fromkeys(self._counts, 0)
        self._begun = set[str]()
        self._answered = 0
        self._spent = self._last = 0.0

    def __call__(self, task: str, done: int, total: int) -> None:
        """`done` of `total` items of that task are there; the first call says how many were
        before."""
        now = time.monotonic()
        if task in self._begun:
            self._spent += now - self._last
            self._answered += done - self._done[task]
        self._begun.add(task)
        self._last = now
        self._counts[task], self._done[task] = total, done
        self._line.show(self.words(task))

    def words(self, task: str) -> str:
        """The state as a line, such as `tiny, add: 120 of 500 (task 3 of 19, about 3 min left)`."""
        text = f"{self._model}, {task}: {self._done[task]} of {self._counts[task]}"
        more = []
        if len(self._counts) > 1:
            more.append(f"task {len(self._begun)} of {len(self._counts)}")
        if self._spent >= TRUSTED and self._answered:
            left = sum(self._counts.values()) - sum(self._done.values())
            more.append(f"about {seconds_left(left * self._spent / self._answered)} left")
        return f"{text} ({', '.join(more)})" if more else text
