"""The page as a browser, a phone, a printer and a screen reader have it."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from runner.bench.report import entries, page
from runner.bench.report.tables import glance
from tests.report.browser import Browser
from tests.report.made import quality_records, speed_records, with_few_runs

EVERYTHING = "['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice']"
CONTRAST = "['color-contrast']"
WHAT_MATTERS = (
    "found => [found.passes.length, found.violations.map(one => "
    "[one.id, ...one.nodes.slice(0, 3).map(node => node.html.slice(0, 200))])]"
)


class Seen(HTMLParser):
    """What tags a page has, with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def of(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


def test_needs_nothing_else(html: str) -> None:
    seen = Seen(html)
    assert not seen.of("script") + seen.of("link") + seen.of("img") + seen.of("iframe")
    references = [
        one[key] for _, one in seen.tags for key in ("href", "src", "xlink:href") if key in one
    ]
    assert all(one is not None and one.startswith("#") for one in references)
    assert not re.search(r"url\((?!#)|@import", html)


def test_ids_are_unique_and_references_lead_somewhere(html: str) -> None:
    seen = Seen(html)
    ids = [one["id"] for _, one in seen.tags if "id" in one]
    assert len(ids) == len(set(ids))
    for _, one in seen.tags:
        for key in ("href", "xlink:href", "aria-labelledby"):
            if target := one.get(key):
                assert target.removeprefix("#") in ids


def test_is_said_to_who_does_not_see(html: str) -> None:
    seen = Seen(html)
    assert seen.of("html")[0]["lang"] == "en"
    assert len(seen.of("h1")) == 1
    assert all(one.get("aria-hidden") == "true" for one in seen.of("svg"))
    assert all(one.get("scope") in ("col", "row") for one in seen.of("th"))
    assert len(seen.of("caption")) == len(seen.of("table")) > 3
    assert len(seen.of("figcaption")) == len(seen.of("figure")) > 5
    assert "r1-qwen-1.5b Q3_K_M: 58.0 %" in html
    assert "another is better at both, beyond the intervals" in html


def test_says_everything(html: str) -> None:
    for words in ("THROTTLED", "refused, CACHED", "may be read by root only", "0.4120 J/token",
                  "seed 7", "sha256 " + "a" * 64, "20261127-0512-k3f0", "Every run of",
                  ):  # fmt: skip
        assert words in html


def test_text_from_outside_stays_text() -> None:
    record = with_few_runs(speed_records()[0])
    name = "<script>alert(1)</script> $x_1$ 深度 & \u202egnp.exe\x1b[31m"
    html = page([replace(record, name=name)])
    assert "<script>" not in html
    assert "\u202e" not in html and "\x1b" not in html
    assert "&lt;script&gt;" in html


def test_what_is_compared_at_a_glance_is_the_same_test() -> None:
    first, second = map(with_few_runs, speed_records()[:2])
    refused = [
        replace(test, summaries=(), flags=("CACHED",)) if test.name == "pp512" else test
        for test in second.tests
    ]
    table = glance(entries([first, replace(second, tests=tuple(refused))]))
    assert table.heads[1:4] == ("Decode (tg128)", "Prefill (pp512@d8192)", "First token (chat)")
    only = [test for test in refused if test.name in ("pp512", "tg128")]
    table = glance(
        entries([replace(first, tests=first.tests[:3]), replace(second, tests=tuple(only))])
    )
    place = table.heads.index("Prefill (pp512)")
    assert [row[place].text for row in table.rows][1] == "refused"


def test_how_tasks_were_put_and_what_figures_are_is_said_once(html: str) -> None:
    assert html.count("token budget 2048") == 1
    assert html.count("right / all, Wilson") == 1
    one, other = quality_records()[:2]
    tasks = tuple(replace(task, facts={"samples": 4, "stop": None}) for task in other.tasks)
    apart = page([one, replace(other, tasks=tasks)])
    assert "<dt>arithmetic, r1-qwen-1.5b Q8_0</dt><dd>samples 1, token budget 2048</dd>" in apart
    assert "<dt>arithmetic, r1-qwen-1.5b Q4_K_M</dt><dd>samples 4, stop none</dd>" in apart


def test_the_heading_counts_models_and_configurations() -> None:
    one, other = map(with_few_runs, speed_records()[:2])
    again = replace(one, id="again", name="r1-qwen-1.5b Q8_0, threads 4")
    assert "<h1>r1-qwen-1.5b in 2 configurations, measured</h1>" in page([one, again])
    assert "<h1>2 models in 3 configurations, measured</h1>" in page([one, again, other])


def test_answers_alone_make_a_page() -> None:
    html = page(quality_records()[:2])
    assert "Best at arithmetic" in html
    assert "<svg" not in html


def test_has_a_subject() -> None:
    with pytest.raises(ValueError, match="at least one"):
        page([])


def test_is_seen_offline(html: str, chromium: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(html, encoding="utf-8")
    for width in (1280, 500):
        picture = chromium.screenshot(path, width, 1600).read_bytes()
        assert len(picture) > 20_000  # an empty page has some 5 kB
    assert 'id="plot-ceiling"' in chromium.run("--dump-dom", path.as_uri())


def test_fits_a_phone(html: str, chromium: Browser) -> None:
    script = """[document.documentElement.scrollWidth, innerWidth,
        [...document.querySelectorAll('figure')].map(f => [...f.querySelectorAll('svg')]
            .filter(s => s.getBoundingClientRect().width > 0).map(s => s.getAttribute('class')))]"""
    wide, window, shown = chromium.ask(html, script, width=390)
    assert wide <= window == 390
    assert all(one == ["narrow"] for one in shown)


@pytest.mark.parametrize(
    ("dark", "rules"), [(False, EVERYTHING), (True, CONTRAST)], ids=["light", "dark"]
)
def test_is_accessible(html: str, chromium: Browser, dark: bool, rules: str) -> None:
    axe_core = pytest.importorskip("axe_core_python")
    library = (Path(axe_core.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    with_axe = html.replace("</body>", f"<script>{library}</script></body>")
    asked = f"axe.run(document, {{runOnly: {rules}}}).then({WHAT_MATTERS})"
    passes, violations = chromium.ask(with_axe, asked, width=1000, dark=dark)
    assert violations == []
    assert passes > (0 if dark else 30)
