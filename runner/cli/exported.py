"""What an export writes, to a file or to stdout, and what it says of that."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.errors import ConfigurationError
from runner.settings import Settings


def require_new(output: Path | None, force: bool) -> None:
    """Raise ConfigurationError where a file is there that nobody allowed to be replaced."""
    if output and output.exists() and not force:
        raise ConfigurationError(f"{output} is there already", remedy="Replace it with --force.")


def write_export(
    text: str, output: Path | None, settings: Settings, *, left_out: str, count: str,
    facts: Mapping[str, Any],
) -> None:  # fmt: skip
    """Write it, and remark what it leaves out. Of a file `count` says how much is in it, or with
    --json `facts` do. Raises DiskError."""
    from runner.cli.output import print_json, remark
    from runner.cli.terminal.clean import clean
    from runner.whole import write_whole

    if left_out:
        remark(f"left out: {left_out}; --format json keeps all", settings)
    if output is None:
        print(clean(text) if sys.stdout.isatty() else text, end="")
        return
    write_whole(output, text)
    if settings.json:
        print_json({"path": str(output), **facts, "left_out": left_out})
    else:
        print(clean(f"{output}   {count}"))
