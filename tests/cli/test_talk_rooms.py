"""What a chat does where something has no room: in the context, or on the disk."""

from pathlib import Path

import pytest

from runner.chat import Conversation, overflow
from runner.chat.chats import Chats
from runner.errors import DiskError, PromptTooLong
from runner.paths import data_directory
from tests.cli.test_talk import TOOL, chat, full

QUESTION = "What is 12 times 34?"


@pytest.fixture
def calculator(tmp_path: Path) -> str:
    file = tmp_path / "tools.py"
    file.write_text(TOOL)
    return str(file)


@pytest.fixture
def talkative(tmp_path: Path) -> str:
    """A calculator that returns far too much."""
    file = tmp_path / "tools.py"
    file.write_text(TOOL.replace("return str(", "return '408 is what it is. ' * 1000 + str("))
    return str(file)


def roles() -> list[str]:
    return [turn.role for turn in Chats().open(1).turns()]


def test_a_tools_result_that_has_no_room_is_cut(talkative: str) -> None:
    face = chat(QUESTION, tool=[talkative], answers=("y",), ctx=1024)
    assert not face.errors
    assert "the context has room for the beginning of it" in face.notes
    assert roles() == ["user", "assistant", "tool", "assistant"]
    assert "[cut here: these are the first " in Chats().open(1).turns()[2].content


@pytest.mark.parametrize("length", [600, 480])
def test_room_is_made_for_what_a_tool_returned(
    talkative: str, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the earlier turns are what takes it; for the result, and for the reply to it."""
    monkeypatch.setattr(Conversation, "fitting", lambda self, result, among=1: result[:length])
    before = "My name is Anna. " * 8
    face = chat(before, QUESTION, tool=[talkative], answers=("y", "d"), ctx=512)
    assert not face.errors
    assert face.questions[-1][0] == "the context of 512 tokens is full"
    assert "the oldest 2 turns left out; they stay in the conversation" in face.notes
    assert roles()[-4:] == ["user", "assistant", "tool", "assistant"]


def test_a_question_that_became_a_turn_does_not_come_back(
    calculator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where what follows the first reply fails."""

    def fails(*_: object) -> None:
        raise DiskError("the disk is gone")

    monkeypatch.setattr(Conversation, "proceed", fails)
    seen: list[str] = []
    face = chat(
        QUESTION, lambda face: seen.append(face.refilled), tool=[calculator], answers=("y",)
    )
    assert [error.message for error in face.errors] == ["the disk is gone"]
    assert seen == [""]
    assert roles() == ["user", "assistant", "tool"]


def test_a_script_takes_no_summary_that_was_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overflow, "SUMMARY_SHARE", 0.01)
    with pytest.raises(PromptTooLong):
        full(interactive=False, when_full="summarise")
    assert Chats().open(1).condensed() is None


def test_a_person_is_told_that_a_summary_was_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overflow, "SUMMARY_SHARE", 0.01)
    face = full(answers=("m",), edits=("We sorted numbers.",) * 3)
    assert "the summary did not come to its end; complete it, or give it up" in face.notes
    condensed = Chats().open(1).condensed()
    assert condensed is not None
    assert condensed[1] == "We sorted numbers."


def test_what_was_read_in_parts_is_answered_again_in_parts(tmp_path: Path) -> None:
    long = tmp_path / "long.txt"
    long.write_text("\n\n".join(f"Paragraph {number} of a tale." for number in range(400)))
    asked = f"What is it about? @{long}"
    face = chat(asked, "/retry", "/undo", ctx=1500, answers=("p",), max_tokens=5)
    assert not face.errors
    assert len(face.questions) == 1
    question = Chats().open(1).children(None)[0]
    answers = Chats().open(1).children(question)
    assert ["part 1 of " in one.reasoning for one in answers] == [True, True]
    assert face.refilled == question.content


def test_a_conversation_goes_on_with_another_model_and_leaves_the_one_before_alone(
    tmp_path: Path, tiny_path: Path
) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(tiny_path.read_bytes())
    chat("hello", model=str(other))
    chat("My name is Anna.")
    face = chat("/load 1", "/model tiny", earlier="2", model=None)
    assert not face.errors
    assert [one.model for one in Chats().list()] == ["tiny", "tiny"]
    face = chat("/model " + str(other), "/load 2", earlier="1", model=None)
    assert {one.number: one.model for one in Chats().list()} == {1: str(other), 2: "tiny"}


def test_what_takes_the_context_is_told_whatever_role_it_has() -> None:
    with Chats() as chats:
        kept = chats.begin(model="tiny")
        kept.add("user", "hello")
        kept.add("system", "Be brief.")
        kept.add("assistant", "Hello!")
    face = chat("/tokens", earlier="")
    assert not face.errors
    assert "  system\n" in face.notes[-1]


@pytest.fixture
def read_only() -> None:
    """A database that cannot be written."""
    chat("hello")
    database = data_directory() / "chats.sqlite3"
    (database.with_name(database.name + "-shm") / "in the way").mkdir(parents=True)


@pytest.mark.usefixtures("read_only")
def test_what_is_not_on_the_disk_is_not_said_to_be_kept() -> None:
    face = chat("My name is Anna.", "/save Names")
    why = [note for note in face.notes if note.startswith("not all of it is on the disk: ")]
    assert why[0].endswith("; /export FILE writes all of it to a file")
    assert not [note for note in face.notes if "--resume" in note]
    assert face.notes[-1] == why[-1] == why[0].partition("; /export")[0]


@pytest.mark.usefixtures("read_only")
@pytest.mark.parametrize("command", ["/clear", "/load hello", "/bye"])
def test_to_leave_what_is_not_on_the_disk_is_asked(command: str) -> None:
    stays = chat("My name is Anna.", command, "/turns")
    assert stays.questions == [("Leave it, and lose the rest?", ["n", "y"])]
    assert "My name is Anna." in str(stays.notes[-2])
    leaves = chat("My name is Anna.", command, "/turns", answers=("y",))
    assert "My name is Anna." not in leaves.notes[-1]
    assert not [note for note in leaves.notes if "is kept as" in note]
    script = chat("My name is Anna.", command, interactive=False)
    assert not script.questions
