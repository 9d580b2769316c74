"""Train tiny: first a teacher, then the student that is shipped, then write the GGUF files.

    python models/tiny/train.py

does it all, on two CPU cores. Checkpoints go to a working folder every two
minutes; the same command goes on from them exactly where the run was stopped,
because the data are a function of the seed and of the pool's number.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import sys
import time
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from random import Random

# Threads that spin while they wait stall each other on a shared machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import torch
from corpus import SKILLS, Batch, batch_of, dialogue, encoded, pool
from export import export
from network import Network, shapes
from optimizer import Optimizer
from tokenizer import Tokenizer
from torch import Tensor
from torch.nn import functional as F

torch._dynamo.config.recompile_limit = 64  # two networks, with and without gradients

FOLDER = Path.home() / ".cache" / "runner-tiny"
SHIPPED = Path(__file__).with_name("tiny-Q8_0.gguf")
SAVE_SECONDS = 120
TEMPERATURE = 1.5


@dataclass(frozen=True)
class Plan:
    """How one network is trained."""

    steps: int
    tokens: int  # in a part of a step
    parts: int  # batches in a step, each of its own length
    first: float  # how many times the first token of an answer counts
    rates: tuple[tuple[int, float], ...]  # the share of the learning rates at some steps
    stages: tuple[int, ...] = ()  # the pools with which the later stages of the corpus begin
    looks: tuple[tuple[int, int], ...] = ()  # from a step on, the teacher looks at one in so many


TEACHER = Plan(
    steps=4000,
    tokens=4096,
    parts=1,
    first=4,
    rates=((0, 0.01), (100, 1), (1180, 1), (1230, 0.5), (2200, 0.5), (4000, 0)),
)
STUDENT = Plan(
    steps=15300,
    tokens=3072,
    parts=2,
    first=8,
    rates=(
        (0, 0.01),
        (150, 0.5),
        (2600, 0.5),
        (2858, 0.482083),
        (2859, 0.463),
        (4000, 0.3),
        (9800, 0),
        (9801, 0.12),
        (11300, 0),
        (11301, 0.25),
        (15300, 0),
    ),
    stages=(1013, 1168),
    looks=((0, 1), (500, 2), (4000, 4)),
)


def share(step: int, plan: Plan) -> float:
    """The share of the learning rates at a step: straight lines between those of the plan."""
    for (start, low), (end, high) in pairwise(plan.rates):
        if step <= end:
            return low + (high - low) * (step - start) / (end - start)
    return 0.0


def looked_at(step: int, plan: Plan) -> bool:
    """Whether the teacher looks at a step: its pass costs a third of one, and it has less and less
    to say to a student that catches up with it."""
    every = [count for start, count in plan.looks if step >= start]
    return bool(every) and step % every[-1] == 0


def objective(student: Network, teacher: Network | None, batch: Batch, first: float) -> Tensor:
    """Cross-entropy on the assistant's tokens, with the teacher's soft targets if there is one.

    The first token of the reasoning decides which task this is, which is the
    hardest to learn and only one token of many: it counts `first` times.
    """
    mask = batch.mask
    weight = 1 + (first - 1) * (mask & ~F.pad(mask, (1, 0))[:, :-1])[mask].float()
    labels = batch.targets[mask]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = student.logits(student(batch.inputs)[mask]).float()
    loss = (F.cross_entropy(logits, labels, reduction="none") * weight).sum() / weight.sum()
    if teacher is None:
        return loss
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        soft = teacher.logits(teacher(batch.inputs)[mask]).float()
    weight = weight * (soft.argmax(-1) == labels)  # learn from the teacher where it is right
    wanted = F.log_softmax(soft / TEMPERATURE, dim=-1)
    given = F.log_softmax(logits / TEMPERATURE, dim=-1)
    apart = F.kl_div(given, wanted, reduction="none", log_target=True).sum(-1)
    return 0.5 * loss + 0.5 * TEMPERATURE**2 * (apart * weight).sum() / weight.sum().clamp(min=1)


def held_out_share(model: Network, tokenizer: Tokenizer, task: str, count: int) -> float:
    """How many held-out dialogues have every token right, the right ones before it given."""
    rng = Random(f"watch {task}")
    made = [encoded(tokenizer, dialogue(rng, held=True, task=task)) for _ in range(count)]
    batch = batch_of(made)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        guessed = model.logits(model(batch.inputs)).argmax(-1)
    right = ((guessed == batch.targets) | ~batch.mask).all(dim=1)
    return float(right.float().mean())


class Run:
    """One network's training, from its checkpoint if there is one."""

    def __init__(
        self, name: str, plan: Plan, options: argparse.Namespace, tokenizer: Tokenizer
    ) -> None:
        self.name, self.plan, self.tokenizer = name, plan, tokenizer
        self.file: Path = options.folder / f"{name}.pt"
        self.seed = f"{options.seed} {name}"
        torch.manual_seed(options.seed)
        self.model = Network(shapes(len(tokenizer))[name])
        self.model.compile(dynamic=True)
        self.optimizer = Optimizer(self.model)
        self.step = self.pool = self.place = 0
        self.tokens = 0
        self.batches: list[Batch] = []
        if self.file.exists():
            saved = torch.load(self.file, weights_only=True)
            self.model.load_state_dict(saved["model"])
            self.optimizer.load(saved["optimizer"])
            self.step, self.pool, self.place, self.tokens = saved["at"]
            self.log(f"goes on from step {self.step}")

    def log(self, text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {self.name} {text}", flush=True)

    def save(self) -> None:
        at = (self.step, self.pool, self.place, self.tokens)
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state(), "at": at}
        torch.save(state, self.file.with_suffix(".new"))
        self.file.with_suffix(".new").replace(self.file)

    def watch(self) -> None:
        """Log the shares of held-out dialogues that are right, teacher-forced."""
        shares = (
            f"{task} {100 * held_out_share(self.model, self.tokenizer, task, 50):.0f}"
            for task in SKILLS
        )
        self.log("held out, %: " + ", ".join(shares))

    def next_batch(self) -> Batch:
        """The batch whose turn it is."""
        if not self.batches:
            plan = self.plan
            stage = sum(self.pool >= first for first in plan.stages)
            self.batches = pool(self.tokenizer, self.seed, self.pool, plan.tokens, stage)
        batch = self.batches[self.place]
        self.place += 1
        if self.place == len(self.batches):
            self.pool, self.place, self.batches = self.pool + 1, 0, []
        return batch

    def train(self, teacher: Network | None) -> Network:
        """Train to the last step, and return the network."""
        saved = since = time.monotonic()
        total, counted = 0.0, self.tokens
        while self.step < self.plan.steps:
            for part in range(self.plan.parts):
                batch = self.next_batch()
                soft = teacher if part == 0 and looked_at(self.step, self.plan) else None
                loss = objective(self.model, soft, batch, self.plan.first)
                loss = loss / self.plan.parts
                loss.backward()
                total += loss.item()
                self.tokens += batch.inputs.numel()
            self.optimizer.step(share(self.step, self.plan))
            self.step += 1
            if self.step % 50 == 0:
                speed = (self.tokens - counted) / (time.monotonic() - since)
                self.log(
                    f"step {self.step}/{self.plan.steps} loss {total / 50:.4f} "
                    f"tokens {self.tokens / 1e6:.2f}M {speed:.0f}/s"
                )
                since, total, counted = time.monotonic(), 0.0, self.tokens
            if self.step % 500 == 0:
                self.watch()
                since = time.monotonic()
            if time.monotonic() - saved > SAVE_SECONDS or self.step == self.plan.steps:
                self.save()
                saved = time.monotonic()
        return self.model


def keep_memory() -> None:
    """Let the C library keep what a step frees: fetching it again costs a tenth of the time."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):  # glibc
            for option, value in ((-4, 0), (-1, 2**31 - 1), (-2, 2**28)):
                libc.mallopt(option, value)  # no mmap, no trimming, grow by 256 MiB


def main() -> None:
    """Both runs one after the other, then the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for checkpoints and F32 file")
    parser.add_argument("--output", type=Path, default=SHIPPED, help="the Q8_0 file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--teacher-steps", type=int, default=TEACHER.steps)
    parser.add_argument("--student-steps", type=int, default=STUDENT.steps)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    keep_memory()
    torch.set_num_threads(2)
    tokenizer = Tokenizer()
    plan = replace(TEACHER, steps=options.teacher_steps)
    teacher = Run("teacher", plan, options, tokenizer).train(None)
    teacher.eval().requires_grad_(False)
    plan = replace(STUDENT, steps=options.student_steps)
    student = Run("student", plan, options, tokenizer)
    student.train(teacher)
    plain = options.folder / "tiny-F32.gguf"
    export(student.file, student.model.shape, plain, options.output)
    student.log(f"wrote {plain} and {options.output}")


if __name__ == "__main__":
    main()
