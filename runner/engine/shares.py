"""How the tokens of one step are divided among the requests under way."""

from collections.abc import Sequence

DELAY_SECONDS = 0.1
"""How long prompts being read may hold up the next token of other replies."""

SMALLEST_SHARE = 16
"""Tokens of prompts read in a step, however slow the machine is."""


def divide(wanted: Sequence[int], room: int, rate: float | None) -> list[int]:
    """How many tokens of each request to compute, where the n-th has `wanted[n]` to be read before
    its next token is chosen, and a batch takes `room`, at least one for each.

    Replies under way want one, and get it. What is left is shared by the prompts being read,
    evenly, so that a short one does not wait for a long one; where somebody's reply would wait for
    it, no more than what `rate`, in tokens/s, reads in a short delay (None: nobody minds).
    """
    shares = [1 if want == 1 else 0 for want in wanted]
    reading = [number for number, want in enumerate(wanted) if want > 1]
    left = room - sum(shares)
    if rate is not None and any(shares):
        left = min(left, max(SMALLEST_SHARE, int(rate * DELAY_SECONDS)))
    reading.sort(key=lambda number: wanted[number])
    for place, number in enumerate(reading):
        shares[number] = min(wanted[number], left // (len(reading) - place))
        left -= shares[number]
    return shares
