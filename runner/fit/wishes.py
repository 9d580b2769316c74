"""What the user asked for of a model's place: the rest is chosen."""

from dataclasses import dataclass

SEQUENCES = 4
"""Replies under way at once, and beginnings kept for later requests. They share the context; only
recurrent states and sliding windows cost memory for each."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """None leaves the choice to the program.

    `device` names devices, separated by commas, or says "cpu"; `rpc` holds workers as
    `host:port[,…]`.
    """

    context: int | None = None
    gpu_layers: int | None = None
    device: str | None = None
    require_gpu: bool = False
    kv_type: str | None = None
    threads: int | None = None
    rpc: str | None = None
    tensor_split: str | None = None
    experts_on_cpu: bool = False
    flash_attention: str | None = None
    sequences: int = SEQUENCES
