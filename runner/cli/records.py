"""Records as tables: what `runner bench` prints at its end and `runner history show` later."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.bench.record import Flag, Record, Summary, TaskResult, Test
    from runner.cli.fitted import Spare
    from runner.settings import Settings

Table = tuple[list[str], list[list[str]]]

WIDTH = 24

SPARE: "tuple[Spare, ...]" = (
    "OVER TIME",
    "FROM ZERO",
    ("OF CEILING", lambda text: text.partition(" ")[0]),
    "0 TO 100 %",
    "OUTLYING",
)
WRAPPED = (
    ("TEST", "TASK", "ARM", "FIGURE", "OF CEILING", "COMPARED BY", "FLAGS"),
    ("INTERVAL",),
)
LAST = ("RUNS",)
"""What a narrow terminal has no room for; see `print_fitted`."""


def print_records(records: Sequence["Record"], settings: "Settings") -> None:
    """One record or several that belong together, on stdout; as JSON where it is asked for."""
    from runner.cli.fitted import print_fitted
    from runner.cli.output import print_json

    if settings.json:
        from runner.bench.plain import to_plain

        print_json({"records": to_plain(records)})
        return
    _print_heads(records)
    for heads, rows in (rate_table(records), other_table(records), task_table(records)):
        if rows:
            print()
            print_fitted(heads, rows, spare=SPARE, wrapped=WRAPPED, last=LAST)
    _print_notes(records)


def _print_heads(records: Sequence["Record"]) -> None:
    """What all of them share once, and then what each has of its own."""
    from runner.cli.output import print_facts

    said = [dict(_heads(record)) for record in records]
    shared: dict[str, list[str]] = {}
    for label in dict.fromkeys(label for one in said for label in one):
        first = said[0].get(label, [])
        # What a fact begins with decides: of another model or machine nothing is shared.
        if first and all(one.get(label, [])[:1] == first[:1] for one in said):
            shared[label] = [part for part in first if all(part in one[label] for one in said)]
    facts = [(label, ", ".join(parts)) for label, parts in shared.items()]
    for record, one in zip(records, said, strict=True):
        own = [part for label, parts in one.items() for part in parts
               if part not in shared.get(label, ())]  # fmt: skip
        if own:
            facts.append(("arm", f"{record.name}: {', '.join(own)}"))
    print_facts(list(dict.fromkeys(facts)))


def _heads(record: "Record") -> Iterator[tuple[str, list[str]]]:
    """What is said of a record before its figures, in parts."""
    from runner.bench import wording

    yield "model", wording.model_parts(record.model)
    yield "loaded", wording.configuration_parts(record.configuration)
    if record.method:
        yield "method", wording.method_parts(record.method)
    yield "machine", [wording.machine_words(record.machine)]
    yield "by", [wording.tool_words(record)]


def rate_table(records: Sequence["Record"]) -> Table:
    """Heads and rows of the rates; test by test, so that what is compared stands together."""
    from runner.bench.wording import rate_summary

    rows = []
    for name in _names(records, "tests"):
        tests = [(one, test) for one in records if (test := one.test(name)) is not None]
        ends = [
            end
            for _, test in tests
            if (summary := rate_summary(test))
            for end in (*(summary.interval or ()), summary.median)
        ]
        rows += [_rate_row(record, test, max(ends, default=0.0)) for record, test in tests]
    heads = ("TEST", "ARM", "TOKENS/S", "INTERVAL", "FROM ZERO", "OF CEILING", "RUNS", "OUTLYING",
             "OVER TIME", "FLAGS")  # fmt: skip
    return _shown(heads, rows, len(records) > 1)


def _rate_row(record: "Record", test: "Test", greatest: float) -> tuple[str, ...]:
    from runner.bench.ceiling import reached
    from runner.bench.wording import digits, ends, half_width, rate_summary, sample_rate
    from runner.cli.figures import interval_bar, sparkline

    samples = sorted(test.samples, key=lambda one: one.began)
    rates = [rate for one in samples if (rate := sample_rate(test, one)) is not None]
    line, count, flags = (
        sparkline(rates, 20, from_zero=True),
        str(len(samples)),
        ", ".join(test.flags),
    )
    summary = rate_summary(test)
    if summary is None:
        return (test.name, record.name, "refused", "", "", "", count, "", line, flags)
    low, high = summary.interval or (summary.median, summary.median)
    return (
        test.name,
        record.name,
        digits(summary.median, half_width(summary)),
        ends(summary),
        interval_bar(low, summary.median, high, 0.0, greatest, WIDTH),
        reached(test, record.configuration),
        count,
        str(summary.outliers or ""),
        line,
        flags,
    )


def other_table(records: Sequence["Record"]) -> Table:
    """Heads and rows of the figures beside the main rate."""
    from runner.bench.wording import label, rate_summary

    rows = []
    for name in _names(records, "tests"):
        tests = [(one, test) for one in records if (test := one.test(name)) is not None]
        for metric in dict.fromkeys(one.metric for _, test in tests for one in test.summaries):
            for record, test in tests:
                summary = test.summary(metric)
                if summary and summary is not rate_summary(test):
                    rows.append((name, record.name, label(metric), *_figure_cells(summary)))
    return _shown(("TEST", "ARM", "FIGURE", "MEDIAN", "INTERVAL"), rows, len(records) > 1)


def task_table(records: Sequence["Record"]) -> Table:
    """Heads and rows of how well tasks were done."""
    from runner.bench.wording import JUDGED, label

    rows = []
    for name in _names(records, "tasks"):
        for record in records:
            if task := record.task(name):
                rows += [
                    (name, record.name, label(one.metric), *_figure_cells(one), _share(one),
                     str(task.count), task.normaliser if one.metric in JUDGED else "")
                    for one in task.summaries
                ]  # fmt: skip
    heads = ("TASK", "ARM", "FIGURE", "VALUE", "INTERVAL", "0 TO 100 %", "OF", "COMPARED BY")
    return _shown(heads, rows, len(records) > 1)


def _figure_cells(summary: "Summary") -> tuple[str, str]:
    """The figure, and its interval in the same unit."""
    from runner.bench.wording import ends, figure

    return figure(summary), ends(summary)


def _share(summary: "Summary") -> str:
    """The share with its interval as a figure, "" for what is none."""
    from runner.cli.figures import interval_bar

    if summary.unit != "share":
        return ""
    low, high = summary.interval or (summary.median, summary.median)
    return interval_bar(low, summary.median, high, 0.0, 1.0, WIDTH)


def _print_notes(records: Sequence["Record"]) -> None:
    """What is said once of a record: load, memory, energy, cost, noise, flags, advice; at the end
    what all have in common."""
    from runner.cli.output import print_facts

    said = [_notes(record) for record in records]
    several = len(records) > 1
    shared = [fact for fact in said[0] if several and all(fact in facts for facts in said)]
    for record, facts in zip(records, said, strict=True):
        own = [fact for fact in facts if fact not in shared]
        if own:
            print()
            print_facts([("arm", record.name), *own] if several else own)
    if shared:
        print()
        print_facts(shared)


def _notes(record: "Record") -> list[tuple[str, str]]:
    from runner.bench.wording import FLAGS, energy_words

    facts = []
    if record.load:
        facts.append(("load", _load(record)))
    if record.memory:
        facts.append(("memory", _memory(record)))
    parts: Sequence[Test | TaskResult] = (*record.tests, *record.tasks)
    energy = [(f"{part.name} {one.of}", energy_words(one)) for part in parts for one in part.energy]
    cost = [(f"{part.name} {one.of}", one.verdict) for part in parts for one in part.costs]
    facts += _grouped("energy", energy) + _grouped("cost", cost)
    for noise in record.noise:
        ends = "" if noise.interval is None else " ({:+.1%} to {:+.1%})".format(*noise.interval)
        facts.append(("noise", f"{noise.test}: two equal runs differ by {noise.shift:+.1%}{ends}"))
    flags = dict.fromkeys(flag for test in record.tests for flag in test.flags)
    for flag in dict.fromkeys((*flags, *record.flags)):
        facts.append((flag, FLAGS[flag] + _how_far(record, flag)))
    if record.advice:
        facts.append(("limit", record.advice.limit))
        facts.append(("advice", record.advice.change))
    return facts


def _how_far(record: "Record", flag: "Flag") -> str:
    """Of which tests a flag is, with the figures behind it."""
    from runner.bench.flags import how_far

    noises = {one.test: one for one in record.noise}
    found = [
        f"{test.name} {how_far(test, flag, noises.get(test.name))}".strip()
        for test in record.tests
        if flag in test.flags
    ]
    return f" ({'; '.join(found)})" if found else ""


def _grouped(name: str, said: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Facts that say the same of several things, said once."""
    groups: dict[str, list[str]] = {}
    for of, words in said:
        groups.setdefault(words, []).append(of)
    if len(groups) == 1:
        return [(name, next(iter(groups)))]
    return [(name, f"{', '.join(of)}: {words}") for words, of in groups.items()]


def _load(record: "Record") -> str:
    load = record.load
    assert load is not None
    parts = [
        f"{seconds:.3g} s {how}"
        for seconds, how in ((load.warm, "with the file in memory"), (load.cold, "from disk"))
        if seconds is not None
    ]
    return "; ".join((*parts, load.reason) if load.reason else parts)


def _memory(record: "Record") -> str:
    from runner.bench.wording import memory_words

    memory = record.memory
    assert memory is not None
    parts = [
        f"{memory_words(count)} {what}"
        for count, what in (
            (memory.anonymous, "of its own"),
            (memory.file, "of files, which give way"),
            (memory.device, "on devices"),
        )
        if count is not None
    ]
    return "; ".join(filter(None, (", ".join(parts), memory.reason)))


def _names(records: Sequence["Record"], parts: str) -> list[str]:
    """The names of tests or tasks of all records, in their order."""
    return list(dict.fromkeys(part.name for record in records for part in getattr(record, parts)))


def _shown(heads: Sequence[str], rows: Sequence[Sequence[str]], several: bool) -> Table:
    """Without the arm's column where there is one arm, and without columns that hold nothing."""
    keep = [
        n
        for n, head in enumerate(heads)
        if (several or head != "ARM") and any(row[n] for row in rows)
    ]
    return [heads[n] for n in keep], [[row[n] for n in keep] for row in rows]
