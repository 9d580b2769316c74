"""An arm: one model in one configuration, to be measured beside others."""

from dataclasses import dataclass

from runner.models import Located
from runner.settings import Settings


@dataclass(frozen=True, slots=True)
class Arm:
    """`name` is unique in a measurement, and says what sets it apart ("tiny Q8_0, threads 2")."""

    name: str
    located: Located
    settings: Settings
