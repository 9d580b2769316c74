"""What the user set, where, and which of it wins: the table of options, paths, environment, file.

The command line wins over the environment, the environment over the configuration file. What
nobody set is None here; `models.py` fills it from the catalogue, the model's file or the program.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from runner.errors import ConfigurationError

Group = Literal["sampling", "loading", "conversation", "output"]

KV_TYPES = ("f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0")
LARGEST_SEED = 2**32 - 2  # llama.cpp reads 2**32 - 1 as "draw one"
LARGEST_COUNT = 2**31 - 1  # what llama.cpp's C functions can be told
LARGEST_THREADS = 512  # GGML_MAX_N_THREADS

TRUE = ("1", "true", "yes", "on")
FALSE = ("0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class Option:
    """A row of the table of all options.

    `top_p` is `--top-p` on the command line, `RUNNER_TOP_P` in the environment and `top_p` in the
    configuration file. `default` says in words what holds where nobody set it; `minimum` and
    `maximum` are allowed values themselves.
    """

    name: str
    type: type
    group: Group
    help: str
    default: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return "RUNNER_" + self.name.upper()


OPTIONS: tuple[Option, ...] = (
    Option("temperature", float, "sampling",
           "How freely tokens are drawn; 0 always takes the likeliest.",
           "what the catalogue or the model's file recommends, else 0.8", 0),
    Option("top_p", float, "sampling",
           "Draw from the likeliest tokens that together have this probability; 1 is off.",
           "as recommended, else 0.95", 0, 1),
    Option("top_k", int, "sampling",
           "Draw from this many of the likeliest tokens; 0 is off.",
           "as recommended, else 40", 0, LARGEST_COUNT),
    Option("min_p", float, "sampling",
           "Drop tokens less likely than this share of the likeliest one; 0 is off.",
           "as recommended, else 0.05", 0, 1),
    Option("seed", int, "sampling",
           "Makes the draws repeatable.",
           "a new one for each reply", 0, LARGEST_SEED),
    Option("max_tokens", int, "sampling",
           "End a reply after this many tokens, its reasoning included.",
           "no limit but the context", 1),
    Option("ctx", int, "loading",
           "Tokens that prompt and reply may have together.",
           "the model's own context, at most 32768, as far as it fits into memory",
           1, LARGEST_COUNT),
    Option("threads", int, "loading",
           "Threads that compute.",
           "one for each fast core this process may use", 1, LARGEST_THREADS),
    Option("gpu_layers", int, "loading",
           "Layers to put on the GPU: -1 for all, 0 for none.",
           "as many as fit", -1, LARGEST_COUNT),
    Option("device", str, "loading",
           "Use these GPUs only, named as `runner doctor` names them and separated by commas, or "
           "cpu for none.",
           "all; an integrated one only where there is no other"),
    Option("rpc", str, "loading",
           "Use the devices of these workers too: host:port, separated by commas. `runner worker` "
           "serves one.",
           "none"),
    Option("tensor_split", str, "loading",
           "Share of the layers for each GPU, such as 3,1.",
           "by their free memory"),
    Option("cpu_moe", bool, "loading",
           "Keep the experts of a mixture on the CPU, and the rest of their layers on the GPU.",
           "false"),
    Option("require_gpu", bool, "loading",
           "Fail rather than compute on the CPU alone.",
           "false"),
    Option("kv", str, "loading",
           "Type of the KV cache; smaller ones save memory and cost accuracy.",
           "f16", choices=KV_TYPES),
    Option("flash_attention", str, "loading",
           "Compute attention without its large intermediate results; small KV types need it.",
           "auto: where the device can", choices=("auto", "on", "off")),
    Option("kv_store", float, "loading",
           "Gigabytes of disk for prompts that were read once and need not be read again; 0 keeps "
           "none.",
           "4, and never more than a tenth of the free disk", 0),
    Option("system", str, "conversation",
           "System prompt: what the model is told before you speak.",
           "none"),
    Option("think", str, "conversation",
           "Show or hide the model's reasoning.",
           "show", choices=("show", "hide")),
    Option("json", bool, "output",
           "Print the result as JSON on stdout.",
           "false"),
    Option("offline", bool, "output",
           "Make no connection, whatever is asked.",
           "false"),
    Option("quiet", bool, "output",
           "Print no remarks and no progress: only results and errors.",
           "false"),
    Option("verbose", bool, "output",
           "Print llama.cpp's log on stderr.",
           "false"),
)  # fmt: skip

BY_NAME: Mapping[str, Option] = {option.name: option for option in OPTIONS}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user set; None where nothing was. `origins` says where each value set came from."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    ctx: int | None = None
    threads: int | None = None
    gpu_layers: int | None = None
    device: str | None = None
    rpc: str | None = None
    tensor_split: str | None = None
    cpu_moe: bool | None = None
    require_gpu: bool | None = None
    kv: str | None = None
    flash_attention: str | None = None
    kv_store: float | None = None
    system: str | None = None
    think: str | None = None
    json: bool | None = None
    offline: bool | None = None
    quiet: bool | None = None
    verbose: bool | None = None
    origins: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        """The value of the option called `name`, or None."""
        return getattr(self, BY_NAME[name].name)

    def origin(self, name: str) -> str:
        """Where the value came from, such as "environment (RUNNER_CTX)"; "default" if unset."""
        return self.origins.get(name, "default")


def load(command_line: Mapping[str, object]) -> Settings:
    """The settings in force. Values of `command_line` that are None count as not given.

    Raises ConfigurationError, naming the file and key, the variable or the option.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for source in (_from_file(), _from_environment(), _from_command_line(command_line)):
        for name, (value, origin) in source.items():
            values[name], origins[name] = value, origin
    return Settings(**values, origins=origins)


Source = dict[str, tuple[Any, str]]
"""Of each option a source sets: its checked value and the source's name."""


def _from_command_line(given: Mapping[str, object]) -> Source:
    found: Source = {}
    for name, value in given.items():
        if name not in BY_NAME:
            raise _unknown(name, f"there is no option {name!r}")
        if value is not None:
            option = BY_NAME[name]
            found[name] = _checked(option, value, option.flag), "command line"
    return found


def _from_environment() -> Source:
    # Other variables that begin with RUNNER_ are not ours to refuse: CI systems set some.
    found: Source = {}
    for option in OPTIONS:
        text = os.environ.get(option.variable, "").strip()
        if text:
            value = _parsed(option, text)
            found[option.name] = (
                _checked(option, value, option.variable),
                f"environment ({option.variable})",
            )
    return found


def _from_file() -> Source:
    path = config_file()
    found: Source = {}
    for key, value in _read(path).items():
        if key not in BY_NAME:
            raise _unknown(key, f"{path}: there is no option {key!r}")
        option = BY_NAME[key]
        found[key] = _checked(option, value, f"{path}: {key}"), f"file ({path})"
    return found


def _read(path: Path) -> dict[str, Any]:
    """The file's table; an empty one where there is no file."""
    import tomllib

    try:
        # utf-8-sig: some Windows editors begin a file with a byte order mark.
        return tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path}: is not TOML: {error}",
            remedy='A line looks like `ctx = 8192` or `device = "cpu"`.',
        ) from error


def _parsed(option: Option, text: str) -> object:
    """A variable's text as the option's type, or the text itself where it is not one."""
    if option.type is bool:
        lowered = text.lower()
        return True if lowered in TRUE else False if lowered in FALSE else text
    try:
        return option.type(text)
    except ValueError:
        return text


def _checked(option: Option, value: object, where: str) -> Any:
    """`value` with the option's type, or ConfigurationError beginning with `where`."""
    wanted = ""
    if option.choices:
        wanted = "" if value in option.choices else _either(option.choices)
    elif not _is_a(option.type, value):
        kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
        wanted = kinds[option.type]
    elif isinstance(value, int | float) and not _within(option, value):
        wanted = _range(option)
    if wanted:
        raise ConfigurationError(f"{where} is {value!r}; it must be {wanted}")
    return option.type(value)


def _is_a(kind: type, value: object) -> bool:
    if isinstance(value, bool):  # which Python takes for an int
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def _within(option: Option, value: float) -> bool:
    # Also false for NaN and infinity, and for whole numbers beyond what a float can hold.
    lowest = -sys.float_info.max if option.minimum is None else option.minimum
    highest = sys.float_info.max if option.maximum is None else option.maximum
    return lowest <= value <= highest


def _range(option: Option) -> str:
    if option.maximum is None:
        return f"{option.minimum:g} or more"
    return f"from {option.minimum:g} to {option.maximum:.10g}"


def _either(choices: tuple[str, ...]) -> str:
    return ", ".join(choices[:-1]) + f" or {choices[-1]}"


def _unknown(name: str, message: str) -> ConfigurationError:
    import difflib

    wanted = name.replace("-", "_").lower()
    begun = [known for known in BY_NAME if wanted and known.startswith(wanted)]
    nearest = begun or difflib.get_close_matches(wanted, BY_NAME, n=1, cutoff=0)
    return ConfigurationError(message, remedy=f"The nearest is {nearest[0]!r}." if nearest else "")


def data_directory() -> Path:
    """Where models, history and records live: RUNNER_HOME, else the system's place for data."""
    if home := os.environ.get("RUNNER_HOME"):
        return Path(home).expanduser()
    import platformdirs

    return platformdirs.user_data_path("runner", appauthor=False)


def config_file() -> Path:
    """The configuration file: RUNNER_CONFIG, else the system's place for settings."""
    if named := os.environ.get("RUNNER_CONFIG"):
        return Path(named).expanduser()
    import platformdirs

    return platformdirs.user_config_path("runner", appauthor=False) / "config.toml"
