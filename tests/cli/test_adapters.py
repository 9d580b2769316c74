"""`--lora` and `--control-vector`: named, scaled, several, and refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from runner import settings
from runner.engine.adapters import Adapters, Scaled
from runner.errors import ConfigurationError
from runner.models.adapted import adapters_of
from tests.cli.conftest import Runner
from tests.engine.adapter_files import (
    LAYERS,
    OUTPUT,
    VOCABULARY,
    WIDTH,
    pair,
    write_lora,
    write_vector,
)


@pytest.mark.parametrize(
    ("text", "path", "scale"),
    [
        ("style.gguf", "style.gguf", 1.0),
        ("style.gguf:0.5", "style.gguf", 0.5),
        ("style.gguf:-2", "style.gguf", -2.0),
        (r"C:\adapters\style.gguf", r"C:\adapters\style.gguf", 1.0),
        (r"C:\adapters\style.gguf:1e-1", r"C:\adapters\style.gguf", 0.1),
        ("odd:name", "odd:name", 1.0),
    ],
)
def test_a_scale_follows_the_last_colon(text: str, path: str, scale: float) -> None:
    expected = (Scaled(Path(path), scale),)
    assert adapters_of(settings.load({"lora": (text,)})) == Adapters(loras=expected)
    found = adapters_of(settings.load({"control_vector": (text, "b.gguf")}))
    assert found == Adapters(control_vectors=(*expected, Scaled(Path("b.gguf"))))


@pytest.mark.parametrize("text", [":0.5", "style.gguf:nan", "style.gguf:inf"])
def test_what_names_no_adapter(text: str) -> None:
    with pytest.raises(ConfigurationError, match="names no adapter"):
        adapters_of(settings.load({"lora": (text,)}))


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    lora = write_lora(tmp_path / "style.gguf", {OUTPUT: pair(WIDTH, VOCABULARY)})
    draw = np.random.default_rng(0)
    some = {layer: draw.normal(0, 1, WIDTH).astype(np.float32) for layer in range(1, LAYERS)}
    return lora, write_vector(tmp_path / "calm.gguf", some)


def test_run_answers_with_them(runner: Runner, files: tuple[Path, Path]) -> None:
    lora, vector = files
    ask = ("run", "tiny", "hello", "--temperature", "0", "--max-tokens", "8", "--json")

    def said(*options: str) -> tuple[str, dict[str, object]]:
        facts = json.loads(runner(*ask, *options).out)
        return facts["reasoning"] + facts["answer"], facts["adapters"]

    plain, none = said()
    assert none == {"lora": [], "control_vector": []}
    assert said("--lora", f"{lora}:0")[0] == plain
    adapted, _ = said("--lora", f"{lora}:20")
    steered, _ = said("--control-vector", f"{vector}:9")
    assert len({plain, adapted, steered}) == 3
    two = ("--control-vector", str(vector), "--control-vector", f"{vector}:3")
    _, several = said("--lora", f"{lora}:0.5", *two)
    assert several == {
        "lora": [{"path": str(lora), "scale": 0.5}],
        "control_vector": [{"path": str(vector), "scale": 1}, {"path": str(vector), "scale": 3}],
    }


def test_the_option_again_adds_another(runner: Runner, files: tuple[Path, Path]) -> None:
    said = runner("run", "tiny", "hello", "--lora", f"{files[0]}", "--lora", f"{files[0]}:2")
    assert said.code == 2
    assert "named twice" in said.err


def test_a_wrong_file_is_told_before_the_model_is_loaded(
    runner: Runner, files: tuple[Path, Path]
) -> None:
    said = runner("run", "tiny", "hello", "--lora", str(files[1]))
    assert (said.code, said.out) == (5, "")
    assert said.err.startswith("error: calm.gguf is not a LoRA adapter\n")


def test_chat_and_bench_name_them(runner: Runner, files: tuple[Path, Path]) -> None:
    lora, vector = files
    chat = runner("chat", "tiny", "--lora", f"{lora}:0.5", "--max-tokens", "1", stdin="hello\n")
    assert chat.err.startswith("tiny + LoRA style.gguf:0.5 · context ")
    small = ("-p", "8", "-n", "2", "-r", "1", "--no-ceiling", "--control-vector", str(vector))
    bench = runner("bench", "tiny", *small, "--json")
    assert json.loads(bench.out)["records"][0]["configuration"]["adapters"] == ["calm.gguf:1"]
    assert "calm.gguf:1" in runner("bench", "tiny", *small).out
