"""Loading a model's weights as a placement says."""

from pathlib import Path

from runner.fit import Placement
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
