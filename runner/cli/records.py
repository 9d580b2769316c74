"""Records as tables: what `runner bench` prints at its end and `runner history show` later."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.bench.record import Record, Summary, TaskResult, Test
    from runner.settings import Settings

WIDTH = 24


def print_records(records: Sequence["Record"], settings: "Settings") -> None:
    """One record or several that belong together, on stdout; as JSON where it is asked for (one
    object for one record, else a list)."""
    from runner.cli.output import print_json, print_table

    if settings.json:
        from runner.bench.plain import to_plain

        print_json(to_plain(records[0]) if len(records) == 1 else to_plain(records))
        return
    _print_heads(records)
    several = len(records) > 1
    for rows in (_rate_rows(records), _other_rows(records), _task_rows(records)):
        if rows:
            print()
            heads, *body = rows
            print_table(*_shown(heads, body, several))
    _print_notes(records)


def _print_heads(records: Sequence["Record"]) -> None:
    from runner.bench import wording
    from runner.cli.output import print_facts

    facts = []
    for record in records:
        facts.append(("model", wording.model_words(record.model)))
        facts.append(("loaded", wording.configuration_words(record.configuration)))
        if record.method:
            facts.append(("method", wording.method_words(record.method)))
        facts.append(("machine", wording.machine_words(record.machine)))
        facts.append(("by", wording.tool_words(record)))
    print_facts(list(dict.fromkeys(facts)))


def _rate_rows(records: Sequence["Record"]) -> list[tuple[str, ...]]:
    """Head and rows of the rates; test by test, so that what is compared stands together."""
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
    heads = ("TEST", "ARM", "TOKENS/S", "INTERVAL", "FROM ZERO", "OF CEILING", "RUNS", "OVER TIME")
    return [(*heads, "FLAGS"), *rows] if rows else []


def _rate_row(record: "Record", test: "Test", greatest: float) -> tuple[str, ...]:
    from runner.bench.wording import digits, half_width, interval, rate_summary, sample_rate
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
        return (test.name, record.name, "refused", "", "", "", count, line, flags)
    low, high = summary.interval or (summary.median, summary.median)
    return (
        test.name,
        record.name,
        digits(summary.median, half_width(summary)),
        interval(summary).removesuffix(" tokens/s"),
        interval_bar(low, summary.median, high, 0.0, greatest, WIDTH),
        f"{test.ceiling.share:.0%} of {digits(test.ceiling.rate)}" if test.ceiling else "",
        count + (f" ({summary.outliers} outlying)" if summary.outliers else ""),
        line,
        flags,
    )


def _other_rows(records: Sequence["Record"]) -> list[tuple[str, ...]]:
    """Head and rows of the figures beside the main rate."""
    from runner.bench.wording import label, rate_summary

    rows = []
    for name in _names(records, "tests"):
        tests = [(one, test) for one in records if (test := one.test(name)) is not None]
        for metric in dict.fromkeys(one.metric for _, test in tests for one in test.summaries):
            for record, test in tests:
                summary = test.summary(metric)
                if summary and summary is not rate_summary(test):
                    rows.append((name, record.name, label(metric), *_figure_cells(summary)))
    return [("TEST", "ARM", "FIGURE", "MEDIAN", "INTERVAL"), *rows] if rows else []


def _task_rows(records: Sequence["Record"]) -> list[tuple[str, ...]]:
    """Head and rows of how well tasks were done."""
    from runner.bench.wording import label

    rows = []
    for name in _names(records, "tasks"):
        for record in records:
            if task := record.task(name):
                rows += [
                    (name, record.name, label(one.metric), *_figure_cells(one), _share(one),
                     str(task.count), task.normaliser)
                    for one in task.summaries
                ]  # fmt: skip
    heads = ("TASK", "ARM", "FIGURE", "VALUE", "INTERVAL", "0 TO 100 %", "OF", "NORMALISER")
    return [heads, *rows] if rows else []


def _figure_cells(summary: "Summary") -> tuple[str, str]:
    from runner.bench.wording import figure, interval

    return figure(summary), interval(summary)


def _share(summary: "Summary") -> str:
    """The share with its interval as a figure, "" for what is none."""
    from runner.cli.figures import interval_bar

    if summary.unit != "share":
        return ""
    low, high = summary.interval or (summary.median, summary.median)
    return interval_bar(low, summary.median, high, 0.0, 1.0, WIDTH)


def _print_notes(records: Sequence["Record"]) -> None:
    """What is said once of a record: load, memory, energy, cost, noise, flags, advice."""
    from runner.cli.output import print_facts

    several = len(records) > 1
    for record in records:
        facts = _notes(record)
        if several and facts:
            facts.insert(0, ("arm", record.name))
        if facts:
            print()
            print_facts(facts)


def _notes(record: "Record") -> list[tuple[str, str]]:
    from runner.bench.wording import FLAGS, energy_words

    facts = []
    if record.load:
        facts.append(("load", _load(record)))
    if record.memory:
        facts.append(("memory", _memory(record)))
    parts: Sequence[Test | TaskResult] = (*record.tests, *record.tasks)
    energy = {f"{part.name} {one.of}": energy_words(one) for part in parts for one in part.energy}
    cost = {f"{part.name} {one.of}": one.verdict for part in parts for one in part.costs}
    facts += _grouped("energy", energy) + _grouped("cost", cost)
    for noise in record.noise:
        ends = "" if noise.interval is None else " ({:+.1%} to {:+.1%})".format(*noise.interval)
        facts.append(("noise", f"{noise.test}: two equal runs differ by {noise.shift:+.1%}{ends}"))
    flags = dict.fromkeys(flag for test in record.tests for flag in test.flags)
    facts += [(flag, FLAGS[flag]) for flag in dict.fromkeys((*flags, *record.flags))]
    if record.advice:
        facts.append(("limit", record.advice.limit))
        facts.append(("advice", record.advice.change))
    return facts


def _grouped(name: str, said: dict[str, str]) -> list[tuple[str, str]]:
    """Facts that say the same of several things, said once."""
    groups: dict[str, list[str]] = {}
    for of, words in said.items():
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


def _shown(
    heads: Sequence[str], rows: Sequence[Sequence[str]], several: bool
) -> tuple[list[str], list[list[str]]]:
    """Without the arm's column where there is one arm, and without columns that hold nothing."""
    keep = [
        n
        for n, head in enumerate(heads)
        if (several or head != "ARM") and any(row[n] for row in rows)
    ]
    return [heads[n] for n in keep], [[row[n] for n in keep] for row in rows]
