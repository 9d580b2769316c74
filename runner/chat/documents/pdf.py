"""The text of a PDF, page by page."""

import io
import logging
from typing import TYPE_CHECKING

from pypdf import PdfReader
from pypdf.errors import DependencyError

from runner.errors import BadDocument

if TYPE_CHECKING:
    from runner.chat.documents.reading import Progress

MOST_PAGES = 5_000


def read_pdf(data: bytes, progress: "Progress | None" = None) -> tuple[str, str]:
    """The text, and how many pages it is of. Raises BadDocument, its words to follow the file's
    name, where it is locked, too long, or has no text."""
    # Its warnings are about a file's form, and would be printed in the middle of a chat.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not _opens_without_password(reader):
        raise BadDocument(
            "is locked with a password", remedy="Save a copy without one, and name that."
        )
    count = len(reader.pages)
    if count > MOST_PAGES:
        raise BadDocument(
            f"has {count} pages, and up to {MOST_PAGES} are read",
            remedy="Take the pages that matter.",
        )
    pages = []
    for number, page in enumerate(reader.pages):
        if progress is not None:
            progress(number, count)
        pages.append(page.extract_text().strip())
    return "\n\n".join(filter(None, pages)), _details(pages)


def _opens_without_password(reader: PdfReader) -> bool:
    """Many PDFs are encrypted only to forbid printing, with an empty password to read them."""
    try:
        return bool(reader.decrypt(""))
    except (DependencyError, NotImplementedError):
        return False


def _details(pages: list[str]) -> str:
    """How much of it was text. Raises BadDocument where nothing was."""
    empty = pages.count("")
    if empty == len(pages):
        raise BadDocument(
            "has no text: its pages are pictures, perhaps scanned, and no model here can see",
            remedy="A program for text recognition (OCR) makes a PDF with text of it.",
        )
    counted = f"{len(pages)} page{'s' * (len(pages) != 1)}"
    return f"{counted}, {empty} of them without text" if empty else counted
