"""What a file is, by its first bytes; of text, by its name which sort."""

import io
import zipfile
from collections.abc import Sequence

from runner.errors import BadDocument

PDF, WORD, HTML, TEXT = "PDF", "Word", "HTML", "text"

IMAGE = ("is an image, and images are left for later: no model here can see", "")
SOUND = ("is sound or video, and those are left for later: no model here can hear", "")
ARCHIVE = ("is an archive", "Unpack it, and name the files in it that matter.")
PROGRAM = ("is a program", "")
DATABASE = ("is a database", "Export what matters as CSV or text.")
MODEL = ("is a model, not a document", "`runner chat FILE` talks to it.")
SHEET = ("is a spreadsheet", "Save it as CSV.")
SLIDES = ("is a presentation", "Save it as PDF.")
OTHER_TEXT = ("is a document of a kind that is not read", "Save it as PDF, .docx or text.")
OLD_OFFICE = (
    "is an Office file of the old format, or locked with a password",
    "Save it without a password as .docx, PDF or CSV.",
)
BINARY = ("is not text, and of no kind that is read", "Save it as text, PDF or .docx.")

Refusal = tuple[str, str]
"""Words after a file's name, and the remedy."""

MAGIC: Sequence[tuple[int, bytes, Refusal]] = (
    (0, b"\x89PNG\r\n\x1a\n", IMAGE),
    (0, b"\xff\xd8\xff", IMAGE),  # JPEG
    (0, b"GIF87a", IMAGE),
    (0, b"GIF89a", IMAGE),
    (8, b"WEBP", IMAGE),
    (0, b"II*\0", IMAGE),  # TIFF
    (0, b"MM\0*", IMAGE),
    (0, b"\0\0\1\0", IMAGE),  # Windows icon
    (0, b"8BPS", IMAGE),  # Photoshop
    *((4, b"ftyp" + brand, IMAGE) for brand in (b"heic", b"heix", b"mif1", b"avif")),
    (4, b"ftyp", SOUND),  # MP4, M4A, QuickTime
    (8, b"WAVE", SOUND),
    (8, b"AVI ", SOUND),
    (0, b"ID3", SOUND),
    *((0, b"\xff" + second, SOUND) for second in (b"\xfb", b"\xfa", b"\xf3", b"\xf2", b"\xf1")),
    (0, b"OggS", SOUND),
    (0, b"fLaC", SOUND),
    (0, b"\x1a\x45\xdf\xa3", SOUND),  # Matroska
    (0, b"\x1f\x8b", ARCHIVE),  # gzip
    (0, b"BZh", ARCHIVE),
    (0, b"\xfd7zXZ\0", ARCHIVE),
    (0, b"7z\xbc\xaf\x27\x1c", ARCHIVE),
    (0, b"Rar!\x1a", ARCHIVE),
    (0, b"\x28\xb5\x2f\xfd", ARCHIVE),  # Zstandard
    (257, b"ustar", ARCHIVE),
    (0, b"\x7fELF", PROGRAM),
    (0, b"MZ\x90", PROGRAM),
    *((0, word, PROGRAM) for word in (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\0asm")),
    (0, b"SQLite format 3\0", DATABASE),
    (0, b"GGUF", MODEL),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLD_OFFICE),
    (0, b"{\\rtf", OTHER_TEXT),
)

ZIPPED: Sequence[tuple[str, Refusal]] = (
    ("xl/", SHEET),
    ("ppt/", SLIDES),
    ("META-INF/container.xml", OTHER_TEXT),  # EPUB
    ("META-INF/manifest.xml", OTHER_TEXT),  # OpenDocument
)

SORTS = {
    ending: sort
    for sort, endings in {
        "Markdown": "md markdown",
        "CSV": "csv tsv",
        "JSON": "json jsonl ndjson",
        "XML": "xml svg",
        "YAML": "yaml yml",
        "TOML": "toml",
        "Python": "py pyi",
        "JavaScript": "js mjs cjs jsx",
        "TypeScript": "ts tsx",
        "C": "c h",
        "C++": "cpp cc cxx hpp hh",
        "C#": "cs",
        "Java": "java",
        "Kotlin": "kt kts",
        "Swift": "swift",
        "Go": "go",
        "Rust": "rs",
        "Ruby": "rb",
        "PHP": "php",
        "R": "r",
        "SQL": "sql",
        "shell script": "sh bash zsh fish",
        "PowerShell": "ps1",
        "CSS": "css scss",
        "LaTeX": "tex",
        "diff": "diff patch",
        "log": "log",
    }.items()
    for ending in endings.split()
}


def of(name: str, data: bytes) -> str:
    """The kind of a file. Raises BadDocument, its words to follow the name, for what is no text."""
    if b"%PDF-" in data[:1024]:
        return PDF
    if data.startswith((b"PK\3\4", b"PK\5\6")):
        return _zipped(data)
    for offset, magic, refusal in MAGIC:
        if data.startswith(magic, offset):
            raise refused(refusal)
    if data.startswith(b"BM") and data[2:6] == len(data).to_bytes(4, "little"):
        raise refused(IMAGE)
    ending = name.rpartition(".")[2].lower()
    beginning = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if ending in ("html", "htm", "xhtml") or beginning.startswith((b"<!doctype html", b"<html")):
        return HTML
    return SORTS.get(ending, TEXT)


def _zipped(data: bytes) -> str:
    """Word documents are zip files, and so is much else."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            names = file.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise BadDocument("is a damaged Word document or archive") from error
    if "word/document.xml" in names:
        return WORD
    for beginning, refusal in ZIPPED:
        if any(name.startswith(beginning) for name in names):
            raise refused(refusal)
    raise refused(ARCHIVE)


def refused(refusal: Refusal) -> BadDocument:
    words, remedy = refusal
    return BadDocument(words, remedy=remedy)
