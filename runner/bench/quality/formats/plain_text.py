"""Any text, whose perplexity is asked for."""

from pathlib import Path

from runner.bench.quality.task import Task

SUFFIXES = (".txt", ".raw", ".md")


def read(path: Path, text: str) -> Task | None:
    """None where the name does not say that it is text, or there is none."""
    if path.suffix.lower() not in SUFFIXES or not text.strip():
        return None
    return Task(path.stem, "perplexity", "", "", text=text)
