"""Whether several arms fit into memory at once."""

from collections.abc import Sequence

from runner.bench.arms import Arm
from runner.bench.workloads import Workload
from runner.fit.plans import Plan

SHARE = 0.9
"""Of the memory that is free, what arms may fill together: the rest is the file cache's."""


def together(arms: Sequence[Arm], workloads: Sequence[Workload]) -> bool:
    """Whether the arms can be loaded beside each other, by arithmetic from their headers. On other
    devices than the CPU they are taken for too large. Raises as `fit.place` does."""
    if len(arms) == 1:
        return True
    from runner import machine

    available = machine.memory().available
    if any(arm.settings.rpc for arm in arms):
        return False
    needed = 0
    for arm in arms:
        plan = plan_of(arm)
        context = arm.settings.ctx or max(one.context for one in workloads)
        if sum(plan.counts(context)):
            return False
        needed += plan.needed(context)
    return needed <= available * SHARE


def plan_of(arm: Arm) -> Plan:
    """Where an arm goes, by arithmetic."""
    from runner.fit.here import here
    from runner.fit.placement import checked, formula_plan
    from runner.models.wishes import wishes_of

    wishes = wishes_of(arm.settings)
    return formula_plan(checked(arm.located.path, wishes), wishes, here(wishes))
