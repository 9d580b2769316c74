"""What is drawn, and what is concluded from it."""

import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.bench.report import entries, plots, write_plots
from runner.bench.report.pareto import Point, standing
from runner.errors import ConfigurationError, DiskError
from tests.report.made import quality_records, speed_records, with_few_runs


def _point(x: float, y: float, half: float = 1.0) -> Point:
    return Point(x, y, (x - half, x + half), (y - half, y + half))


def test_dominated_only_beyond_the_intervals() -> None:
    points = [_point(10, 10), _point(5, 5), _point(9.5, 9), _point(20, 1)]
    assert standing(points) == ["front", "dominated", "unclear", "front"]


def test_without_an_interval_nothing_is_sure() -> None:
    points = [_point(10, 10), Point(1, 1, None, (0.9, 1.1))]
    assert standing(points) == ["front", "unclear"]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=8))
def test_someone_is_on_the_front(places: list[tuple[int, int]]) -> None:
    stands = standing([_point(x, y) for x, y in places])
    assert "front" in stands
    assert stands[places.index(max(places))] == "front"


def test_speed_and_answers_meet_by_file_and_kv() -> None:
    speed, quality = speed_records()[0], quality_records()[0]
    other = replace(quality, configuration=replace(quality.configuration, kv="q8_0"), id="other")
    met, alone = entries([speed, quality, other])
    assert met.qualities == (quality,)
    assert (met.speed, alone.speed, alone.qualities) == (speed, None, (other,))
    assert alone.name == f"{other.name} (other)"


def test_every_plot_is_drawn(tmp_path: Path) -> None:
    found = plots(entries([*map(with_few_runs, speed_records()[:2]), *quality_records()[:2]]))
    names = {plot.name for plot in found}
    assert names == {"quality-speed-arithmetic", "quality-speed-wiki.test.raw", "depth-pp512",
                     "depth-tg128", "latency", "ceiling", "over-time"}  # fmt: skip
    assert all(plot.words and plot.caption for plot in found)
    written = write_plots(found, tmp_path / "new", ["png", "svg"])
    assert len(written) == 2 * len(found)
    for path in written:
        if path.suffix == ".svg":
            title = ET.parse(path).find(".//{http://www.w3.org/2000/svg}title")
            assert title is not None and title.text
        else:
            assert path.read_bytes().startswith(b"\x89PNG")


def test_words_are_the_figures() -> None:
    found = {plot.name: plot for plot in plots(entries(speed_records()))}
    ceiling = found["ceiling"].words[0]
    assert ceiling.startswith("pp512, r1-qwen-1.5b Q8_0: ")
    assert ceiling.endswith("61%, limited by arithmetic.")
    assert "°C: 5" in " ".join(found["over-time"].words)


def test_nothing_measured_of_it_nothing_drawn() -> None:
    record = speed_records()[0]
    assert plots(entries([replace(record, tests=())])) == ()


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(DiskError, match="cannot write plots"):
        write_plots([], tmp_path / "file", ["png"])


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = plots(entries(speed_records()[:1]))
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ConfigurationError) as caught:
        write_plots(found, tmp_path, ["png"])
    assert "runner-llm[report]" in caught.value.remedy
