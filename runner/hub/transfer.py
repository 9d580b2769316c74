"""The bytes of one file, over as many connections as make it faster, until the part is whole.

huggingface_hub 2 neither resumes a download of an earlier run nor checks a hash, so the transfer
is Runner's own over its HTTP client. Each connection is a thread that claims a span of the part,
asks for it, and writes what comes. The caller's thread hires and dismisses them, counts failures,
and tells the progress, so that Ctrl-C finds it awake.
"""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from runner.errors import NetworkError
from runner.hub.part import Part, Writer
from runner.hub.problems import CHECK_NETWORK
from runner.hub.retry import Retries, Transient
from runner.hub.source import BadRange, Source

# An attempt has to bring this many bytes to count as progress, so that a server which always
# breaks off early is not asked for ever.
PROGRESS = 1 << 20

BLOCK = 1 << 17  # bytes written, and recorded, at a time: what a kill may cost each connection
MOST_CONNECTIONS = 8
MOST_PIECES = 8  # of one request
PERIOD = 1.0  # seconds over which a rate is measured
GAIN = 1.15  # how much faster twice the connections have to be to stay
TICK = 0.1
GRACE = 2.0  # seconds that connections get to end when they are told to


@dataclass(eq=False)
class Connection:
    """One thread's work: when its request began, the bytes it has added to the part since, and
    all that it has received."""

    began: float = field(default_factory=time.monotonic)
    added: int = 0
    received: int = 0


def fill(part: Part, source: Source, retries: Retries, progress: Callable[[int], None]) -> None:
    """Fetch what is missing of `part`.

    Raises NetworkError where the budget is spent, and what `source` raises; the part stays.
    """
    crew = Crew(part, source, retries)
    progress(part.done)
    try:
        while part.done < part.bytes:
            crew.hire()
            crew.listen()
            crew.adapt()
            progress(part.done)
    except NetworkError as error:
        if part.done:
            kept = f"{part.done / 1e9:.2f} of {part.bytes / 1e9:.2f} GB"
            error.remedy = f"{error.remedy} The same command continues after {kept}.".strip()
        raise
    finally:
        crew.dismiss()


class Crew:
    """The connections at work on one part, and how many there should be."""

    def __init__(self, part: Part, source: Source, retries: Retries) -> None:
        self.part = part
        self.source = source
        self.retries = retries
        self.most = MOST_CONNECTIONS
        self.wanted = min(self.most, 2 if part.unclaimed() > 2 else 1)
        self._threads: dict[Connection, threading.Thread] = {}
        self._events: queue.SimpleQueue[tuple[Connection, Exception | None]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._pause = 0.0  # no request is made before this time
        self._bad_ranges = 0
        self._furthest = part.done
        self._received = 0  # over connections that have ended
        self._heard = time.monotonic()
        self._rates = Rates()

    # The caller's thread.

    def hire(self) -> None:
        """Add the connections that are wanted, if there is work for them now."""
        wanted = self.wanted if self.source.ranges else 1
        missing = min(self.part.unclaimed(), wanted - len(self._threads))
        if time.monotonic() < self._pause or missing < 1:
            return
        for _ in range(missing):
            connection = Connection()
            thread = threading.Thread(target=self._work, args=(connection,), daemon=True)
            self._threads[connection] = thread
            thread.start()

    def listen(self) -> None:
        """Wait a moment for connections to end. Raises what ended them, or NetworkError."""
        before, pause = self.received(), self._pause - time.monotonic()
        try:
            ended, error = self._events.get(timeout=min(TICK, pause) if pause > 0 else TICK)
        except queue.Empty:
            ended, error = None, None
        if ended:
            self._received += ended.received
            del self._threads[ended]
        now = time.monotonic()
        if self.received() != before:
            self.retries.alive()
        if self.received() != before or now < self._pause or ended:
            self._heard = now
        if self.part.done >= self._furthest + PROGRESS:
            self._furthest = self.part.done
            self._bad_ranges = 0
            self.retries.progressed()
        if isinstance(error, Transient):
            assert ended is not None
            self._bear(ended, error)
        elif error:
            raise error
        if now - self._heard > self.retries.patience.silence:
            raise NetworkError("nothing has come for a minute", remedy=CHECK_NETWORK)

    def _bear(self, ended: Connection, problem: Transient) -> None:
        """Count a failure, and wait; what else fails meanwhile has failed with it."""
        if ended.began < self._pause:
            return
        if ended.added >= PROGRESS and problem.wait is None:
            self.retries.remark_once(f"{problem.cause}; continuing")
            return
        if isinstance(problem, BadRange):
            self._bad_ranges += 1
            self.source.ranges = self._bad_ranges < 2
        self._pause = time.monotonic() + self.retries.wait_for(problem)
        self._rates = Rates()
        if self._threads:  # others fare better: so many are too many
            self.most = self.wanted = len(self._threads)

    def adapt(self) -> None:
        """Double the connections for as long as that makes it faster."""
        if faster := self._rates.faster(self.received()):
            self.wanted = min(2 * self.wanted, self.most)
        elif faster is False:
            self.wanted = max(1, self.wanted // 2)

    def received(self) -> int:
        """Bytes that have come."""
        return self._received + sum(connection.received for connection in tuple(self._threads))

    def dismiss(self) -> None:
        """End all connections."""
        self._stop.set()
        self.source.hang_up()
        until = time.monotonic() + GRACE
        for thread in self._threads.values():
            thread.join(max(0.0, until - time.monotonic()))

    # The connections' threads.

    def _work(self, connection: Connection) -> None:
        try:
            while not self._stop.is_set() and len(self._threads) <= self.wanted:
                if self.source.ranges:
                    share = self.part.unclaimed() // (2 * self.wanted)
                    claim = self.part.claim(max(1, min(MOST_PIECES, share)))
                else:
                    claim = self.part.claim_all()
                if claim is None:
                    break
                try:
                    connection.began, connection.added = time.monotonic(), 0
                    self._receive(claim, connection)
                finally:
                    self.part.release(claim)
        except Exception as error:
            self._events.put((connection, error))
        else:
            self._events.put((connection, None))

    def _receive(self, claim: range, connection: Connection) -> None:
        """Ask for a span of bytes and write what comes, in blocks of a good size."""
        with self.source.open(claim) as chunks, Writer(self.part, claim.start) as writer:
            waiting, size = list[bytes](), 0
            try:
                for chunk in chunks:
                    if self._stop.is_set():
                        break
                    connection.received += len(chunk)
                    waiting.append(chunk)
                    size += len(chunk)
                    if size >= BLOCK:
                        writer.write(b"".join(waiting))
                        waiting, size = [], 0
            finally:
                writer.write(b"".join(waiting))
                connection.added = writer.added


class Rates:
    """The rate of arrival, period by period, until more connections do not raise it."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._received = 0
        self._best = 0.0
        self._settled = False

    def faster(self, received: int) -> bool | None:
        """Whether the last period was faster than the best before; None while nobody knows."""
        now = time.monotonic()
        if received == self._received:
            self._since = now  # nothing to measure yet
        elapsed = now - self._since
        if self._settled or elapsed < PERIOD:
            return None
        rate = (received - self._received) / elapsed
        self._since, self._received = now, received
        faster, self._best = rate > GAIN * self._best, max(self._best, rate)
        self._settled = not faster
        return faster
