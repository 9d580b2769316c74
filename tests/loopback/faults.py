"""What a test can make the stand-in Hub do wrong."""

from dataclasses import dataclass, field
from typing import Literal

Where = Literal["api", "resolve", "cdn"]

Kind = Literal[
    "status",  # answer `status` with `headers`, and nothing else
    "portal",  # answer 200 with a login page
    "cut",  # close the connection after `at` bytes of the body
    "reset",  # the same, with a TCP reset
    "stall",  # send nothing more after `at` bytes, or at all, and keep the connection open
    "hold",  # the same, until the hub's `released` is set
    "flip",  # alter the byte at position `at` of the file
    "short",  # a complete answer that is 100 bytes short of the file
    "long",  # an answer of unstated length with 100 bytes too many
    "wrong_start",  # answer a Range request with another range
    "other_etag",  # announce another sha256
]


@dataclass
class Fault:
    """A fault, for the next `times` requests of its kind at `where`."""

    where: Where
    kind: Kind
    at: int = 0
    times: float = 1
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    of_ranges: bool = False  # strike only requests for a range

    def __post_init__(self) -> None:
        self.of_ranges = self.of_ranges or self.kind == "wrong_start"
