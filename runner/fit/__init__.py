"""Whether and how a model runs on this machine: its context, its layers on each device, threads."""

from runner.fit.memory import Memory
from runner.fit.placement import Placement, place
from runner.fit.planning import plan
from runner.fit.plans import Plan
from runner.fit.shape import shape_plan
from runner.fit.verdict import Verdict, verdict
from runner.fit.wishes import Wishes

__all__ = ["Memory", "Placement", "Plan", "Verdict", "Wishes", "place", "plan", "shape_plan",
           "verdict"]  # fmt: skip
