"""The code in an answer, without the words around it."""


def first_code(text: str) -> str | None:
    """What stands in the first fenced block of a Markdown text, to the letter; None without one.

    An answer that was cut may have left its fence open: what came of it counts.
    """
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").parse(text)
    return next((token.content for token in tokens if token.type == "fence"), None)
