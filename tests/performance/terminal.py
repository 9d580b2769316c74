"""What the chat's screen costs, through a real pseudo-terminal.

    python -m tests.performance.terminal start|echo|cpu|linear [--runs N]

start   from the command to a prompt that shows what is typed
echo    from a key to its letter on the screen: while a reply streams, and while a paste is read
cpu     of the screen's thread and of the process, at 100 tokens/s
linear  the same of replies of 5000, 10000 and 20000 tokens, as fast as they come
"""

import argparse
import os
import random
import statistics
import sys
import tempfile
import threading
import time

from tests.terminal.pty import CTRL_C, CTRL_D, ENTER, RUNNER, Terminal

RARE = [
    chr(number) for number in (*range(0x531, 0x557), *range(0x561, 0x587), *range(0x10D0, 0x10F1))
]
"""Letters of which no reply has any, each as wide as a Latin one."""

KINDS = {
    "paragraph": "word{n} and *some* more of `it`, ",
    "code": "def f{n}(x):\n    return x + {n}  # a comment\n",
    "list": "- item {n} of **many**\n",
    "blocks": "Paragraph {n} is of two sentences. This is the second.\n\n",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=("start", "echo", "cpu", "linear", "talk"))
    parser.add_argument("--runs", type=int, default=10)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["RUNNER_HOME"] = os.environ.get("RUNNER_HOME") or home
        globals()[f"_{chosen.what}"](chosen.runs)


def _start(runs: int) -> None:
    seen: list[float] = []
    usable: list[float] = []
    loading: list[float] = []
    for _ in range(runs + 1):
        command = ["sh", "-c", 'printf @; exec "$@"', "sh", *RUNNER, "chat", "tiny"]
        with Terminal(command=command) as terminal:
            terminal.wait(lambda: b"@" in terminal.raw, "the start")
            began = time.perf_counter()
            terminal.wait(lambda: b">>>" in terminal.raw, "the prompt")
            seen.append(time.perf_counter() - began)
            usable.append(seen[-1] + _delay(terminal, "x"))
            loading += _delays(terminal, 15)
            terminal.press(CTRL_C)
            terminal.settle(1)
            terminal.press(CTRL_D)
            terminal.end()
    _tell("prompt seen", seen[1:])  # the first run warms the machine's cache
    _tell("first key shown", usable[1:])
    _tell("keys while it imports and loads", loading[15:])


def _echo(runs: int) -> None:
    with Terminal(command=[*TALK], columns=100, rows=40) as terminal:
        terminal.until(">>>")
        terminal.press(f"paragraph {runs * 100} 100" + ENTER)
        terminal.until("word9 ")
        _tell("while a reply streams at 100 tokens/s", _delays(terminal, runs * 10))
    noise = "--temperature 1000000 --top-k 0 --top-p 1 --min-p 0 --when-full stop --seed 3"
    with Terminal("chat", "tiny", *noise.split(), columns=100, rows=40) as terminal:
        terminal.until("context 2048")
        delays: list[float] = []
        while len(delays) < runs * 10:
            terminal.press("hello" + ENTER)
            terminal.wait(lambda: "Ctrl-C stops" in terminal.rows[-2], "the reply")
            delays += _delays(terminal, 10)
            terminal.press(CTRL_C)
            terminal.settle()
            terminal.press("\x15/clear" + ENTER)
            terminal.settle()
        _tell("while tiny answers as fast as it can", delays)
    with Terminal("chat", "tiny", columns=100, rows=40) as terminal:
        terminal.until("context 2048")
        delays = []
        while len(delays) < runs * 10:
            words = " ".join(str(random.randrange(10**6)) for _ in range(250))
            terminal.paste(words)
            terminal.receive(0.35)
            delays += _delays(terminal, 10)
            terminal.press(CTRL_C)
            terminal.settle()
        _tell("while a paste is read ahead", delays)


def _delays(terminal: Terminal, count: int) -> list[float]:
    """Seconds from keys to their letters, at the pace of a quick typist."""
    found = []
    for number in range(count):
        found.append(_delay(terminal, RARE[number % len(RARE)]))
        pause = time.perf_counter() + random.uniform(0.02, 0.12)
        while (left := pause - time.perf_counter()) > 0:
            terminal.receive(left)
        if number % len(RARE) == len(RARE) - 1:
            terminal.press("\x15")  # an empty line again
            terminal.receive(0.2)
    return found


def _delay(terminal: Terminal, letter: str) -> float:
    wanted, seen, began = letter.encode(), len(terminal.raw), time.perf_counter()
    terminal.press(letter)
    while wanted not in terminal.raw[seen:]:
        terminal.receive(1, draw=False)
    return time.perf_counter() - began


def _cpu(runs: int) -> None:
    for kind in KINDS:
        with Terminal(command=[*TALK], columns=100, rows=40) as terminal:
            terminal.until(">>>")
            terminal.press(f"{kind} {runs * 100} 100" + ENTER)
            print(f"{kind}, 100 tokens/s: {_cost(terminal)}")


def _linear(runs: int) -> None:
    for kind in KINDS:
        for tokens in (5_000, 10_000, 20_000):
            with Terminal(command=[*TALK], columns=100, rows=40) as terminal:
                terminal.until(">>>")
                terminal.press(f"{kind} {tokens} 4000" + ENTER)
                print(f"{kind}, {tokens} tokens: {_cost(terminal)}")


def _cost(terminal: Terminal) -> str:
    """What the talk says that its reply cost; the screen is not followed."""
    while b"COST " not in terminal.raw:
        terminal.receive(1, draw=False)
    terminal.receive(0.2, draw=False)
    return (
        terminal.raw[terminal.raw.rindex(b"COST ") :].split(b"\r\n")[0].split(b"\x1b")[0].decode()
    )


def _tell(what: str, seconds: list[float]) -> None:
    of = sorted(number * 1000 for number in seconds)
    print(
        f"{what}: median {statistics.median(of):.1f} ms, 99th percentile "
        f"{of[int(len(of) * 0.99)]:.1f} ms, worst {of[-1]:.1f} ms of {len(of)}"
    )


# The other side: a talk whose replies are known, and which says what they cost.

TALK = [sys.executable, "-m", "tests.performance.terminal", "talk"]


def _talk(_: int) -> None:
    from runner.cli.terminal.screen import TerminalFace
    from runner.settings import load
    from tests.terminal.talker import Replayed

    face = TerminalFace(load({}))
    screen = time.pthread_getcpuclockid(threading.main_thread().ident or 0)

    def talk() -> None:
        while (text := face.read()) is not None:
            kind, tokens, rate = text.split()
            line = KINDS[kind]
            pieces = [line.format(n=n) for n in range(int(tokens) // line.count(" ") + 1)]
            reply = Replayed(("answer", "".join(pieces)), rate=float(rate))

            def begin(_: object, reply: Replayed = reply) -> Replayed:
                return reply

            before = time.clock_gettime(screen), time.process_time(), time.perf_counter()
            face.play(begin, think="fold")
            time.sleep(0.2)  # for the last frame
            after = time.clock_gettime(screen), time.process_time(), time.perf_counter()
            own, process, took = (b - a for a, b in zip(before, after, strict=True))
            face.note(
                f"COST {own:.2f} s of the screen's thread, {process:.2f} s of the process, in "
                f"{took:.1f} s: {own / took:.1%} of a core"
            )

    face.run(talk)


if __name__ == "__main__":
    main()
