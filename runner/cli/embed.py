"""`runner embed`: vectors of texts."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runner.cli import options
from runner.cli.stdin import read_text
from runner.errors import ConfigurationError

if TYPE_CHECKING:
    from runner.engine.embed import Embedder
    from runner.settings import Settings

TEXTS = "Texts to embed; without any, each line of stdin is one."
Texts = Annotated[
    list[str] | None, typer.Argument(metavar="TEXT...", help=TEXTS, show_default=False)
]


def embed(
    model: options.Model,
    texts: Texts = None,
    ctx: options.Context = None,
    threads: options.Threads = None,
    threads_batch: options.ThreadsBatch = None,
    mmap: options.Mmap = None,
    repack: options.Repack = None,
    gpu_layers: options.GpuLayers = None,
    device: options.Device = None,
    require_gpu: options.RequireGpu = None,
    json: options.Json = None,
    offline: options.Offline = None,
    quiet: options.Quiet = None,
    verbose: options.Verbose = None,
) -> None:
    """Turn texts into vectors, or show which of them are alike.

    With --json, each line has one text's vector, of length 1; else a table names for each text the
    one most similar to it (their cosine: 1 is the same).
    """
    settings = options.settings(locals())
    wanted = texts or _lines()
    if not wanted:
        raise ConfigurationError("there is no text", remedy="Give some after MODEL or on stdin.")

    from runner.cli.loading import find, load_embedder
    from runner.cli.output import print_json

    with load_embedder(find(model, settings), settings) as loaded:
        vectors = _embed(loaded, wanted, settings)
    if settings.json:
        for index, (text, vector) in enumerate(zip(wanted, vectors, strict=True)):
            numbers = [float(f"{number:.9g}") for number in vector]
            print_json({"index": index, "text": text, "vector": numbers}, indent=None)
    else:
        _print_likeness(wanted, vectors)


def _embed(loaded: "Embedder", texts: list[str], settings: "Settings") -> Any:
    """The vectors, with a line that says how far it is; Ctrl-C stops it between batches."""
    import threading

    from runner.cli.terminal.interrupts import on_interrupt
    from runner.cli.terminal.progress import PassingLine

    line = PassingLine(settings)
    stopped = threading.Event()

    def progress(done: int, total: int) -> bool:
        line.show(f"embedded {done} of {total} texts")
        return not stopped.is_set()

    try:
        with on_interrupt(stopped.set):
            return loaded.embed(texts, progress=progress)
    finally:
        line.clear()


def _print_likeness(texts: list[str], vectors: Any) -> None:
    """Each text with the other that is most like it; of a single one, how long its vector is."""
    import numpy as np

    from runner.cli.output import print_table

    shown = [" ".join(text.split())[:60] for text in texts]
    if len(texts) == 1:
        print_table(("TEXT", "NUMBERS"), [(shown[0], str(len(vectors[0])))])
        return
    rows = []
    for number, text in enumerate(shown):
        likeness = vectors @ vectors[number]
        likeness[number] = -np.inf
        nearest = int(likeness.argmax())
        rows.append((str(number + 1), text, str(nearest + 1), f"{likeness[nearest]:.3f}"))
    print_table(("#", "TEXT", "NEAREST", "COSINE"), rows)


def _lines() -> list[str]:
    """The lines of stdin, without their ends; empty ones count, so that numbers match."""
    text = "" if sys.stdin.isatty() else read_text()
    return text.split("\n") if text else []
