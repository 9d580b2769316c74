"""What a test can make the stand-in Hub do wrong."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tests.loopback.repository import Request

Where = Literal["api", "resolve", "cdn"]

Kind = Literal[
    "status",  # answer `status` with `headers`, and nothing else
    "portal",  # answer 200 with a login page
    "cut",  # close the connection after `at` bytes of the body
    "reset",  # the same, with a TCP reset
    "stall",  # send nothing more after `at` bytes, or at all, and keep the connection open
    "hold",  # the same, until the hub's `released` is set; only an answer that is longer than that
    "flip",  # alter the byte at position `at` of the file, when it is asked for
    "wrong",  # send other content of the same size
    "changed",  # the same, under another entity tag
    "encoded",  # say that the body is compressed
    "short",  # a complete answer that is 100 bytes short
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

    def strikes(self, request: "Request") -> bool:
        """Whether it is for this request."""
        if self.kind in ("flip", "hold") and not request.covers(self.at):
            return False
        return self.where == request.where and bool(request.range or not self.of_ranges)
