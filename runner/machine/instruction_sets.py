"""The instruction sets of the processor that make llama.cpp faster, under llama.cpp's names."""

import re
import sys
from pathlib import Path

from runner.machine.sources import sysctl, text

# What Linux calls each in /proc/cpuinfo, and macOS in `sysctl`: a word in one of its lists of
# features on Intel, a key of its own on Apple silicon.
NAMES = {
    "AVX": ("avx", "AVX1.0"),
    "AVX2": ("avx2", "AVX2"),
    "FMA": ("fma", "FMA"),
    "F16C": ("f16c", "F16C"),
    "BMI2": ("bmi2", "BMI2"),
    "AVX512": ("avx512f", "AVX512F"),
    "AVX512_VNNI": ("avx512_vnni", "AVX512VNNI"),
    "AVX512_BF16": ("avx512_bf16", "AVX512_BF16"),
    "DOTPROD": ("asimddp", "hw.optional.arm.FEAT_DotProd"),
    "MATMUL_INT8": ("i8mm", "hw.optional.arm.FEAT_I8MM"),
    "SVE": ("sve", "hw.optional.arm.FEAT_SVE"),
}


def instruction_sets() -> list[str]:
    """Those of NAMES that this processor has; none where the system does not tell (Windows)."""
    if sys.platform == "darwin":
        keys = ["machdep.cpu.features", "machdep.cpu.leaf7_features", "hw.optional.arm"]
        # Each for itself: asked for one that it lacks, sysctl fails for all.
        return on_macos("\n".join(map(sysctl, keys)))
    return on_linux(text(Path("/proc/cpuinfo")))


def on_linux(cpuinfo: str) -> list[str]:
    """From `/proc/cpuinfo`, whose line of flags is the same for every processor."""
    line = re.search(r"^(?:flags|Features)\s*:(.*)$", cpuinfo, re.MULTILINE)
    flags = set(line[1].split()) if line else set()
    return [name for name, (flag, _) in NAMES.items() if flag in flags]


def on_macos(said: str) -> list[str]:
    """From `sysctl`: lists of features after a colon, and keys that are 1 where there is one."""
    lists = re.findall(r"^machdep\.cpu\.\w+: (.*)$", said, re.MULTILINE)
    has = set(" ".join(lists).split()) | set(re.findall(r"^(\S+): 1$", said, re.MULTILINE))
    return [name for name, (_, feature) in NAMES.items() if feature in has]
