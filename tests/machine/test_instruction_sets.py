"""What a processor offers, from what Linux and macOS say of it."""

import sys

import pytest

from runner.machine import instruction_sets
from runner.machine.instruction_sets import NAMES, on_linux, on_macos

INTEL_MAC = """machdep.cpu.features: FPU VME SSE4.2 FMA F16C AVX1.0
machdep.cpu.leaf7_features: RDWRFSGS BMI1 AVX2 BMI2
"""
APPLE_SILICON = """hw.optional.arm.FEAT_DotProd: 1
hw.optional.arm.FEAT_I8MM: 1
hw.optional.arm.FEAT_SME: 0
hw.optional.arm.FEAT_SVE: 0
"""


def test_linux_lists_flags() -> None:
    x86 = "model name\t: X\nflags\t\t: fpu sse avx avx2 fma avx512f\nflags\t\t: fpu\n"
    assert on_linux(x86) == ["AVX", "AVX2", "FMA", "AVX512"]
    assert on_linux("Features\t: fp asimd asimddp i8mm\n") == ["DOTPROD", "MATMUL_INT8"]
    assert on_linux("") == []


def test_macos_lists_features_or_has_a_key_for_each() -> None:
    assert on_macos(INTEL_MAC) == ["AVX", "AVX2", "FMA", "F16C", "BMI2"]
    assert on_macos(APPLE_SILICON) == ["DOTPROD", "MATMUL_INT8"]
    assert on_macos("") == []


def test_no_two_sets_are_taken_for_each_other() -> None:
    for system in (0, 1):
        assert len({names[system] for names in NAMES.values()}) == len(NAMES)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/cpuinfo of this machine")
def test_this_machine_is_asked() -> None:
    assert set(instruction_sets()) <= set(NAMES)
