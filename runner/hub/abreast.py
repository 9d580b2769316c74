"""Several errands at once."""

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def abreast(errands: Sequence[Callable[[], T]], width: int) -> list[T]:
    """What the errands give, in their order, with up to `width` of them going on at a time.

    The first error is raised once those that were going on have ended; no other is begun after it.
    Ctrl-C waits for nobody.
    """
    results: dict[int, T] = {}
    errors: list[BaseException] = []
    waiting = list(enumerate(errands))[::-1]

    def work() -> None:
        while waiting and not errors:
            try:
                number, errand = waiting.pop()
            except IndexError:  # another thread was first
                return
            try:
                results[number] = errand()
            except BaseException as error:
                errors.append(error)

    # Daemons, so that a server which keeps silent cannot keep the process alive.
    threads = [threading.Thread(target=work, daemon=True) for _ in errands[:width]]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except BaseException as stopped:
        errors.append(stopped)
        raise
    if errors:
        raise errors[0]
    return [results[number] for number in range(len(errands))]
