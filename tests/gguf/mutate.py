"""Damages GGUF headers at random, and counts who notices.

    python -m tests.gguf.mutate [--seconds 60] [--seed 1] [--keep FOLDER]

Each damaged file goes through what commands do with a file they never saw: its header is checked
and shown, and the model is placed, all in this process. What passes goes to llama.cpp, in child
processes that may die of it: it is probed, and its fit is planned. Nothing but an error of Runner's
own may come out of any; what else does is printed with its traceback, its file kept where --keep
says, and the run ends with 1.
"""

import argparse
import contextlib
import io
import random
import shutil
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from runner.catalog import load_catalog, models_directory
from runner.errors import RunnerError
from tests.gguf.headers import ARRAY, CODES, STRING, File, Pair, Tensor, array, scalar, taken_apart
from tests.gguf.headers import text as packed_text

EXTREMES = (0, 1, 2, 3, 7, 31, 32, 255, 256, 4096, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**32,
            2**63 - 1, 2**63, 2**64 - 1)  # fmt: skip


@dataclass
class Tally:
    """How the damaged files fared."""

    checked: int = 0
    refused_by_check: int = 0
    refused_by_placing: int = 0
    refused_by_probe: int = 0
    passed: int = 0
    unprobed: int = 0
    crashes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.checked} damaged files: {self.refused_by_check} refused by the header check, "
            f"{self.refused_by_placing} when placed, {self.refused_by_probe} by the probe, "
            f"{self.passed} harmless, {self.unprobed} not probed; {len(self.crashes)} crashes"
        )


def run(
    folder: Path,
    *,
    seed: int,
    more: Callable[[Tally], bool],
    probe: Callable[[Tally], bool] = lambda _: True,
    keep: Path | None = None,
) -> Tally:
    """Damage files in `folder` while `more` says so; `probe` says whether to probe the next one
    that passes the check."""
    draw, tally = random.Random(seed), Tally()
    bases = [taken_apart(models_directory() / str(load_catalog().shipped.path)), small()]
    path = folder / "damaged.gguf"
    while more(tally):
        path.write_bytes(damaged(draw.choice(bases), draw))
        try:
            _one(path, tally, probe(tally))
        except Exception:
            tally.crashes.append(traceback.format_exc())
            if keep is not None:
                shutil.copy(path, keep / f"crash-{seed}-{tally.checked}.gguf")
        tally.checked += 1
    return tally


def _one(path: Path, tally: Tally, probed: bool) -> None:
    from runner.cli.fit import fit
    from runner.cli.show import show
    from runner.fit import Wishes, place
    from runner.llama.probe import probe

    for as_json in (False, True):
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                show(str(path), json=as_json)
        except RunnerError:
            tally.refused_by_check += 1
            return
    try:
        place(path, Wishes())
    except RunnerError:
        tally.refused_by_placing += 1
        return
    if not probed:
        tally.unprobed += 1
        return
    try:
        probe(path)
    except RunnerError:
        tally.refused_by_probe += 1
    else:
        tally.passed += 1
    with contextlib.suppress(RunnerError), contextlib.redirect_stdout(io.StringIO()):
        fit(str(path), json=True)


def small() -> File:
    """A file with a value of every type and a tensor."""
    pairs = [
        Pair(b"general.architecture", STRING, packed_text(b"llama")),
        Pair(b"llama.block_count", 4, scalar(4, 1)),
        Pair(b"llama.context_length", 4, scalar(4, 64)),
        Pair(b"general.alignment", 4, scalar(4, 32)),
        Pair(b"texts", ARRAY, array(STRING, [packed_text(b"a"), packed_text(b"bc")])),
        Pair(b"numbers", ARRAY, array(4, [scalar(4, 1), scalar(4, 2)])),
        *(Pair(b"kind%d" % kind, kind, scalar(kind, 1)) for kind in CODES),
    ]
    return File(pairs, [Tensor(b"blk.0.attn_k.weight", (32, 4), 0, 0)], bytes(512))


def damaged(base: File, draw: random.Random) -> bytes:
    """The file with one to three things wrong with it."""
    file = deepcopy(base)
    for _ in range(draw.randint(1, 3)):
        draw.choice((_a_value, _a_value, _a_pair, _a_tensor))(file, draw)
    whole = file.packed()
    header = len(whole) - len(file.data)
    how = draw.random()
    if how < 0.15:
        return whole[: draw.randrange(len(whole))]
    if how < 0.35:
        at = draw.randrange(header)
        return whole[:at] + draw.randbytes(draw.choice((1, 1, 1, 8))) + whole[at + 1 :]
    if how < 0.5:
        at = draw.randrange(header - 8)
        return whole[:at] + struct.pack("<Q", draw.choice(EXTREMES)) + whole[at + 8 :]
    return whole


def _a_value(file: File, draw: random.Random) -> None:
    """A value that is another, or of another type."""
    pair = draw.choice(file.pairs)
    if pair.type in CODES and draw.random() < 0.7:
        size = len(pair.raw)
        pair.raw = struct.pack("<Q", draw.choice(EXTREMES))[:size].ljust(size, b"\0")
    elif draw.random() < 0.5:
        pair.type = draw.choice((*CODES, STRING, ARRAY, 13, 2**31))
    else:
        number = draw.choice((*EXTREMES, len(pair.raw), len(pair.raw) - 8))
        pair.raw = struct.pack("<q", number % 2**63) + pair.raw[8:]


def _a_pair(file: File, draw: random.Random) -> None:
    """A pair that is gone, there twice, under another key, or new and strange."""
    at = draw.randrange(len(file.pairs))
    how = draw.randrange(4)
    if how == 0:
        del file.pairs[at]
    elif how == 1:
        file.pairs.append(file.pairs[at])
    elif how == 2:
        file.pairs[at].key = draw.randbytes(draw.randrange(20))
    else:
        nested = array(ARRAY, [])
        for _ in range(draw.choice((1, 3, 2000))):
            nested = array(ARRAY, [nested])
        file.pairs.insert(at, Pair(b"nested", ARRAY, nested))


def _a_tensor(file: File, draw: random.Random) -> None:
    """A tensor of another shape, type, place or name; or one that is gone or there twice."""
    tensor = draw.choice(file.tensors)
    how = draw.randrange(6)
    if how == 0:
        shape = list(tensor.shape)
        shape[draw.randrange(len(shape))] = draw.choice(EXTREMES)
        tensor.shape = tuple(shape)
    elif how == 1:
        tensor.shape = tuple(draw.choice(EXTREMES) for _ in range(draw.randrange(7)))
    elif how == 2:
        tensor.type = draw.choice((*range(42), 2**31))
    elif how == 3:
        tensor.offset = draw.choice((*EXTREMES, tensor.offset + 1))
    elif how == 4:
        tensor.name = draw.randbytes(draw.choice((0, 8, 63, 64, 200)))
    elif len(file.tensors) > 1 and draw.random() < 0.5:
        file.tensors.remove(tensor)
    else:
        file.tensors.append(tensor)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for files that crash something")
    options = parser.parse_args()
    end = time.monotonic() + options.seconds
    with tempfile.TemporaryDirectory() as folder:
        tally = run(
            Path(folder),
            seed=options.seed,
            more=lambda _: time.monotonic() < end,
            keep=options.keep,
        )
    print(tally)
    for crash in tally.crashes:
        print(crash)
    sys.exit(1 if tally.crashes else 0)


if __name__ == "__main__":
    main()
