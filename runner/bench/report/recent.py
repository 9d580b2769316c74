"""What a report is about when nobody says: the latest measurement, and its models' answers."""

from runner.bench.history import History
from runner.bench.record import Record


def recent(history: History) -> list[Record]:
    """The records of the latest run of speed, and of each quality record of the same model files
    the latest of each task; without a measured speed, the latest answers of each model."""
    speeds = history.find(kind="speed", limit=1)
    measured = history.run(speeds[0].run) if speeds else []
    files = {_file(record) for record in measured}
    answered: dict[tuple[object, ...], Record] = {}
    for entry in history.find(kind="quality", limit=SEARCHED):
        record = history.get(entry.id)
        key = (_file(record), record.configuration.kv, *sorted(one.name for one in record.tasks))
        if (not files or _file(record) in files) and key not in answered:
            answered[key] = record
    return [*measured, *reversed(answered.values())]


SEARCHED = 200
"""How many records of answers are looked through; they may be long."""


def _file(record: Record) -> str:
    return record.model.sha256 or record.model.file
