"""Finding in an installer's log the one line that says why it failed."""

import re
from pathlib import Path

from runner.errors import BuildError, DiskError, NetworkError, RunnerError
from runner.machine.compiler import compiler_install_line

LAST = 400_000  # characters of the log to look at

NO_COMPILER = (
    r"CMAKE_C(XX)?_COMPILER not set|No CMAKE_C(XX)?_COMPILER could be found"
    r"|is not able to compile a simple test program|Could not find the compiler specified"
)

# What a log says, the kind of error, and the cause in words; the first that matches counts.
CAUSES: tuple[tuple[str, type[RunnerError], str], ...] = (
    (
        r"No space left on device|There is not enough space on the disk",
        DiskError,
        "the disk is full.",
    ),
    (
        r"Killed signal terminated program|fatal error: Killed|[Oo]ut of memory"
        r"|virtual memory exhausted|out of heap space",
        BuildError,
        "the compiler ran out of memory.",
    ),
    (
        r"No CMAKE_CUDA_COMPILER could be found|Could NOT find CUDAToolkit|CUDA Toolkit not found"
        r"|Failed to find nvcc",
        BuildError,
        "CMAKE_ARGS asks for CUDA, and the CUDA toolkit (nvcc) was not found.",
    ),
    (
        r"Could NOT find Vulkan|Could not find .*SPIRV-Headers",
        BuildError,
        "CMAKE_ARGS asks for Vulkan, and its headers, library or compiler (glslc) were not found.",
    ),
    (
        r"hip-config\.cmake|No CMAKE_HIP_COMPILER could be found|Failed to find ROCm root",
        BuildError,
        "CMAKE_ARGS asks for HIP, and ROCm was not found.",
    ),
    (NO_COMPILER, BuildError, "the C and C++ compiler does not work."),
    (
        r"CERTIFICATE_VERIFY_FAILED|invalid peer certificate",
        NetworkError,
        "the package index shows a certificate that this machine does not trust.",
    ),
    (
        r"NewConnectionError|NameResolutionError|Name or service not known|getaddrinfo failed"
        r"|Temporary failure in name resolution|Network is unreachable|dns error|tcp connect error"
        r"|ConnectTimeout|ReadTimeoutError|error sending request",
        NetworkError,
        "the package index cannot be reached.",
    ),
    (r"Permission denied|Access is denied", DiskError, "a file could not be written."),
)


def failure(log: Path) -> RunnerError:
    """The error that the `log` of a failed installer explains, best guess first."""
    text = log.read_text(encoding="utf-8", errors="replace")[-LAST:]
    where = f"Log: {log}"
    for pattern, kind, cause in CAUSES:
        if re.search(pattern, text):
            fix = f"Run `{compiler_install_line()}`. " if pattern == NO_COMPILER else ""
            return kind(f"the setup failed: {cause}", remedy=fix + where)
    if match := re.search(r"No matching distribution found for ([^\r\n]+)", text):
        return BuildError(f"the setup failed: no package index has {match[1]}.", remedy=where)
    lines = [line.strip() for line in text.splitlines() if re.search(r"\berror\b", line, re.I)]
    told = lines[-1][:200] if lines else "the installer does not say why."
    return BuildError(f"the setup failed: {told}", remedy=where)
