"""How much processor time Runner takes to start.

    python -m tests.performance.startup [--repeat 20]

CPU time of whole processes, from the interpreter's start to its exit handlers: unlike the time on
the clock it hardly depends on what else the machine does. `runner --help` is what every shell
completion and every typing error waits for, so it must import neither llama_cpp nor
huggingface_hub; that is checked here too.
"""

import argparse
import statistics
import subprocess
import sys

HEAVY = ("llama_cpp", "huggingface_hub", "numpy", "rich", "jinja2", "prompt_toolkit", "psutil")

# Reports on a line of its own, after whatever the command printed.
REPORT = """
import atexit, sys, time
def report():
    heavy = [name for name in {heavy!r} if name in sys.modules]
    print("\\n", time.process_time(), *heavy, file=sys.stderr)
atexit.register(report)
"""

RUN = """
sys.argv = ["runner", *{arguments!r}]
from runner.cli.main import main
main()
"""

COMMANDS: dict[str, tuple[str, ...] | None] = {
    "python alone": None,
    "runner --help": ("--help",),
    "runner --version": ("--version",),
    "runner list": ("list",),
    "runner run tiny hi": ("run", "tiny", "hi", "--max-tokens", "1", "--threads", "1"),
}


def cpu_seconds(arguments: tuple[str, ...] | None) -> tuple[float, list[str]]:
    """CPU time of one process, and which of the heavy packages it imported."""
    code = REPORT.format(heavy=HEAVY)
    if arguments is not None:
        code += RUN.format(arguments=arguments)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, *heavy = done.stderr.splitlines()[-1].split()
    return float(seconds), heavy


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=20)
    options = parser.parse_args()
    print(f"CPU time, median of {options.repeat} (fastest to slowest)")
    for name, arguments in COMMANDS.items():
        runs = [cpu_seconds(arguments) for _ in range(options.repeat)]
        seconds, heavy = [run[0] for run in runs], runs[0][1]
        print(
            f"{name:<20} {statistics.median(seconds):6.3f} s "
            f"({min(seconds):.3f} to {max(seconds):.3f})   "
            f"imports {', '.join(heavy) or 'none of the heavy packages'}"
        )


if __name__ == "__main__":
    main()
