"""`python -m runner`: in a checkout, sets up `.venv` where needed; then the command line."""

import sys

# Before anything is imported, so that an old Python gets a line rather than a traceback.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        "runner: Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". "
        "uv can fetch one: uv run --no-project --python 3.13 -m runner"
    )

from runner.bootstrap import ready

if __name__ == "__main__":
    ready("runner")
    from runner.cli.main import main

    main()
