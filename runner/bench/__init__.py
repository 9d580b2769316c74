"""Benchmarks: workloads, repeated measurements, their statistics, and the record of a run.

The figures are the engine's own `Timings`, the same that follow a turn of a chat. Prints nothing.
"""

from runner.bench.measure import Result, Sample, measure
from runner.bench.record import Record, record
from runner.bench.statistics import Statistics, summarize
from runner.bench.workloads import Workload, workloads

__all__ = [
    "Record",
    "Result",
    "Sample",
    "Statistics",
    "Workload",
    "measure",
    "record",
    "summarize",
    "workloads",
]
