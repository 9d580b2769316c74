"""The tables of a report: every figure, with what it takes to judge it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from runner.bench.record import Sample, Summary, TaskResult, Test
from runner.bench.report.entries import (
    Entry,
    main_decode,
    main_test,
    quality_figure,
    task_names,
    test_names,
)
from runner.bench.wording import (
    JUDGED,
    digits,
    ends,
    energy_words,
    figure,
    label,
    memory_words,
    rate_summary,
    sample_rate,
)

FIRST = "first_token_warm"


@dataclass(frozen=True, slots=True)
class Cell:
    """What is written, with a line below, and a share of a bar before it; `kind` is "number",
    "words", "flag" or ""."""

    text: str
    kind: str = ""
    share: float | None = None
    below: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Its rows begin with what they are about."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Cell | str]]) -> Table:
    """Without columns that hold nothing."""
    cells = [tuple(Cell(one) if isinstance(one, str) else one for one in row) for row in rows]
    keep = [n for n in range(len(heads)) if any(row[n].text for row in cells)]
    return Table(
        caption,
        tuple(heads[n] for n in keep),
        tuple(tuple(row[n] for n in keep) for row in cells),
    )


def _number(text: str) -> Cell:
    return Cell(text, "number")


def glance(entries: Sequence[Entry]) -> Table:
    """One row for each entry: what most people ask for first."""
    decode, tasks = main_decode(entries), task_names(entries)
    prefill = main_test(entries, lambda test: test.kind == "prefill" and bool(test.summaries))
    first = main_test(entries, lambda test: test.summary(FIRST) is not None)
    fastest = max((one.median for entry in entries if (one := _rate(entry, decode))), default=1.0)
    rows = []
    for entry in entries:
        rate, record = _rate(entry, decode), entry.record
        memory = record.memory
        rows.append(
            [
                Cell(entry.name),
                _of_test(entry, decode, rate, rate.median / fastest if rate else None),
                _of_test(entry, prefill, _rate(entry, prefill)),
                _of_test(entry, first, _first(entry, first)),
                *(_quality(entry, name) for name in tasks),
                Cell(memory_words(memory.anonymous) if memory and memory.anonymous else ""),
                Cell(" ".join(_flags(entry)), "flag brief"),
            ]
        )
    heads = [
        "Model",
        f"Decode ({decode})",
        f"Prefill ({prefill})",
        f"First token ({first})",
        *tasks,
        "Own memory",
        "Flags",
    ]
    caption = "Medians, below them their intervals; the bars compare the decode rates, from zero."
    return _table(caption, heads, rows)


def _brief(summary: Summary | None, share: float | None = None) -> Cell:
    """The figure, and its interval below."""
    if summary is None:
        return Cell("")
    return Cell(figure(summary), "", share, ends(summary))


def _rate(entry: Entry, name: str | None) -> Summary | None:
    test = entry.test(name) if name else None
    return rate_summary(test) if test else None


def _first(entry: Entry, name: str | None) -> Summary | None:
    test = entry.test(name) if name else None
    return test.summary(FIRST) if test else None


def _of_test(
    entry: Entry, name: str | None, summary: Summary | None, share: float | None = None
) -> Cell:
    """The figure, or that it was refused."""
    test = entry.test(name) if name else None
    if test is not None and not test.summaries:
        return Cell("refused", "flag")
    return _brief(summary, share)


def _quality(entry: Entry, name: str) -> Cell:
    task = entry.task(name)
    summary = quality_figure(task) if task else None
    return _brief(summary)


def _flags(entry: Entry) -> list[str]:
    records = ((entry.speed,) if entry.speed else ()) + entry.qualities
    every = [flag for record in records for flag in record.flags]
    return list(dict.fromkeys((*every, *(flag for test in entry.tests for flag in test.flags))))


def tables(entries: Sequence[Entry]) -> list[Table]:
    """All of them that have a row."""
    makers: tuple[Callable[[Sequence[Entry]], Table], ...] = (_speeds, _tasks, _loads, _energy)
    return [table for make in makers if (table := make(entries)).rows]


def _speeds(entries: Sequence[Entry]) -> Table:
    rows: list[Sequence[Cell | str]] = []
    for name in test_names(entries):
        for entry in entries:
            test = entry.test(name)
            if test is None:
                continue
            rows += [_speed_row(entry, test, summary) for summary in test.summaries]
            if not test.summaries:
                why = Cell(", ".join(("refused", *test.flags)), "flag")
                runs = _number(str(len(test.samples)))
                rows.append([name, entry.name, "", "", "", "", runs, "", why])
    return _table(
        "Speed, waiting and their intervals. Outlying runs are counted, and never left out.",
        ("Test", "Model", "Figure", "Median", "Interval", "Of the ceiling", "Runs", "Outlying",
         "Flags"),
        rows,
    )  # fmt: skip


def _speed_row(entry: Entry, test: Test, summary: Summary) -> list[Cell | str]:
    top = test.ceiling if summary is rate_summary(test) else None
    return [
        test.name,
        entry.name,
        label(summary.metric),
        _number(figure(summary)),
        _number(ends(summary) or ("once" if summary.samples == 1 else "too few blocks")),
        Cell(f"{top.share:.0%} of {digits(top.rate)}", share=min(top.share, 1.0))
        if top
        else Cell(""),
        _number(str(summary.samples)),
        _number(str(summary.outliers or "")),
        Cell(", ".join(test.flags), "flag brief"),
    ]


def _tasks(entries: Sequence[Entry]) -> Table:
    rows: list[Sequence[Cell | str]] = [
        [
            name,
            entry.name,
            label(summary.metric),
            _number(figure(summary)),
            _number(ends(summary)),
            _number(str(task.count)),
            task.normaliser if summary.metric in JUDGED else "",
            task.licence,
        ]
        for name in task_names(entries)
        for entry in entries
        if (task := entry.task(name))
        for summary in task.summaries
    ]
    heads = (
        "Task",
        "Model",
        "Figure",
        "Value",
        "Interval",
        "Items",
        "Compared by",
        "Licence",
    )
    return _table("Answers.", heads, rows)


def _loads(entries: Sequence[Entry]) -> Table:
    def seconds(value: float | None) -> Cell:
        return _number("not measured" if value is None else f"{value:.3g} s")

    def memory(value: int | None) -> Cell:
        return _number("not measured" if value is None else memory_words(value))

    rows = []
    for entry in entries:
        load, use = entry.record.load, entry.record.memory
        if load or use:
            said = (part.reason for part in (load, use) if part)
            rows.append(
                [
                    Cell(entry.name),
                    seconds(load.warm if load else None),
                    seconds(load.cold if load else None),
                    memory(use.anonymous if use else None),
                    memory(use.file if use else None),
                    memory(use.device if use else None),
                    Cell("; ".join(filter(None, said)), "words"),
                ]
            )
    heads = ("Model", "Loaded, file in memory", "Loaded from disk", "Memory of its own",
             "Pages of files", "On devices", "Remarks")  # fmt: skip
    return _table("Loading, and the peak of memory.", heads, rows)


def _energy(entries: Sequence[Entry]) -> Table:
    rows: list[Sequence[Cell | str]] = []
    for entry in entries:
        for part in parts(entry):
            of_all = [one.of for one in part.energy] + [one.of for one in part.costs]
            for of in dict.fromkeys(of_all):
                energy = "; ".join(energy_words(one) for one in part.energy if one.of == of)
                cost = "; ".join(one.verdict for one in part.costs if one.of == of)
                cells = Cell(energy, "words"), Cell(cost, "words")
                rows.append([part.name, entry.name, of, *cells])
    heads = ("Test", "Model", "Of", "Energy", "Cost")
    return _table("Energy, net of what the idle machine takes, and cost.", heads, rows)


def parts(entry: Entry) -> list[Test | TaskResult]:
    """Its tests and its tasks."""
    return [*entry.tests, *entry.tasks]


def runs(entries: Sequence[Entry]) -> list[Table]:
    """Every run of every entry."""
    heads = ("Test", "Block", "Began (s)", "Tokens/s", "First token (s)", "Cached tokens",
             "Others' processor time", "MHz", "°C", "Major faults", "Outlying")  # fmt: skip
    return [
        _table(
            f"Every run of {entry.name}",
            heads,
            [_run(test, one) for test in entry.tests for one in test.samples],
        )
        for entry in entries
        if any(test.samples for test in entry.tests)
    ]


def _run(test: Test, sample: Sample) -> list[Cell | str]:
    def number(value: float | None, form: str) -> Cell:
        return _number("" if value is None else format(value, form))

    was = sample.conditions
    return [
        test.name,
        _number(str(sample.block)),
        number(sample.began, ".1f"),
        number(sample_rate(test, sample), ".4g"),
        number(sample.first_token_seconds, ".4g"),
        _number(str(sample.cached_tokens)),
        number(was.other_cpu, ".1%"),
        number(was.mhz, ".0f"),
        number(was.temperature, ".0f"),
        number(was.major_faults, "d"),
        "yes" if sample.outlier else "",
    ]
