"""Documents of every kind, made here, read as text; and those that cannot be."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runner.chat.documents import apart, from_bytes, gather, kinds, read, reading, text
from runner.chat.documents.reading import shown
from runner.errors import BadDocument, ConfigurationError
from tests.chat import papers

GREETING = "Grüße, Зоя: 3 € für “Tee”\n"


def refusal(name: str, data: bytes) -> str:
    with pytest.raises(BadDocument) as refused:
        from_bytes(name, data)
    return refused.value.message


# Text.


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_unicode_in_all_its_encodings(encoding: str) -> None:
    made = from_bytes("a.txt", (GREETING * 3).encode(encoding))
    assert (made.kind, made.text) == ("text", (GREETING * 3).removesuffix("\n"))


@pytest.mark.parametrize("mark", ["utf-16-le", "utf-16-be"])
def test_utf_16_with_its_mark_and_few_latin_letters(mark: str) -> None:
    assert from_bytes("a.txt", ("\ufeff" + "Зоя").encode(mark)).text == "Зоя"


def test_the_encoding_of_the_machine_is_tried_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locale.getencoding", lambda: "cp1251")
    made = from_bytes("письмо.md", "Привет, Зоя".encode("cp1251"))
    assert (made.name, made.kind) == ("письмо.md", "Markdown, read as cp1251")
    assert made.text == "Привет, Зоя"


def test_an_encoding_that_a_file_declares_goes_before_that_of_the_machine() -> None:
    source = '<?xml version="1.0" encoding="ISO-8859-2"?><p>Łódź</p>'
    made = from_bytes("a.xml", source.encode("iso-8859-2"))
    assert (made.kind, made.text) == ("XML, read as iso8859-2", source)
    computing = b"# coding: unicode_escape\n\\x41 \xe9"
    assert from_bytes("a.py", computing).text == "# coding: unicode_escape\n\\x41 é"


def test_a_byte_that_is_no_utf_8_does_not_spoil_the_rest() -> None:
    made = from_bytes("a.log", "Grüße aus Köln\n".encode() + b"\xff\nEnde")
    assert made.kind == "log, 1 characters of it unreadable"
    assert made.text == "Grüße aus Köln\n\ufffd\nEnde"


def test_text_is_kept_to_the_letter_but_for_line_ends() -> None:
    source = '<p>a&amp;b</p>\r\n\r\n\tx = "</file>"  \r\n# _no_ *change*\x1b[1m'
    assert from_bytes("a.md", source.encode()).text == source.replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.py", "Python"),
        ("A.CSV", "CSV"),
        ("a.json", "JSON"),
        ("README", "text"),
        ("x.zz", "text"),
    ],
)
def test_sorts_of_text_by_name(name: str, kind: str) -> None:
    assert from_bytes(name, b"a, b").kind == kind


@given(st.binary(max_size=400) | st.text(max_size=100).map(str.encode))
@example("\ud800".encode("utf-16-le", "surrogatepass") * 20)
@example(b"\xff\xfe\x00")
def test_any_bytes_are_text_that_can_be_written_or_are_refused(data: bytes) -> None:
    try:
        found, _ = text.decoded(data)
    except BadDocument as error:
        assert error.message == kinds.BINARY[0]
    else:
        assert "\0" not in found


# What is refused.


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "is an image, and images are left for later: no model here can"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "no model here can see"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "no model here can see"),
        (b"\0\0\0\x18ftypheic", "no model here can see"),
        (b"BM\x0a\0\0\0\0\0\0\0", "no model here can see"),
        (b"\0\0\0\x18ftypisom", "no model here can hear"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "no model here can hear"),
        (b"ID3\3\0", "no model here can hear"),
        (b"\x1f\x8b\x08\0", "is an archive"),
        (b"\0" * 257 + b"ustar\0", "is an archive"),
        (b"\x7fELF\2\1\1", "is a program"),
        (b"SQLite format 3\0", "is a database"),
        (b"GGUF\3\0\0\0", "is a model, not a document"),
        (b"{\\rtf1\\ansi}", "is a document of a kind that is not read"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "of the old format, or locked with a password"),
        (b"\0\1\2\3", "is not text, and of no kind that is read"),
        (bytes(range(1, 128)) * 9, "is not text, and of no kind that is read"),
        (b" \n", "is empty"),
        (papers.zipped({"a.txt": "hello"}), "is an archive"),
        (papers.zipped({"xl/workbook.xml": ""}), "is a spreadsheet"),
        (papers.zipped({"ppt/presentation.xml": ""}), "is a presentation"),
        (papers.zipped({"META-INF/manifest.xml": ""}), "is a document of a kind that is not read"),
        (b"PK\3\4 cut off", "is a damaged Word document or archive"),
    ],
)
def test_what_is_no_text_is_refused_by_its_content(data: bytes, words: str) -> None:
    said = refusal("innocent.txt", data)
    assert said.startswith("innocent.txt is ") and words in said


def test_a_file_may_look_like_an_image_without_being_one() -> None:
    assert from_bytes("notes.png", b"BM: a town").text == "BM: a town"


def test_too_large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert reading.LARGEST == 50_000_000
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(reading.LARGEST + 1)  # takes no room on disk
    with pytest.raises(BadDocument, match="is larger than 50 MB"):
        read(path)
    monkeypatch.setattr(reading, "LARGEST", 10)
    assert "is larger" in refusal("a.txt", b"a" * 11)
    assert from_bytes("a.txt", b"a" * 10).text == "a" * 10


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadDocument, match="is a folder") as refused:
        read(tmp_path)
    assert refused.value.remedy == "Name the files in it that matter."
    with pytest.raises(BadDocument, match=r"cannot read .*none\.txt: No such file"):
        read(tmp_path / "none.txt")
    with pytest.raises(BadDocument, match="cannot read"):
        read(Path("a\0b"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such devices and pipes")
def test_a_pipe_is_read_and_a_device_is_not(tmp_path: Path) -> None:
    with pytest.raises(BadDocument, match="is a device"):
        read(Path("/dev/zero"))
    out, into = os.pipe()
    os.write(into, b"from a pipe")
    os.close(into)
    try:
        assert read(Path(f"/dev/fd/{out}")).text == "from a pipe"
    finally:
        os.close(out)


@given(st.text(max_size=200))
@example('../..\\folder/a"b<c>\x1b[2J\u202etxt.exe\n')
@example("/")
def test_a_name_is_one_line_that_can_be_shown(name: str) -> None:
    made = shown(name)
    assert made and made.isprintable() and len(made) <= 100
    assert not set(made) & set('"<>/\\')


# HTML, Word and PDF, each read in a process of its own.

PAGE = """<!DOCTYPE html><html><head><title>Tea &amp; more</title>
<style>p {color: red}</style><script>alert("<p>no</p>")</script>
<body><h1>Prices</h1><p>A <b>cup</b> is <a href="https://a.example/b_c">3 €</a>,
a_b*c, <a href="javascript:steal()">here</a>.<img src="data:image/png;base64,AAAA" alt="A cat">
<ul><li>one<li>two</ul>
<table><tr><th>kind</th><th>price</th></tr><tr><td>green</td><td>4</td></tr></table>
<pre><code>if a:
    b()</code></pre><!-- unseen --></body></html>"""


def test_html_becomes_markdown() -> None:
    made = from_bytes("page.html", PAGE.encode())
    assert made.kind == "HTML"
    assert made.text == (
        "# Tea & more\n\n# Prices\n\n"
        "A **cup** is [3 €](https://a.example/b_c),\na_b*c, here.A cat\n\n"
        "- one\n- two\n\n"
        "| kind | price |\n| --- | --- |\n| green | 4 |\n\n"
        "```\nif a:\n    b()\n```"
    )
    assert from_bytes("by content", b"\n" + PAGE.encode()).text == made.text


def test_html_without_end_tags() -> None:
    source = (
        "<html><p>one<p>two <b>bold</b><ul><li>a<ul><li>aa<li>ab</ul><li><p>b<li>c</ul>"
        "<dl><dt>term<dd>means</dl><table><tr><th>x<th>y<tr><td>1<td>2</table>" + "<li>z" * 5000
    )
    made = from_bytes("a.html", source.encode())
    assert made.kind == "HTML"
    text = made.text.removesuffix("\n- z" * 5000)
    assert text == (
        "one\n\ntwo **bold**\n\n- a\n  - aa\n  - ab\n- b\n- c\n\nterm\n:   means\n\n"
        "| x | y |\n| --- | --- |\n| 1 | 2 |\n"
    )


def test_html_nested_too_deeply_gives_its_words_and_says_so() -> None:
    made = from_bytes("deep.html", b"<div>" * 5000 + b"<p>one</p><p>two</p>")
    assert made.text == "one\ntwo"
    assert made.kind == "HTML, nested too deeply to keep its structure"


def test_word_becomes_markdown() -> None:
    body = (
        papers.paragraph("Prices", "Heading1")
        + papers.paragraph("A cup &amp; more: 3 €.")
        + papers.table([["kind", "price"], ["green", "4"]])
    )
    made = from_bytes("menu.docx", papers.word(body))
    assert made.kind == "Word"
    assert made.text == (
        "# Prices\n\nA cup & more: 3 €.\n\n| kind | price |\n| --- | --- |\n| green | 4 |"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_word_with_entities_is_refused(encoding: str) -> None:
    """Also where the letters of DOCTYPE are not those of ASCII."""
    entities = '<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>'
    prolog = f'<?xml version="1.0" encoding="{encoding}"?>{entities}'
    made = papers.word(papers.paragraph("&b;"), prolog, encoding=encoding)
    assert "declares entities" in refusal("bomb.docx", made)


def test_word_packed_tight_is_refused() -> None:
    bomb = papers.word(" " * 60_000_000)
    assert len(bomb) < 100_000
    assert refusal("bomb.docx", bomb) == "bomb.docx unpacks to more than 50 MB of text"


def test_damaged_documents_say_so() -> None:
    said = refusal("a.docx", papers.word("<w:p>"))
    assert said.startswith("a.docx cannot be read as Word: ")
    assert refusal("a.pdf", b"%PDF-1.4 and nothing").startswith("a.pdf cannot be read as PDF: ")


def test_pdf_page_by_page() -> None:
    told: list[tuple[int, int]] = []
    made = from_bytes(
        "a.pdf", papers.pdf("One cup", "", "Two cups"), lambda *page: told.append(page)
    )
    assert made.text == "One cup\n\nTwo cups"
    assert made.kind == "PDF, 3 pages, 1 of them without text"
    assert list(dict.fromkeys(told))[-3:] == [(0, 3), (1, 3), (2, 3)]


def test_pdf_is_known_by_its_content() -> None:
    made = from_bytes("a.txt", papers.pdf("Hello", before=b"\n"))
    assert (made.kind, made.text) == ("PDF, 1 page", "Hello")


def test_pdf_of_pictures_alone() -> None:
    assert "has no text: its pages are pictures, perhaps scanned" in refusal(
        "a.pdf", papers.pdf("")
    )


def test_locked_pdf() -> None:
    assert "is locked with a password" in refusal("a.pdf", papers.locked(papers.pdf("x"), "secret"))
    free = from_bytes("a.pdf", papers.locked(papers.pdf("for all"), ""))
    assert free.text == "for all"


def test_reading_can_be_stopped() -> None:
    def stop(_number: int, _count: int) -> None:
        raise KeyboardInterrupt

    for name, data in (("a.pdf", papers.pdf("One", "Two")), ("a.html", PAGE.encode() * 5000)):
        with pytest.raises(KeyboardInterrupt):
            from_bytes(name, data, stop)


def test_reading_that_does_not_come_back_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "PATIENCE", 0)
    monkeypatch.setattr(apart, "TICK", 0.001)  # less than a process takes to start
    assert "takes too long to read" in refusal("a.pdf", papers.pdf("x"))
    monkeypatch.setattr(apart, "PATIENCE", 60)
    assert from_bytes("a.pdf", papers.pdf("x", "y")).text == "x\n\ny"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
def test_a_reader_that_dies_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dies = "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"
    (tmp_path / "pypdf.py").write_text(dies, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}")
    assert (
        refusal("a.pdf", papers.pdf("x")) == "a.pdf cannot be read as PDF: what reads it died of it"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to its memory")
def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    grows = "found = [bytes(2**20) for _ in range(2**14)]"
    (tmp_path / "pypdf.py").write_text(grows, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}")
    assert (
        refusal("a.pdf", papers.pdf("x")) == "a.pdf cannot be read as PDF: it takes too much memory"
    )


def test_without_the_extra_text_is_read_and_the_others_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for package in ("pypdf", "mammoth", "bs4"):
        gone = f"raise ModuleNotFoundError('not here', name={package!r})"
        (tmp_path / f"{package}.py").write_text(gone, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}")
    for name, data in (
        ("a.pdf", papers.pdf("x")),
        ("a.docx", papers.word(papers.paragraph("x"))),
        ("a.html", PAGE.encode()),
    ):
        with pytest.raises(ConfigurationError, match="which is not installed") as missing:
            from_bytes(name, data)
        assert missing.value.remedy == 'Install it with: pip install "runner-llm[documents]"'
    assert from_bytes("a.md", b"# Text").text == "# Text"


def test_each_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    again = tmp_path / ".." / tmp_path.name / "a.txt"
    found = gather([tmp_path / "a.txt", tmp_path / "b.txt", again])
    assert [one.name for one in found] == ["a.txt", "b.txt"]
    monkeypatch.setenv("USERPROFILE" if sys.platform == "win32" else "HOME", str(tmp_path))
    assert [one.text for one in gather([Path("~/a.txt")])] == ["a.txt"]
    for missing in ("none", "a\0b", "~nobody-of-this-name/a.txt"):
        with pytest.raises(BadDocument, match="cannot read"):
            gather([Path(missing)])
