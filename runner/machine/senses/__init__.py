"""What a machine says of its frequency, heat, limits and power: quickly, or not at all."""

import sys

from runner.machine.senses.senses import Senses

__all__ = ["Senses", "senses_here"]


def senses_here() -> Senses:
    """Those of this system."""
    if sys.platform == "linux":
        from runner.machine.senses.linux import LinuxSenses

        return LinuxSenses()
    if sys.platform == "darwin":
        from runner.machine.senses.macos import MacSenses

        return MacSenses()
    if sys.platform == "win32":
        from runner.machine.senses.windows import WindowsSenses

        return WindowsSenses()
    return Senses()
