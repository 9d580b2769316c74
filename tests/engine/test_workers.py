"""Layers on other machines' devices: workers on loopback, which llama.cpp takes for GPUs."""

import re
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from runner.engine.model import Model
from runner.engine.options import Options
from runner.engine.sampling import Sampling
from runner.errors import DeviceError, DoesNotFit
from runner.fit import Placement, Wishes, place
from runner.fit import plans as fit
from runner.fit.workers import devices_with
from runner.gguf import read_header
from runner.llama import relay
from runner.llama.model import LlamaModel
from tests.workers import LoopbackWorker, require_rpc

PROMPT = list(range(5, 45))
TOKENS = Options(sampling=Sampling(temperature=0), max_tokens=24, ignore_end=True)

ENDLESS = Options(sampling=Sampling(temperature=0), ignore_end=True)


def reply(model: Model) -> list[int]:
    return [token for event in model.generate(PROMPT, TOKENS) for token in event.tokens]


def on(path: Path, workers: str, **wishes: object) -> Placement:
    return place(path, Wishes(context=2048, threads=1, rpc=workers, **wishes))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def no_margin(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept free on a GPU is more than a small machine's worker may have in all."""
    monkeypatch.setattr(fit, "DEVICE_MARGIN", 0)


@pytest.fixture(scope="module")
def expected(tiny_f32: Path) -> list[int]:
    """What the CPU replies."""
    with Model.open(tiny_f32, Placement(2048, 0, None, 1, "f16")) as model:
        return reply(model)


def test_a_worker_is_a_gpu(workers: tuple[str, str]) -> None:
    (found,) = [device for device in devices_with(workers[0]) if device.worker]
    assert (found.kind, found.worker) == ("gpu", workers[0])
    assert found.name.startswith("RPC")
    assert 0 < found.memory_free <= found.memory_total
    assert not [device for device in devices_with(None) if device.worker]


def test_all_layers_on_a_worker(
    tiny_f32: Path, workers: tuple[str, str], expected: list[int]
) -> None:
    placement = on(tiny_f32, workers[0])
    assert placement.devices is not None
    with Model.open(tiny_f32, placement) as model:
        layers = model.weights.layers + 1
        assert model.weights.layers_on == {placement.devices[0]: layers}
        assert placement.gpu_layers == layers
        assert reply(model) == expected


def test_some_layers_on_a_worker(
    tiny_f32: Path, workers: tuple[str, str], expected: list[int]
) -> None:
    placement = on(tiny_f32, workers[0], gpu_layers=3)
    assert placement.devices is not None
    with Model.open(tiny_f32, placement) as model:
        rest = model.weights.layers + 1 - 3
        assert model.weights.layers_on == {"CPU": rest, placement.devices[0]: 3}
        assert reply(model) == expected


@pytest.mark.parametrize("split", [None, "1,3"])
def test_layers_split_over_two_workers(
    tiny_f32: Path, workers: tuple[str, str], expected: list[int], split: str | None
) -> None:
    placement = on(tiny_f32, ",".join(workers), tensor_split=split)
    assert placement.devices is not None
    assert len(placement.devices) == 2
    with Model.open(tiny_f32, placement) as model:
        counts = [model.weights.layers_on[device] for device in placement.devices]
        assert sum(counts) == model.weights.layers + 1
        assert tuple(counts) == placement.split
        if split:
            assert counts[0] < counts[1]
        assert reply(model) == expected


def test_a_worker_with_two_devices(tiny_f32: Path, expected: list[int]) -> None:
    require_rpc()
    with LoopbackWorker("--device", "CPU,CPU") as worker:
        placement = on(tiny_f32, worker.address)
        assert placement.devices is not None
        assert len(placement.devices) == 2
        with Model.open(tiny_f32, placement) as model:
            assert set(model.weights.layers_on) == set(placement.devices)
            assert reply(model) == expected


def test_the_devices_order_is_the_layers_order(tiny_f32: Path, workers: tuple[str, str]) -> None:
    first, second = [one.name for one in devices_with(",".join(workers)) if one.worker]
    placement = on(tiny_f32, ",".join(workers), device=f"{second},{first}", tensor_split="3,1")
    with Model.open(tiny_f32, placement) as model:
        layers_on = model.weights.layers_on
    assert layers_on[second] > layers_on[first]


def test_as_many_layers_as_fit(
    tiny_f32: Path, workers: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (device,) = [one for one in devices_with(workers[0]) if one.worker]
    whole = on(tiny_f32, workers[0]).gpu_layers
    # All but a little is wanted for something else.
    monkeypatch.setattr(fit, "DEVICE_MARGIN", device.memory_free - 12 * 2**20)
    part = on(tiny_f32, workers[0]).gpu_layers
    assert 0 < part < whole
    monkeypatch.setattr(fit, "DEVICE_MARGIN", device.memory_free)
    nothing = on(tiny_f32, workers[0])
    assert (nothing.gpu_layers, nothing.devices) == (0, ())
    assert f"no layer of tiny-F32.gguf fits on {device.name}" in nothing.remarks[0]
    with pytest.raises(DeviceError, match=r"no layer of tiny-F32\.gguf fits on RPC"):
        on(tiny_f32, workers[0], require_gpu=True)


def remote_mib(placement: Placement, path: Path) -> float:
    """MiB of weights on workers, by llama.cpp's log of a load."""
    from runner.llama import library

    model = LlamaModel(
        path,
        gpu_layers=placement.gpu_layers,
        devices=placement.devices,
        split=placement.split,
        experts_on_cpu=placement.experts_on_cpu,
    )
    model.close()
    log = "".join(library.recent_log)
    return sum(map(float, re.findall(r"RPC\S+ model buffer size = +([\d.]+) MiB", log)))


def test_experts_stay_on_the_cpu(shared: Path, workers: tuple[str, str]) -> None:
    path = shared / "models" / "archs" / "gpt-oss-moe.gguf"
    whole, part = on(path, workers[0]), on(path, workers[0], experts_on_cpu=True)
    assert whole.gpu_layers == part.gpu_layers > 0
    header = read_header(path)
    experts = sum(t.bytes or 0 for t in header.tensors if "_exps." in t.name) / 2**20
    assert remote_mib(whole, path) - remote_mib(part, path) == pytest.approx(experts, abs=0.1)
    with (
        Model.open(path, Placement(2048, 0, None, 1, "f16")) as here,
        Model.open(path, part) as away,
    ):
        assert reply(away) == reply(here)


def test_a_required_gpu(tiny_f32: Path, workers: tuple[str, str]) -> None:
    assert on(tiny_f32, workers[0], require_gpu=True).gpu_layers > 0
    for wishes in ({"gpu_layers": 0}, {"device": "cpu"}):
        with pytest.raises(DeviceError, match="leave everything to the CPU"):
            on(tiny_f32, workers[0], require_gpu=True, **wishes)


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process's memory")
def test_a_worker_without_the_memory(tiny_f32: Path, own_worker: LoopbackWorker) -> None:
    import resource

    placement = on(tiny_f32, own_worker.address)
    resource.prlimit(own_worker.process.pid, resource.RLIMIT_AS, (2**31, 2**31))
    with pytest.raises(DoesNotFit, match="cannot make a context of 1048576 tokens"):
        Model.open(tiny_f32, replace(placement, context=2**20))
    with Model.open(tiny_f32, placement) as model:
        assert reply(model)


def test_a_worker_that_cannot_be_reached(
    tiny_f32: Path, own_worker: LoopbackWorker, workers: tuple[str, str]
) -> None:
    own_worker.kill()
    for addresses in (own_worker.address, f"{workers[0]},{own_worker.address}"):
        with pytest.raises(DeviceError, match=f"{own_worker.address} cannot be used"):
            on(tiny_f32, addresses)


def test_a_worker_lost_in_the_middle_of_a_reply(
    tiny_f32: Path, own_worker: LoopbackWorker, expected: list[int]
) -> None:
    before = threading.active_count()
    with Model.open(tiny_f32, on(tiny_f32, own_worker.address)) as model:
        stream = model.generate(PROMPT, ENDLESS)
        next(stream)
        own_worker.kill()
        with pytest.raises(DeviceError, match=f"{own_worker.address} was lost") as lost:
            stream.drain()
        assert "runner worker" in lost.value.remedy
        with pytest.raises(DeviceError, match="was lost"):  # at once, and every time
            reply(model)
    # Nothing of it is left: the same process goes on with what it has.
    with Model.open(tiny_f32, Placement(2048, 0, None, 1, "f16")) as model:
        assert reply(model) == expected
    assert threading.active_count() == before + 1  # the relay's


@pytest.mark.skipif(sys.platform == "win32", reason="stops a process as POSIX does")
def test_a_worker_that_falls_silent(
    tiny_f32: Path, own_worker: LoopbackWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "ANSWER_SECONDS", 1.0)
    with Model.open(tiny_f32, on(tiny_f32, own_worker.address)) as model:
        stream = model.generate(PROMPT, ENDLESS)
        next(stream)
        own_worker.process.send_signal(signal.SIGSTOP)
        with pytest.raises(DeviceError, match="was lost: it does not answer in time"):
            stream.drain()


def test_a_worker_that_was_started_again(
    tiny_f32: Path, own_worker: LoopbackWorker, expected: list[int]
) -> None:
    with Model.open(tiny_f32, on(tiny_f32, own_worker.address)) as model:
        own_worker.kill()
        with pytest.raises(DeviceError, match="was lost"):
            reply(model)
    with LoopbackWorker("--port", own_worker.address.rpartition(":")[2]) as again:
        assert again.address == own_worker.address
        with Model.open(tiny_f32, on(tiny_f32, again.address)) as model:
            assert model.weights.layers_on.keys() != {"CPU"}
            assert reply(model) == expected


def test_one_of_two_workers_lost_while_the_model_is_idle(
    tiny_f32: Path, own_worker: LoopbackWorker, workers: tuple[str, str]
) -> None:
    placement = on(tiny_f32, f"{workers[0]},{own_worker.address}")
    with Model.open(tiny_f32, placement) as model:
        assert reply(model)
        own_worker.kill()
        with pytest.raises(DeviceError, match=f"{own_worker.address} was lost"):
            reply(model)


def test_a_worker_lost_before_the_model_is_loaded(
    tiny_f32: Path, own_worker: LoopbackWorker
) -> None:
    placement = on(tiny_f32, own_worker.address)
    own_worker.kill()
    with pytest.raises(DeviceError, match=f"{own_worker.address} was lost"):
        Model.open(tiny_f32, placement)
