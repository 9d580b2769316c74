"""What changes a loaded model's replies without changing its file: LoRA adapters, which add a
product of two small matrices to some of its weights, and control vectors, which add a direction to
what its layers say.

llama.cpp refuses some adapters that do not fit and aborts the process on others, on a few of them
only when the next token is computed; some parts it leaves out without a word. So all that it
assumes is checked here first, against the model's header.
"""

import ctypes
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from runner.errors import BadModelFile, RunnerError
from runner.gguf import FLOAT32, STRING, Header, Tensor, read_header
from runner.llama import library
from runner.llama.context import LlamaContext
from runner.llama.library import llama_cpp
from runner.llama.model import LlamaModel

ALPHA = "adapter.lora.alpha"
INVOCATION = "adapter.alora.invocation_tokens"
EXPECTED_TYPES = {"general.type": STRING, "adapter.type": STRING, ALPHA: FLOAT32}

COMPUTED = ("F32", "F16", "BF16", "Q8_0")
"""Types that converters write. llama.cpp crashes over integers and F64."""

EMBEDDING = "token_embd.weight"

NOT_MULTIPLIED = re.compile(
    r"(_norm|conv|conv1d)\.weight$|^(position_embd|token_types|per_layer_token_embd)\.|(?<!\.weight)$"
)
"""Names of what a model adds or looks up; llama.cpp leaves a LoRA for it out, silently."""

LATENT = ("deepseek2", "deepseek32")
LATENT_ATTENTION = re.compile(
    r"output\.weight|blk\.\d+\.attn_(q|q_a|q_b|kv_a_mqa|kv_b|k_b|v_b)\.weight"
)
"""What llama.cpp multiplies by in models of those architectures without a look at LoRAs; found by
adapting each weight of a small one in turn."""

DIRECTION = re.compile(r"direction\.(\d{1,9})")

_Handles = ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p))
_Floats = ctypes.POINTER(ctypes.c_float)


class Lora(NamedTuple):
    """A LoRA file that was loaded beside a model, which frees it with itself."""

    pointer: Any


def check_lora(path: Path, model: Header) -> None:
    """Raise BadModelFile where `path` is no LoRA for the model with this (whole) header."""
    header = read_header(path, model=False)
    said = header.metadata
    for key, kind in EXPECTED_TYPES.items():
        if header.types.get(key, kind) != kind:
            raise _bad(path, f"its {key} is of another type than llama.cpp reads")
    if (said.get("general.type"), said.get("adapter.type")) != ("adapter", "lora"):
        raise BadModelFile(
            f"{path.name} is not a LoRA adapter",
            remedy="Models are named as MODEL, control vectors with --control-vector.",
        )
    if header.architecture != model.architecture:
        raise BadModelFile(
            f"{path.name} was made for a {header.architecture} model, and this one is "
            f"{model.architecture}",
            remedy="Load the model that the adapter was trained on.",
        )
    if INVOCATION in said:
        raise _bad(path, "it is to act only after certain tokens (aLoRA), which Runner cannot do")
    pairs = _pairs(path, header)
    weights = {tensor.name: tensor for tensor in model.tensors}
    for name, halves in pairs.items():
        if reason := _misfit(name, halves, weights, model.architecture):
            raise BadModelFile(
                f"{path.name} does not fit this model: {reason}",
                remedy="Load the model that the adapter was trained on.",
            )


def _pairs(path: Path, header: Header) -> dict[str, dict[str, Tensor]]:
    """The two matrices, `a` and `b`, of each weight that a LoRA changes."""
    pairs: dict[str, dict[str, Tensor]] = {}
    for tensor in header.tensors:
        name, _, half = tensor.name.rpartition(".lora_")
        if half not in ("a", "b"):
            # llama.cpp leaves out those of norms, silently.
            raise _bad(path, f"it also replaces {tensor.name}, which llama.cpp cannot do")
        if tensor.type not in COMPUTED:
            raise _bad(path, f"{tensor.name} is of type {tensor.type}")
        pairs.setdefault(name, {})[half] = tensor
    if not pairs:
        raise _bad(path, "it holds no tensors")
    for name, halves in pairs.items():
        if len(halves) != 2:
            raise _bad(path, f"it holds only one of the two matrices for {name}")
    return pairs


def _misfit(
    name: str, halves: dict[str, Tensor], weights: dict[str, Tensor], architecture: str
) -> str | None:
    """Why a pair cannot be added to the model's weight of that name, or None."""
    weight = weights.get(name)
    if weight is None:
        return f"it has no {name}"
    if len(weight.shape) < 2:
        return f"its {name} is no matrix"
    latent = architecture in LATENT and LATENT_ATTENTION.fullmatch(name)
    if NOT_MULTIPLIED.search(name) or latent:
        return f"llama.cpp cannot adapt {name}"
    if name == EMBEDDING and "output.weight" not in weights:
        # The pair for an embedding lies the other way round than one for an output.
        return f"its {name} is its output too, which llama.cpp cannot adapt"
    width, height, *experts = _four(weight)
    a, b = _four(halves["a"]), _four(halves["b"])
    if name.endswith(EMBEDDING):
        rank = a[0]
        wanted = (rank, height, *experts), (rank, width, *experts)
    else:
        rank = a[1]
        wanted = (width, rank, *experts), (rank, height, *experts)
    if rank < 1 or (a, b) != wanted:
        shapes = f"{halves['a'].shape} and {halves['b'].shape}"
        return f"its {name} has the shape {weight.shape}, and the adapter's are {shapes}"
    return None


def _four(tensor: Tensor) -> tuple[int, ...]:
    """A shape with all four extents: writers leave out those at the end that are 1."""
    return (*tensor.shape, 1, 1, 1, 1)[:4]


def load_lora(model: LlamaModel, path: Path) -> Lora:
    """Load a LoRA that `check_lora` has passed. Not while the model is computing.

    Raises BadModelFile where llama.cpp refuses it.
    """
    library.forget_log()
    pointer = llama_cpp.llama_adapter_lora_init(model.pointer, str(path).encode())
    if not pointer:
        raise _bad(path, library.last_error())
    return Lora(pointer)


def read_control_vector(path: Path, model: Header) -> npt.NDArray[np.float32]:
    """The directions that a file has for a model, (layers − 1) × width from the second layer on:
    the first has none. A layer that the file leaves out has zeros. (Of nemotron_h llama.cpp steers
    only the feed-forward layers.)

    Raises BadModelFile.
    """
    header = read_header(path, model=False)
    if header.architecture != "controlvector":
        raise BadModelFile(
            f"{path.name} is not a control vector", remedy="LoRA adapters are named with --lora."
        )
    width = int(model.of_architecture("embedding_length") or 0)
    layers = int(model.of_architecture("block_count"))
    layers -= int(model.of_architecture("nextn_predict_layers") or 0)
    directions = np.zeros((layers - 1, width), np.float32)
    for tensor in header.tensors:
        match = DIRECTION.fullmatch(tensor.name)
        if match is None or tensor.type != "F32":
            raise _bad(path, f"its {tensor.name} ({tensor.type}) is no direction in F32")
        layer = int(match[1])
        if not 1 <= layer < layers or _four(tensor) != (width, 1, 1, 1):
            raise BadModelFile(
                f"{path.name} does not fit this model: {tensor.name} has the shape {tensor.shape}, "
                f"and the model has layers 1 to {layers - 1} of width {width}",
                remedy="Load the model that the control vector was made for.",
            )
        offset = header.data_offset + tensor.offset
        directions[layer - 1] += np.fromfile(path, "<f4", width, offset=offset)
    if not header.tensors:
        raise _bad(path, "it holds no directions")
    if not np.isfinite(directions).all():
        raise _bad(path, "not all of its values are finite numbers")
    return directions


def set_adapters(
    context: LlamaContext,
    loras: Sequence[tuple[Lora, float]],
    directions: npt.NDArray[np.float32] | None,
    layers: tuple[int, int],
) -> None:
    """Compute with these and no others from now on: LoRAs with their scales, and a control vector
    as `read_control_vector` gives it, on these layers, first and last. What the cache holds was
    computed without them.
    """
    if directions is None:
        code = llama_cpp.llama_set_adapter_cvec(context.pointer, None, 0, 0, 0, 0)
    else:
        # Whole, since layers that are not given would keep what an earlier vector left there.
        data = np.ascontiguousarray(directions, np.float32)
        pointer = data.ctypes.data_as(_Floats)
        code = llama_cpp.llama_set_adapter_cvec(
            context.pointer, pointer, data.size, data.shape[1], *layers
        )
    if code != 0:
        raise RunnerError(f"llama.cpp does not take the control vector: {library.last_error()}")
    handles = (ctypes.c_void_p * len(loras))(
        *(ctypes.cast(lora.pointer, ctypes.c_void_p) for lora, _ in loras)
    )
    scales = (ctypes.c_float * len(loras))(*(scale for _, scale in loras))
    llama_cpp.llama_set_adapters_lora(
        context.pointer, ctypes.cast(handles, _Handles), len(loras), scales
    )


def _bad(path: Path, reason: str) -> BadModelFile:
    return BadModelFile(
        f"{path.name} cannot be used as an adapter: {reason}",
        remedy="Fetch or convert it again, or choose another.",
    )
