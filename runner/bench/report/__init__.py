"""A report of measurements: one HTML page that needs nothing else, and its plots as files."""

from runner.bench.report.entries import Entry, entries
from runner.bench.report.page import page
from runner.bench.report.plots import Plot, plots, write_plots

__all__ = ["Entry", "Plot", "entries", "page", "plots", "write_plots"]
