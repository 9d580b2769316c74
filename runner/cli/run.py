"""`runner run`: one answer to stdout."""

import locale
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from runner.cli import options
from runner.errors import INTERRUPTED, ConfigurationError

if TYPE_CHECKING:
    from runner.cli.replies import Replying
    from runner.cli.terminal.progress import PassingLine
    from runner.models import Ready
    from runner.settings import Settings

PROMPT = "What to say; `-`, or nothing, reads it from stdin. Other text on stdin follows it."
Prompt = Annotated[str | None, typer.Argument(metavar="PROMPT", help=PROMPT, show_default=False)]
RAW = "Continue the text as it stands, without a chat template: for base models."
Raw = Annotated[bool, typer.Option("--raw", help=RAW)]


def run(
    model: options.Model,
    prompt: Prompt = None,
    raw: Raw = False,
    temperature: options.Temperature = None,
    top_p: options.TopP = None,
    top_k: options.TopK = None,
    min_p: options.MinP = None,
    seed: options.Seed = None,
    max_tokens: options.MaxTokens = None,
    ctx: options.Context = None,
    threads: options.Threads = None,
    gpu_layers: options.GpuLayers = None,
    device: options.Device = None,
    rpc: options.Rpc = None,
    tensor_split: options.TensorSplit = None,
    cpu_moe: options.CpuMoe = None,
    require_gpu: options.RequireGpu = None,
    kv: options.Kv = None,
    flash_attention: options.FlashAttention = None,
    kv_store: options.KvStore = None,
    system: options.System = None,
    think: options.Think = None,
    json: options.Json = None,
    offline: options.Offline = None,
    quiet: options.Quiet = None,
    verbose: options.Verbose = None,
) -> None:
    """Answer one prompt on stdout.

    Reasoning goes to stderr, dimmed on a terminal, so that a pipe gets the answer alone.
    """
    settings = options.settings(locals())
    text = _text(prompt)
    if not text.strip() and not raw:
        raise ConfigurationError("the prompt is empty", remedy="Say something after MODEL.")
    if raw and system:
        raise ConfigurationError("--raw has no place for --system", remedy="Leave one of them out.")

    from runner.cli.loading import find, load
    from runner.cli.output import print_json, remark
    from runner.cli.replies import Screen, ending, facts, play
    from runner.cli.terminal.progress import PassingLine

    with load(find(model, settings), settings) as ready:
        for line in ready.placement.remarks:
            remark(line, settings)
        passing = PassingLine(settings)
        shows = not settings.json
        reasoning = shows and settings.think != "hide"
        screen = Screen(passing, reasoning=reasoning, answer=shows, summary=reasoning, exact=raw)
        reply = _reply(ready, text, settings, passing, raw=raw)
        said = play(reply, screen)
        if settings.json:
            print_json(facts(ready, said, reply.finish))
        elif why := ending(reply.finish, ready):
            remark(why, settings)
        if reply.finish.reason == "cancelled":
            raise typer.Exit(INTERRUPTED)


def _reply(
    ready: "Ready", text: str, settings: "Settings", line: "PassingLine", *, raw: bool
) -> "Replying":
    from runner.chat import Conversation

    def progress(done: int, total: int) -> None:
        line.show(f"read {done} of {total} tokens")

    if raw:
        return ready.continue_text(text, progress=progress)
    return Conversation(ready, settings.system or "").send(text, progress)


def _text(prompt: str | None) -> str:
    """The prompt and what stdin adds to it, a blank line between."""
    if prompt in (None, "-"):
        if sys.stdin.isatty():
            raise ConfigurationError(
                "there is no prompt",
                remedy="Give one after MODEL or on stdin; for a conversation, use `runner chat`.",
            )
        return _stdin()
    parts = (prompt, "" if sys.stdin.isatty() else _stdin())
    return "\n\n".join(part for part in parts if part)


def _stdin() -> str:
    """All of stdin, less the line end that `echo` and editors put last."""
    data = sys.stdin.buffer.read()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode(locale.getpreferredencoding(), "replace")
    return text.replace("\r\n", "\n").removesuffix("\n")
