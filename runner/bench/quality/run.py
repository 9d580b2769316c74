"""Tasks put to a model: each by its kind, going on where it was interrupted, into one record."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import asdict, dataclass, field, replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

from runner.bench.cost import per_correct
from runner.bench.energy import Tally
from runner.bench.facts import configuration, machine_facts, model_file, new_id, now, tool
from runner.bench.prices import Prices
from runner.bench.quality import generated
from runner.bench.quality.state import State
from runner.bench.quality.task import Asked, Task
from runner.bench.record import Item, Record, Summary, TaskResult
from runner.errors import ConfigurationError
from runner.models import Located
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.models import Ready

Progress = Callable[[str, int, int], None]

INERT = ("json", "quiet", "verbose", "plain", "offline", "model_folders", "kv_store", "threads",
         "save")  # fmt: skip
"""Settings that change no answer, so that an interrupted evaluation goes on with others."""


@dataclass(slots=True)
class Evaluation:
    """A model that tasks are put to, one after another. Use it in a `with` block.

    `load` makes it ready to answer in words; it is called once, and only for a task that asks so.
    `progress` gets the task's name, the number of items that are done and of all.
    """

    located: Located
    settings: Settings
    asked: Asked
    load: "Callable[[Located, Settings, int], Ready]"
    progress: Progress
    energy: bool = True
    """Whether joules are counted, for which the machine rests before and after each task."""
    prices: Prices = field(default_factory=Prices)
    anew: bool = False
    """Whether to begin again where an earlier evaluation was interrupted."""
    resumed: int = 0
    """How many items were answered by an earlier, interrupted evaluation."""
    _ready: "Ready | None" = None
    _loaded_for: tuple[int, int | None] | None = None
    _states: list[State] = field(default_factory=list)
    _stack: ExitStack = field(default_factory=ExitStack)

    def put(self, task: Task) -> TaskResult:
        """The task's result. What is answered is on disk until `done` is called, so that the same
        call goes on after an interruption.

        Raises KeyboardInterrupt, ConfigurationError for what does not suit the task, and what
        loading and computing raise.
        """
        check(task, self.asked)
        state = self._state(task)
        if self.anew:
            state.forget()
        self._states.append(state)
        done = state.items()
        self.resumed += len(done)

        def progress(count: int, total: int) -> None:
            self.progress(task.name, count, total)

        if task.kind == "generated":
            return self._generated(task, state, done, progress)
        from runner.bench.quality import likelihood

        self._unload()  # it loads the weights in a way of its own
        return likelihood.evaluate(
            task,
            self.located,
            self.settings,
            self.asked,
            done=done,
            keep=state.keep,
            progress=progress,
        )

    def _generated(
        self,
        task: Task,
        state: State,
        done: Sequence[Item],
        progress: Callable[[int, int], None],
    ) -> TaskResult:
        ready = self._loaded(
            generated.at_once_of(task, self.asked),
            generated.room_of(task, self.settings),
        )
        fresh: list[Item] = []

        def keep(item: Item) -> None:
            state.keep(item)
            fresh.append(item)

        with Tally() if self.energy else nullcontext() as tally:
            items = generated.answer(
                task,
                ready,
                self.settings,
                self.asked,
                done=done,
                keep=keep,
                progress=progress,
            )
        facts = generated.facts_of(task, ready, self.settings, self.asked)
        result = generated.result(task, items, facts)
        if tally is None or not fresh:
            return result
        return with_energy(result, fresh, tally, self.prices)

    def _loaded(self, at_once: int | None = None, context: int | None = None) -> "Ready":
        """The model with room for as many answers at once as are asked for, if that matters."""
        if at_once is not None and self._loaded_for not in (None, (at_once, context)):
            self._unload()
        if self._ready is None:
            at_once = at_once or generated.AT_ONCE
            self._ready = self.load(self.located, replace(self.settings, ctx=context), at_once)
            self._loaded_for = at_once, context
            self._stack.callback(self._ready.close)
        return self._ready

    def _unload(self) -> None:
        self._stack.close()
        self._ready = self._loaded_for = None

    def _state(self, task: Task) -> State:
        """Where its items are kept: under what decides them."""
        from runner.llama.library import PINNED_VERSION
        from runner.models.kept import identity

        asked = asdict(replace(self.asked, limit=None, samples=1, reference=None, at_once=None))
        named = {name: self.settings.get(name) for name in decisive(self.settings)}
        reference = identity(self.asked.reference) if self.asked.reference else None
        return State(
            identity(self.located), task.kind, task.sha256, asked, reference, named, PINNED_VERSION
        )

    def record(
        self,
        tasks: Sequence[TaskResult],
        *,
        name: str,
        run: str = "",
        hashing: Callable[[int], None] = lambda _: None,
    ) -> Record:
        """The record of what came of the tasks. `hashing` gets the bytes read of a model's file
        whose sha256 nobody knew. Raises what `Evaluation.put` does, and DiskError."""
        id = new_id()
        return Record(
            id=id,
            run=run or id,
            date=now(),
            kind="quality",
            name=name,
            tool=tool(),
            machine=machine_facts(),
            model=model_file(self.located, hashing),
            configuration=configuration(self._loaded(context=self.settings.ctx), self.settings),
            tasks=tuple(tasks),
        )

    def done(self) -> None:
        """What was answered is in a record now: nothing is left to go on with."""
        for state in self._states:
            state.forget()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._unload()


def with_energy(
    result: TaskResult, fresh: Sequence[Item], tally: Tally, prices: Prices
) -> TaskResult:
    """The result with what the answers took, or why that was not measured; of an evaluation that
    was interrupted, what those took that were answered since."""
    energy = tally.energy(sum(item.reply_tokens for item in fresh), of="reply")
    seconds, right = sum(item.seconds for item in fresh), sum(bool(one.correct) for one in fresh)
    each = per_correct(seconds, energy, right, prices)
    found = [
        Summary(metric, unit, f"{what} of these answers / right answers", value, None,
                len({item.id for item in fresh}), len(fresh))
        for metric, unit, what, value in (
            ("joules_per_correct", "J", "energy", each.joules),
            ("cost_per_correct", each.currency, "electricity", each.electricity),
        )
        if value is not None
    ]  # fmt: skip
    return replace(result, summaries=(*result.summaries, *found), energy=energy)


def decisive(settings: Settings) -> list[str]:
    """The names of the settings in force that may change an answer."""
    from runner.settings import BY_NAME

    return [name for name in BY_NAME if name not in INERT and settings.get(name) is not None]


def check(task: Task, asked: Asked) -> None:
    """Raise ConfigurationError where what was asked means nothing for the task."""
    if asked.samples > 1 and task.kind != "generated":
        raise ConfigurationError(
            f"--samples is for tasks answered in words, and {task.name} is none",
            remedy="Leave it out, or put the tasks in two commands.",
        )
