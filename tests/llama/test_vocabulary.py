"""Texts that a vocabulary has to bear."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.llama.vocabulary import KINDS, LONGEST_WORD, _words_cut
from tests.gguf.headers import taken_apart, text

LENGTH = 60_000
BLOBS = """
from itertools import cycle, islice
for seed in ("x", " ", "\\n", "-", "7", "e\\u0301", "\\u672c", "\\u2192", "-\\u0301", "x-", "aB3/"):
    blob = "".join(islice(cycle(seed), LENGTH))
    tokens = vocabulary.encode_content(blob)
    assert b"".join(map(vocabulary.piece, tokens)).decode() == blob, repr(seed)
"""
PROGRAM = f"""
import sys
from pathlib import Path
from runner.llama.model import LlamaModel
vocabulary = LlamaModel(Path(sys.argv[1]), gpu_layers=0).vocabulary
LENGTH = {LENGTH}
{BLOBS}
"""


@pytest.mark.parametrize("words", ["tekken", "gpt-4o"])
def test_a_blob_without_words_does_not_end_the_process(
    words: str, tiny_path: Path, tmp_path: Path
) -> None:
    """With the shipped model's tokens, split into words as other models' are. In a process of its
    own: what this guards against is a crash."""
    file = taken_apart(tiny_path)
    pairs = [
        replace(pair, raw=text(words.encode())) if pair.key == b"tokenizer.ggml.pre" else pair
        for pair in file.pairs
    ]
    assert pairs != file.pairs
    path = tmp_path / f"{words}.gguf"
    path.write_bytes(replace(file, pairs=pairs).packed())
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (0, "")


pieces = st.sampled_from(["x", " ", "\n", "-", "7", "\u0301", "\u672c", "\u2192", "、", "\u0e33"])


@given(st.lists(st.tuples(pieces, st.integers(1, 3 * LONGEST_WORD)), max_size=6))
def test_words_too_long_are_cut_and_no_other(runs: list[tuple[str, int]]) -> None:
    text = "".join(piece * count for piece, count in runs)
    cut = list(_words_cut(text))
    assert "".join(cut) == text
    for piece in cut:
        runs_left = [found[0] for kind in KINDS for found in re.finditer(f"{kind}+", piece)]
        assert max(map(len, runs_left), default=0) <= LONGEST_WORD


def test_ordinary_text_is_not_cut() -> None:
    for ordinary in ("", "word " * 5000, "a,b;" * 5000, "本" * 999 + "。" + "本" * 999, "=" * 80):
        assert len(list(_words_cut(ordinary))) == 1
