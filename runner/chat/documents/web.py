"""HTML to Markdown: what is to be read, without scripts, styles and pictures."""

import warnings
from typing import Any

from bs4 import BeautifulSoup, Tag
from markdownify import ATX, MarkdownConverter

from runner.chat.documents import text

UNSEEN = ("script", "style", "template", "noscript", "svg", "iframe", "object")
NO_ADDRESS = ("javascript:", "data:")

# HTML lets authors leave out the end of these before another of its kind begins.
CLOSES = {
    "p": ("p",),
    "li": ("p", "li"),
    "td": ("p", "td", "th"),
    "th": ("p", "td", "th"),
    "tr": ("p", "td", "th", "tr"),
    "dt": ("p", "dt", "dd"),
    "dd": ("p", "dt", "dd"),
}


def read_html(data: bytes) -> tuple[str, str]:
    """The Markdown, and what a person should know of how the page was read."""
    source, details = text.decoded(data)
    found, structured = to_markdown(source)
    if not structured:
        details = ", ".join(filter(None, (details, "nested too deeply to keep its structure")))
    return found, details


def to_markdown(source: str) -> tuple[str, bool]:
    """The Markdown, and whether it has the page's structure."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that XHTML is read as HTML, as browsers do
        soup = Page(source, "html.parser")
    _leave_out_the_unseen(soup)
    title = soup.title.extract().get_text(" ", strip=True) if soup.title else ""
    converter = MarkdownConverter(
        heading_style=ATX,
        bullets="-",
        escape_asterisks=False,
        escape_underscores=False,
        table_infer_header=True,
    )
    try:
        found, structured = converter.convert_soup(soup).strip(), True
    except RecursionError:
        found, structured = soup.get_text("\n", strip=True), False
    if title and title not in found:
        found = f"# {title}\n\n{found}"
    return found, structured


class Page(BeautifulSoup):
    """A page in which what has no end tag ends where it does in a browser."""

    def handle_starttag(self, name: str, *args: Any, **options: Any) -> Tag | None:
        self.endData()
        while self.currentTag is not None and self.currentTag.name in CLOSES.get(name, ()):
            self.popTag()
        return super().handle_starttag(name, *args, **options)


def _leave_out_the_unseen(page: Page) -> None:
    """Pictures are left out for the words that stand for them."""
    for unseen in page(UNSEEN):
        unseen.extract()
    for image in page("img"):
        image.replace_with(str(image.get("alt") or ""))
    for link in page("a", href=True):
        if str(link["href"]).strip().lower().startswith(NO_ADDRESS):
            del link["href"]
