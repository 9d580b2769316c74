"""`runner quantize`: a smaller file of a model."""

from pathlib import Path
from typing import Annotated

import typer

from runner.cli import options

COMMON_KINDS = ("Q8_0", "Q6_K", "Q5_K_M", "Q5_K_S", "Q4_K_M", "Q4_K_S", "Q4_0", "IQ4_NL", "IQ4_XS",
                "Q3_K_L", "Q3_K_M", "Q3_K_S", "Q2_K", "F16", "BF16")  # fmt: skip

KIND = "The quantization to make, such as Q4_K_M; any other word lists them."
OUT = "The file to write. Default: beside a file given by its path, else in Runner's own folder."
REQUANTIZE = "Also make it from a file that is quantized already, which costs quality."
IMATRIX = "Importance matrix (GGUF) of this model; the smallest kinds need one."


def quantize(
    model: options.Model,
    kind: Annotated[str, typer.Argument(help=KIND, metavar="KIND", show_default=False)],
    out: Annotated[Path | None, typer.Option(help=OUT, metavar="FILE", show_default=False)] = None,
    requantize: Annotated[bool, typer.Option("--requantize", help=REQUANTIZE)] = False,
    imatrix: Annotated[
        Path | None, typer.Option(help=IMATRIX, metavar="FILE", show_default=False)
    ] = None,
    threads: options.Threads = None,
    json: options.Json = None,
    quiet: options.Quiet = None,
) -> None:
    """Make a smaller file of a model.

    The best source is an F16 or BF16 file. What is made is loaded and tried before it gets its
    name; Ctrl-C leaves nothing behind.
    """
    settings = options.settings(locals())

    import dataclasses
    import time

    from runner.cli.output import print_json, remark
    from runner.cli.terminal.clean import clean
    from runner.cli.terminal.progress import PassingLine
    from runner.cli.words import duration, size
    from runner.models.quantize import quantize as make

    line = PassingLine(settings)
    begun = time.monotonic()

    def progress(what: str, done: int, total: int) -> None:
        left = ""
        if what == "making" and done > total / 20:
            left = f", {duration((time.monotonic() - begun) * (total - done) / done)} left"
        line.show(f"{what} {kind}: {size(done)} of {size(total)}{left}")

    def above(text: str) -> None:
        line.clear()
        remark(text, settings)

    try:
        made = make(
            model,
            kind,
            out=out,
            threads=settings.threads,
            requantize=requantize,
            imatrix=imatrix,
            folders=settings.model_folders or (),
            progress=progress,
            remark=above,
        )
    finally:
        line.clear()
    if settings.json:
        print_json(dataclasses.asdict(made))
    else:
        print(clean(f"{made.kind}   {size(made.bytes)}   {made.path}"))
