"""Worked examples before each question of a task of lm-evaluation-harness.

They are the first rows of the split that the task names for them, or those that it writes out
itself. The harness draws them at random unless the task says `sampler: first_n`, as MMLU's do.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.bench.quality.formats.harness_data import SPLITS, Data, data_of
from runner.bench.quality.formats.harness_row import Row, Writer
from runner.errors import BadDocument, ConfigurationError

MOST = 1000
OWN = ("doc_to_text", "doc_to_target", "doc_to_choice")


@dataclass(frozen=True, slots=True)
class Shots:
    """`rows` have one more than `count`, where questions are among them: no question is its own
    example. `texts` are how each is written."""

    count: int = 0
    rows: tuple[Row, ...] = ()
    texts: tuple[str, ...] = ()
    source: str = ""
    digest: bytes = b""

    def for_row(self, row: Row) -> str:
        """What stands before the question of a row."""
        others = (text for other, text in zip(self.rows, self.texts, strict=True) if other != row)
        return "".join([*others][: self.count])

    @property
    def facts(self) -> dict[str, Any]:
        return {"examples": f"{self.count}: {self.source}"} if self.count else {}


def shots_of(path: Path, asked: Mapping[str, Any], data: Data) -> Shots:
    """Those of the task in `path`, whose content is `asked`, and whose questions are of `data`.
    Raises ConfigurationError and BadDocument."""
    count, how = asked.get("num_fewshot") or 0, asked.get("fewshot_config") or {}
    if not isinstance(count, int) or not 0 <= count <= MOST or not isinstance(how, dict):
        raise ConfigurationError(f"{path.name}: num_fewshot or fewshot_config is malformed")
    if not count:
        return Shots()
    found, source = _rows(path, asked, how, data)
    rows = found.rows[: count + (found is data)]
    if len(rows) < count + (found is data):
        raise BadDocument(
            f"{path.name} asks for {count} worked examples, and {source} has {len(found.rows)}"
        )
    writer = Writer(path, {**asked, **{key: how[key] for key in OWN if how.get(key) is not None}})
    return Shots(
        count,
        tuple(row for _, row in rows),
        tuple(_written(writer, asked, line, row) for line, row in rows),
        f"the first of {source}",
        found.digest,
    )


def _rows(
    path: Path, asked: Mapping[str, Any], how: Mapping[str, Any], data: Data
) -> tuple[Data, str]:
    """Where the examples are, in the harness's order of preference, and what that is called."""
    samples = how.get("samples")
    if isinstance(samples, list) and all(isinstance(one, dict) for one in samples):
        own = json.dumps(samples, sort_keys=True, default=str).encode()
        return Data(tuple(enumerate(samples, 1)), (), own), "fewshot_config"
    kwargs = asked.get("dataset_kwargs")
    files = kwargs.get("data_files") if isinstance(kwargs, dict) else None
    splits = [how.get("split"), *(asked.get(f"{one}_split") for one in ("fewshot", "training"))]
    split = next((one for one in splits if one), None)
    tested = next((asked[key] for key in SPLITS if asked.get(key)), None)
    if not isinstance(files, dict) or split in (None, tested):
        return data, "the questions themselves"
    return data_of(path, asked, str(split)), str(split)


def _written(writer: Writer, asked: Mapping[str, Any], line: int, row: Row) -> str:
    if asked.get("output_type") == "multiple_choice":
        put = writer.choice(line, row)
        # Contexts are as many as the endings, or one.
        text, target = put.contexts[put.answer % len(put.contexts)], put.endings[put.answer]
    else:
        text, target = writer.text(line, row), writer.target(line, row)
    between = str(asked.get("target_delimiter", " "))
    return text + between + target + str(asked.get("fewshot_delimiter", "\n\n"))
