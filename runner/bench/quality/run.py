"""Tasks put to a model: each by its kind, going on where it was interrupted, into one record."""

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import asdict, dataclass, field, replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

from runner import __version__
from runner.bench.cost import per_correct
from runner.bench.energy import Tally
from runner.bench.facts import (
    configuration,
    configuration_to_score,
    machine_facts,
    model_file,
    new_id,
    now,
    tool,
)
from runner.bench.prices import Prices
from runner.bench.quality import generated
from runner.bench.quality.matching import RULES
from runner.bench.quality.state import State
from runner.bench.quality.task import Asked, OpenScorer, Task
from runner.bench.record import Configuration, Item, Record, Summary, TaskResult
from runner.errors import ConfigurationError
from runner.gguf import fingerprint
from runner.models import Located, scorer
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.engine.scoring import Scorer
    from runner.models import Ready

Progress = Callable[[str, int, int], None]

CHARACTERS = 4
"""Of a token of text, about, in the vocabularies of today."""

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
    remark: Callable[[str], None] = lambda _: None
    """Told, before a task is put, what a person should know of how that is done."""
    load_scorer: OpenScorer = scorer
    """Makes it ready to score texts."""
    energy: bool = True
    """Whether joules are counted, for which the machine rests before and after each task."""
    prices: Prices = field(default_factory=Prices)
    anew: bool = False
    """Whether to begin again where an earlier evaluation was interrupted."""
    resumed: int = 0
    """How many of the items wanted were answered by an earlier, interrupted evaluation."""
    _ready: "Ready | None" = None
    _loaded_for: tuple[int, int | None] | None = None
    _configuration: Configuration | None = None
    _states: list[tuple[State, Task]] = field(default_factory=list)
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
        self._states.append((state, task))
        done = self._kept(state, task)
        if done:
            self.remark(f"{task.name}: {len(done)} were answered before; --anew asks them again")
        self.resumed += len(done)
        fresh: list[Item] = []

        def keep(item: Item) -> None:
            state.keep(item)
            fresh.append(item)

        def progress(count: int, total: int) -> None:
            self.progress(task.name, count, total)

        if task.kind == "generated":
            return self._generated(task, done, fresh, keep, progress)
        from runner.bench.quality import likelihood

        entry = self.located.entry
        if task.kind == "choice" and entry and entry.reasoning.thinks in ("always", "by default"):
            self.remark(
                f"{task.name}: endings are compared without reasoning, which {self.located.name} "
                "was made for: questions answered in words say more of it"
            )
        self._unload()  # it loads the weights in a way of its own
        return likelihood.evaluate(
            task,
            self.located,
            self.settings,
            self.asked,
            done=done,
            keep=keep,
            progress=progress,
            scorer=self._scorer,
        )

    def _generated(
        self,
        task: Task,
        done: Sequence[Item],
        fresh: Sequence[Item],
        keep: Callable[[Item], None],
        progress: Callable[[int, int], None],
    ) -> TaskResult:
        ready = self._loaded(
            generated.at_once_of(task, self.asked),
            generated.room_of(task, self.settings),
        )
        left = count_of(task, self.asked) > len(done)
        with Tally() if self.energy and left else nullcontext() as tally:
            answered = generated.answer(
                task,
                ready,
                self.settings,
                self.asked,
                done=done,
                keep=keep,
                progress=progress,
                remark=self.remark,
            )
        facts = generated.facts_of(task, ready, self.settings, self.asked, answered.at_once)
        result = generated.result(task, answered.items, facts)
        if tally is None or not fresh:
            return result
        return with_energy(result, fresh, tally, self.prices)

    def _loaded(self, at_once: int, context: int | None) -> "Ready":
        """The model with room for as many answers at once as are asked for."""
        if self._loaded_for not in (None, (at_once, context)):
            self._unload()
        if self._ready is None:
            # What chats left on disk was computed with other things beside it.
            settings = replace(self.settings, ctx=context, kv_store=0.0)
            self._ready = self.load(self.located, settings, at_once)
            self._loaded_for = at_once, context
            self._stack.callback(self._ready.close)
            self._configuration = configuration(self._ready, self.settings)
        return self._ready

    def _scorer(
        self, located: Located, settings: Settings, *, context: int, sequences: int = 1
    ) -> "Scorer":
        loaded = self.load_scorer(located, settings, context=context, sequences=sequences)
        if located is self.located and self._configuration is None:
            self._configuration = configuration_to_score(loaded)
        return loaded

    def _unload(self) -> None:
        self._stack.close()
        self._ready = self._loaded_for = None

    def _state(self, task: Task) -> State:
        """Where its items are kept: under what decides them."""
        from runner.llama.library import PINNED_VERSION
        from runner.models.kept import identity

        at_once = generated.at_once_of(task, self.asked) if task.kind == "generated" else None
        asked = asdict(replace(self.asked, limit=None, samples=1, reference=None, at_once=at_once))
        named = {name: self.settings.get(name) for name in decisive(self.settings)}
        reference = identity(self.asked.reference) if self.asked.reference else None
        programs = (PINNED_VERSION, __version__, RULES)
        return State(
            identity(self.located), _adapters(self.settings), task.kind, task.sha256, asked,
            reference, named, programs,
        )  # fmt: skip

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
            configuration=self._configuration or self._configured(),
            tasks=tuple(tasks),
        )

    def _configured(self) -> Configuration:
        """Where nothing was computed, because all was answered before: as it would be."""
        self._loaded(generated.AT_ONCE, self.settings.ctx)
        assert self._configuration is not None
        return self._configuration

    def kept(self) -> int:
        """How many of the items wanted are on disk, and in no record."""
        return sum(len(self._kept(state, task)) for state, task in self._states)

    def done(self) -> None:
        """What was answered is in a record now: nothing is left of it to go on with."""
        for state, task in self._states:
            state.forget(self._kept(state, task))

    def _kept(self, state: State, task: Task) -> list[Item]:
        return wanted_of(task, self.asked, state.items())

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
    gross = f" (gross: {each.gross})" if each.gross else ""
    found = [
        Summary(metric, unit, f"{what}{gross} of these answers / right answers", value, None,
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


def _adapters(settings: Settings) -> list[str]:
    """What tells the files of adapters from others of the same names."""
    from runner.models.adapted import adapters_of

    found = adapters_of(settings)
    paths = [path for path, _ in (*found.loras, *found.control_vectors)]
    return [fingerprint(path) if path.is_file() else "" for path in paths]


def count_of(task: Task, asked: Asked) -> int:
    """How many items this evaluation asks for; of a text about as many, which is known once it is
    tokens."""
    limit = asked.limit if asked.limit is not None else sys.maxsize
    if task.text:
        return max(1, min(len(task.text) // (CHARACTERS * asked.window), limit))
    return min(len(task.questions or task.choices), limit) * asked.samples


def wanted_of(task: Task, asked: Asked, items: Sequence[Item]) -> list[Item]:
    """Those of the items that this evaluation asks for, too."""
    if task.text:
        return [item for item in items if asked.limit is None or int(item.id) < asked.limit]
    asked_of = task.questions or task.choices
    names = {one.id for one in asked_of[: asked.limit]}
    return [item for item in items if item.id in names and item.sample < asked.samples]


def check_all(tasks: Sequence[Task], asked: Asked) -> None:
    """Raise ConfigurationError where something was asked that is for none of the tasks, or means
    nothing for one of them."""
    for task in tasks:
        check(task, asked)
    kinds = {task.kind for task in tasks}
    for given, option, what, meant in (
        (asked.reference, "--reference", "texts", {"perplexity", "divergence"}),
        (asked.normaliser, "--normaliser", "multiple choice", {"choice"}),
    ):
        if given is not None and not kinds & meant:
            raise ConfigurationError(
                f"{option} is for {what}, and no task is of that kind",
                remedy="Leave it out, or name such a task with --task.",
            )


def suits(task: Task, asked: Asked) -> bool:
    """Whether what was asked means something for the task."""
    return asked.samples == 1 or task.kind == "generated"


def check(task: Task, asked: Asked) -> None:
    """Raise ConfigurationError where what was asked means nothing for the task."""
    if not suits(task, asked):
        raise ConfigurationError(
            f"--samples is for tasks answered in words, and {task.name} is none",
            remedy="Leave it out, or put the tasks in two commands.",
        )
