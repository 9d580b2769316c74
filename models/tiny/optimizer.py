"""Muon for the matrices, AdamW for the embedding and the gains.

Muon turns each matrix's momentum into a nearly orthogonal step, which at this
size learns the same from about half the tokens that AdamW needs. Matrices of
one shape are stacked, so that the few products it costs are large ones.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import torch
from torch import Tensor, nn


def orthogonal(stack: Tensor) -> Tensor:
    """Bring the singular values of each matrix in a stack near one (Newton-Schulz)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = stack.bfloat16()
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return (x.mT if tall else x).float()


class Optimizer:
    """Both methods under one roof: `step` takes the share of the full learning rate."""

    def __init__(
        self, model: nn.Module, matrix_rate: float = 0.02, other_rate: float = 0.002
    ) -> None:
        self.matrix_rate, self.other_rate = matrix_rate, other_rate
        groups: defaultdict[tuple[int, ...], list[nn.Parameter]] = defaultdict(list)
        others: list[nn.Parameter] = []
        for name, parameter in model.named_parameters():
            if parameter.dim() == 2 and "blocks" in name:
                groups[tuple(parameter.shape)].append(parameter)
            else:
                others.append(parameter)
        self.groups = list(groups.values())
        self.momenta = [torch.zeros(len(group), *group[0].shape) for group in self.groups]
        self.adam = torch.optim.AdamW(others, lr=other_rate, betas=(0.9, 0.98), weight_decay=0.0)

    def step(self, share: float) -> None:
        """One update from the gradients, which are then cleared."""
        with torch.no_grad():
            self._turn(share)
        for options in self.adam.param_groups:
            options["lr"] = share * self.other_rate
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)

    def _turn(self, share: float) -> None:
        for group, momentum in zip(self.groups, self.momenta, strict=True):
            gradient = torch.stack([p.grad for p in group if p.grad is not None])
            momentum.mul_(0.95).add_(gradient)
            update = orthogonal(gradient.add_(momentum, alpha=0.95))
            rows, columns = group[0].shape
            rate = share * self.matrix_rate * max(1.0, rows / columns) ** 0.5
            for parameter, change in zip(group, update, strict=True):
                parameter.mul_(1 - 0.01 * rate).add_(change, alpha=-rate)
                parameter.grad = None

    def state(self) -> dict[str, Any]:
        return {"momenta": self.momenta, "adam": self.adam.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        self.momenta = state["momenta"]
        self.adam.load_state_dict(state["adam"])
