"""How a step is divided: nobody waits for ever, and nobody's reply waits long."""

from hypothesis import given
from hypothesis import strategies as st

from runner.engine.shares import DELAY_SECONDS, SMALLEST_SHARE, divide


@given(
    st.lists(st.integers(1, 5000), min_size=1, max_size=8), st.integers(16, 512), st.floats(1, 1e5)
)
def test_every_step_is_within_its_bounds(wanted: list[int], room: int, rate: float) -> None:
    shares = divide(wanted, room, rate)
    assert all(0 < share <= want for share, want in zip(shares, wanted, strict=True))
    assert sum(shares) <= room
    if 1 in wanted:
        read = sum(share for share, want in zip(shares, wanted, strict=True) if want > 1)
        assert read <= max(SMALLEST_SHARE, rate * DELAY_SECONDS)
    elif sum(wanted) >= room:
        assert sum(shares) == room  # nothing of the batch is left unused


def test_a_short_prompt_does_not_wait_for_a_long_one() -> None:
    assert divide([4000, 30], 512, 1000) == [482, 30]


def test_a_reply_waits_for_no_more_than_a_short_delay() -> None:
    assert divide([1, 4000], 512, 190) == [1, 19]
    assert divide([1, 4000], 512, 10) == [1, SMALLEST_SHARE]
    assert divide([1, 4000], 512, 100000) == [1, 511]


def test_where_nobody_reads_along_a_batch_is_full() -> None:
    assert divide([1, 1, 4000], 512, None) == [1, 1, 510]
