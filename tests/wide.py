"""A llama with random weights in F32, wide enough for every kind of quantization, and with the
shipped model's vocabulary."""

from pathlib import Path

import gguf
import numpy as np

from tests.gguf.headers import File, Pair, Tensor, scalar, taken_apart, text

WIDTH, INNER, VOCABULARY = 256, 512, 654
CHANGED = {
    b"general.name": (8, text(b"wide")),
    b"llama.embedding_length": (4, scalar(4, WIDTH)),
    b"llama.feed_forward_length": (4, scalar(4, INNER)),
    b"llama.block_count": (4, scalar(4, 1)),
    b"llama.attention.head_count": (4, scalar(4, WIDTH // 32)),
    b"llama.attention.head_count_kv": (4, scalar(4, WIDTH // 32)),
    b"general.file_type": (4, scalar(4, 0)),
}
MATRICES = {
    "attn_q": (WIDTH, WIDTH),
    "attn_k": (WIDTH, WIDTH),
    "attn_v": (WIDTH, WIDTH),
    "attn_output": (WIDTH, WIDTH),
    "ffn_gate": (WIDTH, INNER),
    "ffn_up": (WIDTH, INNER),
    "ffn_down": (INNER, WIDTH),
}
"""Of its one layer, columns first."""


def write_wide(path: Path, tiny: Path) -> Path:
    file = taken_apart(tiny)
    pairs = [Pair(pair.key, *CHANGED.get(pair.key, (pair.type, pair.raw))) for pair in file.pairs]
    draw = np.random.default_rng(3)
    tensors, data = [], b""
    shapes = {
        "token_embd": (WIDTH, VOCABULARY),
        "output": (WIDTH, VOCABULARY),
        "output_norm": (WIDTH,),
        "blk.0.attn_norm": (WIDTH,),
        "blk.0.ffn_norm": (WIDTH,),
        **{f"blk.0.{name}": shape for name, shape in MATRICES.items()},
    }
    for name, shape in shapes.items():
        tensors.append(Tensor(f"{name}.weight".encode(), shape, 0, len(data)))
        data += draw.normal(0, 0.05, int(np.prod(shape))).astype("<f4").tobytes()
    path.write_bytes(File(pairs, tensors, data).packed())
    return path


def write_imatrix(path: Path, *, columns: int = 0, without: str = "") -> Path:
    """An importance matrix for it; with other `columns` it is for another model."""
    writer = gguf.GGUFWriter(path, "")
    writer.add_type("imatrix")
    draw = np.random.default_rng(5)
    for name, shape in MATRICES.items():
        tensor = f"blk.0.{name}.weight"
        sums = draw.uniform(1, 9, (1, columns or shape[0])).astype(np.float32)
        writer.add_tensor(f"{tensor}.in_sum2", sums)
        if name != without:
            writer.add_tensor(f"{tensor}.counts", np.full((1, 1), 100, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
