"""Errors as a person or a script gets them: one line with the cause, one with the remedy, and a
documented exit code; a traceback only with RUNNER_DEBUG=1."""

import functools
import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from errno import EINVAL
from typing import Any

import typer

from runner.cli.terminal.clean import clean
from runner.errors import INTERRUPTED, ConfigurationError, RunnerError
from runner.settings import load

UNEXPECTED = 1

EXIT_CODES = """\
Exit codes: 0 done, 1 unexpected error, 2 wrong option or configuration, 3 model not fetched yet,
4 no such model or conversation, 5 bad model file, 6 does not fit into memory, 7 prompt longer than
the context, 8 no network, 9 access denied, 10 disk full or not writable, 11 wrong sha256, 12 no
usable GPU or a worker lost, 13 llama-cpp-python missing or of another version, 14 bad chat
template, 15 a file that cannot be read as text, 16 the context was full before the answer ended,
17 slower or worse than --fail-if allows, 130 stopped by Ctrl-C, or while fetching by SIGTERM."""


def explained(command: Callable[..., None]) -> Callable[..., None]:
    """`command`, ending with a line and an exit code where it raises."""

    @functools.wraps(command)
    def wrapped(**parameters: Any) -> None:
        try:
            command(**parameters)
            sys.stdout.flush()
        except RunnerError as error:
            _report(error.message, error.remedy, error, error.exit_code, parameters)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except Exception as error:
            if _reader_is_gone(error):
                raise typer.Exit(UNEXPECTED) from None
            _report(
                f"{type(error).__name__}: {error}",
                "This should not happen. RUNNER_DEBUG=1 shows where it did.",
                error,
                UNEXPECTED,
                parameters,
            )

    return wrapped


def _reader_is_gone(error: Exception) -> bool:
    """Whether what reads our output (`| head`) has seen enough; if so, the rest goes nowhere."""
    windows = sys.platform == "win32" and isinstance(error, OSError) and error.errno == EINVAL
    if not (isinstance(error, BrokenPipeError) or windows):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True


def _report(
    message: str, remedy: str, error: Exception, exit_code: int, parameters: Mapping[str, Any]
) -> None:
    if os.environ.get("RUNNER_DEBUG") == "1":
        traceback.print_exception(error)
    if _wants_json(parameters):
        kind = type(error).__name__
        facts = {"kind": kind, "message": message, "remedy": remedy, "exit_code": exit_code}
        print(json.dumps({"error": facts}, indent=2))
    else:
        _print(message, remedy)
    raise typer.Exit(exit_code)


def show(error: RunnerError) -> None:
    """An error that does not end the command: a line with the cause, a line with the remedy."""
    _print(error.message, error.remedy)


def _print(message: str, remedy: str) -> None:
    sys.stdout.flush()
    print(f"error: {_line(message)}", file=sys.stderr)
    if remedy:
        print(_line(remedy), file=sys.stderr)


def _line(text: str) -> str:
    """One line without control characters: part of it may come from a file or a server."""
    return clean(" ".join(text.split()))


def _wants_json(parameters: Mapping[str, Any]) -> bool:
    try:
        return bool(load({"json": parameters.get("json")}).json)
    except ConfigurationError:
        return bool(parameters.get("json"))
