"""A model loaded by llama.cpp: opened, described, freed."""

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runner.errors import BadModelFile, DeviceError, DoesNotFit
from runner.llama import library
from runner.llama.devices import device_handles, device_of
from runner.llama.library import llama_cpp
from runner.llama.vocabulary import Vocabulary

ALL_LAYERS = -1
LOAD_MODE_NONE = 0  # no mmap: what a load that allocates nothing asks for
LOAD_MODE_MMAP = 1

Progress = Callable[[float], bool]
"""Called with the fraction loaded, 0 to 1; returning False stops the load."""


class LlamaModel:
    """Weights and vocabulary. Free with `close()`, after every context made from it."""

    def __init__(
        self,
        path: Path,
        *,
        gpu_layers: int = ALL_LAYERS,
        device: str | None = None,
        allocate: bool = True,
        progress: Progress | None = None,
    ) -> None:
        """Load `path`. `device` restricts offloading to the ggml device of that name.

        Raises BadModelFile, DoesNotFit (no memory), DeviceError (no such device) and
        KeyboardInterrupt where `progress` stopped it.
        """
        parameters = llama_cpp.llama_model_default_params()
        parameters.n_gpu_layers = self.gpu_layers = gpu_layers
        if not allocate:
            parameters.no_alloc = True
            parameters.load_mode = LOAD_MODE_NONE
        # What the C structure points to must live through the call.
        chosen = _device_list(device) if device is not None else None
        if chosen is not None:
            parameters.devices = ctypes.cast(chosen, ctypes.c_void_p)
        stopped = False

        def report(fraction: float, _user_data: Any) -> bool:
            nonlocal stopped
            stopped = not (progress is None or progress(fraction))
            return not stopped

        parameters.progress_callback = llama_cpp.llama_progress_callback(report)
        library.forget_log()
        self._pointer = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
        if not self._pointer:
            if stopped:
                raise KeyboardInterrupt
            raise _load_failure(path)
        self.vocabulary = Vocabulary(self._pointer)

    @property
    def pointer(self) -> Any:
        return self._pointer

    @property
    def architecture(self) -> str:
        return self.metadata("general.architecture") or ""

    @property
    def context_train(self) -> int:
        """The context the model was trained for, in tokens."""
        return int(llama_cpp.llama_model_n_ctx_train(self._pointer))

    @property
    def sliding_window(self) -> int:
        """Positions a sliding-window layer still sees; 0 where there are none."""
        return int(llama_cpp.llama_model_n_swa(self._pointer))

    @property
    def recurrent(self) -> bool:
        """Whether some layers keep a state that cannot be taken back, instead of a cache."""
        return bool(llama_cpp.llama_model_is_recurrent(self._pointer)) or bool(
            llama_cpp.llama_model_is_hybrid(self._pointer)
        )

    @property
    def layers(self) -> int:
        return int(llama_cpp.llama_model_n_layer(self._pointer))

    @property
    def parameters(self) -> int:
        return int(llama_cpp.llama_model_n_params(self._pointer))

    @property
    def bytes(self) -> int:
        """Bytes of all tensors."""
        return int(llama_cpp.llama_model_size(self._pointer))

    @property
    def description(self) -> str:
        """llama.cpp's own words, such as `qwen2 1.5B Q4_K - Medium`."""
        return _read(llama_cpp.llama_model_desc, self._pointer)

    @property
    def chat_template(self) -> str | None:
        """The Jinja source that the file carries, or None."""
        source = llama_cpp.llama_model_chat_template(self._pointer, None)
        return source.decode("utf-8", "replace") if source else None

    @property
    def generates_text(self) -> bool:
        """False for encoders (embedding models, T5's first half)."""
        return bool(llama_cpp.llama_model_has_decoder(self._pointer)) and not bool(
            llama_cpp.llama_model_is_diffusion(self._pointer)
        )

    @property
    def translates(self) -> bool:
        """Whether it is an encoder and a decoder in one (T5)."""
        return bool(llama_cpp.llama_model_has_encoder(self._pointer)) and bool(
            llama_cpp.llama_model_has_decoder(self._pointer)
        )

    def metadata(self, key: str) -> str | None:
        """A metadata value as llama.cpp writes it, or None."""
        buffer = ctypes.create_string_buffer(4096)
        count = llama_cpp.llama_model_meta_val_str(self._pointer, key.encode(), buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace") if count >= 0 else None

    def close(self) -> None:
        if self._pointer:
            llama_cpp.llama_model_free(self._pointer)
            self._pointer = None


def _read(function: Any, pointer: Any) -> str:
    buffer = ctypes.create_string_buffer(256)
    function(pointer, buffer, len(buffer))
    return buffer.value.decode("utf-8", "replace")


def _device_list(name: str) -> Any:
    """A NULL-terminated list with the one device of that name; "none" gives an empty list."""
    handles = device_handles()
    found = [handle for handle in handles if device_of(handle).name.lower() == name.lower()]
    if not found and name.lower() not in ("none", "cpu"):
        there = ", ".join(device_of(handle).name for handle in handles)
        raise DeviceError(
            f"there is no device {name!r}; this build has {there}",
            remedy="`runner doctor` lists devices and how to get more.",
        )
    offloading = [handle for handle in found if device_of(handle).kind != "cpu"]
    return (ctypes.c_void_p * (len(offloading) + 1))(*offloading, None)


def _load_failure(path: Path) -> Exception:
    reason = library.last_error()
    if "alloc" in reason or "out of memory" in reason:
        return DoesNotFit(
            f"{path.name} does not fit into memory: {reason}",
            remedy="Choose a smaller quantization, a smaller context (--ctx) or fewer GPU layers.",
        )
    return BadModelFile(f"llama.cpp cannot load {path.name}: {reason}")
