"""The network: a Llama-style transformer, small enough to train on two cores.

Pre-norm blocks, rotary positions, a gated MLP. Attention is written as plain
matrix products, which on a CPU at these sizes takes half the time of the
built-in call. Passes over memory dominate at these sizes: `compile` fuses them,
which makes training half as fast again.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Shape:
    """The sizes of a network. All are multiples of 32, so that Q8_0 covers every matrix."""

    vocabulary: int
    layers: int
    width: int
    heads: int
    inner: int
    context: int = 2048
    rope_base: float = 10000.0
    epsilon: float = 1e-6

    @property
    def head(self) -> int:
        return self.width // self.heads


def shapes(vocabulary: int) -> dict[str, Shape]:
    """The two networks: the student is the one that is shipped."""
    return {
        "teacher": Shape(vocabulary, layers=5, width=256, heads=8, inner=512),
        "student": Shape(vocabulary, layers=5, width=192, heads=6, inner=384),
    }


def level(x: Tensor, epsilon: float) -> Tensor:
    """The root-mean-square norm without a gain: the matrix that follows can hold it."""
    return x * torch.rsqrt(x.float().square().mean(-1, keepdim=True) + epsilon).to(x.dtype)


class Block(nn.Module):  # type: ignore[misc]
    """Attention, then the gated MLP, each added to the stream."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width, inner = shape.width, shape.inner
        self.heads, self.head, self.epsilon = shape.heads, shape.head, shape.epsilon
        self.attn_q = nn.Linear(width, width, bias=False)
        self.attn_k = nn.Linear(width, width, bias=False)
        self.attn_v = nn.Linear(width, width, bias=False)
        self.attn_output = nn.Linear(width, width, bias=False)
        self.ffn_gate = nn.Linear(width, inner, bias=False)
        self.ffn_up = nn.Linear(width, inner, bias=False)
        self.ffn_down = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, future: Tensor) -> Tensor:
        rows, length, width = x.shape
        h = level(x, self.epsilon)

        def split(t: Tensor) -> Tensor:
            t = t.view(rows, length, self.heads, self.head).transpose(1, 2)
            return t.reshape(rows * self.heads, length, self.head)

        q, k = split(self.attn_q(h)), split(self.attn_k(h))
        q, k, v = _rotate(q, cos, sin), _rotate(k, cos, sin), split(self.attn_v(h))
        scores = torch.baddbmm(future, q, k.mT, alpha=self.head**-0.5)
        mixed = torch.bmm(torch.softmax(scores, dim=-1), v)
        mixed = mixed.view(rows, self.heads, length, self.head).transpose(1, 2)
        x = x + self.attn_output(mixed.reshape(rows, length, width))
        h = level(x, self.epsilon)
        return x + self.ffn_down(F.silu(self.ffn_gate(h)) * self.ffn_up(h))


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn each pair (i, i + half) by its position's angle."""
    return x * cos + x.roll(x.shape[-1] // 2, -1) * sin


class Network(nn.Module):  # type: ignore[misc]
    """Token ids in, the hidden state of every position out; `logits` reads it."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.output_norm = nn.Parameter(torch.ones(shape.width))
        half = shape.head // 2
        turns = shape.rope_base ** -(torch.arange(half).float() / half)
        angles = torch.arange(shape.context).float()[:, None] * turns
        cos, sin = angles.cos(), angles.sin()
        self.register_buffer("cos", torch.cat((cos, cos), -1), persistent=False)
        self.register_buffer("sin", torch.cat((-sin, sin), -1), persistent=False)
        self.output = nn.Linear(shape.width, shape.vocabulary, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                # What is added to the stream starts at nothing, and the guess at "any token".
                late = name.endswith(("attn_output.weight", "ffn_down.weight", "output.weight"))
                nn.init.normal_(parameter, std=0.0 if late else shape.width**-0.5)

    def forward(self, ids: Tensor) -> Tensor:
        length = ids.shape[1]
        kind = torch.bfloat16 if torch.is_autocast_enabled("cpu") else torch.float32
        cos, sin = self.cos[:length].to(kind), self.sin[:length].to(kind)
        future = torch.full((length, length), -30000.0, dtype=kind).triu(1)[None]
        x = (self.token_embd(ids) * self.shape.width**0.5).to(kind)
        for block in self.blocks:
            x = block(x, cos, sin, future)
        return level(x, self.shape.epsilon) * self.output_norm.to(kind)

    def logits(self, hidden: Tensor) -> Tensor:
        return self.output(hidden)
