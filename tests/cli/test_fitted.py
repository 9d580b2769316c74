"""Tables in terminals of every width."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from runner.cli.fitted import fitted
from runner.cli.records import LAST, SPARE, WRAPPED, rate_table, task_table
from tests.report.made import quality_records, speed_records

HEADS = ("TEST", "ARM", "TOKENS/S", "BAR", "FLAGS")
ROWS = (
    ("pp512", "DeepSeek-R1-Distill-Qwen-1.5B Q4_K_M", "141.25", "  ├──●─┤  ", "THROTTLED, NOISY"),
    ("tg128@d4096", "tiny", "39.70", "    ├●┤   ", ""),
)

Lines = list[tuple[str, ...]]


def width_of(lines: Lines, gap: int) -> int:
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    return sum(widths) + gap * (len(widths) - 1)


def test_a_wide_terminal_gets_all() -> None:
    assert fitted(HEADS, ROWS, 200, spare=("BAR",), wrapped=(("ARM",),)) == ([HEADS, *ROWS], 3)


def test_what_matters_least_goes_first() -> None:
    lines, gap = fitted(HEADS, ROWS, 90, spare=("BAR",), wrapped=(("ARM",),), last=("FLAGS",))
    assert lines[0] == ("TEST", "ARM", "TOKENS/S", "FLAGS")
    assert lines[1][1] == "DeepSeek-R1-Distill-Qwen-1.5B Q4_K_M" and gap == 3


def test_cells_may_become_shorter_instead() -> None:
    heads, rows = ("OF CEILING",), [("83% of 48.2",)]
    lines, _ = fitted(heads, rows, 10, spare=(("OF CEILING", lambda text: text[:3]),))
    assert lines == [("OF CEILING",), ("83%",)]


def test_then_words_take_several_lines() -> None:
    lines, gap = fitted(HEADS, ROWS, 60, spare=("BAR",), wrapped=(("ARM",), ("FLAGS",)))
    assert width_of(lines, gap) <= 60
    arm = " ".join(line[1] for line in lines[1:] if line[1] != "tiny").split()
    assert "".join(arm) == "DeepSeek-R1-Distill-Qwen-1.5BQ4_K_M"
    assert [line[2] for line in lines if line[2]] == ["TOKENS/S", "141.25", "39.70"]


@given(st.integers(1, 200))
def test_numbers_stay_however_narrow_it_is(width: int) -> None:
    lines, _ = fitted(
        HEADS, ROWS, width, spare=("BAR",), wrapped=(("ARM",), ("FLAGS",)), last=("FLAGS",)
    )
    assert [line[lines[0].index("TOKENS/S")] for line in lines if "" not in line[:1]] == [
        "TOKENS/S", "141.25", "39.70",
    ]  # fmt: skip


@pytest.mark.parametrize("width", [80, 100, 140])
@pytest.mark.parametrize("several", [1, 5])
def test_records_fit_usual_terminals(width: int, several: int) -> None:
    for table in (rate_table(speed_records()[:several]), task_table(quality_records()[:several])):
        lines, gap = fitted(*table, width, spare=SPARE, wrapped=WRAPPED, last=LAST)
        assert width_of(lines, gap) <= width
