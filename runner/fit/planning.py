"""The plan of a model by llama.cpp itself, from its file or from a sparse file that holds only the
real header."""

from dataclasses import replace
from pathlib import Path

from runner.errors import BadModelFile
from runner.fit.header import widest, words_of
from runner.fit.here import Here, here
from runner.fit.memory import (
    GUESSES,
    Buffers,
    own_bytes,
    rounded,
    work_bytes,
)
from runner.fit.placement import checked, formula_plan
from runner.fit.plans import Plan
from runner.fit.wishes import BATCH, Wishes
from runner.gguf import Header

LADDER = (BATCH, 2048, 8192, 32768)
"""Contexts that are planned, beside the one that is wanted and the largest; between them buffers
grow evenly but for steps that are small."""

LONGEST = 2**20
"""The longest context that is planned: llama.cpp really makes the table of its cells. Beyond, it
goes on as it did before."""


def plan(path: Path, wishes: Wishes, machine: Here | None = None) -> Plan:
    """How the model at `path` would run here, by llama.cpp's own figures, in a child process.

    `machine` is what there is, else looked up. Raises BadModelFile, DeviceError, BuildError,
    ConfigurationError where the model cannot do what is asked.
    """
    header = checked(path, wishes)
    by_formula = formula_plan(header, wishes, machine or here(wishes))
    counts = by_formula.counts(by_formula.context)
    return replace(by_formula, buffers=_planned(path, header, by_formula, counts), by="llama.cpp")


def _planned(path: Path, header: Header, rough: Plan, counts: tuple[int, ...]) -> Buffers:
    from runner.llama.plan import Question, dry_plan

    wishes, limit = rough.wishes, min(LONGEST, max(rough.trained, rough.context))
    wanted = (min(LONGEST, rough.context), limit, *(step for step in LADDER if step < limit))
    contexts = {rounded(context) for context in wanted}  # as llama.cpp does
    gpus = rough.here.gpus if sum(counts) else ()
    workers = [gpu.worker for gpu in gpus]
    answer = dry_plan(
        path,
        Question(
            contexts=tuple(sorted(contexts)),
            batch=wishes.tokens_handed,
            micro_batch=wishes.tokens_at_once,
            outputs=wishes.sequences + GUESSES,
            sequences=wishes.sequences,
            kv_type=rough.kv_type,
            flash_attention=wishes.flash_attention or "auto",
            gpu_layers=sum(counts),
            devices=tuple(
                (gpu.worker, gpu.name, workers[:number].count(gpu.worker))
                for number, gpu in enumerate(gpus)
            ),
            split=tuple(map(float, counts)) if sum(counts) else (),
            experts_on_cpu=wishes.experts_on_cpu,
        ),
    )
    if not answer.contexts:
        raise BadModelFile(f"llama.cpp planned nothing for {path.name}")
    held = answer.held
    return Buffers(
        contexts=tuple(one.context for one in answer.contexts),
        # Where llama.cpp logs no cache, the formulas stand in.
        caches=tuple(
            one.caches or int(rough.buffers.caches_at(one.context)) for one in answer.contexts
        ),
        compute=tuple(one.compute for one in answer.contexts),
        outputs=max(one.outputs for one in answer.contexts),
        held=rough.buffers.held
        if held is None
        else held + work_bytes(widest(header), wishes.tokens_at_once) + own_bytes(words_of(header)),
    )
