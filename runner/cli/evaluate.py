"""`runner eval`: whether a model's answers are right."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from runner.cli import options
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.bench.prices import Prices
    from runner.bench.quality.run import Evaluation
    from runner.bench.quality.task import Asked, Task
    from runner.bench.record import Record, TaskResult
    from runner.models import Located

TASK = (
    "What to ask: by default all tasks of its own of a model that ships, else arithmetic and "
    "common-sense. A task that ships (`--list` names them; tiny is all of tiny's own), a file, a "
    "folder of them, or hf.co/datasets/OWNER/NAME/FILE[@COMMIT]. Files: JSON lines of questions "
    "and answers as GSM8K, MATH-500 and AIME have them; ARC, MMLU, HellaSwag, WinoGrande and "
    "TruthfulQA (mc1) as JSON; llama.cpp's HellaSwag text and WinoGrande CSV; CSV of question, "
    "choices and answer; lm-evaluation-harness's YAML with local files; and plain text, of which "
    "the perplexity is told. Given several times."
)
REFERENCE = "Of texts, tell how far the predictions are from those of this model (KL divergence)."
LIMIT = "Only the first items of each task."
SAMPLES = "Answers to each question, each with the next seed; the result is then pass@1."
WINDOW = "Tokens of a window of text, whose second half counts."
AT_ONCE = (
    "Answer this many questions at once, or as many as the context that they share has room for. "
    "Default: 8, or as the task says."
)
ANEW = "Begin again where an earlier evaluation was interrupted."
ENERGY = "Count joules where there is a meter: the machine rests before and after each task."
PRICE = "Price of electricity, for what a correct answer costs. Default: that of prices.toml."
NORMALISER = "Of multiple choice, how likelihoods of unequal endings are made comparable."
LIST = "Name the tasks that ship, and end."
WORDS = ("file", "tool", "mcp", "allow_tool", "save", "when_full", "keys", "plain", "logprobs",
         "persona", "stop", "json_schema", "regex", "choice", "grammar")  # fmt: skip
"""Options of conversations."""

Models = Annotated[
    list[str] | None, typer.Argument(help=options.MODEL, metavar="MODEL...", show_default=False)
]
Tasks = Annotated[
    list[str] | None,
    typer.Option("--task", metavar="NAME|FILE", help=TASK, show_default=False),
]
Reference = Annotated[
    str | None, typer.Option("--reference", metavar="MODEL", help=REFERENCE, show_default=False)
]
Limit = Annotated[
    int | None, typer.Option("--limit", min=1, metavar="COUNT", help=LIMIT, show_default=False)
]
Samples = Annotated[int, typer.Option("--samples", "-k", min=1, metavar="COUNT", help=SAMPLES)]
Window = Annotated[int, typer.Option("--window", min=8, metavar="TOKENS", help=WINDOW)]
AtOnce = Annotated[
    int | None,
    typer.Option("--at-once", min=1, max=64, metavar="COUNT", help=AT_ONCE, show_default=False),
]
Anew = Annotated[bool, typer.Option("--anew", help=ANEW)]
Energy = Annotated[bool, typer.Option("--energy/--no-energy", help=ENERGY)]
Price = Annotated[float | None, typer.Option("--price-per-kwh", min=0, metavar="PRICE", help=PRICE)]
Normaliser = Annotated[
    Literal["per_token", "sum", "per_character", "per_byte"] | None,
    typer.Option("--normaliser", help=NORMALISER, show_default=False),
]
Listed = Annotated[bool, typer.Option("--list", help=LIST)]


@options.every_option_but(*WORDS)
def evaluate(
    wanted: Models = None,
    task: Tasks = None,
    reference: Reference = None,
    limit: Limit = None,
    samples: Samples = 1,
    window: Window = 512,
    at_once: AtOnce = None,
    normaliser: Normaliser = None,
    energy: Energy = True,
    price_per_kwh: Price = None,
    anew: Anew = False,
    listed: Listed = False,
    *,
    settings: Settings,
) -> None:
    """Measure how well models answer: questions with known answers, multiple choice, perplexity.

    Questions are answered in words, with the sampling that is recommended for the model, and
    compared by a named rule; multiple choice is by the likelihood of its endings. The same command
    goes on where it was interrupted. Results are kept: `runner history`, `runner compare`.
    """
    if listed:
        return _list(settings)
    from runner.bench.prices import read_prices
    from runner.bench.quality.run import check_all
    from runner.bench.quality.task import Asked
    from runner.cli.eval_course import what_is_asked
    from runner.cli.loading import find
    from runner.cli.output import remark
    from runner.cli.records import print_records

    named: list[str | None] = [*(wanted or [])]
    located = [find(name, settings) for name in named or [None]]
    tasks = {name: _find(name, settings) for name in task or ()}
    asked = Asked(
        limit=limit,
        samples=samples,
        window=window,
        reference=find(reference, settings) if reference else None,
        normaliser=normaliser,
        at_once=at_once,
    )
    # What is wrong with what was asked, or the file of prices, is said before anything takes long.
    prices = read_prices().at(price_per_kwh) if energy else None
    named_ones = [each for found in tasks.values() for each in found]
    courses = [(one, named_ones or _own(one, asked, settings)) for one in located]
    for _, chosen in courses:
        check_all(chosen, asked)
    records: list[Record] = []
    try:
        for one, chosen in courses:
            remark(what_is_asked(one.name, chosen, asked, chosen=bool(task)), settings)
            run = records[0].run if records else ""
            records.append(_evaluated(one, chosen, asked, settings, prices, anew=anew, run=run))
    except KeyboardInterrupt:
        if records:  # of the models before the one that was interrupted
            print_records(records, settings)
        raise
    print_records(records, settings)
    return None


def _own(located: "Located", asked: "Asked", settings: Settings) -> "list[Task]":
    """What a model is asked where nobody says: of its tasks those that suit what else was asked,
    if any do."""
    from runner.bench.quality import tasks
    from runner.bench.quality.run import suits
    from runner.cli.output import remark

    found = _find(tasks.own_of(located), settings)
    chosen = [task for task in found if suits(task, asked)]
    if not chosen:
        return list(found)
    for task in found:
        if task not in chosen:
            remark(f"{task.name} is left out: --samples is for answers in words", settings)
    return chosen


def _find(text: str, settings: Settings) -> "tuple[Task, ...]":
    from runner.bench.quality import tasks
    from runner.cli.output import remark
    from runner.hub import Hub

    def hub() -> Hub:
        return Hub(offline=bool(settings.offline), remark=lambda said: remark(said, settings))

    found = tasks.find(text, hub=hub)
    for one in found:
        # Which commit it was, so that the same can be asked for again.
        if one.source.startswith("hf.co/") and one.source != text:
            remark(f"fetched {one.source}", settings)
    return found


def _evaluated(
    located: "Located",
    tasks: "Sequence[Task]",
    asked: "Asked",
    settings: Settings,
    prices: "Prices | None",
    *,
    anew: bool,
    run: str,
) -> "Record":
    """The record of one model, in the history too, with all tasks or, where one is interrupted,
    none: what was answered is kept until it is in a record, and the same command goes on from
    there."""
    from runner.bench.prices import Prices
    from runner.bench.quality.run import Evaluation
    from runner.cli.eval_course import Course
    from runner.cli.loading import load, load_scorer
    from runner.cli.measured_arms import keep
    from runner.cli.output import remark
    from runner.cli.terminal.progress import PassingLine

    line = PassingLine(settings)

    def tell(text: str) -> None:
        line.clear()
        remark(text, settings)

    evaluation = Evaluation(
        located,
        settings,
        asked,
        load=lambda one, settings, sequences: load(one, settings, sequences=sequences),
        load_scorer=load_scorer,
        progress=Course(line, located.name, tasks, asked),
        remark=tell,
        energy=prices is not None,
        prices=prices or Prices(),
        anew=anew,
    )
    try:
        with evaluation:
            results = _results(evaluation, tasks, tell)
            record = evaluation.record(
                results,
                name=_name(located),
                run=run,
                hashing=lambda read: line.show(f"read {read / 1e9:.1f} GB of {located.name}"),
            )
    except KeyboardInterrupt:
        kept = evaluation.kept()
        tell(
            f"stopped: {kept} answers are kept, and the same command goes on from there"
            if kept
            else "stopped before anything was answered"
        )
        raise
    finally:
        line.clear()
    if keep([record], settings):
        evaluation.done()
    else:
        tell("its answers are kept: once there is room, the same command gives the record again")
    return record


def _results(
    evaluation: "Evaluation", tasks: "Sequence[Task]", tell: "Callable[[str], None]"
) -> "list[TaskResult]":
    results = []
    for task in tasks:
        result = evaluation.put(task)
        if cut := (result.facts or {}).get("cut_off"):
            tell(
                f"{task.name}: {cut} of {len(result.items)} answers were cut off, which makes "
                "them wrong (--max-tokens, --ctx)"
            )
        results.append(result)
    return results


def _name(located: "Located") -> str:
    return f"{located.name} {located.quantization}" if located.quantization else located.name


def _list(settings: Settings) -> None:
    from runner.bench.quality import tasks
    from runner.cli.output import print_json, print_table

    rows = []
    for name, path in tasks.shipped().items():
        task = tasks.read(Path(path), name=name)
        count = len(task.questions) or len(task.choices)
        rows.append((name, task.kind, count, task.licence, str(task.facts.get("about", ""))))
    if settings.json:
        keys = ("name", "kind", "items", "licence", "about")
        return print_json({"tasks": [dict(zip(keys, row, strict=True)) for row in rows]})
    print_table(
        ("TASK", "KIND", "ITEMS", "LICENCE", "ABOUT"),
        [(name, kind, str(count), *rest) for name, kind, count, *rest in rows],
    )
    return None
