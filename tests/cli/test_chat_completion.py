"""What the input line of a chat offers to complete."""

from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from runner.chat.documents import mentions
from runner.cli.talk.setting import SETTABLE
from runner.cli.terminal.completion import ChatCompleter, offers_at_once


def completed(text: str) -> list[str]:
    """The line as each offer would make it."""
    document = Document(text)
    offers = ChatCompleter().get_completions(document, CompleteEvent(completion_requested=True))
    return [text[: len(text) + offer.start_position] + offer.text for offer in offers]


def test_models_are_offered_where_a_model_is_meant() -> None:
    for command in ("/model", "/compare", "/vs"):
        assert f"{command} tiny" in completed(f"{command} ti")
    for command in ("/load", "/resume"):
        assert completed(f"{command} ti") == []


def test_options_are_offered_after_set() -> None:
    assert completed("/set ") == [f"/set {name}" for name in SETTABLE]
    assert completed("/set parameter temp") == ["/set parameter temperature"]
    assert completed("/param temp") == ["/param temperature"]
    assert completed("/set temperature 0") == []


def test_a_file_with_a_space_in_its_name_is_completed_as_it_has_to_be_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my long file.txt").write_text("hello")
    for typed in ("look at @my", r"look at @my\ lo"):
        [line] = completed(typed)
        assert line == r"look at @my\ long\ file.txt"
        assert mentions(line) == [Path("my long file.txt")]
    for command in ("/attach", "/file"):
        assert completed(f"{command} my l") == [f"{command} my long file.txt"]
    assert offers_at_once(Document(r"look at @my\ lo"))
