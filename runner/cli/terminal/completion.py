"""What could come next in the input line: commands, options, the names of models, and files."""

import re
from collections.abc import Iterable, Mapping

from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document

from runner.errors import RunnerError

COMMAND = re.compile(r"/\S*")
MODEL = re.compile(r"/(?:model|compare|vs)\s+(\S*)")
OPTION = re.compile(r"/(?:set(?:\s+parameter)?|parameter|param)\s+(\S*)")
ATTACHED = re.compile(r"/(?:attach|file|read|add)\s+(.*)")
MENTIONED = re.compile(r"(?:.*\s)?@((?:\\ |\S)*)", re.DOTALL)


def offers_at_once(document: Document) -> bool:
    """Whether what could come next is shown without being asked for: only where a person begins a
    command or the name of a file, so that Up and Down stay with the history elsewhere."""
    text = document.text_before_cursor
    return any(begun.fullmatch(text) for begun in (COMMAND, ATTACHED, MENTIONED))


class ChatCompleter(Completer):
    """Completes `/commands`, models after `/model`, options after `/set`, and files after `@` and
    `/attach`."""

    def __init__(self) -> None:
        self._paths = PathCompleter(expanduser=True)

    def get_completions(self, document: Document, event: CompleteEvent) -> Iterable[Completion]:
        try:
            yield from self._offered(document.text_before_cursor, event)
        except (RunnerError, OSError):  # a key is no place for them
            return

    def _offered(self, text: str, event: CompleteEvent) -> Iterable[Completion]:
        if COMMAND.fullmatch(text):
            yield from _beginning(text, commands())
        elif model := MODEL.fullmatch(text):
            yield from _beginning(model[1], _models(model[1]))
        elif option := OPTION.fullmatch(text):
            yield from _beginning(option[1], _options())
        elif file := ATTACHED.fullmatch(text):
            yield from self._paths.get_completions(Document(file[1]), event)
        elif file := MENTIONED.fullmatch(text):
            typed = file[1].replace("\\ ", " ")
            for found in self._paths.get_completions(Document(typed), event):
                # A space would end the name.
                name = found.text.replace(" ", "\\ ")
                yield Completion(name, found.start_position, found.display)


def commands() -> Mapping[str, str]:
    """Each command with what it does."""
    from runner.cli.talk.commands import NAMES

    return {f"/{name}": what for name, what in NAMES.items()}


def _models(typed: str) -> Mapping[str, str]:
    from runner.cli.complete.answer import models

    return dict(models(typed, here_only=False))


def _options() -> Mapping[str, str]:
    from runner.cli.talk.setting import SETTABLE
    from runner.settings import BY_NAME

    return {name: BY_NAME[name].help for name in SETTABLE}


def _beginning(typed: str, offers: Mapping[str, str]) -> Iterable[Completion]:
    for name, what in offers.items():
        if name.lower().startswith(typed.lower()):
            yield Completion(name, start_position=-len(typed), display_meta=what)
