"""Loading a model's weights, and making its context, as a placement says."""

from pathlib import Path

from runner.fit import Placement
from runner.llama.context import LlamaContext
from runner.llama.model import LlamaModel, Progress


def load_weights(path: Path, placement: Placement, progress: Progress | None = None) -> LlamaModel:
    """The model at `path`, its layers on the devices of the placement. Raises what LlamaModel
    raises."""
    return LlamaModel(
        path,
        gpu_layers=placement.gpu_layers,
        devices=placement.devices,
        split=placement.split,
        experts_on_cpu=placement.experts_on_cpu,
        mmap=placement.mmap,
        repack=placement.repack,
        progress=progress,
    )


def open_context(model: LlamaModel, placement: Placement, *, outputs: int) -> LlamaContext:
    """The context of a loaded model, with logits for `outputs` tokens of a batch. Raises what
    LlamaContext raises."""
    return LlamaContext(
        model,
        context=placement.context,
        batch=placement.batch,
        micro_batch=placement.micro_batch,
        threads=placement.threads,
        threads_batch=placement.threads_batch,
        kv_type=placement.kv_type,
        flash_attention=placement.flash_attention,
        sequences=placement.sequences,
        outputs=outputs,
    )
