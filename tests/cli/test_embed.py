"""`runner embed`: a table of what is alike, or vectors as JSON."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Runner
from tests.engine.bert import WIDTH, write_bert


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_bert(tmp_path_factory.mktemp("bert") / "bert.gguf"))


def test_each_text_and_the_one_most_like_it(runner: Runner, bert: str) -> None:
    said = runner("embed", bert, "the cat sat", "a dog ran far", "the  cat\nsat")
    assert (said.code, said.err) == (0, "")
    lines = [line.split("   ") for line in said.out.splitlines()]
    assert [cell.strip() for cell in lines[0] if cell] == ["#", "TEXT", "NEAREST", "COSINE"]
    assert said.out.splitlines()[1].split() == ["1", "the", "cat", "sat", "3", "1.000"]
    assert said.out.splitlines()[3].split() == ["3", "the", "cat", "sat", "1", "1.000"]


def test_vectors_as_json_one_a_line(runner: Runner, bert: str) -> None:
    said = runner("embed", bert, "--json", stdin="the cat\r\n\r\na dog\n")
    assert (said.code, said.err) == (0, "")
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert [row["index"] for row in rows] == [0, 1, 2]
    assert [row["text"] for row in rows] == ["the cat", "", "a dog"]
    vectors = np.array([row["vector"] for row in rows])
    assert vectors.shape == (3, WIDTH)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    alone = json.loads(runner("embed", bert, "a dog", "--json").out)["vector"]
    assert np.allclose(alone, vectors[2], atol=1e-3)


def test_one_text_has_nothing_to_be_like(runner: Runner, bert: str) -> None:
    assert runner("embed", bert, "the cat").out == f"TEXT      NUMBERS\nthe cat   {WIDTH}\n"


def test_a_model_that_answers_embeds_too(runner: Runner) -> None:
    said = runner("embed", "tiny", "hello", "--json", "--ctx", "64")
    assert said.code == 0
    assert len(json.loads(said.out)["vector"]) == 192


def test_no_text(runner: Runner, bert: str) -> None:
    said = runner("embed", bert)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: there is no text\n")


def test_too_long_a_text(runner: Runner, bert: str) -> None:
    said = runner("embed", bert, "the cat " * 100)
    assert (said.code, said.out) == (7, "")
    assert "text 1 has 202 tokens, and at most 64" in said.err


def test_more_memory_than_there_is(runner: Runner, tiny_path: Path) -> None:
    said = runner("embed", str(tiny_path), "hello", "--ctx", "2000000000")
    assert said.code == 6
    assert said.out == ""


def test_an_encoder_is_not_run(runner: Runner, bert: str) -> None:
    said = runner("run", bert, "hello")
    assert said.code == 5
    assert "`runner embed` gives vectors" in said.err
