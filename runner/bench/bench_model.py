"""One arm, loaded in this process: runs a workload at a time, and tells what came of it."""

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.bench.arms import Arm
from runner.bench.record import Configuration, Energy, Sample
from runner.bench.workloads import Workload
from runner.engine.events import Finish
from runner.engine.options import Options
from runner.engine.sampling import Sampling
from runner.errors import RunnerError
from runner.fit.memory import CELLS
from runner.machine.conditions import Watch

if TYPE_CHECKING:
    from runner.prompt import Prompt

GREEDY = Sampling(temperature=0.0, seed=0)
WORDS = ("amber", "basalt", "cedar", "delta", "ember", "fjord", "garnet", "harbour", "indigo",
         "juniper", "kelp", "lagoon", "meadow", "nutmeg", "opal", "prairie")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a model says of itself once it is loaded. `left_out` names workloads that its context
    does not hold, with the tokens that they need."""

    seconds: float
    configuration: Configuration
    remarks: tuple[str, ...]
    left_out: dict[str, int]


class BenchModel:
    """Not thread-safe. Open with the workloads to come, so that the context is no larger than they
    need. `family` are processes that measure too: they are not among those that load the machine.
    """

    def __init__(
        self, arm: Arm, workloads: tuple[Workload, ...], family: tuple[int, ...] = ()
    ) -> None:
        """Raises what `models.ready` raises."""
        import time

        from runner import models
        from runner.bench.facts import configuration
        from runner.fit.placement import trained_context
        from runner.gguf import read_whole_header

        settings = replace(arm.settings, kv_store=0.0)  # what was read must be read again
        if settings.ctx is None:
            trained = trained_context(read_whole_header(arm.located.path))
            needed = -(-max(one.context for one in workloads) // CELLS) * CELLS
            settings = replace(settings, ctx=min(trained, needed))
        from runner.llama.devices import devices
        from runner.machine.usage import peak_memory

        peak_memory()  # it is followed from now on
        self._free_before = sum(one.memory_free for one in devices() if one.kind != "cpu")
        remarks: list[str] = []
        began = time.perf_counter()
        self._ready = models.ready(arm.located, settings, remark=remarks.append, sequences=1)
        seconds = time.perf_counter() - began
        self._model = self._ready.model
        self._watch = Watch(family=family)
        tokens = {one.name: self._needed(one) for one in workloads}
        self.loaded = Loaded(
            seconds=seconds,
            configuration=configuration(self._ready, settings),
            remarks=(*self._ready.placement.remarks, *remarks),
            left_out={n: c for n, c in tokens.items() if c > self._model.context_length},
        )

    def _needed(self, workload: Workload) -> int:
        if not workload.text:
            return workload.context
        prompt = self._prompt(workload, random.Random(0))
        return len(self._model.encode(prompt)) + workload.reply_tokens

    def run(self, workload: Workload, draw: str, *, again: bool = True) -> Sample:
        """One run, with a prompt and a reply that `draw` decides, and the first token of the same
        prompt `again` after it. Block, position and time are the caller's to fill. Raises
        RunnerError where it gave another number of tokens than asked."""
        prompt = self._drawn(workload, draw)
        options = self._options(workload, draw)
        if workload.depth:
            self._fill(workload.depth)
        self._watch.begin()
        with self._model.generate(prompt, options) as stream:
            finish = stream.drain()
        conditions = self._watch.end()
        made = finish.timings.reply_tokens
        if made != workload.sampled_tokens:
            raise RunnerError(f"{workload.name} gave {made} of {workload.sampled_tokens} tokens")
        return replace(
            _sample(finish, with_times=workload.kind != "prefill"),
            conditions=conditions,
            cached_first_token_seconds=self._again(workload, prompt) if again else None,
        )

    def _options(self, workload: Workload, draw: str) -> Options:
        sampling = GREEDY
        if workload.sampled:
            seed = random.Random(draw).randrange(2**31)
            sampling = replace(self._ready.sampling, seed=seed)
        return Options(
            sampling=sampling,
            max_tokens=workload.sampled_tokens,
            ignore_end=True,
            # Random tokens repeat themselves under a greedy choice: guessing would flatter there.
            speculate=bool(workload.text) and self._ready.options.speculate,
            reuse=bool(workload.depth),
            private=True,
            times=workload.kind != "prefill",
        )

    def _drawn(self, workload: Workload, draw: str) -> "Prompt | list[int]":
        """A prompt that no other run has: it differs from the first token after the depth on."""
        dice = random.Random(f"{workload.name} {draw}")
        if workload.text:
            return self._prompt(workload, dice)
        tail = workload.tokens(self._model.vocabulary, dice)
        if not workload.depth:
            return tail
        depth = self._depth(workload.depth + 1)
        if tail[0] == depth[-1]:  # what `_fill` had to end with
            tail[0] = (tail[0] + 1) % self._model.vocabulary.size
        return depth[:-1] + tail

    def _prompt(self, workload: Workload, dice: random.Random) -> "Prompt":
        from runner.prompt import Message

        note = f"Note {dice.randrange(10**6):06d} {' '.join(dice.sample(WORDS, 2))}."
        return self._ready.prompt([Message("user", f"{note}\n\n{workload.text}")])

    def _depth(self, count: int) -> list[int]:
        """The tokens that tests at a depth come after; deeper ones begin with those less deep."""
        dice, size = random.Random("depth"), self._model.vocabulary.size
        return [dice.randrange(size) for _ in range(count)]

    def _fill(self, depth: int) -> None:
        """Let the cache hold that many tokens and a way back to them. One more is read, after which
        caches that cannot forget take their snapshot."""
        options = Options(sampling=GREEDY, max_tokens=1, ignore_end=True, private=True)
        self._model.generate(self._depth(depth + 1), options).drain()

    def _again(self, workload: Workload, prompt: "Prompt | list[int]") -> float | None:
        """Seconds to the first token of the same prompt, now that it was read."""
        if workload.kind == "decode" or workload.depth:
            return None
        options = Options(sampling=GREEDY, max_tokens=1, ignore_end=True, private=True)
        timings = self._model.generate(prompt, options).drain().timings
        return timings.first_token_seconds if timings.reused_tokens else None

    def memory(self) -> tuple[tuple[int, int] | None, int | None]:
        """Peaks so far in bytes: (anonymous, file) where the system tells, and of the devices where
        layers are on some. They are no longer followed, so that this takes no time of runs."""
        from runner.machine.usage import peak_memory

        return peak_memory(last=True), self._device_memory()

    def _device_memory(self) -> int | None:
        """What they have less of now than before it was loaded."""
        from runner.llama.devices import devices

        if not self._ready.placement.gpu_layers:
            return None
        free = sum(one.memory_free for one in devices() if one.kind != "cpu")
        return max(0, self._free_before - free)

    def energy(self, prefill: Workload | None, decode: Workload | None) -> tuple[Energy, ...]:
        """Joules a token of these two, by every meter there is."""
        from runner.bench.energy import measure_energy

        numbers = iter(range(10**9))

        def repeated(workload: Workload | None) -> int:
            if workload is None:
                return 0
            sample = self.run(workload, f"energy {next(numbers)}", again=False)
            if workload.kind == "prefill":
                return sample.prompt_tokens - sample.cached_tokens
            return sample.reply_tokens  # the first comes with the one token of the prompt

        return measure_energy(lambda: repeated(prefill), lambda: repeated(decode))

    def close(self) -> None:
        self._ready.close()


def _sample(finish: Finish, *, with_times: bool) -> Sample:
    timings = finish.timings
    pairs = zip(finish.times, finish.times[1:], strict=False) if with_times else ()
    return Sample(
        block=0,
        position=0,
        began=0.0,
        prompt_tokens=timings.prompt_tokens,
        cached_tokens=timings.reused_tokens,
        reply_tokens=timings.reply_tokens,
        prefill_seconds=timings.prefill_seconds,
        first_token_seconds=timings.first_token_seconds,
        decode_seconds=timings.decode_seconds,
        total_seconds=timings.total_seconds,
        inter_token_seconds=tuple(round(after - before, 7) for before, after in pairs),
        guessed_tokens=timings.guessed_tokens,
        accepted_tokens=timings.accepted_tokens,
    )
