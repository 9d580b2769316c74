"""Where `runner` begins: a shell that asks what could be typed next gets its answer without the
rest of the command line, which would take longer to import than to answer."""

import os


def main() -> None:
    """Answer the shell or run the command line; ends the process."""
    if shell := os.environ.get("_RUNNER_COMPLETE"):
        from runner.cli.complete.answer import main as answer

        answer(shell)
    else:
        from runner.cli.main import main as run

        run()
