"""The order of runs: blocks, in which each arm has two runs of each test, mirrored (ABBA)."""

import random
from collections.abc import Sequence
from typing import TypeVar

from runner.bench.workloads import Workload

T = TypeVar("T")


def mirrored(arms: Sequence[T], seed: int, block: int, test: str) -> list[tuple[T, int]]:
    """The arms of one test of a block with the number of each one's run, 0 or 1: in random order
    and then backwards, so that what drifts over the block is the same for all.

    Of two arms, ABBA and BAAB come by a fair coin, independent for each block and test.
    """
    drawn = random.Random(f"order {seed} {block} {test}").sample(arms, len(arms))
    return [(arm, 0) for arm in drawn] + [(arm, 1) for arm in reversed(drawn)]


def shuffled(tests: Sequence[Workload], seed: int, block: int) -> list[Workload]:
    """The tests of a block in random order, but by depth: the cache is filled to each depth from
    the one before. Every other block begins at the greatest depth, which is still in the cache."""
    drawn = random.Random(f"tests {seed} {block}").sample(tests, len(tests))
    return sorted(drawn, key=lambda one: one.depth, reverse=bool(block % 2))


def heads(seed: int, block: int, test: str) -> bool:
    """A fair coin: which of an arm's two runs of a block counts to the first of two equal arms."""
    return random.Random(f"coin {seed} {block} {test}").random() < 0.5
