"""What is drawn, and what is concluded from it."""

import re
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.bench.record import Summary
from runner.bench.report import entries, page, plots, write_plots
from runner.bench.report.canvas import canvas, reach, to_png
from runner.bench.report.labels import name_points
from runner.bench.report.pareto import Point, standing
from runner.bench.report.plots import draw
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


def _labels(places: list[tuple[float, float]], names: list[str]) -> tuple[bool, list[str]]:
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 100)
    points = [(name, _point(x, y, 2)) for name, (x, y) in zip(names, places, strict=True)]
    written = name_points(axes, (7.0, 4.0), points)
    return written, [text.get_text() for text in axes.texts]


def test_names_stand_beside_points_where_there_is_room() -> None:
    assert _labels([(20, 20), (60, 80)], ["one", "other"]) == (True, ["one", "other"])
    at_the_edge = "a name that would leave the plot on its right"
    assert _labels([(95, 50)], [at_the_edge]) == (True, [at_the_edge])
    crowded = [(50 + n / 10, 50.0) for n in range(6)]
    assert _labels(crowded, ["a crowded name"] * 6) == (False, [])
    # Beside each other, but on a bar of the other's interval.
    assert _labels([(90, 50), (84, 50), (84, 55)], ["x" * 40, "y", "z"]) == (False, [])


def test_a_curve_says_which_it_is_and_which_were_refused() -> None:
    first, second = map(with_few_runs, speed_records()[:2])
    refused = [
        replace(test, summaries=(), flags=("IMPLAUSIBLE",)) if test.name == "pp512" else test
        for test in second.tests
    ]
    found = plots(entries([first, replace(second, tests=tuple(refused))]))
    plot = next(one for one in found if one.name == "depth-pp512")
    said = "r1-qwen-1.5b Q4_K_M: pp512 was refused (IMPLAUSIBLE)."
    assert said in plot.words and plot.caption.endswith(said)
    (legend,) = draw(plot, "wide").figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["r1-qwen-1.5b Q8_0"]


def test_depths_are_marked_where_they_were_measured() -> None:
    found = plots(entries(speed_records()[:1]))
    plot = next(one for one in found if one.name == "depth-tg128")
    (axes,) = draw(plot, "wide").figure.axes
    assert sorted(axes.get_xticks()) == [0, 2048, 4096, 8192]


def test_a_short_measurement_is_in_seconds() -> None:
    for few, unit in ((True, "seconds"), (False, "minutes")):
        record = with_few_runs(speed_records()[0]) if few else speed_records()[0]
        (plot,) = (one for one in plots(entries([record])) if one.name == "over-time")
        axes = draw(plot, "wide").figure.axes
        low, high = axes[0].get_ylim()
        assert axes[-1].get_xlabel() == unit and low <= 80 and high >= 105


def test_names_from_outside_are_safe_in_files_and_on_the_page(tmp_path: Path) -> None:
    """A run's, a test's and a task's are of a file that somebody sent."""
    evil = r'x"><i id="\q/../y'
    first, second = map(with_few_runs, speed_records()[:2])
    tests = [replace(one, name=one.name.replace("pp512", evil)) for one in first.tests]
    twin = [replace(one, name=one.name.replace("pp512", f"{evil[:-1]}+")) for one in first.tests]
    records = [
        replace(first, run=evil, tests=(*tests, *twin)),
        replace(second, run="other"),
        *(
            replace(one, tasks=tuple(replace(task, name=evil + task.name) for task in one.tasks))
            for one in quality_records()[:2]
        ),
    ]
    found = plots(entries(records))
    names = [plot.name for plot in found]
    assert len({*names}) == len(names) and all(re.fullmatch(r"[\w.-]+", name) for name in names)
    assert sum(name.startswith("over-time-x") for name in names) == 1
    assert "<i" not in page(records)
    written = write_plots(found, tmp_path / "plots", ["svg"])
    assert {path.parent for path in written} == {tmp_path / "plots"}
    assert all(ET.parse(path) for path in written)


def test_an_interval_beside_its_median_is_drawn_as_far_as_it_goes() -> None:
    figure = Summary("decode_rate", "tokens/s", "", 100.0, (101.0, 103.0), 5, 5)
    assert reach(figure) == (0.0, 3.0)
    assert reach(replace(figure, median=110.0), 2.0) == (18.0, 0.0)
    assert reach(replace(figure, interval=None)) == (0.0, 0.0)
    beside = [
        replace(record, tests=tuple(
            replace(test, summaries=tuple(
                replace(one, interval=(one.median * 1.1, one.median * 1.2))
                for one in test.summaries))
            for test in record.tests))
        for record in map(with_few_runs, speed_records()[:2])
    ]  # fmt: skip
    for plot in plots(entries([*beside, *quality_records()[:2]])):
        draw(plot, "wide")


def test_a_picture_is_no_higher_than_there_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.bench.report.canvas.MOST_DOTS", 1000)
    for inches, dots in ((4.0, 800), (20.0, 1000)):
        png = to_png(canvas("narrow", inches), "x")
        assert int.from_bytes(png[20:24], "big") == dots


def test_a_name_that_begins_with_a_line_below_is_in_the_legend() -> None:
    records = [replace(with_few_runs(one), name=f"_{one.name}") for one in speed_records()[:2]]
    (plot,) = [one for one in plots(entries(records)) if one.name == "depth-tg128"]
    (legend,) = draw(plot, "wide").figure.legends
    told = [text.get_text().strip() for text in legend.get_texts()]
    assert told == [one.name for one in records]


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
