"""Models and catalogue entries as JSON: the shapes that several commands print."""

from dataclasses import asdict
from typing import Any

from runner.catalog import Entry
from runner.models import Located


def located_facts(located: Located) -> dict[str, Any]:
    """A model on this disk. Times are ISO 8601 with their zone; None where unknown."""
    record, found = located.record, located.found
    about = record or found
    return {
        "name": located.name,
        "quantization": located.quantization,
        "bytes": bytes_of(located),
        "context": record.context if record else None,
        "path": str(located.path),
        "source": source_of(located),
        "shipped": located.is_shipped and record is None and found is None,
        "repository": about.repository or None if about else None,
        "commit": about.commit or None if about else None,
        "sha256": about.sha256 if about else None,
        "licence": record.licence if record else None,
        "licence_link": record.licence_link if record else None,
        "expected_sha256": record.expected_sha256 if record else None,
        "made_from": record.made_from if record else None,
        "adopted": record.adopted if record else None,
        "fetched_at": record.fetched_at.isoformat() if record else None,
        "used_at": record.used_at.isoformat() if record and record.used_at else None,
    }


def bytes_of(located: Located) -> int:
    """The size of a model's files together."""
    if located.record is not None:
        return located.record.total_bytes
    return located.found.bytes if located.found is not None else located.path.stat().st_size


def source_of(located: Located) -> str | None:
    """Whence a model is, in a word or two; None for a path."""
    if located.record is not None:
        made = f"made from {located.record.made_from}" if located.record.made_from else ""
        return f"hf.co/{located.record.repository}" if located.record.repository else made
    if located.found is not None:
        return located.found.source
    return "comes with Runner" if located.is_shipped else None


def entry_facts(entry: Entry) -> dict[str, Any]:
    """A catalogue entry, as `models/catalog.toml` has it."""
    return asdict(entry)
