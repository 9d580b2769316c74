"""Train tiny: first a teacher, then the student that is shipped, then write the GGUF files.

    python models/tiny/train.py

does it all, on two CPU cores. Checkpoints go to a working folder every two
minutes; the same command goes on from them exactly where the run was stopped,
because the data are a function of the seed and of the pool's number.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from pathlib import Path

# Threads that spin while they wait stall each other on a shared machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import torch
from torch import Tensor
from torch.nn import functional as F

from corpus import SKILLS, Batch, dialogue, encoded, pool
from network import Network, Shape
from optimizer import Optimizer
from tokenizer import Tokenizer

FOLDER = Path.home() / ".cache" / "runner-tiny"
TEACHER_STEPS, STUDENT_STEPS = 4000, 8000
SAVE_SECONDS = 120
TEMPERATURE = 1.5


def shapes(vocabulary: int) -> dict[str, Shape]:
    """The two networks: the student is the one that is shipped."""
    return {
        "teacher": Shape(vocabulary, layers=5, width=256, heads=8, inner=512),
        "student": Shape(vocabulary, layers=5, width=192, heads=6, inner=384),
    }


def share(step: int, steps: int) -> float:
    """The share of the learning rate: a short rise, a long plateau, a fall to nothing."""
    fall = steps * 2 // 5
    return min(1.0, (step + 1) / 100, (steps - step) / fall)


def objective(student: Network, teacher: Network | None, batch: Batch) -> Tensor:
    """Cross-entropy on the assistant's tokens, with the teacher's soft targets if there is one."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = student.logits(student(batch.inputs)[batch.mask])
    loss = F.cross_entropy(logits.float(), batch.targets[batch.mask])
    if teacher is None:
        return loss
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        soft = teacher.logits(teacher(batch.inputs)[batch.mask])
    wanted = F.log_softmax(soft.float() / TEMPERATURE, dim=-1)
    given = F.log_softmax(logits.float() / TEMPERATURE, dim=-1)
    apart = F.kl_div(given, wanted, reduction="batchmean", log_target=True)
    return 0.5 * loss + 0.5 * TEMPERATURE**2 * apart


@torch.no_grad()
def held_out_share(model: Network, tokenizer: Tokenizer, task: str, count: int) -> float:
    """How many held-out dialogues have every token right, the right ones before it given."""
    rng = random.Random(f"watch {task}")
    right = 0
    for _ in range(count):
        ids, prompt = encoded(tokenizer, dialogue(rng, held=True, task=task))
        row = torch.tensor([ids])
        guessed = model.logits(model(row[:, :-1])[:, prompt - 1 :]).argmax(-1)
        right += int(torch.equal(guessed, row[:, prompt:]))
    return right / count


class Run:
    """One network's training, from its checkpoint if there is one."""

    def __init__(self, name: str, steps: int, options: argparse.Namespace, tokenizer: Tokenizer) -> None:
        self.name, self.steps, self.options, self.tokenizer = name, steps, options, tokenizer
        self.file = Path(options.folder) / f"{name}.pt"
        self.seed = f"{options.seed} {name}"
        torch.manual_seed(options.seed)
        self.model = Network(shapes(len(tokenizer))[name])
        self.optimizer = Optimizer(self.model)
        self.step = self.pool = self.place = 0
        self.tokens = 0
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
        os.replace(self.file.with_suffix(".new"), self.file)

    def watch(self) -> None:
        """Log the shares of held-out dialogues that are right, teacher-forced."""
        shares = (f"{task} {100 * held_out_share(self.model, self.tokenizer, task, 50):.0f}" for task in SKILLS)
        self.log("held out, %: " + ", ".join(shares))

    def train(self, teacher: Network | None) -> Network:
        """Train to the last step, and return the network."""
        batches: list[Batch] = []
        saved = since = time.monotonic()
        total, counted = 0.0, 0
        while self.step < self.steps:
            if not batches:
                batches = pool(self.tokenizer, self.seed, self.pool, self.options.tokens)
            batch = batches[self.place]
            # Every second step is enough of the teacher, whose pass costs as much as a third of a step.
            loss = objective(self.model, teacher if self.step % 2 else None, batch)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step(share(self.step, self.steps))
            total += loss.item()
            counted += batch.inputs.numel()
            self.tokens += batch.inputs.numel()
            self.step += 1
            self.place += 1
            if self.place == len(batches):
                self.pool, self.place, batches = self.pool + 1, 0, []
            if self.step % 50 == 0:
                spent = time.monotonic() - since
                self.log(
                    f"step {self.step}/{self.steps} loss {total / 50:.4f} "
                    f"tokens {self.tokens / 1e6:.2f}M {counted / spent:.0f}/s"
                )
                since, total, counted = time.monotonic(), 0.0, 0
            if self.step % 500 == 0:
                self.watch()
                since = time.monotonic()
            if time.monotonic() - saved > SAVE_SECONDS or self.step == self.steps:
                self.save()
                saved = time.monotonic()
        return self.model


def main() -> None:
    """Both runs one after the other, then the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", default=str(FOLDER), help="where checkpoints and the F32 file go")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=4096, help="tokens in a batch")
    parser.add_argument("--teacher-steps", type=int, default=TEACHER_STEPS)
    parser.add_argument("--student-steps", type=int, default=STUDENT_STEPS)
    options = parser.parse_args()
    Path(options.folder).mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(2)
    tokenizer = Tokenizer()
    teacher = Run("teacher", options.teacher_steps, options, tokenizer).train(None)
    Run("student", options.student_steps, options, tokenizer).train(teacher.eval().requires_grad_(False))


if __name__ == "__main__":
    main()
