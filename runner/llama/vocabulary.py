"""A model's vocabulary: text to tokens and tokens to bytes, and which tokens are marks.

Text that came from outside must not become a mark: `</think>` or `<｜User｜>` typed by a person
turns into the control token even with `parse_special=False` where the vocabulary lists it as
*user-defined*, as R1's do. `encode_content` therefore cuts such text in two inside each mark.
"""

import ctypes
import re
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from typing import Any

from runner.errors import BadModelFile
from runner.llama.library import llama_cpp

CONTROL = 1 << 3  # LLAMA_TOKEN_ATTR_CONTROL
USER_DEFINED = 1 << 4  # LLAMA_TOKEN_ATTR_USER_DEFINED
SENTENCEPIECE, BYTE_PAIRS, WORDPIECE = 1, 2, 3  # LLAMA_VOCAB_TYPE_SPM, _BPE and _WPM

# For many vocabularies of byte pairs llama.cpp splits a text into words by std::regex, which takes
# some 300 bytes of stack for each character of a match: a blob without a space ends the process.
# No word that anybody writes is as long as this; longer ones are cut.
LONGEST_WORD = 1000
_MARK = re.escape("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~、。，！？：；")
KINDS = (r"\s", rf"[^\s{_MARK}]", r"[^\w\s]")
UNBROKEN = [re.compile(rf"(?<!{one}){one}{{{LONGEST_WORD + 1},}}") for one in KINDS]


class Vocabulary:
    """Belongs to a loaded model and lives no longer than it does."""

    def __init__(self, model: Any) -> None:
        self._vocab = llama_cpp.llama_model_get_vocab(model)
        self.size: int = llama_cpp.llama_vocab_n_tokens(self._vocab)
        self.bos: int = llama_cpp.llama_vocab_bos(self._vocab)
        self.eos: int = llama_cpp.llama_vocab_eos(self._vocab)
        self.add_bos: bool = llama_cpp.llama_vocab_get_add_bos(self._vocab)
        self.is_sentencepiece = llama_cpp.llama_vocab_type(self._vocab) == SENTENCEPIECE
        self._is_split_by_regex = llama_cpp.llama_vocab_type(self._vocab) == BYTE_PAIRS
        self._pieces: dict[int, bytes] = {}
        self._marks: dict[int, str | None] = {}

    @property
    def pointer(self) -> Any:
        return self._vocab

    def encode(self, text: str, *, marks: bool) -> list[int]:
        """The tokens of `text` without BOS; `marks` lets control tokens be recognised in it."""
        if self._is_split_by_regex:
            return [token for piece in _words_cut(text) for token in self._encode(piece, marks)]
        return self._encode(text, marks)

    def _encode(self, text: str, marks: bool) -> list[int]:
        data = text.encode("utf-8", "replace")
        room = len(data) + 16
        while True:
            tokens = (llama_cpp.llama_token * room)()
            count = llama_cpp.llama_tokenize(
                self._vocab, data, len(data), tokens, room, False, marks
            )
            if count >= 0:
                return list(tokens[:count])
            room = -count

    def encode_content(self, text: str) -> list[int]:
        """The tokens of text from outside: never a mark, whatever the text says."""
        tokens = self.encode(text, marks=False)
        if not any(self.mark(token) for token in set(tokens)):
            return tokens
        cuts = sorted({match.start() + 1 for match in self._mark_pattern.finditer(text)})
        return [
            token
            for start, end in pairwise([0, *cuts, len(text)])
            for token in self.encode(text[start:end], marks=False)
        ]

    def encode_whole(self, text: str) -> list[int]:
        """The tokens of a text from outside with those that the vocabulary puts around a whole
        text, such as BERT's CLS and SEP. Empty where the text is and there are none.

        Raises BadModelFile where it wants one that it does not have: llama.cpp would abort.
        """
        pieces = llama_cpp.llama_vocab_type(self._vocab) == WORDPIECE
        before = [self.bos] if pieces or self.add_bos else []
        after = [self.eos] if llama_cpp.llama_vocab_get_add_eos(self._vocab) else []
        if pieces:
            after = [llama_cpp.llama_vocab_sep(self._vocab)]
        if min([*before, *after], default=0) < 0:
            raise BadModelFile("the model's vocabulary lacks what begins or ends a text")
        return [*before, *self.encode_content(text), *after]

    def piece(self, token: int) -> bytes:
        """The bytes `token` stands for; a mark gives its own name."""
        known = self._pieces.get(token)
        if known is None:
            known = self._pieces[token] = self._read_piece(token)
        return known

    def is_end(self, token: int) -> bool:
        """Whether `token` ends a generation (end of sentence, of turn, of message…)."""
        return bool(llama_cpp.llama_vocab_is_eog(self._vocab, token))

    def is_control(self, token: int) -> bool:
        return bool(llama_cpp.llama_vocab_get_attr(self._vocab, token) & CONTROL)

    def mark(self, token: int) -> str | None:
        """The text of a token that structures a conversation: a control token, or a user-defined
        one that is more than white space or a single character. None for every other token."""
        if token not in self._marks:
            special = llama_cpp.llama_vocab_get_attr(self._vocab, token) & (CONTROL | USER_DEFINED)
            text = self.piece(token).decode("utf-8", "replace") if special else ""
            self._marks[token] = text if len(text) > 1 and not text.isspace() else None
        return self._marks[token]

    def has_mark(self, text: str) -> bool:
        """Whether `text` is the name of one mark."""
        tokens = self.encode(text, marks=True)
        return len(tokens) == 1 and self.mark(tokens[0]) == text

    def speaks_like(self, other: "Vocabulary") -> bool:
        """Whether the tokens of both mean the same. One may have more of them than the other: of
        one family the larger models are often padded."""
        if (self.bos, self.eos, self.is_sentencepiece) != (
            other.bos, other.eos, other.is_sentencepiece
        ):  # fmt: skip
            return False
        both = range(min(self.size, other.size))
        return all(self._name(token) == other._name(token) for token in both)

    def _name(self, token: int) -> bytes:
        """How the file writes a token, without a guess at what it prints."""
        return bytes(llama_cpp.llama_vocab_get_text(self._vocab, token))

    @cached_property
    def suppressed(self) -> tuple[int, ...]:
        """Tokens that the model's file wants never to be sampled."""
        count = ctypes.c_int32()
        first = llama_cpp.llama_vocab_get_suppress_tokens(self._vocab, ctypes.byref(count))
        return tuple(first[: count.value]) if count.value else ()

    @cached_property
    def marks(self) -> dict[int, str]:
        """Every mark. Asks for each token in turn: 45 ms for 150 000 of them."""
        found = ((token, self.mark(token)) for token in range(self.size))
        return {token: text for token, text in found if text}

    @cached_property
    def _mark_pattern(self) -> re.Pattern[str]:
        # A look-ahead finds overlapping marks too.
        names = sorted(set(self.marks.values()), key=len, reverse=True)
        return re.compile("(?=" + "|".join(map(re.escape, names)) + ")" if names else r"(?!)")

    def _read_piece(self, token: int) -> bytes:
        room = 64
        while True:
            buffer = ctypes.create_string_buffer(room)
            count = llama_cpp.llama_token_to_piece(self._vocab, token, buffer, room, 0, True)
            if count >= 0:
                return buffer.raw[:count]
            room = -count


def _words_cut(text: str) -> Iterator[str]:
    """The text in pieces, cut inside words too long: mostly one."""
    longest = max(map(len, text.split()), default=0)  # a quick look, which most often is enough
    cuts = {
        cut
        for unbroken in UNBROKEN[: None if longest > LONGEST_WORD else 1]
        for match in unbroken.finditer(text)
        for cut in range(match.start() + LONGEST_WORD, match.end(), LONGEST_WORD)
    }
    for start, end in pairwise([0, *sorted(cuts), len(text)]):
        yield text[start:end]
