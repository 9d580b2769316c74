"""Where a model goes when it is loaded: context, threads, layers on each device. Chosen from the
model and this machine unless the user said otherwise, and each choice with its reason."""

from dataclasses import dataclass
from pathlib import Path

from runner.errors import ConfigurationError, DeviceError, DoesNotFit
from runner.fit.here import Here, here
from runner.fit.limits import check_kv_type, has_flash_attention, learned_positions
from runner.fit.memory import CELLS, CPU, GUESSES, cache_layers, formula_buffers
from runner.fit.plans import COMFORTABLE_CONTEXT, Plan
from runner.fit.weights import weights_of
from runner.fit.wishes import BATCH, SEQUENCES, Wishes
from runner.gguf import Header, read_whole_header

ALONE = 2**24
"""Bytes of weights up to which one thread computes: a token takes a few hundred microseconds then,
and threads wait for each other after each of its hundred steps. A second one won an eighth where
nothing else ran, and made answers twenty times as slow where a core was busy."""


@dataclass(frozen=True, slots=True)
class Placement:
    """How to load a model. `gpu_layers` −1 means all, the output included; `devices` None means
    this machine's GPUs, `split` is the share of the layers that each device gets."""

    context: int
    gpu_layers: int
    devices: tuple[str, ...] | None
    threads: int
    kv_type: str
    remarks: tuple[str, ...] = ()
    """What a user should know: a context smaller than the model's, where its layers are."""
    sequences: int = SEQUENCES
    split: tuple[float, ...] = ()
    experts_on_cpu: bool = False
    flash_attention: str = "auto"
    threads_batch: int = 0
    """Threads that read prompts; where it is given as 0, as many as `threads`."""
    batch: int = BATCH
    micro_batch: int = BATCH
    mmap: bool = True
    repack: bool = True

    def __post_init__(self) -> None:
        if not self.threads_batch:
            object.__setattr__(self, "threads_batch", self.threads)


def place(path: Path, wishes: Wishes) -> Placement:
    """The placement of the model at `path` on this machine, and on the workers that are wished.

    By arithmetic from its header, in milliseconds. Raises DoesNotFit where the weights alone, or
    the context asked for, exceed the memory that is free; DeviceError where a GPU is required and
    none can be used, a device does not exist or a worker does not answer; ConfigurationError where
    the model cannot do what is asked; BadModelFile.
    """
    from runner import machine

    header = checked(path, wishes)
    plan = formula_plan(header, wishes, here(wishes))
    context = plan.context
    counts = plan.counts(context)
    _require_memory(path, plan, context if wishes.context is not None else CELLS)
    remarks = _context_remarks(plan)
    gpus = plan.here.gpus
    if gpus and wishes.gpu_layers != 0 and not sum(counts):
        too_large = f"no layer of {path.name} fits on " + " or ".join(gpu.name for gpu in gpus)
        if wishes.require_gpu:
            raise DeviceError(
                f"a GPU is required, and {too_large}",
                remedy="Choose a smaller quantization or free the GPU's memory.",
            )
        remarks = (f"{too_large}: the CPU has them all", *remarks)
    return Placement(
        context=context,
        gpu_layers=sum(counts),
        devices=tuple(gpu.name for gpu in gpus) if sum(counts) else (),
        threads=wishes.threads
        or (machine.processors().usable if header.weight_bytes > ALONE else 1),
        kv_type=plan.kv_type,
        remarks=remarks,
        split=counts if sum(counts) else (),
        experts_on_cpu=wishes.experts_on_cpu,
        sequences=wishes.sequences,
        flash_attention=wishes.flash_attention or "auto",
        threads_batch=wishes.threads_batch or 0,
        batch=wishes.tokens_handed,
        micro_batch=wishes.tokens_at_once,
        mmap=wishes.mmap,
        repack=wishes.repack,
    )


def checked(path: Path, wishes: Wishes) -> Header:
    """The header of all the model's files, if it can do what is wished.

    Raises ConfigurationError, BadModelFile.
    """
    header = read_whole_header(path)
    check_kv_type(header, wishes.kv_type or "f16", wishes.flash_attention or "auto")
    _check_batch(wishes)
    known = learned_positions(header)
    if wishes.context is not None and known is not None and wishes.context > known:
        raise ConfigurationError(
            f"a context of {wishes.context} tokens was asked for, and this model has learned "
            f"{known} positions and no others",
            remedy=f"Use --ctx {known} or less.",
        )
    return header


def _check_batch(wishes: Wishes) -> None:
    """A token of each reply, and what one of them guesses, are computed together."""
    least = wishes.sequences + GUESSES
    if wishes.tokens_handed < least:
        raise ConfigurationError(
            f"--batch {wishes.tokens_handed} has no room for {wishes.sequences} replies at once",
            remedy=f"Use --batch {least} or more.",
        )


def formula_plan(header: Header, wishes: Wishes, machine: Here) -> Plan:
    """The plan of a model by arithmetic from its header alone."""
    layers = cache_layers(
        header,
        kv_type=wishes.kv_type or "f16",
        sequences=wishes.sequences,
        batch=wishes.tokens_at_once,
    )
    flash = has_flash_attention(header, wishes.flash_attention or "auto")
    buffers = formula_buffers(
        header,
        layers,
        flash_attention=flash,
        outputs=wishes.outputs or wishes.sequences,
        batch=wishes.tokens_at_once,
    )
    return Plan(
        weights=weights_of(header, machine.sets),
        layers=tuple(layers),
        buffers=buffers,
        trained=trained_context(header),
        wishes=wishes,
        here=machine,
        reserve=int(buffers.compute_at(wishes.context or COMFORTABLE_CONTEXT)[CPU]),
    )


def trained_context(header: Header) -> int:
    """The context the model was trained for."""
    said = int(header.of_architecture("context_length") or 4096)
    return min(said, learned_positions(header) or said)


def _require_memory(path: Path, plan: Plan, context: int) -> None:
    needed = plan.needed(context)
    if needed <= plan.here.free:
        return
    what = "on the CPU " if sum(plan.counts(context)) else ""
    raise DoesNotFit(
        f"{path.name} needs {needed / 2**30:.1f} GiB {what}with a context of {context} tokens, "
        f"and {plan.here.free / 2**30:.1f} GiB are free",
        remedy="Choose a smaller --ctx, --kv q8_0, or a smaller quantization or model."
        if plan.needed(CELLS) < plan.here.free
        else "Choose a smaller quantization or a smaller model.",
    )


def _context_remarks(plan: Plan) -> tuple[str, ...]:
    asked, context = plan.wishes.context, plan.context
    if asked is not None and asked > plan.trained:
        return (f"the model was trained for {plan.trained} tokens of context, not for {asked}",)
    if asked is None and context < plan.comfortable:
        return (f"context {context} of the model's {plan.trained}: no more fits into memory",)
    return ()
