"""Joules a token on a machine whose power is known, read through recorded counters."""

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.bench.cost import spent_per_token
from runner.bench.energy import Clock, Tally, measure_energy
from runner.bench.record import Energy
from runner.machine.energy import Meter, Meters, Missing
from runner.machine.energy.powercap import find

GPU_MISSING = Missing("GPU", "NVML", "gpu", "nvidia-ml-py is not installed", "Install it.")
ROOT_ONLY = Missing("processor package", "RAPL", "processor", "only root may read", "chmod")


class World(Clock):
    """Time that passes only when it is asked to, and a counter that counts `rest` watts in it."""

    def __init__(self, folder: Path, rest: float = 5.0) -> None:
        self.folder, self.rest, self._now, self._joules = folder / "intel-rapl:0", rest, 0.0, 0.0
        self.folder.mkdir(parents=True)
        (self.folder / "name").write_text("package-0", encoding="utf-8")
        (self.folder / "max_energy_range_uj").write_text("999999999", encoding="utf-8")
        self.pass_by(0, 0)

    def pass_by(self, seconds: float, watts: float) -> None:
        self._now += seconds
        self._joules += seconds * watts
        count = round(self._joules * 1e6) % 1_000_000_000  # it wraps around every 1000 J
        fresh = self.folder / "fresh"
        fresh.write_text(str(count), encoding="utf-8")
        fresh.replace(self.folder / "energy_uj")

    def now(self) -> float:
        return self._now

    def wait(self, seconds: float) -> None:
        self.pass_by(seconds, self.rest)

    def work(self, tokens: int, seconds: float, watts: float) -> Callable[[], int]:
        def run() -> int:
            self.pass_by(seconds, watts)
            return tokens

        return run

    def meters(self, *missing: Missing) -> Meters:
        found = find(self.folder.parent, self.folder / "cpuinfo")
        return Meters(tuple(one for one in found if isinstance(one, Meter)), missing)


def of(phase: str, entries: tuple[Energy, ...]) -> Energy:
    (one,) = (entry for entry in entries if entry.of == phase)
    return one


def test_net_of_rest_and_gross(tmp_path: Path) -> None:
    world = World(tmp_path)
    entries = measure_energy(
        world.work(512, 1.0, 25.0),
        world.work(64, 4.0, 15.0),
        source=world.meters(),
        clock=world,
    )
    prefill, decode = of("prefill", entries), of("decode", entries)
    assert prefill.seconds == decode.seconds == 20
    assert prefill.tokens == 20 * 512
    assert prefill.gross == pytest.approx(25 / 512)
    assert prefill.net == pytest.approx(20 / 512)
    assert decode.gross == pytest.approx(60 / 64)
    assert decode.net == pytest.approx(40 / 64)
    assert decode.idle_watts == pytest.approx(5.0)
    assert decode.kind == "counter"
    assert not decode.reason


def test_rest_that_differs_leaves_only_the_gross(tmp_path: Path) -> None:
    world = World(tmp_path)

    def decode() -> int:
        world.rest = 12.0  # something else began
        return world.work(10, 5.0, 15.0)()

    entries = measure_energy(world.work(10, 5.0, 15.0), decode, source=world.meters(), clock=world)
    told = of("decode", entries)
    assert told.net is None
    assert told.gross == pytest.approx(7.5)
    assert told.reason == "at rest it took 5.0 W before and 12.0 W after"


def test_a_counter_that_stands_still(tmp_path: Path) -> None:
    world = World(tmp_path, rest=0.0)
    work = world.work(10, 5.0, 0.0)
    told = of("decode", measure_energy(work, work, source=world.meters(), clock=world))
    assert told.gross is None
    assert told.reason == "the counter stood still"


def test_a_counter_that_goes_away(tmp_path: Path) -> None:
    world = World(tmp_path)
    meters = world.meters()

    def decode() -> int:
        (world.folder / "energy_uj").unlink(missing_ok=True)
        world._now += 20
        return 10

    told = of("decode", measure_energy(world.work(1, 20, 9), decode, source=meters, clock=world))
    assert told.net is told.gross is None
    assert "energy_uj" in told.reason


class Coarse(Meter):
    resolution = 36.0

    def __init__(self, world: World) -> None:
        super().__init__("whole machine (battery)", "power_supply (BAT0)", "gauge", "machine")
        self._world = world

    def _read(self) -> float:
        return self._world._joules // 36 * 36


class Card(Meter):
    """A GPU whose watts are given for each of the calls that time passes in: the first rest, two
    phases, the second rest."""

    def __init__(self, world: World, *watts: float) -> None:
        super().__init__("GPU 0", "NVML energy counter", "counter", "gpu")
        self._world, self._joules, self._seen = world, 0.0, 0.0
        self._watts, self._bounds = watts, (10.0, 30.0, 50.0, 60.0)

    def _read(self) -> float:
        for watts, begin, end in zip(self._watts, (0.0, *self._bounds), self._bounds, strict=False):
            span = min(self._world.now(), end) - max(self._seen, begin)
            self._joules += watts * max(span, 0.0)
        self._seen = self._world.now()
        return self._joules


def beside_a_card(world: World, *watts: float, busy: float = 25.0) -> tuple[Energy, ...]:
    """The entries of decode, the processor's first, which takes 5 W at rest and `busy` else."""
    work = world.work(10, 5.0, busy)
    source = Meters((*world.meters().available, Card(world, *watts)))
    entries = measure_energy(work, work, source=source, clock=world)
    return tuple(entry for entry in entries if entry.of == "decode")


def test_an_idle_card_adds_nothing_and_the_others_stay_net(tmp_path: Path) -> None:
    processor, card = beside_a_card(World(tmp_path), 10.0, 9.9, 9.7, 9.8)
    assert processor.net == pytest.approx(10.0)
    assert card.net == 0.0
    assert card.gross == pytest.approx(9.7 / 2)
    assert card.reason == "idle: it took no more than at rest (9.9 W)"
    spent = spent_per_token([processor, card])
    assert spent is not None
    assert spent.joules == pytest.approx(10.0)
    assert not spent.gross


def test_a_card_that_hardly_works_is_as_sure_as_it_matters(tmp_path: Path) -> None:
    processor, card = beside_a_card(World(tmp_path), 10.0, 10.0, 10.4, 10.2)
    assert card.net == pytest.approx(0.3 / 2)
    assert card.reason == "hardly above rest, to within 33%"
    spent = spent_per_token([processor, card])
    assert spent is not None
    assert spent.joules == pytest.approx(10.15)


def test_a_rest_that_differs_where_it_matters_makes_the_whole_gross(tmp_path: Path) -> None:
    processor, card = beside_a_card(World(tmp_path), 10.0, 30.0, 30.0, 50.0)
    assert processor.net == pytest.approx(10.0)
    assert card.net is None
    assert card.reason == "at rest it took 10.0 W before and 50.0 W after"
    spent = spent_per_token([processor, card])
    assert spent is not None
    assert spent.joules == pytest.approx((25 + 30) / 2)
    assert spent.gross == "GPU 0: at rest it took 10.0 W before and 50.0 W after"


def test_nothing_above_rest_is_no_figure(tmp_path: Path) -> None:
    entries = beside_a_card(World(tmp_path), 10.0, 10.0, 10.0, 10.0, busy=5.0)
    assert [entry.net for entry in entries] == [None, None]
    assert entries[0].reason == "it took no more than at rest (5.0 W)"


def test_a_gauge_too_coarse_for_the_window(tmp_path: Path) -> None:
    world = World(tmp_path)
    work = world.work(10, 5.0, 10.0)
    told = of("decode", measure_energy(work, work, source=Meters((Coarse(world),)), clock=world))
    assert told.gross is None
    assert "steps of 36 J" in told.reason
    assert told.remedy == "Measure for longer."


def test_without_a_meter_nothing_runs() -> None:
    def never() -> int:
        raise AssertionError("it ran")

    entries = measure_energy(never, never, source=Meters((), (ROOT_ONLY,)))
    assert [entry.of for entry in entries] == ["prefill", "decode"]
    assert {(entry.net, entry.gross, entry.kind) for entry in entries} == {(None, None, None)}
    assert {(entry.reason, entry.remedy) for entry in entries} == {("only root may read", "chmod")}
    assert measure_energy(never, never, source=Meters())[0].reason


def test_what_computes_nothing_is_not_repeated(tmp_path: Path) -> None:
    world = World(tmp_path)
    entries = measure_energy(
        lambda: 0, world.work(10, 5.0, 10.0), source=world.meters(), clock=world
    )
    assert of("prefill", entries).reason == "nothing was computed"
    assert of("decode", entries).net == pytest.approx(2.5)


def test_what_is_missing_beside_what_is_measured(tmp_path: Path) -> None:
    world = World(tmp_path)
    battery = Missing("whole machine", "power_supply", "machine", "plugged in")
    work = world.work(10, 5.0, 10.0)
    meters = world.meters(battery, GPU_MISSING)
    entries = measure_energy(work, work, source=meters, clock=world)
    assert [entry.domain for entry in entries if entry.gross is None] == ["GPU", "GPU"]


def test_a_tally_of_a_task(tmp_path: Path) -> None:
    world = World(tmp_path)
    with Tally(source=world.meters(), clock=world) as tally:
        for _ in range(100):  # the counter wraps around meanwhile
            world.pass_by(1.0, 25.0)
            tally._found.available[0].joules()
    (told,) = tally.energy(tokens=400, of="task")
    assert told.of == "task"
    assert told.gross == pytest.approx(2500 / 400)
    assert told.net == pytest.approx(2000 / 400)
    assert tally.seconds == 100


def test_an_interrupted_tally_does_not_wait(tmp_path: Path) -> None:
    world = World(tmp_path)
    with pytest.raises(KeyboardInterrupt), Tally(source=world.meters(), clock=world) as tally:
        world.pass_by(10, 25)
        raise KeyboardInterrupt
    assert world.now() == 20
    (told,) = tally.energy(tokens=10)
    assert told.net == pytest.approx(20.0)


def test_a_tally_without_a_meter() -> None:
    with Tally(source=Meters((), (ROOT_ONLY,))) as tally:
        pass
    (told,) = tally.energy(tokens=10)
    assert told.net is None
    assert told.reason == "only root may read"
