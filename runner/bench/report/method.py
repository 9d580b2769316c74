"""How the figures of a report came about: all that it takes to judge them, and to measure again."""

from collections.abc import Mapping, Sequence
from typing import Any

from runner.bench.record import Record
from runner.bench.report.entries import Entry, task_names
from runner.bench.report.tables import parts
from runner.bench.wording import (
    FLAGS,
    configuration_words,
    label,
    machine_words,
    method_words,
    model_words,
    tool_words,
)

Facts = list[tuple[str, str]]

METHOD = (
    "Models that were measured together took turns: in each block every one ran, in random order "
    "and back again, so that heat and other programs' work met all of them. Every prompt began "
    "with tokens of its own, so that none was read from a cache. A figure is the median over "
    "blocks of each block's median; its interval is what a bootstrap over the blocks gives. No run "
    "was left out: outlying ones are counted.",
    "The ceiling of decode is the memory bandwidth measured on this machine, divided by the bytes "
    "of weights and of KV cache that a token reads; that of prefill the measured arithmetic rate "
    "by the operations of a token. Energy is a counter's or a gauge's, net of what the machine "
    "takes idle, and never estimated.",
    "Two intervals that overlap do not show which model is better; `runner compare` decides that "
    "from pairs of blocks or of questions.",
)


def paragraphs(records: Sequence[Record]) -> list[str]:
    """How it was measured, and what the flags mean that were raised."""
    raised = {flag for record in records for test in record.tests for flag in test.flags}
    raised |= {flag for record in records for flag in record.flags}
    return [*METHOD, *(f"{flag}: {words}." for flag, words in FLAGS.items() if flag in raised)]


def formulas(found: Sequence[Entry]) -> Facts:
    """What each figure is made of, once."""
    said: dict[str, dict[str, None]] = {}
    for entry in found:
        for summary in (one for part in parts(entry) for one in part.summaries):
            said.setdefault(label(summary.metric), {})[summary.formula] = None
    return [(name, "; ".join(ways)) for name, ways in said.items()]


def tasks(found: Sequence[Entry]) -> Facts:
    """How each task was put to the models: once, where it was put to all alike."""
    facts = []
    for name in task_names(found):
        ways: dict[str, list[str]] = {}
        for entry in found:
            if (task := entry.task(name)) and task.facts:
                ways.setdefault(_told(task.facts), []).append(entry.name)
        facts += [
            (name if len(ways) == 1 else f"{name}, {', '.join(names)}", way)
            for way, names in ways.items()
        ]
    return facts


def _told(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key.replace('_', ' ')} {_told(one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return " ".join(map(repr, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value in (None, "") else str(value)


def source(entry: Entry) -> Facts:
    """Where the figures of an entry are from, all that it takes to measure again."""
    record = entry.record
    facts = [
        ("Model", model_words(record.model)),
        ("File", f"{record.model.file}, sha256 {record.model.sha256 or 'not known'}"),
        ("Loaded", configuration_words(record.configuration)),
        ("Machine", machine_words(record.machine)),
        ("By", tool_words(record)),
        ("Build", record.tool.build),
    ]
    if entry.speed and entry.speed.method:
        facts.append(("Method", method_words(entry.speed.method)))
    for noise in record.noise:
        ends = "" if noise.interval is None else " ({:+.1%} to {:+.1%})".format(*noise.interval)
        facts.append(("Noise", f"{noise.test}: equal runs differ by {noise.shift:+.1%}{ends}"))
    records = ((entry.speed,) if entry.speed else ()) + entry.qualities
    facts.append(("Records", ", ".join(f"{one.id} ({one.kind}, {one.date})" for one in records)))
    facts += [("Task", f"{task.name}: {task.source}, sha256 {task.sha256}") for task in entry.tasks]
    return facts
