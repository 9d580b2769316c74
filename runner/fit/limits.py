"""What a model cannot do, found in its header before llama.cpp fails or aborts over it."""

from runner.errors import ConfigurationError
from runner.fit.memory import KV_BYTES
from runner.gguf import Header

BLOCK = 32
"""Elements that a quantized KV type stores together."""

WITHOUT_FLASH_ATTENTION = ("grok",)
"""Architectures for which llama.cpp turns flash attention off."""


def check_kv_type(header: Header, kv_type: str, flash_attention: str) -> None:
    """Raise ConfigurationError where this model cannot have that type of KV cache."""
    if KV_BYTES[kv_type] >= 2:  # not quantized
        return
    instead = "Use --kv f16."
    if flash_attention == "off":
        raise ConfigurationError(
            f"--kv {kv_type} needs flash attention, which is off",
            remedy="Leave --flash-attention out, or use --kv f16.",
        )
    if header.architecture in WITHOUT_FLASH_ATTENTION:
        raise ConfigurationError(
            f"--kv {kv_type} needs flash attention, and {header.architecture} models have none",
            remedy=instead,
        )
    for size in _head_sizes(header):
        if size % BLOCK:
            raise ConfigurationError(
                f"--kv {kv_type} stores blocks of {BLOCK} numbers, and the heads of this model "
                f"have {size}",
                remedy=instead,
            )


def has_flash_attention(header: Header, asked: str) -> bool:
    """Whether llama.cpp computes this model's attention without a table of all scores."""
    return asked != "off" and header.architecture not in WITHOUT_FLASH_ATTENTION


def _head_sizes(header: Header) -> list[int]:
    heads = header.of_architecture("attention.head_count")
    most = max(heads, default=0) if isinstance(heads, list) else int(heads or 0)
    default = int(header.of_architecture("embedding_length") or 0) // max(most, 1)
    sizes = (header.of_architecture(f"attention.{name}_length") for name in ("key", "value"))
    return [int(size) if size is not None else default for size in sizes]


def learned_positions(header: Header) -> int | None:
    """How many positions a model has that learned each one (GPT-2, StarCoder); None for others,
    which compute them. llama.cpp aborts where one is asked for beyond."""
    for tensor in header.tensors:
        if tensor.name == "position_embd.weight":
            return tensor.shape[1]
    return None
