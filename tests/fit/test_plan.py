"""Plans: their arithmetic for any model, and llama.cpp's own figures for real ones."""

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import BadModelFile, ConfigurationError
from runner.fit.here import Here, here
from runner.fit.memory import CPU, Buffers, Layer, buffers_of
from runner.fit.placement import checked, formula_plan, place
from runner.fit.planning import plan
from runner.fit.plans import Plan
from runner.fit.verdict import verdict
from runner.fit.weights import INPUT, Part, Weights
from runner.fit.wishes import Wishes
from runner.gguf import read_header
from runner.llama.devices import Device

MIB, GIB = 2**20, 2**30
MOST = 2**17


def gpu(name: str, free: int, kind: str = "gpu") -> Device:
    return Device(name, name, kind, free, free)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Models of a few layers, on a machine with up to two devices, with some wishes."""
    count = draw(st.integers(1, 6))
    sizes = st.integers(0, 2 * GIB)
    parts = [Part(INPUT, draw(sizes), 0, 0)]
    for number in range(count + 1):
        start = parts[-1].start + parts[-1].bytes
        parts.append(Part(number, draw(sizes), 0, start, draw(st.booleans()), draw(st.booleans())))
    layers = [Layer(draw(st.integers(0, 2**16)), draw(st.integers(0, 2**28)))] * count
    buffers = buffers_of(
        layers,
        compute=draw(st.integers(0, GIB)),
        mask=draw(st.integers(0, 2**12)),
        outputs=draw(st.integers(0, 2**24)),
        held=draw(st.integers(0, 2**26)),
    )
    kinds = draw(st.lists(st.sampled_from(["gpu", "igpu"]), max_size=2))
    gpus = tuple(gpu(f"GPU{n}", draw(st.integers(0, 16 * GIB)), k) for n, k in enumerate(kinds))
    wishes = Wishes(
        context=draw(st.none() | st.integers(1, MOST)),
        gpu_layers=draw(st.none() | st.integers(-1, 8)),
        experts_on_cpu=draw(st.booleans()),
    )
    machine = Here(draw(st.integers(0, 32 * GIB)), gpus)
    trained = draw(st.integers(1, MOST))
    return Plan(Weights(tuple(parts), count), tuple(layers), buffers, trained, wishes, machine)


contexts = st.integers(1, MOST)


@given(plans(), contexts, contexts)
def test_more_context_never_takes_less(made: Plan, one: int, other: int) -> None:
    low, high = made.memory(min(one, other)), made.memory(max(one, other))
    assert min(low.private, low.file_backed, low.read_once, *low.devices.values(), 0) >= 0
    assert low.read_once <= low.file_backed
    if not made.here.gpus or made.wishes.gpu_layers is not None:
        assert low.private <= high.private + 1  # bytes are whole numbers
        assert low.needed <= high.needed + 1
    # Where layers leave a device for more context, all of it together still grows.
    assert made.needed(min(one, other)) <= made.needed(max(one, other)) + 1 or made.here.gpus


@given(plans())
def test_the_largest_context_is_the_largest(made: Plan) -> None:
    largest = made.largest_context()
    assert 0 <= largest <= made.trained
    assert largest % 256 == 0 or largest == made.trained
    if largest:
        assert made.fits(largest)
    if largest < made.trained and not made.here.gpus:
        assert not made.fits(min(largest + 256, made.trained))


@given(plans())
def test_the_context_chosen_is_the_one_asked_for_or_fits(made: Plan) -> None:
    if made.wishes.context is not None:
        assert made.context == made.wishes.context
    else:
        assert 0 < made.context <= made.comfortable
        if made.context > 256:
            assert made.needed() <= made.here.free or made.here.gpus


@given(plans())
def test_the_verdict_agrees_with_the_plan(made: Plan) -> None:
    said = verdict(made)
    wanted = made.wishes.context or made.comfortable
    assert said.fits == made.fits(min(256, wanted))
    if said.kind == "well":
        assert made.fits(wanted)
        assert made.context == wanted
    if said.kind == "partly":
        assert 0 < made.layers_on().get(CPU, 0) <= made.weights.layers


@given(plans(), contexts)
def test_every_layer_is_somewhere(made: Plan, context: int) -> None:
    on = made.layers_on(context)
    assert sum(on.values()) == made.weights.layers + 1
    assert set(made.memory(context).devices) == set(on) - {CPU}


@given(st.lists(st.integers(1, MOST // 256), min_size=1, max_size=6, unique=True), st.data())
def test_between_two_points_a_buffer_grows_evenly(steps: list[int], data: st.DataObject) -> None:
    at = tuple(256 * step for step in sorted(steps))
    caches = tuple(sorted(data.draw(st.integers(0, 2**40)) for _ in at))
    buffers = Buffers(at, caches, tuple({CPU: one} for one in caches), 0, 0)
    for context, size in zip(at, caches, strict=True):
        assert buffers.caches_at(context) == pytest.approx(size)
    within = data.draw(st.integers(at[0], at[-1]))
    assert caches[0] - 1 <= buffers.caches_at(within) <= caches[-1] * 1.0001 + 1
    assert buffers.caches_at(data.draw(contexts)) >= 0


def logged(path: Path, context: int, kv_type: str) -> tuple[float, float]:
    """MiB of caches and of the compute buffer of a context that is really made."""
    from runner.fit.memory import GUESSES
    from runner.fit.wishes import BATCH, SEQUENCES
    from runner.llama import library
    from runner.llama.context import LlamaContext
    from runner.llama.model import LlamaModel
    from runner.llama.plan import figures

    model = LlamaModel(path, gpu_layers=0)
    LlamaContext(
        model, context=context, batch=BATCH, threads=1, kv_type=kv_type, sequences=SEQUENCES,
        outputs=SEQUENCES + GUESSES,
    ).close()  # fmt: skip
    model.close()
    found = figures(library.recent_log, context)
    return found.caches / MIB, found.compute[CPU] / MIB


@pytest.mark.parametrize("kv_type", ["f16", "q8_0"])
def test_llama_plans_what_it_takes(tiny_path: Path, kv_type: str) -> None:
    made = plan(tiny_path, Wishes(context=2048, kv_type=kv_type))
    caches, compute = logged(tiny_path, 2048, kv_type)
    assert made.by == "llama.cpp"
    assert made.buffers.caches_at(2048) / MIB == pytest.approx(caches, abs=0.02)
    assert made.buffers.compute_at(2048)[CPU] / MIB == pytest.approx(compute, abs=0.02)


@pytest.mark.parametrize("name", ["gemma3-dense", "gpt-oss-moe", "lfm2-dense", "qwen35-dense",
                                  "mamba2-dense", "deepseek2-moe"])  # fmt: skip
def test_llama_plans_every_kind_of_cache(shared: Path, name: str) -> None:
    path = shared / "models" / "archs" / f"{name}.gguf"
    made = plan(path, Wishes(context=4096))
    caches, compute = logged(path, 4096, "f16")
    assert made.buffers.caches_at(4096) / MIB == pytest.approx(caches, abs=0.02)
    assert made.buffers.compute_at(4096)[CPU] / MIB == pytest.approx(compute, abs=0.02)


def test_a_header_alone_is_planned_like_the_file(tiny_path: Path, tmp_path: Path) -> None:
    header = read_header(tiny_path)
    sparse = tmp_path / "sparse.gguf"
    with tiny_path.open("rb") as file:
        sparse.write_bytes(file.read(header.data_offset))
    os.truncate(sparse, header.file_bytes)
    whole, hollow = plan(tiny_path, Wishes()), plan(sparse, Wishes())
    for context in (256, 1000, 2048):
        one, other = whole.memory(context), hollow.memory(context)
        assert other.private == pytest.approx(one.private, abs=MIB)  # the child's own memory
        assert replace(other, private=0) == replace(one, private=0)


def test_place_agrees_with_the_plan(tiny_path: Path) -> None:
    wishes = Wishes()
    placed, planned = place(tiny_path, wishes), plan(tiny_path, wishes)
    assert placed.context == planned.context
    quick = formula_plan(checked(tiny_path, wishes), wishes, here(wishes))
    assert quick.needed(2048) == pytest.approx(planned.needed(2048), rel=0.1)


def test_another_quantization_follows_by_arithmetic(tiny_path: Path, tmp_path: Path) -> None:
    from tests.fit.test_weights import Q4_0, quantized

    other = quantized(tiny_path, tmp_path / "other.gguf", Q4_0)
    first = plan(tiny_path, Wishes())
    derived, planned = first.for_header(read_header(other)), plan(other, Wishes())
    assert derived.memory(2048).file_backed == planned.memory(2048).file_backed
    assert derived.memory(2048).private == pytest.approx(planned.memory(2048).private, abs=MIB)


def test_a_model_of_another_shape_is_not_one_of_them(tiny_path: Path, shared: Path) -> None:
    other = read_header(shared / "models" / "stories260K-F32.gguf")
    with pytest.raises(ValueError, match="another shape"):
        plan(tiny_path, Wishes()).for_header(other)


def test_a_file_that_llama_refuses_is_told(tiny_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "strange.gguf"
    architecture = read_header(tiny_path).architecture.encode()
    path.write_bytes(tiny_path.read_bytes().replace(architecture, b"x" * len(architecture)))
    with pytest.raises(BadModelFile):
        plan(path, Wishes())


def test_wishes_that_cannot_be_are_told(tiny_path: Path, tmp_path: Path) -> None:
    copy = shutil.copy(tiny_path, tmp_path / "copy.gguf")
    with pytest.raises(ConfigurationError, match="needs flash attention"):
        plan(Path(copy), Wishes(kv_type="q8_0", flash_attention="off"))


def test_layers_on_workers(tiny_path: Path, workers: tuple[str, str]) -> None:
    from runner.fit.wishes import SEQUENCES
    from runner.llama import library, rpc
    from runner.llama.context import LlamaContext
    from runner.llama.model import LlamaModel

    wishes = Wishes(context=2048, rpc=",".join(workers), tensor_split="1,1", gpu_layers=4)
    made, placement = plan(tiny_path, wishes), place(tiny_path, wishes)
    names = list(placement.devices or ())
    assert made.layers_on() == dict.fromkeys(names, 2) | {CPU: 2}
    model = LlamaModel(tiny_path, gpu_layers=4, devices=names, split=placement.split)
    assert model.layers_on == made.layers_on()
    log = "".join(library.recent_log)
    LlamaContext(model, context=2048, batch=512, threads=1, sequences=SEQUENCES).close()
    log += "".join(library.recent_log)
    model.close()
    for name, worker in zip(names, workers, strict=True):
        endpoint = re.escape(rpc.relay_of(worker).endpoint)
        said = re.findall(rf"{endpoint}\] +(?:model|KV|compute) buffer size = +([\d.]+) MiB", log)
        taken = made.memory().devices[name] / MIB
        assert taken == pytest.approx(sum(map(float, said)), rel=0.03)
