"""Models and catalogue entries as JSON: the shapes that several commands print."""

from dataclasses import asdict
from typing import Any

from runner.catalog import Entry
from runner.models import Located


def located_facts(located: Located) -> dict[str, Any]:
    """A model on this disk. Times are ISO 8601 with their zone; None where unknown."""
    record = located.record
    return {
        "name": located.name,
        "quantization": located.quantization,
        "bytes": record.total_bytes if record else located.path.stat().st_size,
        "path": str(located.path),
        "shipped": record is None and located.entry is not None,
        "repository": record.repository if record else None,
        "commit": record.commit if record else None,
        "sha256": record.sha256 if record else None,
        "fetched_at": record.fetched_at.isoformat() if record else None,
        "used_at": record.used_at.isoformat() if record and record.used_at else None,
    }


def entry_facts(entry: Entry) -> dict[str, Any]:
    """A catalogue entry, as `models/catalog.toml` has it."""
    return asdict(entry)
