"""Every option and argument of the command line, each defined once, so that it means the same
everywhere. Commands take them as annotated parameters and turn them into settings with `settings`.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from runner.settings import BY_NAME, Settings, load


def _option(name: str, *more: str, metavar: str | None = None) -> Any:
    """A row of the table of options as typer wants it; a switch gets its opposite too."""
    option = BY_NAME[name]
    switch = option.type is bool
    return typer.Option(
        f"{option.flag}/--no-{option.flag[2:]}" if switch else option.flag,
        *more,
        help=option.help if switch else f"{option.help} Default: {option.default}.",
        metavar="|".join(option.choices) or metavar,
        rich_help_panel=option.group.capitalize(),
        show_default=False,
    )


Temperature = Annotated[float | None, _option("temperature", "--temp", metavar="NUMBER")]
TopP = Annotated[float | None, _option("top_p", metavar="0..1")]
TopK = Annotated[int | None, _option("top_k", metavar="COUNT")]
MinP = Annotated[float | None, _option("min_p", metavar="0..1")]
Seed = Annotated[int | None, _option("seed", metavar="NUMBER")]
MaxTokens = Annotated[int | None, _option("max_tokens", metavar="COUNT")]

Context = Annotated[int | None, _option("ctx", metavar="TOKENS")]
Threads = Annotated[int | None, _option("threads", metavar="COUNT")]
GpuLayers = Annotated[int | None, _option("gpu_layers", metavar="COUNT")]
Device = Annotated[str | None, _option("device", metavar="NAME[,NAME]...")]
Rpc = Annotated[str | None, _option("rpc", metavar="HOST:PORT[,...]")]
TensorSplit = Annotated[str | None, _option("tensor_split", metavar="SHARE,SHARE...")]
CpuMoe = Annotated[bool | None, _option("cpu_moe")]
RequireGpu = Annotated[bool | None, _option("require_gpu")]
Kv = Annotated[str | None, _option("kv")]
FlashAttention = Annotated[str | None, _option("flash_attention", "--flash-attn")]
KvStore = Annotated[float | None, _option("kv_store", metavar="GB")]

System = Annotated[str | None, _option("system", metavar="TEXT")]
Think = Annotated[str | None, _option("think")]

Json = Annotated[bool | None, _option("json")]
Offline = Annotated[bool | None, _option("offline")]
Quiet = Annotated[bool | None, _option("quiet")]
Verbose = Annotated[bool | None, _option("verbose")]

MODEL = (
    "A name of the catalogue, org/repo[:QUANT] or hf.co/org/repo[:QUANT] of Hugging Face, or the "
    "path of a .gguf file."
)


def _model(help: str) -> Any:
    return typer.Argument(help=help, metavar="MODEL", show_default=False)


Model = Annotated[str, _model(MODEL)]
OptionalModel = Annotated[
    str | None, _model(f"{MODEL} Default: the one used last, else the small one inside.")
]
Models = Annotated[list[str], typer.Argument(help=MODEL, metavar="MODEL...", show_default=False)]


def settings(parameters: Mapping[str, Any]) -> Settings:
    """The settings in force, given a command's parameters by name (its `locals()`)."""
    return load({name: value for name, value in parameters.items() if name in BY_NAME})
