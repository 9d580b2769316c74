"""What the input line offers to go on with."""

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from runner.cli.terminal.completion import ChatCompleter
from runner.errors import DiskError
from runner.library import Library


def offered(text: str) -> list[str]:
    return [one.text for one in ChatCompleter().get_completions(Document(text), CompleteEvent())]


def test_models_are_offered_after_their_command() -> None:
    assert "tiny" in offered("/model ti")


@pytest.mark.parametrize("error", [DiskError("locked", remedy=""), PermissionError()])
def test_what_cannot_be_looked_up_is_not_offered(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def records(_: Library) -> None:
        raise error

    monkeypatch.setattr(Library, "records", records)
    assert offered("/model ti") == []
