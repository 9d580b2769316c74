"""Every option and argument of the command line, each defined once, so that it means the same
everywhere. Commands take them as annotated parameters and turn them into settings with `settings`;
those that run a model take all of them at once with `every_option`.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from runner.errors import ConfigurationError
from runner.option import Option
from runner.settings import BY_NAME, OPTIONS, Settings, load

BRIEF = "more sampling"
"""The group that is told in a line each, without defaults: few need it, and it is long."""


def _option(name: str) -> Any:
    """A row of the table of options as typer wants it; a switch gets its opposite too."""
    option = BY_NAME[name]
    switch = option.type is bool
    brief = option.group == BRIEF
    return typer.Option(
        f"{option.flag}/--no-{option.flag[2:]}" if switch else option.flag,
        *option.more,
        help=option.help if switch or brief else f"{option.help} Default: {option.default}.",
        metavar="|".join(option.choices) or option.metavar,
        rich_help_panel=option.group.capitalize()
        + (" (`runner config` shows the defaults)" if brief else ""),
        show_default=False,
    )


Context = Annotated[int | None, _option("ctx")]
Threads = Annotated[int | None, _option("threads")]
GpuLayers = Annotated[int | None, _option("gpu_layers")]
Device = Annotated[str | None, _option("device")]
Rpc = Annotated[str | None, _option("rpc")]
TensorSplit = Annotated[str | None, _option("tensor_split")]
CpuMoe = Annotated[bool | None, _option("cpu_moe")]
RequireGpu = Annotated[bool | None, _option("require_gpu")]
Kv = Annotated[str | None, _option("kv")]
FlashAttention = Annotated[str | None, _option("flash_attention")]
Lora = Annotated[list[str] | None, _option("lora")]
ControlVector = Annotated[list[str] | None, _option("control_vector")]

ModelFolders = Annotated[list[str] | None, _option("model_folders")]

Json = Annotated[bool | None, _option("json")]
Offline = Annotated[bool | None, _option("offline")]
Quiet = Annotated[bool | None, _option("quiet")]
Verbose = Annotated[bool | None, _option("verbose")]

MODEL = (
    "A name of the catalogue or of `runner list --all`, org/repo[:QUANT] or hf.co/org/repo[:QUANT] "
    "of Hugging Face, or the path of a .gguf file."
)


def _model(help: str) -> Any:
    return typer.Argument(help=help, metavar="MODEL", show_default=False)


Model = Annotated[str, _model(MODEL)]
OptionalModel = Annotated[
    str | None, _model(f"{MODEL} Default: the one used last, else the small one inside.")
]
OptionalPull = Annotated[str | None, _model(MODEL)]
Models = Annotated[list[str], typer.Argument(help=MODEL, metavar="MODEL...", show_default=False)]


def settings(parameters: Mapping[str, Any]) -> Settings:
    """The settings in force, given a command's parameters by name (its `locals()`)."""
    return load({name: value for name, value in parameters.items() if name in BY_NAME})


def every_option(command: Callable[..., None]) -> Callable[..., None]:
    """`command`, which takes its own parameters and `settings`, with every option of the table."""

    @functools.wraps(command)
    def wrapped(**parameters: Any) -> None:
        chosen = settings(parameters)
        if chosen.logprobs is not None and not chosen.json:
            raise ConfigurationError("--logprobs are part of the JSON", remedy="Give --json too.")
        own = {name: value for name, value in parameters.items() if name not in BY_NAME}
        command(**own, settings=chosen)

    signature = inspect.signature(command, eval_str=True)
    own = [one for name, one in signature.parameters.items() if name != "settings"]
    parameters = [*own, *map(_parameter, OPTIONS)]
    wrapped.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return wrapped


def _parameter(option: Option) -> inspect.Parameter:
    kind: Any = list[option.type] if option.many else option.type  # type: ignore[name-defined]
    annotation = Annotated[kind | None, _option(option.name)]
    return inspect.Parameter(
        option.name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=annotation
    )
