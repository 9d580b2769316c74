"""Vectors of texts: what they are made of, that company does not change them, what is refused."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from runner.engine.embed import SEQUENCES, Embedder
from runner.engine.model import Model
from runner.errors import BadModelFile, PromptTooLong
from runner.fit import Placement
from runner.llama.context import Batch
from runner.llama.library import llama_cpp
from runner.llama.model import LlamaModel
from tests.engine.bert import CONTEXT, SPECIAL, WIDTH, WORDS, write_bert

TEXTS = ["What is 12 + 30?", "hello", "Spell banana. " * 5, "", "Who are you?", "hello"]
ROUNDING = 3e-4
"""Of a vector of length 1: 0.00006 was seen in F32 between batches of different shapes, and 0.003
in Q8_0, where activations are rounded too."""


def opened(path: Path, context: int = 256) -> Embedder:
    return Embedder.open(path, Placement(context, 0, None, 1, "f16"))


@pytest.fixture(scope="module")
def tiny(tiny_f32: Path) -> Iterator[Embedder]:
    with opened(tiny_f32) as embedder:
        yield embedder


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bert(tmp_path_factory.mktemp("bert") / "bert.gguf")


def of_tokens(path: Path, tokens: list[int]) -> npt.NDArray[np.float32]:
    """The vector of each token, (tokens × width), from a context without pooling."""
    model = LlamaModel(path, gpu_layers=0)
    parameters = llama_cpp.llama_context_default_params()
    parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = 256
    parameters.n_threads = parameters.n_threads_batch = 1
    parameters.embeddings = True
    parameters.pooling_type = 0
    context = llama_cpp.llama_init_from_model(model.pointer, parameters)
    batch = Batch(256)
    batch.add(tokens, 0, 0, logits=len(tokens))
    assert llama_cpp.llama_decode(context, batch.struct) == 0
    width = llama_cpp.llama_model_n_embd(model.pointer)
    rows = [
        np.ctypeslib.as_array(llama_cpp.llama_get_embeddings_ith(context, row), shape=(width,))
        for row in range(len(tokens))
    ]
    vectors = np.array(rows)
    llama_cpp.llama_free(context)
    model.close()
    return vectors


def normal(vector: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return vector / np.linalg.norm(vector)


def test_a_decoder_gives_the_mean_of_its_tokens(tiny: Embedder, tiny_f32: Path) -> None:
    assert tiny.pooling == "mean"
    with Model.open(tiny_f32, Placement(256, 0, None, 1, "f32")) as model:
        vocabulary = model.vocabulary
        tokens = [vocabulary.bos] * vocabulary.add_bos + vocabulary.encode(TEXTS[0], marks=False)
    expected = normal(of_tokens(tiny_f32, tokens).mean(axis=0))
    (vector,) = tiny.embed(TEXTS[:1])
    assert np.allclose(vector, expected, atol=ROUNDING)


@pytest.mark.parametrize(("pooling", "name", "row"), [(2, "cls", 0), (3, "last", -1)])
def test_an_encoder_pools_as_its_file_says(
    tmp_path: Path, pooling: int, name: str, row: int
) -> None:
    path = write_bert(tmp_path / "bert.gguf", pooling=pooling)
    # [CLS] the cat ##s sat . [SEP]
    words = [len(SPECIAL) + WORDS.index(word) for word in ("the", "cat", "##s", "sat", ".")]
    tokens = [SPECIAL.index("[CLS]"), *words, SPECIAL.index("[SEP]")]
    with opened(path) as embedder:
        assert (embedder.pooling, embedder.width) == (name, WIDTH)
        (vector,) = embedder.embed(["the cats sat."])
    assert np.allclose(vector, normal(of_tokens(path, tokens)[row]), atol=ROUNDING)


def test_without_a_word_on_pooling_it_is_the_mean(tmp_path: Path) -> None:
    path = write_bert(tmp_path / "bert.gguf", pooling=None)
    with opened(path) as embedder:
        assert embedder.pooling == "mean"


def test_together_as_alone(tiny: Embedder, bert: Path) -> None:
    together = tiny.embed(TEXTS)
    assert together.shape == (len(TEXTS), tiny.width)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for text, vector in zip(TEXTS, together, strict=True):
        assert np.allclose(tiny.embed([text])[0], vector, atol=ROUNDING)
    words = ["the cat", "the dog ran far.", "", "a mat, the cats sat on", "a"] * SEQUENCES
    with opened(bert) as embedder:
        several = embedder.embed(words)
        for word, vector in zip(words, several[:5], strict=False):
            assert np.allclose(embedder.embed([word])[0], vector, atol=ROUNDING)
        assert np.allclose(several[:5], several[-5:], atol=ROUNDING)


def test_other_texts_have_other_vectors(tiny: Embedder) -> None:
    vectors = tiny.embed(TEXTS)
    likeness = vectors @ vectors.T
    assert likeness[1, 5] == pytest.approx(1, abs=1e-4)
    assert likeness[0, 1] < 0.99


@pytest.mark.parametrize("kind", ["qwen3-dense", "gemma3-dense", "gpt-oss-moe", "lfm2-dense",
                                  "qwen35-dense", "mamba2-dense", "nemotron_h-dense",
                                  "deepseek2-moe"])  # fmt: skip
def test_every_kind_of_model_gives_the_mean(shared: Path, kind: str) -> None:
    """Their vocabularies are stand-ins, so the text is given as its tokens."""
    path = shared / "models" / "archs" / f"{kind}.gguf"
    tokens = [[1 + step * 7 % 100 for step in range(length)] for length in (40, 3, 17)]
    with opened(path) as embedder:
        vectors = embedder._context.embed(tokens)
    for one, vector in zip(tokens, vectors, strict=True):
        expected = normal(of_tokens(path, one).mean(axis=0))
        assert np.allclose(normal(vector), expected, atol=ROUNDING)


def test_a_mark_in_a_text_is_text(tiny: Embedder) -> None:
    mark = next(iter(tiny._model.vocabulary.marks.values()))
    apart = tiny.embed([f"a {mark} b"])[0]
    longer = tiny._encode(f"a {mark} b")
    assert not any(tiny._model.vocabulary.mark(token) for token in longer[1:])
    assert np.isfinite(apart).all()


def test_a_whole_text_has_the_tokens_that_llama_cpp_gives_it(
    tiny: Embedder, bert: Path, shared: Path
) -> None:
    def tokens(embedder: Embedder, text: str) -> list[int]:
        data, room = text.encode(), (llama_cpp.llama_token * 64)()
        pointer = embedder._model.vocabulary.pointer
        count = llama_cpp.llama_tokenize(pointer, data, len(data), room, 64, True, False)
        return list(room[:count])

    with opened(bert) as encoder, opened(shared / "models" / "stories260K-F32.gguf") as stories:
        for embedder in (tiny, encoder, stories):
            for text in ("", "the cats sat.", " Once upon a time "):
                assert embedder._encode(text) == (tokens(embedder, text) or [0])


@pytest.mark.parametrize("name", ["bos", "seperator"])
def test_a_vocabulary_without_what_begins_or_ends_a_text(tmp_path: Path, name: str) -> None:
    """llama.cpp aborts the process over one when it reads a text."""
    with (
        opened(write_bert(tmp_path / "bert.gguf", without=name)) as embedder,
        pytest.raises(BadModelFile, match="lacks what begins or ends"),
    ):
        embedder.embed(["the cat"])


def test_too_long_a_text_is_refused_before_anything_is_computed(bert: Path) -> None:
    long = "the cat " * CONTEXT
    done: list[int] = []

    def progress(number: int, _total: int) -> bool:
        done.append(number)
        return True

    with opened(bert, context=4096) as embedder:
        assert embedder.longest == CONTEXT
        with pytest.raises(PromptTooLong, match=r"text 2 has 130 tokens.* 64 ") as caught:
            embedder.embed(["the cat", long], progress=progress)
        assert "model with a longer context" in caught.value.remedy
        assert done == []
        fits = "the " * (CONTEXT - 2)
        assert np.isfinite(embedder.embed([fits], progress=progress)).all()
        assert done == [1]
    with opened(bert, context=32) as embedder, pytest.raises(PromptTooLong) as caught:
        embedder.embed([fits])
    assert "--ctx" in caught.value.remedy


def test_it_stops_between_batches(tiny: Embedder) -> None:
    seen: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> bool:
        seen.append((done, total))
        return len(seen) < 2

    with pytest.raises(KeyboardInterrupt):
        tiny.embed(["hello"] * SEQUENCES * 3, progress=progress)
    assert seen == [(SEQUENCES, SEQUENCES * 3), (2 * SEQUENCES, SEQUENCES * 3)]
    assert np.isfinite(tiny.embed(["hello"])).all()


def test_no_texts_give_no_vectors(tiny: Embedder) -> None:
    assert tiny.embed([]).shape == (0, tiny.width)


def test_a_ranking_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadModelFile, match="gives no vectors"):
        opened(write_bert(tmp_path / "ranks.gguf", pooling=4))


def test_an_encoder_does_not_answer(bert: Path) -> None:
    """llama.cpp says that it decodes, and gives logits that are left-over memory."""
    with pytest.raises(BadModelFile, match="not a language model") as caught:
        Model.open(bert, Placement(64, 0, None, 1, "f16"))
    assert "runner embed" in caught.value.remedy
