"""Every option and argument of the command line, each defined once, so that it means the same
everywhere. Commands take them as annotated parameters and turn them into settings with `settings`;
those that run a model take all of them at once with `every_option`.
"""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
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
ThreadsBatch = Annotated[int | None, _option("threads_batch")]
BatchSize = Annotated[int | None, _option("batch")]
MicroBatch = Annotated[int | None, _option("micro_batch")]
Mmap = Annotated[bool | None, _option("mmap")]
Repack = Annotated[bool | None, _option("repack")]
GpuLayers = Annotated[int | None, _option("gpu_layers")]
Device = Annotated[str | None, _option("device")]
Rpc = Annotated[str | None, _option("rpc")]
TensorSplit = Annotated[str | None, _option("tensor_split")]
CpuMoe = Annotated[bool | None, _option("cpu_moe")]
RequireGpu = Annotated[bool | None, _option("require_gpu")]
Kv = Annotated[str | None, _option("kv")]
FlashAttention = Annotated[str | None, _option("flash_attention")]
Draft = Annotated[str | None, _option("draft")]
Seed = Annotated[int | None, _option("seed")]
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
    """The settings in force, given a command's parameters by name (its `locals()`). A parameter of
    its own must not be called as an option is, whatever its flag."""
    return load({name: value for name, value in parameters.items() if name in BY_NAME})


def every_option(command: Callable[..., None]) -> Callable[..., None]:
    """`command`, which takes its own parameters and `settings`, with every option of the table."""
    return every_option_but()(command)


def every_option_but(
    *meaningless: str,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As `every_option`, without those that would do nothing for the command."""
    return functools.partial(_with_options, [o for o in OPTIONS if o.name not in meaningless])


def _with_options(offered: Sequence[Option], command: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(command)
    def wrapped(**parameters: Any) -> None:
        chosen = _with_persona(parameters)
        if chosen.logprobs is not None and not chosen.json:
            raise ConfigurationError("--logprobs are part of the JSON", remedy="Give --json too.")
        own = {name: value for name, value in parameters.items() if name not in BY_NAME}
        command(**own, settings=chosen)

    signature = inspect.signature(command, eval_str=True)
    own = [one for name, one in signature.parameters.items() if name != "settings"]
    parameters = [*own, *map(_parameter, offered)]
    wrapped.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return wrapped


def _with_persona(parameters: Mapping[str, Any]) -> Settings:
    """The settings in force, with what the persona sets that they name, if any."""
    chosen = settings(parameters)
    if chosen.persona is None:
        return chosen
    from runner.chat.personas import find

    persona = find(chosen.persona)
    given = {name: value for name, value in parameters.items() if name in BY_NAME}
    if given.get("file"):
        # A persona's files belong to it, and go with those of the command line.
        given["file"] = [*persona.settings.get("file", ()), *given["file"]]
    over = load(given, persona.settings, f"persona ({persona.name})")
    return replace(over, model=persona.model)


def _parameter(option: Option) -> inspect.Parameter:
    kind: Any = list[option.type] if option.many else option.type  # type: ignore[name-defined]
    annotation = Annotated[kind | None, _option(option.name)]
    return inspect.Parameter(
        option.name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=annotation
    )
