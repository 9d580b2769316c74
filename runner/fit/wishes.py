"""What the user asked for of a model's place: the rest is chosen."""

from dataclasses import dataclass

BATCH = 512
"""Tokens of a prompt read at a time; more is no faster on most CPUs and delays a cancel."""

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
    threads_batch: int | None = None
    batch: int | None = None
    micro_batch: int | None = None
    mmap: bool = True
    repack: bool = True
    rpc: str | None = None
    tensor_split: str | None = None
    experts_on_cpu: bool = False
    flash_attention: str | None = None
    sequences: int = SEQUENCES
    outputs: int | None = None
    """Tokens of a batch whose logits are kept at once; None for one of each sequence."""

    @property
    def tokens_at_once(self) -> int:
        """Tokens that are computed together at most, which buffers are made for."""
        if self.micro_batch is not None:
            return self.micro_batch
        return BATCH if self.batch is None else min(BATCH, self.batch)

    @property
    def tokens_handed(self) -> int:
        """Tokens that llama.cpp is handed at a time at most."""
        return self.batch or max(BATCH, self.tokens_at_once)
