"""What a chat says of itself: its model when it is there, and what each reply took."""

from runner.cli.words import duration
from runner.engine.events import Finish
from runner.models import Ready


def header(ready: Ready) -> str:
    """The model, its context and what computes it, in a line."""
    placement, name = ready.placement, ready.located.name
    if ready.located.quantization and ready.located.record is not None:
        name = f"{name} {ready.located.quantization}"
    name = " + ".join((name, *ready.model.adapters.names))
    threads = f"{placement.threads} thread{'s' if placement.threads != 1 else ''}"
    gpus = [device for device in ready.model.weights.layers_on if device != "CPU"]
    where = f"{' and '.join(gpus) or 'CPU'}, {threads}"
    return f"{name} · context {ready.model.context_length} · {where} · /help lists commands"


def took(finish: Finish, ready: Ready) -> str:
    """What a reply took, in a line."""
    timings, length = finish.timings, ready.model.context_length
    # The last token of a reply that fills the context has no place in it.
    used = min(timings.prompt_tokens + timings.reply_tokens, length)
    return " · ".join(
        (
            f"{timings.reply_tokens} tokens",
            f"{timings.decode_rate:.1f} tokens/s",
            f"first after {duration(timings.first_token_seconds)}",
            f"{timings.reused_tokens} of {timings.prompt_tokens} reused",
            f"context {used} of {length}",
        )
    )
