"""`python -m tests`: sets up `.venv` where needed, then runs pytest with the same arguments, or
without any the whole suite, shared among a few processes."""

import sys

# Before anything is imported, so that an old Python gets a line rather than a traceback.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        "runner: Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". "
        "uv can fetch one: uv run --no-project --python 3.13 -m tests"
    )

from runner.bootstrap import ready

if __name__ == "__main__":
    ready("tests", development=True)
    import pytest

    whole = ["--numprocesses", "logical", "--maxprocesses", "4", "--dist", "loadfile"]
    sys.exit(pytest.main(sys.argv[1:] or whole))
