"""The machine the program runs on: processors, memory, GPUs, platform, disk. Knows no llama.cpp.

Nothing here raises for what a machine lacks: a missing tool or table is a missing fact.
"""

from runner.machine.accelerators import Accelerator, accelerators
from runner.machine.disk import free_disk
from runner.machine.instruction_sets import instruction_sets
from runner.machine.memory import Memory, memory
from runner.machine.platform import Platform, platform_facts
from runner.machine.processors import Processors, processors
from runner.machine.remedies import gpu_remedy, rpc_remedy

__all__ = [
    "Accelerator",
    "Memory",
    "Platform",
    "Processors",
    "accelerators",
    "free_disk",
    "gpu_remedy",
    "instruction_sets",
    "memory",
    "platform_facts",
    "processors",
    "rpc_remedy",
]
