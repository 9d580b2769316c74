"""The byte-level BPE tokenizer: built from a list of fixed phrases, not from statistics.

Every byte is a token and every digit stands alone. Merges exist only as
chains that grow a frequent word from its left ("␣t", "␣th", "␣the"), so a
word that is not in the list keeps its letters as single tokens after a short
head. Spelling, reversing and sorting stay operations on letters that way.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from string import ascii_letters

from data_files import blocks

BOS = "<｜begin▁of▁sentence｜>"
EOS = "<｜end▁of▁sentence｜>"
USER = "<｜User｜>"
ASSISTANT = "<｜Assistant｜>"
THINK, END_THINK = "<think>", "</think>"
CALL, END_CALL = "<tool_call>", "</tool_call>"
RESPONSE, END_RESPONSE = "<tool_response>", "</tool_response>"
CONTROL = (BOS, EOS, USER, ASSISTANT)
MARKS = (THINK, END_THINK, CALL, END_CALL, RESPONSE, END_RESPONSE)
SPECIALS = CONTROL + MARKS

_WORDS = {title: " ".join(lines).split() for title, lines in blocks("phrase_words.txt").items()}
# Words that follow a space in the fixed phrases of the model and of its users, and
# words that open a sentence of the model.
SPACED, OPENING = _WORDS["after a space"], _WORDS["first in a sentence"]


@lru_cache(maxsize=1)
def byte_characters() -> dict[int, str]:
    """The printable stand-in for every byte, as GPT-2 vocabularies write it."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {byte: chr(byte) for byte in plain}
    for byte in range(256):
        if byte not in table:
            table[byte] = chr(256 + len(table) - len(plain))
    return table


class Tokenizer:
    """The vocabulary, its merges, and encoding and decoding with them."""

    def __init__(self) -> None:
        space = byte_characters()[32]
        merges: list[tuple[str, str]] = [(space, letter) for letter in ascii_letters]
        for chain in [space + w for w in SPACED] + OPENING:
            for end in range(2, len(chain) + 1):
                pair = (chain[: end - 1], chain[end - 1])
                if pair not in merges:
                    merges.append(pair)
        self.merges = merges
        self.tokens = [byte_characters()[b] for b in range(256)]
        self.tokens += [left + right for left, right in merges]
        self.tokens += SPECIALS
        self.ids = {token: i for i, token in enumerate(self.tokens)}
        self._rank = {pair: i for i, pair in enumerate(merges)}
        self._special = re.compile("(" + "|".join(map(re.escape, SPECIALS)) + ")")
        # The pattern that the file names ("qwen2"), as near as `re` can say it:
        # the two can differ on signs that are neither letter, digit nor space,
        # and no merge holds any of those.
        self._split = re.compile(
            r"'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])|(?:[^\r\n\w]|_)?[^\W\d_]+|\d"
            r"| ?(?:[^\s\w]|_)+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|[\s\S]"
        )
        self._piece = lru_cache(maxsize=100_000)(self._merge)

    def __len__(self) -> int:
        return len(self.tokens)

    def _merge(self, piece: str) -> tuple[int, ...]:
        parts = [byte_characters()[b] for b in piece.encode()]
        while len(parts) > 1:
            ranked = [
                (self._rank[pair], i)
                for i, pair in enumerate(pairwise(parts))
                if pair in self._rank
            ]
            if not ranked:
                break
            _, at = min(ranked)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return tuple(self.ids[part] for part in parts)

    def encode(self, text: str) -> list[int]:
        """The ids of a rendered prompt; the names of special tokens become those tokens."""
        ids: list[int] = []
        for part in self._special.split(text):
            if part in SPECIALS:
                ids.append(self.ids[part])
            else:
                for piece in self._split.findall(part):
                    ids.extend(self._piece(piece))
        return ids

    def decode(self, ids: list[int]) -> str:
        """The text of ids, special tokens by their names."""
        back = {char: byte for byte, char in byte_characters().items()}
        raw = b""
        for i in ids:
            token = self.tokens[i]
            raw += token.encode() if token in SPECIALS else bytes(back[c] for c in token)
        return raw.decode(errors="replace")
