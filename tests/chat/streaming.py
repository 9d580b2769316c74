"""A reply under way, in a process of its own, to be killed.

    python -m tests.chat.streaming DATABASE SEED

Says `words` when it begins, then the number of each word as it is fed, with the time (seconds since
1970); now and then it stalls, as a model does that thinks.
"""

import random
import sys
import time
from pathlib import Path

from runner.chat.chats import Chats


def main() -> None:
    draw = random.Random(sys.argv[2])
    chat = Chats(Path(sys.argv[1])).begin(model="tiny")
    chat.add("user", f"question {sys.argv[2]}")
    reply = chat.begin_reply(model="tiny")
    for number in range(100_000):
        reply.feed("reasoning" if number < 20 else "answer", f" w{number}")
        print(number, time.time(), flush=True)
        time.sleep(draw.choice([0.001, 0.005, 0.01] * 20 + [0.6]))


if __name__ == "__main__":
    main()
