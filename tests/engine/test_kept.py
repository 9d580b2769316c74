"""From one process to the next: what was read is restored, or read again. (That every kind of cache
goes on where it stopped is proven with the kinds.)"""

import os
from pathlib import Path

import pytest

from runner.engine.events import Timings
from runner.engine.model import Model
from runner.engine.options import Options
from runner.engine.sampling import Sampling
from runner.fit import Placement
from runner.kvstore import Store

PROMPT = [1 + step * 7 % 100 for step in range(600)]


def reply(model: Model, tokens: list[int], **options: object) -> tuple[list[int], Timings]:
    chosen = Options(
        sampling=Sampling(temperature=0),
        max_tokens=12,
        ignore_end=True,
        **options,  # type: ignore[arg-type]
    )
    stream = model.generate(tokens, chosen)
    return [token for event in stream for token in event.tokens], stream.finish.timings


def opened(path: Path, folder: Path, identity: str = "this file", kv: str = "f16") -> Model:
    placement = Placement(1024, 0, None, 1, kv)
    return Model.open(path, placement, store=Store(folder, 10**9), identity=identity)


def test_what_goes_another_way_is_reused_as_far_as_it_goes(shared: Path, tmp_path: Path) -> None:
    path = shared / "models" / "archs" / "qwen3-dense.gguf"
    with opened(path, tmp_path) as model:
        reply(model, PROMPT)
    with opened(path, tmp_path) as model:
        assert reply(model, [*PROMPT[:400], 3, 2, 1])[1].reused_tokens == 400


@pytest.mark.parametrize("change", [{"identity": "another file"}, {"kv": "q8_0"}])
def test_another_model_or_cache_is_not_served(
    shared: Path, tmp_path: Path, change: dict[str, str]
) -> None:
    path = shared / "models" / "archs" / "qwen3-dense.gguf"
    with opened(path, tmp_path) as model:
        reply(model, PROMPT)
    with opened(path, tmp_path, **change) as model:
        assert reply(model, PROMPT)[1].reused_tokens == 0


def test_what_is_private_leaves_nothing(shared: Path, tmp_path: Path) -> None:
    path = shared / "models" / "archs" / "qwen3-dense.gguf"
    with opened(path, tmp_path) as model:
        reply(model, PROMPT, private=True)
    assert list(tmp_path.iterdir()) == []


def test_what_is_private_leaves_no_trace_of_what_it_read(shared: Path, tmp_path: Path) -> None:
    path = shared / "models" / "archs" / "qwen3-dense.gguf"
    with opened(path, tmp_path) as model:
        reply(model, PROMPT)
    (file,) = tmp_path.iterdir()
    os.utime(file, (1000, 1000))
    for private in (True, False):
        with opened(path, tmp_path) as model:
            assert reply(model, PROMPT, private=private)[1].reused_tokens == len(PROMPT) - 1
        assert (file.stat().st_mtime == 1000) == private


def test_a_damaged_state_is_read_normally(shared: Path, tmp_path: Path) -> None:
    path = shared / "models" / "archs" / "qwen3-dense.gguf"
    with opened(path, tmp_path) as model:
        expected, _ = reply(model, PROMPT)
    (file,) = tmp_path.iterdir()
    data = bytearray(file.read_bytes())
    data[-1000] ^= 0xFF
    file.write_bytes(data)
    with opened(path, tmp_path) as model:
        said, timings = reply(model, PROMPT)
    assert (said, timings.reused_tokens) == (expected, 0)
