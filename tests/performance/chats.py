"""How long a large database of conversations takes to be opened, listed and searched.

    python -m tests.performance.chats [--turns 100000] [--repeat 20]

The turns have lengths as in real use (a few words to some thousand) and words by Zipf's law, so
that some are in nearly every turn and others in one. Each figure is the median and the worst of
`repeat` in one process, after the first, which is told apart; the file is then in the page cache.
Then what a reply costs while it is said (100 tokens/s for a minute, the processor's time), and what
deleting one conversation costs.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

from runner.chat.chats import Chats
from runner.engine.events import Finish, Timings
from runner.prompt import Message

TURNS_A_CHAT = 20
WORDS = 50_000


def make(path: Path, turns: int) -> None:
    """Conversations of 20 turns each."""
    draw = random.Random(1)
    words = [f"{draw.choice('bcdfgklmnprst')}{number:x}" for number in range(WORDS)]
    weights = list(accumulate(1 / rank for rank in range(1, WORDS + 1)))
    with Chats(path) as chats, chats.together():
        for number in range(turns // TURNS_A_CHAT):
            chat = chats.begin(model="tiny", system="Be brief.")
            chat.tags = ("odd",) if number % 2 else ()
            for turn in range(TURNS_A_CHAT):
                length = min(3000, int(draw.lognormvariate(4.5 if turn % 2 else 3, 1)) + 1)
                said = " ".join(draw.choices(words, cum_weights=weights, k=length))
                if (number, turn) == (7, 3):
                    said += " needle 日本語"
                chat.add("assistant" if turn % 2 else "user", said, model="tiny")


def timed(what: str, action: Callable[[], object], repeat: int) -> None:
    seconds = []
    for _ in range(repeat + 1):
        started = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - started)
    first, *rest = (
        f"{1000 * value:.1f} ms"
        for value in (seconds[0], statistics.median(seconds[1:]), max(seconds[1:]))
    )
    print(f"{what:40} first {first:>10}, median {rest[0]:>10}, worst {rest[1]:>10}")


def opened(path: Path) -> None:
    with Chats(path) as chats:
        latest = chats.latest()
        assert latest is not None and len(latest.turns()) == TURNS_A_CHAT


def cost_of_a_reply(chats: Chats, seconds: int) -> str:
    chat = chats.begin(model="tiny")
    chat.add("user", "a question")
    reply = chat.begin_reply(model="tiny")
    before = time.process_time()
    for _ in range(100 * seconds):
        reply.feed("answer", " word")
        time.sleep(0.01)
    # A loop that only sleeps, to be taken off.
    between = time.process_time()
    for _ in range(100 * seconds):
        time.sleep(0.01)
    idle = time.process_time() - between
    reply.finish(Message("assistant", " word" * 100 * seconds), FINISH)
    return f"{100 * (between - before - idle) / seconds:.2f} % of a core"


FINISH = Finish("end", Timings(1, 0, 0.0, 1, 0.0, 0.0, 0.0), 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--turns", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--reply", type=int, default=60, help="seconds of a reply")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chats.sqlite3"
        started = time.perf_counter()
        make(path, arguments.turns)
        print(
            f"{arguments.turns} turns, {path.stat().st_size / 1e6:.0f} MB, "
            f"written in {time.perf_counter() - started:.1f} s"
        )
        timed("open, and read the latest", lambda: opened(path), arguments.repeat)
        with Chats(path) as chats:
            timed("list 50", lambda: chats.list(limit=50), arguments.repeat)
            timed("list all", chats.list, arguments.repeat)
            timed("list all with a tag", lambda: chats.list(tag="odd"), arguments.repeat)
            for words in ("needle", "b0", "c0 d1", '"c0 d1"', "n", "日本", "absent", "不在"):
                timed(
                    f"search {words}",
                    lambda words=words: chats.search(words),  # type: ignore[misc]
                    arguments.repeat,
                )
            print("a reply at 100 tokens/s:", cost_of_a_reply(chats, arguments.reply))
            numbers = iter(range(1, 1000))
            timed("delete one", lambda: chats.delete(next(numbers)), min(5, arguments.repeat))


if __name__ == "__main__":
    main()
