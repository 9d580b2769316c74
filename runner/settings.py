"""What the user set, where, and which of it wins: the table of options, paths, environment, file.

The command line wins over a persona, a persona over the environment, the environment over the
configuration file. What nobody set is None here; `models.py` fills it from the catalogue, the
model's file or the program.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.errors import ConfigurationError
from runner.option import Option
from runner.paths import config_file

KV_TYPES = ("f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0")
SAMPLERS = ("penalties", "dry", "top_n_sigma", "top_k", "typical_p", "top_p", "min_p", "xtc",
            "temperature")  # fmt: skip
LARGEST_SEED = 2**32 - 2  # llama.cpp reads 2**32 - 1 as "draw one"
LARGEST_COUNT = 2**31 - 1  # what llama.cpp's C functions can be told
LARGEST_THREADS = 512  # GGML_MAX_N_THREADS
SMALLEST_BATCH = 32  # room for a token of each reply under way, and for guesses of one
WORKER_PORT = 50052  # where a worker listens unless told otherwise, as llama.cpp's own does

HUB_OFFLINE = "HF_HUB_OFFLINE"  # huggingface_hub's own, which means the same …
HUB_TRUE = ("1", "ON", "YES", "TRUE")  # … by these values

OPTIONS: tuple[Option, ...] = (
    Option("temperature", float, "sampling",
           "How freely tokens are drawn; 0 always takes the likeliest.",
           "what the catalogue or the model's file recommends, else 0.8", 0,
           metavar="NUMBER", more=("--temp",)),
    Option("top_p", float, "sampling",
           "Draw from the likeliest tokens that together have this probability; 1 is off.",
           "as recommended, else 0.95", 0, 1, metavar="0..1"),
    Option("top_k", int, "sampling",
           "Draw from this many of the likeliest tokens; 0 is off.",
           "as recommended, else 40", 0, LARGEST_COUNT, metavar="COUNT"),
    Option("min_p", float, "sampling",
           "Drop tokens less likely than this share of the likeliest one; 0 is off.",
           "as recommended, else 0.05", 0, 1, metavar="0..1"),
    Option("seed", int, "sampling",
           "Makes the draws repeatable.",
           "a new one for each reply", 0, LARGEST_SEED, metavar="NUMBER"),
    Option("max_tokens", int, "sampling",
           "End a reply after this many tokens, its reasoning included.",
           "no limit but the context", 1, metavar="COUNT"),
    Option("stop", str, "sampling",
           "End the answer where this text would begin; may be given several times.",
           "none", many=True, metavar="TEXT"),
    Option("json_schema", str, "structure",
           "Hold the answer to this JSON Schema: its text, or the file that has it.",
           "none", metavar="TEXT|FILE", more=("--schema",)),
    Option("regex", str, "structure",
           "Hold the answer to what matches all of this regular expression.",
           "none", metavar="PATTERN"),
    Option("choice", str, "structure",
           "Hold the answer to one of these texts; given several times.",
           "none", many=True, metavar="TEXT"),
    Option("grammar", str, "structure",
           "Hold the answer to the GBNF grammar in this file.",
           "none", metavar="FILE", reaches_out=True),
    Option("ctx", int, "loading",
           "Tokens that prompt and reply may have together.",
           "the model's own context, at most 32768, as far as it fits into memory",
           1, LARGEST_COUNT, metavar="TOKENS"),
    Option("threads", int, "loading",
           "Threads that compute.",
           "one for each fast core this process may use", 1, LARGEST_THREADS, metavar="COUNT"),
    Option("threads_batch", int, "loading",
           "Threads that read a prompt.",
           "as many as --threads", 1, LARGEST_THREADS, metavar="COUNT"),
    Option("batch", int, "loading",
           "Tokens of prompts that are handed to llama.cpp at a time; between two it can stop.",
           "512, or --micro-batch where that is more", SMALLEST_BATCH, LARGEST_COUNT,
           metavar="TOKENS", more=("--batch-size",)),
    Option("micro_batch", int, "loading",
           "Tokens of those that are computed at once, at most; more take more memory.",
           "512, or --batch where that is less", 1, LARGEST_COUNT,
           metavar="TOKENS", more=("--ubatch-size",)),
    Option("mmap", bool, "loading",
           "Map the model's file instead of copying it into memory.",
           "true"),
    Option("repack", bool, "loading",
           "Copy weights into the order that this processor reads fastest.",
           "true"),
    Option("gpu_layers", int, "loading",
           "Layers to put on the GPU: -1 for all, 0 for none.",
           "as many as fit", -1, LARGEST_COUNT, metavar="COUNT"),
    Option("device", str, "loading",
           "Use these GPUs only, named as `runner doctor` names them and separated by commas, or "
           "cpu for none.",
           "all; an integrated one only where there is no other", metavar="NAME[,NAME]..."),
    Option("rpc", str, "loading",
           "Use the devices of these workers too: host:port, separated by commas. `runner worker` "
           "serves one.",
           "none", metavar="HOST:PORT[,...]", settable=False, reaches_out=True),
    Option("tensor_split", str, "loading",
           "Share of the layers for each GPU, such as 3,1.",
           "by their free memory", metavar="SHARE,SHARE..."),
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
           "auto: where the device can", choices=("auto", "on", "off"), more=("--flash-attn",)),
    Option("kv_store", float, "loading",
           "Gigabytes of disk for prompts that were read once and need not be read again; 0 keeps "
           "none.",
           "4, and never more than a tenth of the free disk", 0, metavar="GB", settable=False),
    Option("draft", str, "loading",
           "A smaller model of the same vocabulary that guesses what comes next, to be quicker; "
           "auto takes the one that the catalogue names.",
           "none", metavar="MODEL", reaches_out=True),
    Option("lora", str, "loading",
           "LoRA adapter for the model, and how strongly it acts. Give it again for several.",
           "none", many=True, metavar="FILE[:SCALE]", reaches_out=True),
    Option("control_vector", str, "loading",
           "Control vector for the model, and how strongly it acts; several as with --lora.",
           "none", many=True, metavar="FILE[:SCALE]", reaches_out=True),
    Option("model_folders", str, "loading",
           "Find models in this folder too, as `runner list --all` does; given several times.",
           "none beside the Hugging Face cache, LM Studio's and Ollama's", many=True,
           metavar="FOLDER", settable=False, reaches_out=True),
    Option("system", str, "conversation",
           "System prompt: what the model is told before you speak.",
           "none", metavar="TEXT"),
    Option("think", str, "conversation",
           "Show the model's reasoning, fold it to a line when the answer begins, hide it, or "
           "have none where the model can do without.",
           "fold in a chat at a terminal, else show",
           choices=("show", "fold", "hide", "on", "off"), settable=True),
    Option("think_tokens", int, "conversation",
           "Close the reasoning after this many tokens, so that the answer follows.",
           "no limit", 0, LARGEST_COUNT, metavar="COUNT", settable=True),
    Option("persona", str, "conversation",
           "A named preset of system prompt, model, sampling, files and schema; `runner personas` "
           "lists them.",
           "none", metavar="NAME|FILE"),
    Option("file", str, "conversation",
           "Attach this file to the first message; given several times.",
           "none", many=True, metavar="FILE"),
    Option("template", str, "conversation",
           "Use the Jinja chat template in this file in place of the model's own.",
           "the one in the model's file", metavar="FILE"),
    Option("tool", str, "conversation",
           "Offer the model this Python function, or all public ones of a file; given several "
           "times.",
           "none", many=True, metavar="FILE.py[:FUNCTION]"),
    Option("mcp", str, "conversation",
           "Offer the model the tools of this server of the Model Context Protocol: its command or "
           "its address; given several times.",
           "none", many=True, metavar="COMMAND|URL"),
    Option("allow_tool", str, "conversation",
           "Run this tool without asking; * stands for any letters. Given several times.",
           "ask before each call", many=True, metavar="NAME"),
    Option("save", bool, "conversation",
           "Keep conversations on this disk. --no-save leaves no trace of one, also none of what "
           "the model read for it.",
           "true"),
    Option("when_full", str, "conversation",
           "What to do where the context is full: ask, stop, drop the oldest turns, summarise "
           "them, or load the model again with a larger context.",
           "ask at a terminal, else stop",
           choices=("ask", "stop", "drop", "summarise", "larger"), settable=True),
    Option("keys", str, "conversation",
           "Keys of the input line.",
           "emacs", choices=("emacs", "vi")),
    Option("plain", bool, "output",
           "Print plain text: no Markdown, no colours, no line that is drawn again.",
           "false where output goes to a terminal"),
    Option("json", bool, "output",
           "Print the result as JSON on stdout.",
           "false"),
    Option("logprobs", int, "output",
           "In the JSON, give each token's log-probability and this many of the likeliest tokens.",
           "none", 0, LARGEST_COUNT, metavar="COUNT"),
    Option("offline", bool, "output",
           "Make no connection, whatever is asked.",
           "false"),
    Option("quiet", bool, "output",
           "Print no remarks and no progress: only results and errors.",
           "false", settable=True),
    Option("verbose", bool, "output",
           "Print llama.cpp's log on stderr.",
           "false"),
    Option("repeat_penalty", float, "more sampling",
           "Divides the logits of repeated tokens; 1: off.",
           "as recommended, else 1", 0.01, metavar="NUMBER"),
    Option("frequency_penalty", float, "more sampling",
           "Is taken from a logit for each repetition.",
           "0", -100, 100, metavar="NUMBER"),
    Option("presence_penalty", float, "more sampling",
           "Is taken once from a repeated token's logit.",
           "as recommended, else 0", -100, 100, metavar="NUMBER"),
    Option("repeat_last_n", int, "more sampling",
           "Tokens these three look back at; -1: all.",
           "as recommended, else 64", -1, LARGEST_COUNT, metavar="COUNT"),
    Option("dry_multiplier", float, "more sampling",
           "Strength of DRY, against repeated phrases.",
           "0", 0, metavar="NUMBER"),
    Option("dry_base", float, "more sampling",
           "Growth of its penalty with each token.",
           "1.75", 1, metavar="NUMBER"),
    Option("dry_allowed_length", int, "more sampling",
           "Tokens of repetition that it lets pass.",
           "2", 1, LARGEST_COUNT, metavar="COUNT"),
    Option("dry_penalty_last_n", int, "more sampling",
           "Tokens it looks back at; -1: all.",
           "4096", -1, LARGEST_COUNT, metavar="COUNT"),
    Option("dry_sequence_breaker", str, "more sampling",
           "It does not look past this; repeatable.",
           "a line break, a colon, a double quote and an asterisk", many=True, metavar="TEXT"),
    Option("xtc_probability", float, "more sampling",
           "Chance that XTC drops the likeliest tokens.",
           "as recommended, else 0", 0, 1, metavar="0..1"),
    Option("xtc_threshold", float, "more sampling",
           "From this probability on XTC drops tokens.",
           "as recommended, else 0.1", 0, 1, metavar="0..1"),
    Option("typical_p", float, "more sampling",
           "Keep typical tokens up to this sum; 1: off.",
           "1", 0, 1, metavar="0..1"),
    Option("top_n_sigma", float, "more sampling",
           "Keep logits this many deviations from the top.",
           "0", 0, metavar="NUMBER"),
    Option("dynatemp_range", float, "more sampling",
           "Let the temperature move so far with doubt.",
           "0", 0, metavar="NUMBER"),
    Option("dynatemp_exp", float, "more sampling",
           "How it moves: below 1 early, above 1 late.",
           "1", 0, metavar="NUMBER"),
    Option("mirostat", int, "more sampling",
           "Hold surprise steady, by version 1 or 2.",
           "as recommended, else 0", 0, 2, metavar="0|1|2"),
    Option("mirostat_tau", float, "more sampling",
           "Surprise that Mirostat aims at, in bits.",
           "as recommended, else 5", 0, metavar="NUMBER"),
    Option("mirostat_eta", float, "more sampling",
           "How fast Mirostat corrects itself.",
           "as recommended, else 0.1", 0, metavar="NUMBER"),
    Option("adaptive_target", float, "more sampling",
           "Prefer tokens of about this probability.",
           "off", 0, 1, metavar="0..1"),
    Option("adaptive_decay", float, "more sampling",
           "How long that remembers what was drawn.",
           "0.9", 0, 0.99, metavar="0..0.99"),
    Option("logit_bias", str, "more sampling",
           "Add to the logit of a token; repeatable.",
           "none", many=True, metavar="TOKEN=BIAS"),
    Option("samplers", str, "more sampling",
           "The filters that act, in order.",
           "as recommended, else " + ",".join(SAMPLERS), metavar="NAMES"),
    Option("speculate", bool, "more sampling",
           "Guess repeated text, check it in one step.",
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
    stop: tuple[str, ...] | None = None
    json_schema: str | None = None
    regex: str | None = None
    choice: tuple[str, ...] | None = None
    grammar: str | None = None
    ctx: int | None = None
    threads: int | None = None
    threads_batch: int | None = None
    batch: int | None = None
    micro_batch: int | None = None
    mmap: bool | None = None
    repack: bool | None = None
    gpu_layers: int | None = None
    device: str | None = None
    rpc: str | None = None
    tensor_split: str | None = None
    cpu_moe: bool | None = None
    require_gpu: bool | None = None
    kv: str | None = None
    flash_attention: str | None = None
    kv_store: float | None = None
    draft: str | None = None
    lora: tuple[str, ...] | None = None
    control_vector: tuple[str, ...] | None = None
    model_folders: tuple[str, ...] | None = None
    system: str | None = None
    think: str | None = None
    think_tokens: int | None = None
    persona: str | None = None
    file: tuple[str, ...] | None = None
    template: str | None = None
    tool: tuple[str, ...] | None = None
    mcp: tuple[str, ...] | None = None
    allow_tool: tuple[str, ...] | None = None
    save: bool | None = None
    when_full: str | None = None
    keys: str | None = None
    plain: bool | None = None
    json: bool | None = None
    logprobs: int | None = None
    offline: bool | None = None
    quiet: bool | None = None
    verbose: bool | None = None
    repeat_penalty: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repeat_last_n: int | None = None
    dry_multiplier: float | None = None
    dry_base: float | None = None
    dry_allowed_length: int | None = None
    dry_penalty_last_n: int | None = None
    dry_sequence_breaker: tuple[str, ...] | None = None
    xtc_probability: float | None = None
    xtc_threshold: float | None = None
    typical_p: float | None = None
    top_n_sigma: float | None = None
    dynatemp_range: float | None = None
    dynatemp_exp: float | None = None
    mirostat: int | None = None
    mirostat_tau: float | None = None
    mirostat_eta: float | None = None
    adaptive_target: float | None = None
    adaptive_decay: float | None = None
    logit_bias: tuple[str, ...] | None = None
    samplers: str | None = None
    speculate: bool | None = None
    model: str | None = None
    """The model that a persona names. No option: what is typed as MODEL goes before it."""
    origins: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        """The value of the option called `name`, or None."""
        return getattr(self, BY_NAME[name].name)

    def origin(self, name: str) -> str:
        """Where the value came from, such as "environment (RUNNER_CTX)"; "default" if unset."""
        return self.origins.get(name, "default")


def load(
    command_line: Mapping[str, object],
    preset: Mapping[str, object] | None = None,
    preset_name: str = "",
) -> Settings:
    """The settings in force. Values of `command_line` that are None count as not given; `preset`
    is what a persona sets, and `preset_name` what it is called where a value came from it.

    Raises ConfigurationError, naming the file and key, the variable or the option.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for source in (
        _from_file(),
        _from_environment(),
        {name: (value, preset_name) for name, value in (preset or {}).items()},
        _from_command_line(command_line),
    ):
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
        if value is not None and value != []:
            option = BY_NAME[name]
            found[name] = option.checked(value, option.flag), "command line"
    return found


def _from_environment() -> Source:
    # Other variables that begin with RUNNER_ are not ours to refuse: CI systems set some.
    found: Source = {}
    for option in OPTIONS:
        text = os.environ.get(option.variable, "").strip()
        if text:
            value = option.checked(option.parsed(text), option.variable)
            found[option.name] = value, f"environment ({option.variable})"
    if "offline" not in found and os.environ.get(HUB_OFFLINE, "").upper() in HUB_TRUE:
        found["offline"] = True, f"environment ({HUB_OFFLINE})"
    return found


def _from_file() -> Source:
    path = config_file()
    found: Source = {}
    for key, value in _read(path).items():
        if key not in BY_NAME:
            raise _unknown(key, f"{path}: there is no option {key!r}")
        option = BY_NAME[key]
        found[key] = option.checked(value, f"{path}: {key}"), f"file ({path})"
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


def _unknown(name: str, message: str) -> ConfigurationError:
    import difflib

    wanted = name.replace("-", "_").lower()
    begun = [known for known in BY_NAME if wanted and known.startswith(wanted)]
    nearest = begun or difflib.get_close_matches(wanted, BY_NAME, n=1, cutoff=0)
    return ConfigurationError(message, remedy=f"The nearest is {nearest[0]!r}." if nearest else "")
