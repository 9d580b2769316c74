"""A Word document as Markdown. Its pictures are left out, its XML checked before it is read."""

import io
import zipfile
from typing import Any
from xml.parsers import expat

import mammoth

from runner.chat.documents.web import to_markdown
from runner.errors import BadDocument

LARGEST_XML = 50_000_000
"""Bytes of all its XML, unpacked."""
MOST_ELEMENTS = 1_000_000
"""A document of a thousand pages has some hundred thousand; each takes about a kilobyte to read."""


def read_word(data: bytes) -> str:
    """Raises BadDocument, its words to follow the file's name, for one that would take too much."""
    _check(data)
    pictures = mammoth.images.img_element(lambda _: {"src": ""})
    # Not its own style map: a document does not say how it is to be read.
    result = mammoth.convert_to_html(
        io.BytesIO(data), convert_image=pictures, include_embedded_style_map=False
    )
    return to_markdown(result.value)[0]


def _check(data: bytes) -> None:
    """Refuse XML that grows: packed tight, or by entities, which Word never writes."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        parts = [part for part in file.infolist() if part.filename.endswith((".xml", ".rels"))]
        if sum(part.file_size for part in parts) > LARGEST_XML:
            raise BadDocument(f"unpacks to more than {LARGEST_XML // 1_000_000} MB of text")
        count = _Count()
        for part in parts:
            count.add(file.read(part))


class _Count:
    """Counts elements over several files."""

    def __init__(self) -> None:
        self._elements = 0

    def add(self, xml: bytes) -> None:
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._element
        parser.Parse(xml, True)

    def _element(self, *_: Any) -> None:
        self._elements += 1
        if self._elements > MOST_ELEMENTS:
            raise BadDocument(f"has more than {MOST_ELEMENTS} elements")

    def _refuse(self, *_: Any) -> None:
        raise BadDocument("declares entities in its XML, as no program for documents does")
