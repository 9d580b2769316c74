"""LoRAs and control vectors: what they do to a reply, and what is left when they are gone."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from runner.engine.adapters import Adapters, Scaled
from runner.engine.model import Model
from runner.engine.options import Options
from runner.engine.sampling import Sampling
from runner.errors import BadModelFile, ConfigurationError, RunnerError
from runner.fit import Placement
from runner.kvstore import Store
from runner.llama import library
from tests.engine.adapter_files import (
    DOWN,
    EMBEDDING,
    LAYERS,
    OUTPUT,
    QUERY,
    VOCABULARY,
    WIDTH,
    merged,
    pair,
    write_lora,
    write_vector,
)

PROMPT = [20 + step * 7 % 500 for step in range(300)]
RECORDED = tuple(30 + step * 11 % 400 for step in range(8))
ROUNDING = 0.01
"""Of a log-probability: 0.0022 was seen, since sums are made in another order."""

Loras = dict[str, Path]


@pytest.fixture
def model(tiny_f32: Path) -> Iterator[Model]:
    with opened(tiny_f32) as model:
        yield model


def opened(path: Path, folder: Path | None = None, adapters: Adapters | None = None) -> Model:
    store = Store(folder, 10**9) if folder is not None else None
    return Model.open(
        path, Placement(1024, 0, None, 1, "f32"), store=store, identity="tiny", adapters=adapters
    )


@pytest.fixture(scope="session")
def loras(tmp_path_factory: pytest.TempPathFactory) -> Loras:
    """One of a query and a feed-forward matrix, and one of the embedding and the output."""
    folder = tmp_path_factory.mktemp("loras")
    a, b = pair(VOCABULARY, WIDTH, seed=2)
    return {
        "inner": write_lora(folder / "inner.gguf", {QUERY: pair(), DOWN: pair(384, seed=1)}),
        "outer": write_lora(
            folder / "outer.gguf",
            # The pair of an embedding lies the other way round: vocabulary × rank, width × rank.
            {EMBEDDING: (a.T.copy(), b), OUTPUT: pair(WIDTH, VOCABULARY, seed=3)},
            alpha=None,
        ),
    }


def inner(scale: float) -> dict[str, np.ndarray]:
    """What the first file adds to the weights: alpha is 8 and the rank 4."""
    return {
        name: scale * 2 * (b.astype(np.float64) @ a)
        for name, (a, b) in {QUERY: pair(), DOWN: pair(384, seed=1)}.items()
    }


def outer(scale: float) -> dict[str, np.ndarray]:
    """What the second adds; without alpha the scale is all."""
    a, b = pair(VOCABULARY, WIDTH, seed=2)
    c, d = pair(WIDTH, VOCABULARY, seed=3)
    return {EMBEDDING: scale * (b.astype(np.float64) @ a).T, OUTPUT: scale * (d @ c)}


def only(*loras: Path, scale: float = 1.0) -> Adapters:
    return Adapters(tuple(Scaled(path, scale) for path in loras))


def logprobs(model: Model, *, reuse: bool = False) -> list[float]:
    """Of a reply that is always the same; to the last bit, where all of the prompt is read."""
    greedy = Sampling(temperature=0)
    options = Options(sampling=greedy, replay=RECORDED, logprobs=0, ignore_end=True, reuse=reuse)
    stream = model.generate(PROMPT, options)
    return [one.logprob for event in stream for one in event.logprobs]


def reused(model: Model) -> int:
    stream = model.generate(PROMPT, Options(max_tokens=1))
    return stream.drain().timings.reused_tokens


def farthest(one: list[float], other: list[float]) -> float:
    return float(np.abs(np.subtract(one, other)).max())


@pytest.mark.parametrize("kinds", [("inner",), ("outer",), ("inner", "outer")])
def test_a_lora_is_as_if_merged_into_the_weights(
    model: Model, loras: Loras, tiny_f32: Path, tmp_path: Path, kinds: tuple[str, ...]
) -> None:
    scales = {"inner": 0.7, "outer": -0.4}
    grown: dict[str, np.ndarray] = {}
    for kind in kinds:
        grown |= {"inner": inner, "outer": outer}[kind](scales[kind])
    plain = logprobs(model)
    model.adapt(Adapters(tuple(Scaled(loras[kind], scales[kind]) for kind in kinds)))
    adapted = logprobs(model)
    with opened(merged(tiny_f32, tmp_path / "merged.gguf", grown)) as whole:
        expected = logprobs(whole)
    assert adapted == pytest.approx(expected, abs=ROUNDING)
    assert farthest(adapted, plain) > 20 * ROUNDING


def test_scale_0_is_no_adapter_and_going_back_restores(model: Model, loras: Loras) -> None:
    plain = logprobs(model)
    model.adapt(only(loras["inner"], scale=0))
    assert logprobs(model) == plain
    model.adapt(only(loras["inner"], loras["outer"]))
    both = logprobs(model)
    model.adapt(Adapters())
    assert logprobs(model) == plain
    model.adapt(only(loras["outer"], loras["inner"]))
    assert logprobs(model) == pytest.approx(both, abs=ROUNDING)


def test_a_file_is_loaded_once(model: Model, loras: Loras) -> None:
    model.adapt(only(loras["inner"]))
    assert any("loading lora" in line for line in library.recent_log)
    library.forget_log()
    model.adapt(Adapters())
    model.adapt(only(loras["inner"], scale=0.5))
    assert not any("loading lora" in line for line in library.recent_log)


def test_a_file_that_changed_is_loaded_anew(model: Model, tmp_path: Path) -> None:
    path = write_lora(tmp_path / "mine.gguf", {QUERY: pair()})
    model.adapt(only(path))
    first = logprobs(model)
    write_lora(path, {QUERY: pair(seed=9)})
    model.adapt(only(path))
    assert farthest(logprobs(model), first) > 5 * ROUNDING


def test_what_was_read_with_others_is_not_reused(model: Model, loras: Loras) -> None:
    reused(model)
    assert reused(model) == len(PROMPT) - 1
    model.adapt(only(loras["inner"]))
    assert reused(model) == 0
    model.adapt(only(loras["inner"]))  # no change
    assert reused(model) == len(PROMPT) - 1


def test_a_reply_under_way_keeps_its_adapters(model: Model, loras: Loras) -> None:
    options = Options(
        sampling=Sampling(temperature=0), max_tokens=40, logprobs=0, ignore_end=True, reuse=False
    )

    def ask() -> Callable[[], list[float]]:
        stream = model.generate(PROMPT[:20], options)
        return lambda: [one.logprob for event in stream for one in event.logprobs]

    plain = ask()()
    begun = ask()
    model.adapt(only(loras["inner"]))
    after = ask()
    model.adapt(Adapters())
    assert begun() == plain
    assert farthest(after()[:3], plain[:3]) > ROUNDING


def test_a_model_is_opened_with_adapters(tiny_f32: Path, loras: Loras) -> None:
    with opened(tiny_f32, adapters=only(loras["inner"])) as model:
        adapted = logprobs(model)
        assert model.adapters == only(loras["inner"])
        model.adapt(Adapters())
        assert farthest(logprobs(model), adapted) > ROUNDING


def test_who_waits_for_a_switch_is_told_of_the_end(model: Model, loras: Loras) -> None:
    begun, gate = threading.Event(), threading.Event()
    failures: list[str] = []

    def hold_up(_done: int, _total: int) -> None:
        begun.set()
        gate.wait()

    def switch() -> None:
        try:
            model.adapt(only(loras["inner"]))
        except RunnerError as error:
            failures.append(error.message)

    stream = model.generate(PROMPT, progress=hold_up)
    begun.wait()
    waiting, closing = threading.Thread(target=switch), threading.Thread(target=model.close)
    waiting.start()
    while model._loop._inbox.empty():
        time.sleep(0.001)
    closing.start()
    while not model._loop._stopping:
        time.sleep(0.001)
    gate.set()
    closing.join()
    waiting.join()
    assert failures == ["the model was closed before its adapters changed"]
    assert stream.drain().reason == "cancelled"


def directions(seed: int, *layers: int) -> dict[int, np.ndarray]:
    draw = np.random.default_rng(seed)
    found = {layer: draw.normal(0, 0.5, WIDTH).astype(np.float32) for layer in range(1, LAYERS)}
    return {layer: found[layer] for layer in layers or found}


def steered(*vectors: tuple[Path, float], layers: tuple[int, int] | None = None) -> Adapters:
    return Adapters(control_vectors=tuple(Scaled(*one) for one in vectors), layers=layers)


def test_a_control_vector_steers_until_it_is_gone(model: Model, tmp_path: Path) -> None:
    plain = logprobs(model)
    zero = {layer: 0 * one for layer, one in directions(0).items()}
    model.adapt(steered((write_vector(tmp_path / "zero.gguf", zero), 1)))
    assert logprobs(model) == plain
    path = write_vector(tmp_path / "some.gguf", directions(0))
    model.adapt(steered((path, 1)))
    once = logprobs(model)
    assert farthest(once, plain) > 20 * ROUNDING
    model.adapt(steered((path, 2)))
    assert farthest(logprobs(model), once) > 20 * ROUNDING
    model.adapt(steered((path, 0)))
    assert logprobs(model) == plain


def test_control_vectors_add_up_on_their_layers(model: Model, tmp_path: Path) -> None:
    one = write_vector(tmp_path / "one.gguf", directions(0))
    two = write_vector(tmp_path / "two.gguf", directions(1))
    total = {
        layer: 2 * direction + np.float32(-0.5) * directions(1)[layer]
        for layer, direction in directions(0).items()
    }
    model.adapt(steered((one, 2), (two, -0.5)))
    apart = logprobs(model)
    model.adapt(steered((write_vector(tmp_path / "sum.gguf", total), 1)))
    assert logprobs(model) == pytest.approx(apart, abs=ROUNDING)
    # A file of two layers is as a file of all that acts on those; nothing stays of the one before.
    model.adapt(steered((write_vector(tmp_path / "some.gguf", directions(0, 2, 3)), 1)))
    some = logprobs(model)
    model.adapt(steered((one, 1), layers=(2, 3)))
    assert logprobs(model) == some


def test_the_disk_keeps_each_ones_prompts_apart(
    tiny_f32: Path, tmp_path: Path, loras: Loras
) -> None:
    vector = write_vector(tmp_path / "vector.gguf", directions(0))
    sets = [
        Adapters(),
        only(loras["inner"]),
        only(loras["inner"], scale=0.5),
        only(loras["outer"]),
        only(loras["inner"], loras["outer"]),
        steered((vector, 1)),
        steered((vector, 2)),
        steered((vector, 1), layers=(2, 3)),
        Adapters(only(loras["inner"]).loras, steered((vector, 1)).control_vectors),
    ]
    folder = tmp_path / "kv"
    expected = []
    for adapters in sets:
        with opened(tiny_f32, folder, adapters) as model:
            assert reused(model) == 0
            expected.append(logprobs(model, reuse=True))
    for adapters, alone in zip(sets, expected, strict=True):
        with opened(tiny_f32, folder, adapters) as model:
            assert reused(model) == len(PROMPT) - 1
            assert logprobs(model, reuse=True) == pytest.approx(alone, abs=ROUNDING)


def test_a_switch_writes_what_was_read_before_it(
    tiny_f32: Path, tmp_path: Path, loras: Loras
) -> None:
    with opened(tiny_f32, tmp_path) as model:
        reused(model)
        model.adapt(only(loras["inner"]))
        assert reused(model) == 0
    with opened(tiny_f32, tmp_path) as model:
        assert reused(model) == len(PROMPT) - 1
        model.adapt(only(loras["inner"]))
        assert reused(model) == len(PROMPT) - 1


def test_after_a_refusal_all_is_as_before(model: Model, loras: Loras, tmp_path: Path) -> None:
    model.adapt(only(loras["inner"]))
    before = logprobs(model)
    bad = write_lora(tmp_path / "bad.gguf", {QUERY: pair(191)})
    with pytest.raises(BadModelFile, match="does not fit"):
        model.adapt(only(loras["outer"], bad))
    with pytest.raises(BadModelFile, match="No such file"):
        model.adapt(only(tmp_path / "none.gguf"))
    with pytest.raises(ConfigurationError, match="named twice"):
        model.adapt(only(loras["outer"], loras["outer"]))
    assert model.adapters == only(loras["inner"])
    assert reused(model) == len(PROMPT) - 1
    assert logprobs(model) == before


@pytest.mark.parametrize("layers", [(0, 2), (3, 2)])
def test_layers_that_cannot_be_are_refused(layers: tuple[int, int]) -> None:
    with pytest.raises(ConfigurationError, match="cannot act on layers"):
        Adapters(layers=layers)


def test_a_scale_is_a_number() -> None:
    with pytest.raises(ConfigurationError, match="scale"):
        only(Path("some.gguf"), scale=float("nan"))
