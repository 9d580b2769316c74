"""Where `runner` begins. A shell that asks what could be typed next gets its answer, and a person
who wants to chat a prompt, without the rest of the command line, which takes longer to import."""

import os
import sys


def main() -> None:
    """Answer the shell, chat or run the command line; ends the process."""
    if shell := os.environ.get("_RUNNER_COMPLETE"):
        from runner.cli.complete.answer import main as answer

        answer(shell)
        return
    if sys.argv[1:2] == ["chat"]:
        from runner.cli.at_once import main as chat

        chat(sys.argv[1:])
    from runner.cli.main import main as run

    run()
