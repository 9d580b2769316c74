"""Whether and how a model runs on this machine: its context, its layers on each device, threads."""

from runner.fit.memory import Footprint, footprint
from runner.fit.placement import Placement, Wishes, place

__all__ = ["Footprint", "Placement", "Wishes", "footprint", "place"]
