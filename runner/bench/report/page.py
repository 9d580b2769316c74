"""The page: one HTML file with its style and its plots inside, no script, nothing to fetch."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from runner.bench.record import Record
from runner.bench.report import method, tables
from runner.bench.report.entries import Entry, entries, main_decode, quality_figure, task_names
from runner.bench.report.plots import inline_svg, plots
from runner.bench.wording import (
    lower_is_better,
    machine_words,
    model_words,
    rate_summary,
    spoken,
    visible,
)


def page(records: Sequence[Record], *, title: str | None = None) -> str:
    """The report on these records, as HTML. Raises ConfigurationError without matplotlib, and
    ValueError for no records."""
    from jinja2 import Environment
    from markupsafe import Markup

    if not records:
        raise ValueError("a report is about at least one record")
    found = entries(records)
    figures = [
        (plot, Markup(inline_svg(plot, "wide")), Markup(inline_svg(plot, "narrow")))
        for plot in plots(found)
    ]
    room = files(__package__)
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, finalize=_seen)
    template = environment.from_string((room / "page.html.jinja").read_text(encoding="utf-8"))
    return template.render(
        title=title or _title(found),
        lead=_lead(records),
        style=Markup((room / "style.css").read_text(encoding="utf-8")),
        findings=_findings(found),
        glance=tables.glance(found),
        figures=figures,
        tables=tables.tables(found),
        runs=tables.runs(found),
        method=method.paragraphs(records),
        formulas=method.formulas(found),
        asked=method.tasks(found),
        sources=[(entry.name, method.source(entry)) for entry in found],
    ).lstrip()


def _seen(value: Any) -> Any:
    """What the template writes, of which it escapes the rest."""
    from markupsafe import Markup

    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return visible(value)


def _title(found: Sequence[Entry]) -> str:
    if len(found) == 1:
        return f"{found[0].name}, measured"
    models = {model_words(entry.record.model) for entry in found}
    if len(models) == len(found):
        return f"{len(found)} models, measured"
    several = f"{len(models)} models" if len(models) > 1 else found[0].record.model.name
    return f"{several} in {len(found)} configurations, measured"


def _lead(records: Sequence[Record]) -> str:
    machines = dict.fromkeys(machine_words(record.machine) for record in records)
    days = sorted({record.date[:10] for record in records})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    several = (
        "Of different machines, not to be compared as if of one: " if len(machines) > 1 else ""
    )
    return f"{several}{'; '.join(machines)}. {when}."


def _findings(found: Sequence[Entry]) -> list[str]:
    """What these measurements say, in sentences."""
    said = []
    if name := main_decode(found):
        rated = [
            (rate.median, entry.name, spoken(rate))
            for entry in found
            if (test := entry.test(name)) and (rate := rate_summary(test))
        ]
        if len(rated) > 1:
            _, fastest, words = max(rated)
            said.append(f"Fastest at writing ({name}): {fastest}, {words}.")
    for task in task_names(found):
        said += _best(found, task)
    said += [
        f"{entry.name}: {entry.speed.advice.limit} {entry.speed.advice.change}"
        for entry in found
        if entry.speed and entry.speed.advice
    ]
    return said


def _best(found: Sequence[Entry], name: str) -> list[str]:
    """The best at a task, where there are several to choose from."""
    done = [
        (entry, summary)
        for entry in found
        if (task := entry.task(name)) and (summary := quality_figure(task))
    ]
    if len(done) < 2:
        return []
    sign = -1 if lower_is_better(done[0][1]) else 1
    entry, summary = max(done, key=lambda one: sign * one[1].median)
    overlap = [
        other.name
        for other, its in done
        if other is not entry and _overlap(its.interval, summary.interval)
    ]
    with_it = f" Not told apart from it: {', '.join(overlap)}." if overlap else ""
    return [f"Best at {name}: {entry.name}, {spoken(summary)}.{with_it}"]


def _overlap(one: tuple[float, float] | None, other: tuple[float, float] | None) -> bool:
    return one is None or other is None or (one[0] <= other[1] and other[0] <= one[1])
