"""Where a model's weights lie: which stay in the mapped file, which are copied, and where to.

On a processor llama.cpp copies matrices of some types into a layout that its instructions read
faster ("repacking"). A dry plan logs nothing of it, so which ones is told here, by the rules of
ggml's `ggml_repack_get_optimal_repack_type` and of llama.cpp's choice of buffers.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from runner.fit.header import EXPERTS
from runner.gguf import Header, Tensor

READ_BY_ROW = re.compile(r"^(?:token_embd|token_types|position_embd|per_layer_token_embd)\.")
"""Tables from which a row is taken, and nothing is multiplied with."""

PAGE = 4096
INPUT = -1


@dataclass(frozen=True, slots=True)
class Part:
    """Weights of one layer that lie together: `start` in the data of the model's `file`-th file.

    The layer of the words is INPUT, that of the output comes after the last. A `copy` is of words
    that are the output as well, and takes memory only where it is repacked or on a device.
    """

    layer: int
    bytes: int
    file: int
    start: int
    repacked: bool = False
    expert: bool = False
    copy: bool = False


@dataclass(frozen=True, slots=True)
class Weights:
    """The parts of a model of that many layers, without the output."""

    parts: tuple[Part, ...]
    layers: int

    @property
    def bytes(self) -> int:
        return sum(part.bytes for part in self.parts if not part.copy)

    def by_layer(self, *, experts_on_cpu: bool = False) -> list[int]:
        """Bytes that each layer takes on a device, the output last."""
        sizes = [0] * (self.layers + 1)
        for part in self.parts:
            if part.layer != INPUT and not (part.expert and experts_on_cpu):
                sizes[part.layer] += part.bytes
        return sizes

    def here(
        self, first: int, *, experts_on_cpu: bool = False, mmap: bool = True
    ) -> tuple[int, int, int]:
        """Bytes in this machine's memory when the layers from `first` on are on devices: those of
        copies (repacked ones; without `mmap` all), of the file's pages that stay mapped, and of
        those pages that are read only once.

        llama.cpp keeps the file mapped from the first to the last tensor that it uses in place.
        """
        repacked, used = 0, 0
        spans: dict[int, tuple[int, int]] = {}
        for part in self.parts:
            forced = part.expert and experts_on_cpu
            if part.layer >= first and not forced:
                continue
            if part.repacked and not forced:
                repacked += part.bytes
            elif not part.copy:
                used += part.bytes
                start, end = spans.get(part.file, (part.start, 0))
                spans[part.file] = min(start, part.start), max(end, part.start + part.bytes)
        if not mmap:
            return repacked + used, 0, 0
        mapped = sum(-(-end // PAGE) * PAGE - start // PAGE * PAGE for start, end in spans.values())
        return repacked, mapped, mapped - used


def weights_of(header: Header, sets: Collection[str]) -> Weights:
    """The weights of a model, on a processor with these instruction sets; none: nothing is
    repacked."""
    layers, rows = int(header.of_architecture("block_count") or 0), repacked_types(sets)
    parts, file, last = [], 0, -1
    for tensor in header.tensors:
        if tensor.offset <= last:  # the next file of a split model counts from its own beginning
            file += 1
        last = tensor.offset
        parts.append(
            Part(
                _layer(tensor.name, layers),
                tensor.bytes or 0,
                file,
                header.data_offset + tensor.offset,
                _is_repacked(tensor, rows),
                bool(EXPERTS.search(tensor.name)),
            )
        )
    names = {tensor.name for tensor in header.tensors}
    words = next((t for t in header.tensors if t.name == "token_embd.weight"), None)
    if words is not None and "output.weight" not in names:
        repacked = words.type in rows and words.shape[1] % rows[words.type] == 0
        parts.append(Part(layers, words.bytes or 0, 0, 0, repacked, copy=True))
    return Weights(tuple(parts), layers)


def repacked_types(sets: Collection[str]) -> dict[str, int]:
    """The tensor types that a processor with these instruction sets (llama.cpp's names) has
    repacked, with the number that the rows of a matrix must be a multiple of."""
    found: dict[str, int] = {}
    if "DOTPROD" in sets or "MATMUL_INT8" in sets:  # ARM
        found |= dict.fromkeys(("Q4_0", "Q8_0", "IQ4_NL"), 4)
        found |= dict.fromkeys(("Q4_K", "Q5_K", "Q6_K"), 8)
    if "DOTPROD" in sets:
        found["MXFP4"] = 4
    if "AVX2" in sets:
        found |= dict.fromkeys(("Q4_0", "Q4_K", "IQ4_NL", "MXFP4"), 8)
    if "AVX512" in sets:
        found["Q2_K"] = 8
    if "AMX_INT8" in sets:  # read in its source, not measured
        found |= dict.fromkeys(("Q4_0", "Q4_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K", "IQ4_XS"), 32)
    return found


def _layer(name: str, layers: int) -> int:
    if match := re.match(r"blk\.(\d+)\.", name):
        return min(int(match[1]), layers - 1)
    return layers if name.startswith("output") else INPUT


def _is_repacked(tensor: Tensor, rows: dict[str, int]) -> bool:
    if tensor.type not in rows or READ_BY_ROW.match(tensor.name) or len(tensor.shape) < 2:
        return False
    dimensions = 3 if EXPERTS.search(tensor.name) else 2
    extents = [extent for extent in tensor.shape[2:] if extent > 1]
    return 2 + len(extents) == dimensions and tensor.shape[1] % rows[tensor.type] == 0
