"""From a line as it was typed so far to what could come next.

A person waits for this at every Tab, so nothing is imported that is not needed: no command, no
catalogue; what those say is in the outline. Nothing to offer means that the shell completes paths.
"""

import re
import sys
from typing import Any

from runner.cli.complete.outline import HERE_ONLY, outline

Offer = tuple[str, str]
"""What may be typed, and what it is."""

PLAIN = re.compile(r"[\w.,+@%-]+")
"""Names of files that no shell reads as anything else."""

PERSONA = ("PERSONA", "NAME|FILE")
"""How arguments and options are called that name a persona."""


def main(shell: str) -> None:
    """Print what completes the line in `sys.argv[1]`: a line each, with a tab and what it is where
    the shell shows that. bash also tells which characters break words for it."""
    line = sys.argv[1] if len(sys.argv) > 1 else ""
    words = split(line, escape="" if shell == "powershell" else "\\")
    offers = completions(words)
    if shell == "bash":
        breaks = sys.argv[2] if len(sys.argv) > 2 else ""
        kept = len(_before_last_break(words[-1], breaks))
        lines = [text[kept:] for text, _ in offers]
    else:
        lines = [f"{text}\t{' '.join(what.split())}" for text, what in offers]
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]  # as typed
    print(*lines, sep="\n", end="\n" if lines else "")


def split(line: str, *, escape: str = "\\") -> list[str]:
    """The words of a line that need not be finished; the last one is empty after a space."""
    import shlex

    # The mark belongs to the last word, or is one of its own.
    mark = "\0"
    lexer = shlex.shlex(line + mark, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", escape
    words: list[str] = []
    try:
        words.extend(lexer)
    except ValueError:  # a quote or a backslash without its end
        words.append(lexer.token)
    return [word.replace(mark, "") for word in words]


def completions(words: list[str]) -> list[Offer]:
    """What the last of `words` could become; the first is the program."""
    node, place, waiting, ended = outline()["root"], 0, None, False
    for word in words[1:-1]:
        if waiting is not None:
            waiting = None
        elif word == "--":
            ended = True
        elif word.startswith("-") and not ended:
            name, equals, _ = word.partition("=")
            option = node["options"].get(name)
            waiting = option["value"] if option and not equals else None
        elif word in node["commands"]:
            node, place = node["commands"][word], 0
        else:
            place += 1
    typed = words[-1]
    if waiting is not None:
        return _values(waiting, typed, node)
    if typed.startswith("-") and not ended:
        return _options(node, typed)
    if node["commands"]:
        return _beginning({name: below["help"] for name, below in node["commands"].items()}, typed)
    arguments = node["arguments"]
    if place < len(arguments):
        return _values(arguments[place]["value"], typed, node)
    if arguments and arguments[-1]["many"]:
        return _values(arguments[-1]["value"], typed, node)
    return []


def _options(node: dict[str, Any], typed: str) -> list[Offer]:
    name, equals, value = typed.partition("=")
    if equals:
        option = node["options"].get(name)
        kind = option["value"] if option else ""
        return [(f"{name}={text}", what) for text, what in _values(kind, value, node)]
    return _beginning({name: option["help"] for name, option in node["options"].items()}, typed)


def _values(kind: Any, typed: str, node: dict[str, Any]) -> list[Offer]:
    """What an option or an argument of this kind may be: one of a list, a model or a persona."""
    if isinstance(kind, list):
        return _beginning(dict.fromkeys(kind, ""), typed)
    if kind == "MODEL":
        return models(typed, here_only=node["name"] in HERE_ONLY)
    if kind in PERSONA:
        from runner.chat.personas import names

        return _beginning(dict.fromkeys(names(), ""), typed)
    return []


def models(typed: str, *, here_only: bool) -> list[Offer]:
    """Names of models; after a whole name and a colon, its quantizations; and .gguf files of this
    folder."""
    known: dict[str, list[str]] = {} if here_only else dict(outline()["models"])
    on_disk = _on_disk()
    for name, quantizations in on_disk.items():
        known[name] = [*quantizations, *known.get(name, ())]
    offers = {}
    for name, quantizations in known.items():
        what = "on this disk" if name in on_disk else ""
        offers[name] = what
        if typed.lower().startswith(f"{name.lower()}:"):
            offers |= {f"{name}:{quantization}": what for quantization in quantizations}
    if not here_only:
        offers |= dict.fromkeys(_files(), "a file in this folder")
    return _beginning(offers, typed)


def _on_disk() -> dict[str, list[str]]:
    """The quantizations of the models on this disk, by name."""
    from runner.library import Library

    found: dict[str, list[str]] = {}
    for record in Library().records():
        quantizations = found.setdefault(record.name, [])
        if record.quantization:
            quantizations.append(record.quantization)
    return found


def _files() -> list[str]:
    from pathlib import Path

    try:
        names = [path.name for path in Path().iterdir()]
    except OSError:
        return []
    return sorted(name for name in names if name.endswith(".gguf") and PLAIN.fullmatch(name))


def _beginning(offers: dict[str, str], typed: str) -> list[Offer]:
    """Those that begin as typed, in either case of letters."""
    return [(text, what) for text, what in offers.items() if text.lower().startswith(typed.lower())]


def _before_last_break(word: str, breaks: str) -> str:
    """The part of a word that bash takes for words of their own, and does not replace."""
    ends = [word.rfind(mark) + 1 for mark in ":=" if mark in breaks]
    return word[: max(ends, default=0)]
