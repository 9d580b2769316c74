"""A model loaded by llama.cpp: opened, described, freed."""

import ctypes
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from runner.errors import BadModelFile, DoesNotFit
from runner.llama import library
from runner.llama.library import llama_cpp
from runner.llama.offload import assigned_layers, device_list, experts_override, split_list
from runner.llama.rpc import relay_of
from runner.llama.vocabulary import Vocabulary

ALL_LAYERS = -1
LOAD_MODE_NONE, LOAD_MODE_MMAP = 0, 1

Progress = Callable[[float], bool]
"""Called with the fraction loaded, 0 to 1; returning False stops the load."""


class LlamaModel:
    """Weights and vocabulary. Free with `close()`, after every context made from it."""

    def __init__(
        self,
        path: Path,
        *,
        gpu_layers: int = ALL_LAYERS,
        devices: Sequence[str] | None = None,
        split: Sequence[float] = (),
        experts_on_cpu: bool = False,
        mmap: bool = True,
        repack: bool = True,
        allocate: bool = True,
        progress: Progress | None = None,
    ) -> None:
        """Load `path`, with its last `gpu_layers` layers on the ggml `devices` of these names, in
        shares of `split`; without them on every GPU of this machine, by its free memory. The file
        is mapped with `mmap`, else copied; with `repack` weights are brought into the order that
        the processor reads fastest.

        Raises BadModelFile, DoesNotFit (no memory), DeviceError (no such device, or a worker that
        was lost) and KeyboardInterrupt where `progress` stopped it.
        """
        parameters = llama_cpp.llama_model_default_params()
        parameters.n_gpu_layers = self.gpu_layers = gpu_layers
        parameters.use_extra_bufts = repack
        parameters.load_mode = LOAD_MODE_MMAP if mmap else LOAD_MODE_NONE
        if not allocate:
            parameters.no_alloc = True
            parameters.load_mode = LOAD_MODE_NONE
        # What the C structure points to must live through the call.
        chosen, named = device_list(devices if gpu_layers else ())
        self._relays = [relay_of(device.worker) for device in named if device.worker]
        shares, experts = split_list(split), experts_override()
        parameters.devices = ctypes.cast(chosen, ctypes.c_void_p)
        if split:
            parameters.tensor_split = ctypes.cast(shares, ctypes.POINTER(ctypes.c_float))
        if experts_on_cpu:
            parameters.tensor_buft_overrides = ctypes.cast(experts, ctypes.c_void_p)
        stopped = False

        def report(fraction: float, _user_data: Any) -> bool:
            nonlocal stopped
            stopped = not (progress is None or progress(fraction))
            return not (stopped or any(relay.lost for relay in self._relays))

        parameters.progress_callback = llama_cpp.llama_progress_callback(report)
        library.forget_log()
        self._pointer = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
        if not self._pointer:
            if stopped:
                raise KeyboardInterrupt
            self.check_workers()
            raise _load_failure(path)
        self.layers_on = assigned_layers(library.recent_log)
        """Layers by device, as llama.cpp placed them; the output counts as one more layer."""
        self.vocabulary = Vocabulary(self._pointer)

    @property
    def pointer(self) -> Any:
        return self._pointer

    def check_workers(self) -> None:
        """Raise DeviceError where another machine that has a part of the model was lost. What was
        computed or read since then is worth nothing."""
        for relay in self._relays:
            relay.check()

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


def _load_failure(path: Path) -> Exception:
    reason = library.last_error()
    if "alloc" in reason or "out of memory" in reason:
        return DoesNotFit(
            f"{path.name} does not fit into memory: {reason}",
            remedy="Choose a smaller quantization, a smaller context (--ctx) or fewer GPU layers.",
        )
    return BadModelFile(f"llama.cpp cannot load {path.name}: {reason}")
