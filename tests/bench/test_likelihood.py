"""Likelihoods: known figures of llama.cpp's own program, and that batches change nothing."""

import json
import math
from pathlib import Path

import pytest

from runner.bench.quality import formats
from runner.bench.quality.likelihood import evaluate
from runner.bench.quality.task import Asked, Choice, Task
from runner.bench.record import Item, TaskResult
from runner.errors import ConfigurationError
from runner.models import Located
from runner.settings import Settings

WORDS = "The quick brown fox jumps over the lazy dog, and the dog does not mind. " * 30

FAST = Settings(threads=1)
EXACT = Settings(threads=1, kv="f32", flash_attention="off")
"""Flash attention on a CPU rounds to 16 bits, differently where other texts are beside one."""


def put(
    task: Task, path: Path, asked: Asked, done: tuple[Item, ...] = (), settings: Settings = FAST
) -> tuple[TaskResult, list[Item]]:
    kept: list[Item] = []
    result = evaluate(
        task, Located(path, "model"), settings, asked,
        done=done, keep=kept.append, progress=lambda _, __: None,
    )  # fmt: skip
    return result, kept


def median(result: TaskResult, metric: str) -> float:
    summary = result.summary(metric)
    assert summary is not None
    return summary.median


def test_perplexity_is_that_of_llama_cpps_program(shared: Path) -> None:
    text = (shared / "eval" / "wiki.test.raw").read_text(encoding="utf-8")
    task = Task("wiki", "perplexity", "", "", text=text)
    result, _ = put(task, shared / "models" / "stories260K-F32.gguf", Asked(limit=20))
    assert median(result, "perplexity") == pytest.approx(96.8959, abs=2e-4)
    assert result.facts is not None
    assert result.facts["standard_error"] == pytest.approx(4.80165, abs=2e-4)


def test_hellaswag_is_scored_as_by_llama_cpps_program(shared: Path) -> None:
    path = shared / "eval" / "hellaswag_400.txt"
    task = formats.read(path, path.read_bytes())
    assert task is not None
    result, _ = put(task, shared / "models" / "stories260K-F32.gguf", Asked())
    assert median(result, "accuracy") == 0.2725


def test_a_model_does_not_diverge_from_itself(tiny_path: Path) -> None:
    task = Task("words", "perplexity", "", "", text=WORDS)
    asked = Asked(limit=3, window=64, reference=Located(tiny_path, "itself"))
    result, _ = put(task, tiny_path, asked)
    assert median(result, "divergence") == 0 == median(result, "divergence_p100")
    assert median(result, "top1_agreement") == 1


def test_what_was_scored_before_is_not_scored_again(tiny_path: Path) -> None:
    task = Task("words", "perplexity", "", "", text=WORDS)
    whole, items = put(task, tiny_path, Asked(limit=4, window=64))
    again, new = put(task, tiny_path, Asked(limit=4, window=64), done=tuple(items[:2]))
    assert [item.id for item in new] == ["2", "3"]
    assert again.summaries == whole.summaries


def test_a_text_that_is_too_short_is_refused(tiny_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="too few"):
        put(Task("words", "perplexity", "", "", text="short"), tiny_path, Asked())


def question(name: str, *endings: str) -> Choice:
    return Choice(name, ("Once upon a time there was",), endings, 0, separator=" ")


CHOICES = (
    question("a", "a king", "a", "a king who had three sons and a daughter"),
    question("b", "no", "some water in the well"),
    Choice("c", ("Ann said that", "Ben said that"), (" it rained.", " it rained."), 1),
)


@pytest.mark.parametrize("normaliser", ["per_token", "sum", "per_character", "per_byte"])
def test_questions_together_are_scored_as_alone(tiny_f32: Path, normaliser: str) -> None:
    asked = Asked(normaliser=normaliser)
    together, _ = put(Task("t", "choice", "", "", choices=CHOICES), tiny_f32, asked, settings=EXACT)
    for choice, item in zip(CHOICES, together.items, strict=True):
        alone, _ = put(
            Task("t", "choice", "", "", choices=(choice,)), tiny_f32, asked, settings=EXACT
        )
        expected = json.loads(alone.items[0].extracted)
        assert json.loads(item.extracted) == pytest.approx(expected, abs=1e-3)


def test_an_endings_likelihood_is_the_sum_of_its_tokens(tiny_path: Path) -> None:
    task = Task("t", "choice", "", "", choices=CHOICES[1:2])
    sums, _ = put(task, tiny_path, Asked(normaliser="sum"))
    bytes_, _ = put(task, tiny_path, Asked(normaliser="per_byte"))
    pairs = zip(*(json.loads(one.items[0].extracted) for one in (sums, bytes_)), strict=True)
    for (total, each), ending in zip(pairs, CHOICES[1].endings, strict=True):
        assert math.isclose(total, each * len(ending))
        assert total < 0


def test_hellaswags_lines_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "tasks.txt"
    good = "A dog\n2\nruns.\nsleeps.\nbarks.\nflies.\n"
    task = formats.read(path, good.encode())
    assert task is not None and task.choices[0].answer == 2
    with pytest.raises(ConfigurationError, match="line 7"):
        formats.read(path, (good + "A cat\n7\n").encode())
    other = formats.read(path, b"some text\nof two lines")
    assert other is not None and other.kind == "perplexity"
