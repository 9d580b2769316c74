"""A Hugging Face Hub on the loopback interface, and the guard that keeps tests there."""

from tests.loopback.faults import Fault
from tests.loopback.hub import LoopbackHub
from tests.loopback.repository import Request

__all__ = ["Fault", "LoopbackHub", "Request"]
