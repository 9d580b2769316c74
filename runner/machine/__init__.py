"""The machine the program runs on: processors, memory, GPUs, platform, disk, and how fast it is.

Nothing here raises for what a machine lacks: a missing tool or table is a missing fact. Only a
measurement of its rates asks llama.cpp for anything.
"""

from runner.machine.accelerators import Accelerator, accelerators
from runner.machine.disk import free_disk
from runner.machine.instruction_sets import instruction_sets
from runner.machine.memory import Memory, memory
from runner.machine.platform import Platform, platform_facts
from runner.machine.processors import Processors, processors
from runner.machine.rates import DeviceRates, Rates, measure, rates
from runner.machine.remedies import gpu_remedy, rpc_remedy

__all__ = [
    "Accelerator",
    "DeviceRates",
    "Memory",
    "Platform",
    "Processors",
    "Rates",
    "accelerators",
    "free_disk",
    "gpu_remedy",
    "instruction_sets",
    "measure",
    "memory",
    "platform_facts",
    "processors",
    "rates",
    "rpc_remedy",
]
