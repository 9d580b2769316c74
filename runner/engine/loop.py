"""The decode loop: one thread owns a context, and computes all requests under way together.

Callers submit requests and iterate streams; llama.cpp computes on this thread alone, with the
GIL released, so Ctrl-C and the screen never wait for it. Each step is one batch: a token of every
reply under way, and a share of every prompt still being read.
"""

import queue
import threading
import time
from array import array
from collections import deque

from runner.engine.adapters import Switch
from runner.engine.ahead import CHUNK, Expectation
from runner.engine.draft import DraftModel
from runner.engine.kept import Kept
from runner.engine.options import Options
from runner.engine.run import Run, unstarted
from runner.engine.sequences import Sequence, Sequences
from runner.engine.shares import SMALLEST_SHARE, divide
from runner.engine.stream import Request
from runner.errors import RunnerError
from runner.fit.memory import GUESSES
from runner.llama.context import Batch, DecodeAborted, LlamaContext, NoRoom
from runner.llama.vocabulary import Vocabulary

IDLE_SECONDS = 2.0
"""How long nothing has to happen before what was read is written to disk."""


class DecodeLoop(threading.Thread):
    """Serves as many requests at once as the context has sequences; others wait their turn."""

    def __init__(
        self,
        context: LlamaContext,
        vocabulary: Vocabulary,
        kept: Kept | None = None,
        draft: DraftModel | None = None,
    ) -> None:
        super().__init__(name="runner-decode", daemon=True)
        self._context = context
        self._vocabulary = vocabulary
        self._batch = Batch(context.batch_size)
        self._sequences = Sequences(context)
        self._kept = kept
        self._draft = draft
        self._inbox = queue.SimpleQueue[list[Request] | Switch | Expectation | None]()
        self._waiting: deque[Request | Switch] = deque()
        self._runs: list[Run] = []
        self._parked: deque[Run] = deque()
        self._full = False
        self._computed: tuple[Request, ...] = ()
        self._expected: Expectation | None = None
        self._adapters = ""
        self._ahead = False  # whether what is being computed is only expected
        self._rate = 1000.0  # tokens of prompts read in a second, measured as it goes
        self._stopping = False

    def submit(self, wanted: list[Request] | Switch) -> None:
        """Serve these requests, or make this switch after those that came before it. Requests that
        follow a leader come with it, so that none misses it. Raises RunnerError after `stop`."""
        if self._stopping:
            raise RunnerError("the model was closed")
        self._inbox.put(wanted)
        if self._ahead:
            self._context.abort()

    def expect(self, tokens: list[int], options: Options) -> None:
        """Read these when idle; they take the place of what was expected before."""
        self._inbox.put(Expectation(tokens, options))

    def cancel(self, *requests: Request) -> None:
        # `cancelled` first: the loop looks at it after it has said whom it computes for.
        for request in requests:
            request.cancelled = True
        computed = self._computed
        if computed and all(one.cancelled for one in computed):
            self._context.abort()
        if self._draft is not None:
            self._draft.abort()

    @property
    def reading_ahead(self) -> bool:
        """Whether something that was expected is still to be read."""
        return self._expected is not None or not self._inbox.empty()

    def stop(self) -> None:
        """End the thread, cancelling what it is at. Returns when it has ended."""
        self._stopping = True
        self._inbox.put(None)
        self.cancel(*self._computed)
        if self._ahead:
            self._context.abort()
        self.join()

    def run(self) -> None:
        while self._receive():
            self._admit()
            self._end_cancelled()
            if self._runs:
                try:
                    self._step()
                except Exception as error:
                    self._fail(error)
            elif self._expected is not None:
                self._read_ahead(self._expected)
        while not self._inbox.empty():
            if (received := self._inbox.get()) is not None:
                self._take_in(received)
        for request in (*(run.request for run in (*self._runs, *self._parked)), *self._waiting):
            request.cancelled = True
        self._end_cancelled()
        if self._kept is not None:
            self._kept.keep(self._sequences)
            self._kept.close()

    def _receive(self) -> bool:
        """Take in new requests, waiting for one where there is nothing to do; False to end."""
        while True:
            try:
                received = self._inbox.get(block=not self._has_work, timeout=self._until_kept)
            except queue.Empty:
                if not self._has_work and self._kept is not None:
                    self._kept.keep(self._sequences)
                    continue
                return not self._stopping
            if received is None:
                return False
            self._take_in(received)

    def _take_in(self, received: list[Request] | Switch | Expectation) -> None:
        if isinstance(received, Expectation):
            self._expected = received
        elif isinstance(received, Switch):
            self._waiting.append(received)
        else:
            self._waiting.extend(received)

    @property
    def _until_kept(self) -> float | None:
        """How long to wait for a request before what was read is written to disk."""
        unsaved = self._kept is not None and self._kept.unsaved(self._sequences.latest())
        return IDLE_SECONDS if unsaved else None

    @property
    def _has_work(self) -> bool:
        return bool(self._runs or self._parked or self._waiting or self._expected)

    def _admit(self) -> None:
        """Give a sequence to those who wait, in the order in which they came."""
        while not self._full and (first := self._next()) is not None:
            if isinstance(first, Switch):
                if self._runs:
                    return
                self._waiting.remove(first)
                self._switch(first)
                continue
            options = (first.request if isinstance(first, Run) else first).options
            if options.together is not None and len(self._runs) >= options.together:
                return
            if isinstance(first, Request) and not options.reuse:
                self._sequences.forget_idle()
            elif self._kept is not None:
                self._kept.restore(
                    self._sequences, array("i", first.tokens[:-1]), private=options.private
                )
            taken = self._sequences.take(first.tokens)
            if taken is None:
                return
            if isinstance(first, Run):
                self._parked.remove(first)
                first.sequence = taken[0]
                first.sequence.belong_to(options)
                self._runs.append(first)
            else:
                self._waiting.remove(first)
                self._begin(first, *taken)

    def _switch(self, switch: Switch) -> None:
        """Compute with other adapters from now on: what was computed with those before is kept on
        disk under their name, and forgotten."""
        try:
            if switch.identity != self._adapters:
                if self._kept is not None:
                    self._kept.keep(self._sequences)
                switch.use()
                self._adapters = switch.identity
                if self._kept is not None:
                    self._kept.switch(switch.identity)
                self._sequences.forget_idle()
        except Exception as error:
            switch.outbox.put(error)
        else:
            switch.outbox.put(None)

    def _next(self) -> Run | Request | Switch | None:
        """Who is to get the next sequence; None where nobody waits who need not wait longer."""
        if self._parked:
            return self._parked[0]
        return next((one for one in self._waiting if not self._awaits_leader(one)), None)

    def _awaits_leader(self, request: Request | Switch) -> bool:
        """Whether the prompt is about to be read by another request."""
        leader = request.leader if isinstance(request, Request) else None
        if leader is None:
            return False
        reading = (run.request for run in (*self._runs, *self._parked) if run.reads)
        return leader in self._waiting or any(one is leader for one in reading)

    def _begin(self, request: Request, sequence: Sequence, reused: int) -> Run | None:
        sequence.belong_to(request.options)
        try:
            run = Run(request, sequence, reused, self._vocabulary, self._draft)
        except Exception as error:
            self._sequences.give_back(sequence)
            request.outbox.put(error)
            return None
        self._runs.append(run)
        return run

    def _fork(self, run: Run, row: int) -> None:
        """Begin the replies that waited for the prompt that `run` has just read, whose last token's
        logits are in `row`. Those for which there is no sequence wait on."""
        requests = [one for one in self._waiting if isinstance(one, Request)]
        for request in [one for one in requests if one.leader is run.request]:
            sequence = self._sequences.fork(run.sequence)
            if sequence is None:
                return
            self._waiting.remove(request)
            if branch := self._begin(request, sequence, len(request.tokens)):
                self._choose(branch, row, None)

    def _end_cancelled(self) -> None:
        for run in [*self._runs, *self._parked]:
            if run.request.cancelled:
                run.reason = "cancelled"
        self._end_finished()
        for waiting in [one for one in self._waiting if one.cancelled]:
            self._waiting.remove(waiting)
            if isinstance(waiting, Request):
                waiting.outbox.put(unstarted(waiting))
            else:
                waiting.outbox.put(RunnerError("the model was closed before its adapters changed"))

    def _end_finished(self) -> None:
        for run in [run for run in self._runs if run.ended]:
            self._runs.remove(run)
            self._sequences.give_back(run.sequence)
            self._full = False
            run.end()
        for run in [run for run in self._parked if run.ended]:
            self._parked.remove(run)
            run.end()

    def _step(self) -> None:
        """Compute one batch, and choose the tokens that follow."""
        shares = self._shares()
        self._batch.clear()
        rows = {}
        for run, share in shares:
            held = len(run.sequence.tokens)
            ends = share == run.unread
            if ends and len(self._runs) == 1 and not self._sequences.forgetful:
                run.make_guess(min(GUESSES, self._context.length - len(run.tokens) - 1))
            tokens = run.tokens[held : held + share] + run.guess
            logits = ends + len(run.guess)
            rows[run] = self._batch.add(tokens, held, run.sequence.id, logits=logits)
        started = time.perf_counter()
        if not self._compute():
            return
        seconds = time.perf_counter() - started
        for run, share in shares:
            held = len(run.sequence.tokens)
            reading = held < len(run.request.tokens)
            self._sequences.read(run.sequence, run.tokens[held : held + share])
            if reading:
                run.report()
                if len(run.sequence.tokens) == run.request.boundary:
                    self._sequences.snapshot(run.sequence)
            if not run.unread:
                alone = self._batch.count == 1 + len(run.guess)
                if reading and not run.reply_tokens:
                    self._fork(run, rows[run])
                self._choose(run, rows[run], seconds if alone else None)
        self._end_finished()

    def _choose(self, run: Run, row: int, seconds: float | None) -> None:
        """Let a run take its next tokens; what was guessed wrong is forgotten again."""
        guessed = len(run.guess)
        try:
            right = run.choose(self._context, row, seconds)
        except RunnerError as error:  # a grammar that nothing can follow: others are not concerned
            right, run.error = 0, error
        if guessed:
            held = len(run.sequence.tokens)
            self._sequences.read(run.sequence, run.tokens[held : held + right])
            self._sequences.repair(run.sequence)

    def _shares(self) -> list[tuple[Run, int]]:
        """How many tokens of each run to compute in this step."""
        wanted = [run.unread for run in self._runs]
        read_along = any(run.request.options.together is None for run in self._runs)
        rate = self._rate if read_along else None
        divided = divide(wanted, self._context.batch_size, rate)
        shares = [(run, share) for run, share in zip(self._runs, divided, strict=True) if share]
        if self._sequences.forgetful:  # a snapshot is taken where the prompt's boundary is
            shares = [(run, min(share, run.before_boundary or share)) for run, share in shares]
        return shares

    def _compute(self) -> bool:
        """Compute the batch. False where nothing came of it and the step is to be made anew."""
        self._context.allow()
        self._computed = tuple(run.request for run in self._runs)
        started = time.perf_counter()
        try:
            if self._stopping or all(one.cancelled for one in self._computed):
                return False
            self._context.decode(self._batch)
        except DecodeAborted:
            for run in self._runs:
                self._sequences.repair(run.sequence)
            return False
        except NoRoom:
            self._make_room()
            return False
        finally:
            self._computed = ()
        if self._batch.count > SMALLEST_SHARE:
            self._rate = self._batch.count / (time.perf_counter() - started)
        return True

    def _read_ahead(self, expected: Expectation) -> None:
        """Compute some of what is expected, for as long as no request comes."""
        sequence = expected.place(self._sequences, self._kept)
        if sequence is None:
            self._expected = None
            return
        held = len(sequence.tokens)
        chunk = expected.tokens[held : held + min(CHUNK, self._context.batch_size)]
        self._batch.clear()
        self._batch.add(chunk, held, sequence.id, logits=0)
        self._context.allow()
        # What cannot forget would lose more by being stopped in the middle than it gains.
        self._ahead = not self._sequences.forgetful
        try:
            if self._inbox.empty() and not self._stopping:
                self._context.decode(self._batch)
                self._sequences.read(sequence, chunk)
        except DecodeAborted:
            self._sequences.repair(sequence)
        except Exception:  # no room, or llama.cpp failed: nobody asked for it
            self._sequences.drop(sequence)
            self._expected = None
        finally:
            self._ahead = False

    def _make_room(self) -> None:
        """Forget what no request needs; else park the youngest until another is done, when it
        reads again what it had. A request that fills the context alone is over."""
        if self._sequences.make_room():
            return
        youngest = self._runs[-1]
        if len(self._runs) == 1:
            youngest.reason = "context"
            self._end_finished()
            return
        self._runs.remove(youngest)
        self._sequences.drop(youngest.sequence)
        self._parked.appendleft(youngest)
        self._full = True

    def _fail(self, error: Exception) -> None:
        """llama.cpp failed: nobody knows what the cache holds now."""
        for run in self._runs:
            self._sequences.drop(run.sequence)
            run.error = error
            run.end()
        self._runs.clear()
        self._full = False
