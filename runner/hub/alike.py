"""The header of one more file of a repository, without its tokenizer: that is in every file of it.

Quantizations of one model differ in a few values at the beginning of the header and in the list of
tensors at its end. Between them lie the vocabulary, its merges and scores, some megabytes that
repeat byte for byte, perhaps moved by a few bytes. So the beginning is read up to where the
vocabulary starts, a template (a header read whole) stands for the vocabulary, and reading goes on
behind it. That this was no mistake is proven by what follows: it has to parse to the last tensor,
and the tensors' sizes have to add up to the size of the file, to the byte.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from runner.errors import BadModelFile
from runner.gguf import ARRAY, Cursor, Header, NeedsMore, Pair, assembled, padded, parsing

FRONT = 64 << 10
"""Bytes read from a file's beginning: what precedes the vocabulary, and enough of that to know it
again."""

REPEATED = 32 << 10
"""An array of at least this many bytes belongs to the vocabulary."""

SLACK = 16 << 10
"""Bytes by which the rest of a header may be longer than the template's, without asking twice:
what the maker of an importance matrix adds."""


class Unlike(Exception):
    """The file does not continue as the template does."""


@dataclass(frozen=True, slots=True)
class Template:
    """A header that was read whole: its bytes, its pairs and where its list of tensors ends."""

    data: bytes
    header: Header
    pairs: Sequence[Pair]
    end: int


@dataclass(frozen=True, slots=True)
class Seam:
    """Where a file and its template are the same: from `own`, a position in the file, it repeats
    the template's pairs `first` to `last`, of the bytes from `start` to `stop`."""

    own: int
    first: int
    last: int
    start: int
    stop: int

    @property
    def resumes(self) -> int:
        """Where in the file the repetition ends."""
        return self.own + self.stop - self.start


def seam(template: Template, front: bytes, file_bytes: int, name: str) -> Seam:
    """Where the vocabulary lies in the file `name` of `file_bytes` that begins with `front`.

    Raises Unlike, and BadModelFile where the beginning does not parse.
    """
    cursor = Cursor(front, file_bytes)
    with parsing(name):
        _, count = cursor.counts()
        own = 0
        try:
            for _ in range(count):
                own = cursor.position
                cursor.pair()
        except NeedsMore:
            pass
    long = [
        index
        for index, pair in enumerate(template.pairs)
        if pair.type == ARRAY and pair.end - pair.start >= REPEATED
    ]
    for first in long:
        start, stop = template.pairs[first].start, template.pairs[long[-1]].end
        seen = front[own:]
        if len(seen) >= REPEATED // 2 and template.data[start : start + len(seen)] == seen:
            return Seam(own, first, long[-1], start, stop)
    raise Unlike


def rest(template: Template, seam: Seam) -> int:
    """How many bytes to read behind the vocabulary."""
    return template.end - seam.stop + SLACK


def join(
    template: Template, seam: Seam, front: bytes, tail: bytes, file_bytes: int
) -> tuple[Header, int]:
    """The header of a file that begins with `front` and goes on with `tail` behind its vocabulary;
    and how many bytes of `tail` belong to it.

    Raises Unlike, and NeedsMore where `tail` ends too early.
    """
    try:
        with parsing("the file"):
            cursor = Cursor(front[: seam.own], file_bytes)
            tensor_count, pair_count = cursor.counts()
            pairs = []
            while cursor.position < seam.own:
                pairs.append(cursor.pair())
            pairs += template.pairs[seam.first : seam.last + 1]
            cursor = Cursor(tail, file_bytes, seam.resumes)
            pairs += [cursor.pair() for _ in range(pair_count - len(pairs))]
            tensors = tuple(cursor.tensor() for _ in range(tensor_count))
            header = assembled(pairs, tensors, cursor.position, file_bytes)
    except (BadModelFile, NeedsMore) as error:
        if isinstance(error, NeedsMore) and error.bytes < file_bytes:
            raise
        raise Unlike from None
    if len(pairs) != pair_count or not adds_up(header):
        raise Unlike
    return header, cursor.at


def adds_up(header: Header) -> bool:
    """Whether the tensors follow one another as they should and fill the file to its last byte.

    The last one may lack its padding: some writers leave it out.
    """
    alignment = header.metadata.get("general.alignment", 32)
    at = end = 0
    for tensor in header.tensors:
        if tensor.bytes is None or tensor.offset != at:
            return False
        end = at + tensor.bytes
        at = padded(end, alignment)
    return bool(header.tensors) and header.file_bytes - header.data_offset in (at, end)
