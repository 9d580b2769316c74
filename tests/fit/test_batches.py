"""How much is computed at once and where weights lie: what is planned is what llama.cpp takes."""

from pathlib import Path

import pytest

from runner.engine.weights import load_weights
from runner.errors import ConfigurationError
from runner.fit import Placement, Wishes, place
from runner.fit.here import here
from runner.fit.memory import CPU
from runner.fit.placement import checked, formula_plan
from runner.fit.planning import plan
from runner.llama.context import Batch, LlamaContext
from runner.llama.model import LlamaModel
from runner.models.wishes import wishes_of
from runner.settings import load

MIB = 2**20


def test_a_micro_batch_is_part_of_a_batch() -> None:
    assert (Wishes().tokens_handed, Wishes().tokens_at_once) == (512, 512)
    larger = Wishes(micro_batch=1024)
    assert (larger.tokens_handed, larger.tokens_at_once) == (1024, 1024)
    smaller = Wishes(batch=128)
    assert (smaller.tokens_handed, smaller.tokens_at_once) == (128, 128)
    assert Wishes(batch=2048).tokens_at_once == 512
    with pytest.raises(ConfigurationError, match="--micro-batch 128 is more than --batch 64"):
        wishes_of(load({"batch": 64, "micro_batch": 128}))


def test_the_settings_reach_the_placement(tiny_path: Path) -> None:
    asked = {"threads": 1, "threads_batch": 2, "batch": 256, "micro_batch": 64}
    placed = place(tiny_path, wishes_of(load({**asked, "mmap": False, "repack": False})))
    assert {name: getattr(placed, name) for name in asked} == asked
    assert not placed.mmap
    assert not placed.repack
    assert place(tiny_path, Wishes(threads=3)).threads_batch == 3
    assert Placement(256, 0, None, 5, "f16").threads_batch == 5


def test_replies_at_once_need_room_in_a_batch(tiny_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="has no room for 64 replies"):
        place(tiny_path, Wishes(batch=64, sequences=64))


@pytest.mark.parametrize("micro_batch", [64, 1024])
def test_memory_follows_the_micro_batch(tiny_path: Path, micro_batch: int) -> None:
    wishes = Wishes(context=4096, micro_batch=micro_batch)
    planned, by_formula = plan(tiny_path, wishes), formula_plan(
        checked(tiny_path, wishes), wishes, here(wishes)
    )  # fmt: skip
    sizes = [one.buffers.compute_at(4096)[CPU] / MIB for one in (planned, by_formula)]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.1)
    assert planned.memory().private / MIB == pytest.approx(by_formula.memory().private / MIB, abs=3)


@pytest.mark.parametrize("micro_batch", [64, 2048])
@pytest.mark.parametrize("name", ["gemma3-dense", "gpt-oss-moe"])
def test_windows_follow_the_micro_batch(shared: Path, name: str, micro_batch: int) -> None:
    path, wishes = (
        shared / "models" / "archs" / f"{name}.gguf",
        Wishes(4096, micro_batch=micro_batch),
    )
    planned, header = plan(path, wishes), checked(path, wishes)
    caches = formula_plan(header, wishes, here(wishes)).buffers.caches_at(4096)
    assert caches / MIB == pytest.approx(planned.buffers.caches_at(4096) / MIB, abs=0.02)


def test_without_mapping_weights_are_memory_of_its_own(tiny_path: Path) -> None:
    mapped = plan(tiny_path, Wishes(context=512)).memory()
    copied = plan(tiny_path, Wishes(context=512, mmap=False)).memory()
    assert copied.file_backed == copied.read_once == 0
    weights = mapped.file_backed - mapped.read_once
    assert copied.private - mapped.private == pytest.approx(weights, abs=8192)  # whole pages


@pytest.mark.parametrize("mmap", [True, False])
def test_where_llama_puts_the_weights(tiny_path: Path, *, mmap: bool) -> None:
    from runner.llama import library

    load_weights(tiny_path, place(tiny_path, Wishes(256, mmap=mmap, repack=False))).close()
    log = "".join(library.recent_log)
    assert ("CPU_Mapped model buffer" in log) == mmap
    assert "CPU_REPACK" not in log


def test_another_micro_batch_gives_the_same_logits(tiny_path: Path) -> None:
    """But for rounding: the sums of a smaller matrix are made in another order."""
    found = []
    model = LlamaModel(tiny_path, gpu_layers=0)
    for micro_batch, threads_batch in ((256, 1), (16, 2)):
        context = LlamaContext(
            model, context=256, batch=256, threads=1,
            threads_batch=threads_batch, micro_batch=micro_batch,
        )  # fmt: skip
        batch = Batch(context.batch_size)
        row = batch.add([number % 400 for number in range(200)], 0, 0, logits=1)
        context.decode(batch)
        found.append(context.logits(row).copy())
        context.close()
    model.close()
    assert abs(found[0] - found[1]).max() < 0.5
    assert found[0].argmax() == found[1].argmax()
