"""Flags of llama-bench that scripts have and `runner bench` has no option for: what they become
here, or why they are refused. Those that ask for what Runner does in any case are let pass."""

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from runner.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Flag:
    """`same` are the values that change nothing; without `takes` it is a switch. `becomes` is the
    parameter of the command that gets the others, as `turned` makes them; else they are refused,
    because `why`."""

    names: tuple[str, ...]
    why: str = ""
    remedy: str = ""
    same: tuple[str, ...] = ()
    takes: bool = True
    becomes: str = ""
    turned: Callable[[str], Any] = str

    @property
    def parameter(self) -> str:
        return "llama_bench_" + self.names[-1].lstrip("-").replace("-", "_")


def _slashed(text: str) -> str:
    """llama-bench parts what is used together by slashes."""
    return text.replace("/", ",").replace(";", ",")


NICE = "Set it from outside, such as: nice -n -5 runner bench …"
PINNED = "Pin it from outside, such as: taskset -c 0-3 runner bench …; Runner keeps to that."
PLACED = "--gpu-layers, --device, --tensor-split and --cpu-moe say where a model lies."
NAMED = "Name the model as org/repo:QUANT; `runner pull` fetches it."

FLAGS = (
    Flag(("-v",), takes=False, becomes="verbose", turned=bool),
    Flag(("--progress",), takes=False, same=("True",)),
    Flag(("-dev",), same=("auto",), becomes="device",
         turned=lambda text: "cpu" if text == "none" else _slashed(text)),
    Flag(("-ts",), same=("0",), becomes="tensor_split", turned=_slashed),
    Flag(("-rpc",), becomes="rpc"),
    Flag(("-hf", "-hfr", "--hf-repo"), becomes="more_names", turned=lambda text: [text]),
    Flag(("-hff", "--hf-file"), "a file of a repository is named by its quantization", NAMED),
    Flag(("-hft", "--hf-token"), "a command line is for others to see",
         "Set HF_TOKEN, or log in with: hf auth login"),
    Flag(("-lm", "--load-mode"), "files are memory-mapped or read, and not locked in memory",
         "--mmap on or off says which.", same=("auto",)),
    Flag(("-lzm", "--lazy-mode"), "weights are loaded before the first run", same=("auto", "off")),
    Flag(("-sm", "--split-mode"), "devices get whole layers",
         "--device names the one to use alone, --tensor-split the shares.", same=("layer",)),
    Flag(("-mg", "--main-gpu"), "devices get whole layers, and none is the main one",
         "--device names the one to use alone.", same=("0",)),
    Flag(("-nkvo", "--no-kv-offload"), "the KV cache lies where its layers are computed",
         "--gpu-layers 0 keeps both on the CPU.", same=("0",)),
    Flag(("-ncmoe", "--n-cpu-moe"), "experts stay on the CPU of all layers or of none",
         "--cpu-moe keeps them there.", same=("0",)),
    Flag(("-ot", "--override-tensor"), "tensors are not placed one by one", PLACED),
    Flag(("-nopo", "--no-op-offload"), "llama.cpp decides which operations a GPU does for the CPU",
         same=("0",)),
    Flag(("--no-host",), "llama.cpp decides where buffers lie", same=("0",)),
    Flag(("-fitt", "--fit-target"), "Runner places a model by what fits", PLACED),
    Flag(("-fitc", "--fit-ctx"), "the context is as long as the tests need", "--ctx sets it."),
    Flag(("-embd", "--embeddings"), "replies are measured, not embeddings",
         "`runner embed` makes them.", same=("0",)),
    Flag(("--prio",), "Runner leaves its priority to the system", NICE, same=("0",)),
    Flag(("--poll",), "threads wait as llama.cpp has them wait, at 50", same=("50",)),
    Flag(("-C", "--cpu-mask"), "Runner uses the processors that it is given", PINNED,
         same=("0x0", "0")),
    Flag(("--cpu-strict",), "Runner uses the processors that it is given", PINNED, same=("0",)),
    Flag(("--numa",), "memory is spread as the system does it",
         "Say it from outside, such as: numactl --interleave=all runner bench …"),
    Flag(("--no-warmup",), "what is not warm measures the disk and the clock of the processor",
         "Leave it out: warm-up runs are over as soon as two take about as long.", takes=False),
    Flag(("--list-devices",), "this command measures", "`runner doctor` lists the devices.",
         takes=False),
)  # fmt: skip


def with_flags(command: Callable[..., None]) -> Callable[..., None]:
    """`command`, which takes these too, without a word in its help."""

    @functools.wraps(command)
    def wrapped(**parameters: Any) -> None:
        for flag in FLAGS:
            _apply(flag, parameters.pop(flag.parameter), parameters)
        command(**parameters)

    signature = inspect.signature(command, eval_str=True)
    hidden = map(_hidden, FLAGS)
    wrapped.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*signature.parameters.values(), *hidden]
    )
    return wrapped


def _hidden(flag: Flag) -> inspect.Parameter:
    kind: Any = list[str] | None if flag.takes else bool
    return inspect.Parameter(
        flag.parameter,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        default=None if flag.takes else False,
        annotation=Annotated[kind, typer.Option(*flag.names, hidden=True)],
    )


def _apply(flag: Flag, given: Sequence[str] | bool | None, parameters: dict[str, Any]) -> None:
    """Raises ConfigurationError where it cannot be."""
    texts = given if isinstance(given, list) else ["True"] if given else []
    if flag.becomes != "rpc":  # where a comma joins, and does not part what is to be measured
        texts = [one for text in texts for one in text.split(",")]
    for text in texts:
        if text in flag.same:
            continue
        if not flag.becomes:
            _refuse(flag, text)
        turned = flag.turned(text)
        before = parameters.get(flag.becomes)
        if isinstance(turned, list):
            turned = [*(before or ()), *turned]
        elif before is not None and before != turned:
            raise ConfigurationError(
                f"{flag.names[0]} {text} is one of several values",
                remedy="It takes one; measure the others with commands of their own.",
            )
        parameters[flag.becomes] = turned


def _refuse(flag: Flag, text: str) -> None:
    what = f"{flag.names[-1]} {text}" if flag.takes else flag.names[-1]
    raise ConfigurationError(
        f"{what} is llama-bench's, and there is none here: {flag.why}",
        remedy=flag.remedy or "Leave it out.",
    )


def models_of(names: Sequence[str]) -> list[str]:
    """What -m names, which llama-bench parts by commas; a file's own name may have one."""
    from pathlib import Path

    return [
        one for name in names for one in ([name] if Path(name).exists() else name.split(",")) if one
    ]
