"""The loop of a chat and its commands, with the shipped model and a scripted person."""

import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner import models, settings
from runner.chat.chats import Chats
from runner.cli.talk.opening import talk
from runner.errors import DiskError, PromptTooLong, RunnerError
from runner.paths import data_directory
from tests.cli.conftest import FETCHABLE
from tests.cli.scripted import ScriptedFace, Turn
from tests.loopback import LoopbackHub

TOOL = '''
def calculator(expression: str) -> str:
    """Work out an expression.

    expression: such as 12 * 30
    """
    return str(eval(expression.replace("×", "*").replace("=", "")))
'''

LONG = "Sort " + ", ".join(str(number) for number in range(400, 430))


def chat(
    *typed: Turn,
    answers: tuple[str, ...] = (),
    edits: tuple[str | None, ...] = (),
    interactive: bool = True,
    earlier: str | None = None,
    model: str | None = "tiny",
    **options: object,
) -> ScriptedFace:
    """A chat with a scripted person, to its end."""
    face = ScriptedFace(*typed, answers=answers, edits=edits, interactive=interactive)
    chosen = settings.load({"temperature": 0, "threads": 1, **options})
    talk(face, chosen, model, earlier)
    return face


def ctrl_c(after: int) -> Callable[[ScriptedFace], None]:
    """Press Ctrl-C after so many events of the next reply."""

    def press(face: ScriptedFace) -> None:
        face.interrupt_after = after

    return press


def at(words: str) -> Callable[[ScriptedFace], None]:
    """Press Ctrl-C when these words next say what is going on."""

    def press(face: ScriptedFace) -> None:
        face.interrupt_at = words

    return press


def test_a_reply_is_followed_by_what_it_took() -> None:
    face = chat("My name is Anna.", "What is my name?")
    assert "Anna" in face.answers[1]
    header, *took = face.notes
    assert header.startswith("tiny · context 2048")
    numbers = re.fullmatch(
        r"\d+ tokens · [\d.]+ tokens/s · first after [\d.]+ s · (\d+) of (\d+) reused · "
        r"context \d+ of 2048",
        took[1],
    )
    assert numbers is not None
    assert 0 < int(numbers[1]) < int(numbers[2])


def test_ctrl_c_before_the_first_word_gives_the_question_back() -> None:
    seen = []
    face = chat(
        ctrl_c(0),
        "word " * 500,
        lambda face: seen.append(face.refilled),
        "/turns",
    )
    assert seen == ["word " * 500]
    assert face.notes[-1] == "nothing was said yet"
    assert Chats().list() == []


def test_ctrl_c_in_a_reply_keeps_what_was_said() -> None:
    face = chat(ctrl_c(3), "Spell the word elephant.", "hello")
    assert not face.refilled
    assert "stopped" in face.notes
    _, stopped, *rest = Chats().open(1).turns()
    assert stopped.ended == "cancelled"
    assert stopped.reasoning == face.reasonings[0]
    assert len(rest) == 2


def test_a_question_too_long_comes_back() -> None:
    face = chat("hello", "word " * 3000)
    assert isinstance(face.errors[0], PromptTooLong)
    assert face.refilled == "word " * 3000
    assert len(Chats().open(1).turns()) == 2


def full(*more: Turn, **about: object) -> ScriptedFace:
    """Several long questions in a context that soon is full."""
    return chat(*[LONG] * 4, *more, ctx=512, **about)  # type: ignore[arg-type]


def test_a_full_context_is_a_choice() -> None:
    face = full(answers=("d",))
    question, keys = face.questions[0]
    assert question == "the context of 512 tokens is full"
    assert keys == ["s", "m", "d", "l"]
    assert any(re.search(r"the oldest \d+ turns left out; they stay", one) for one in face.notes)
    kept = Chats().open(1)
    assert len([turn for turn in kept.turns() if turn.role == "user"]) == 4
    condensed = kept.condensed()
    assert condensed is not None
    assert condensed[1] == ""


def test_a_context_that_fills_up_is_said_once_a_tenth() -> None:
    face = chat(*["hello there"] * 24, ctx=512, answers=("d",))
    warnings = [note for note in face.notes if "% of the context of 512 tokens" in note]
    assert [note[23] for note in warnings][:2] == ["8", "9"]
    assert warnings[0].endswith("when it is full: you are asked what to do")


def test_to_stop_changes_nothing_and_gives_the_question_back() -> None:
    seen: list[str] = []
    face = full(lambda face: seen.append(face.refilled))
    assert seen == [LONG]
    assert Chats().open(1).condensed() is None
    assert isinstance(face.errors[0], PromptTooLong)


def test_a_summary_is_shown_changed_and_kept() -> None:
    face = full(answers=("m",), edits=("We sorted numbers.",) * 3)
    assert set(face.edited) <= set(face.answers) != set()
    condensed = Chats().open(1).condensed()
    assert condensed is not None
    assert condensed[1] == "We sorted numbers."
    assert len([turn for turn in Chats().open(1).turns() if turn.role == "user"]) == 4


def test_a_summary_given_up_changes_nothing() -> None:
    face = full(answers=("m",), edits=(None,))
    assert "no summary; nothing changes" in face.notes
    assert Chats().open(1).condensed() is None


def test_what_a_smaller_model_cannot_read_at_once_is_summarised_in_steps() -> None:
    chat(*[LONG] * 6)
    face = chat("hello", earlier="", model=None, ctx=700, answers=("m",), edits=("One.", "Two."))
    assert len(face.edited) > 1
    condensed = Chats().open(1).condensed()
    assert condensed is not None
    assert condensed[1] == face.edited[-1] or condensed[1] == "Two."
    assert len(Chats().open(1).turns()) == 14


def test_a_larger_context_is_loaded() -> None:
    face = full("/show model", answers=("l",))
    assert "the context has 1024 tokens now" in face.notes
    assert "context: 1024 of 2048 tokens" in face.notes[-1]
    assert Chats().open(1).condensed() is None
    again = chat("/show model", earlier="", model=None)
    assert "context: 1024 of 2048 tokens" in again.notes[-1]


@pytest.mark.parametrize("wish", ["drop", "summarise", "larger"])
def test_a_script_says_in_advance(wish: str) -> None:
    face = full(interactive=False, when_full=wish)
    condensed = Chats().open(1).condensed()
    if wish == "summarise":
        assert condensed is not None
        assert condensed[1] in face.notes
        assert condensed[1] not in face.answers
    assert len([turn for turn in Chats().open(1).turns() if turn.role == "user"]) == 4
    assert not face.questions


def test_a_script_that_says_nothing_stops() -> None:
    with pytest.raises(PromptTooLong):
        full(interactive=False)


def test_an_earlier_conversation_goes_on_as_it_was() -> None:
    chat("My name is Anna.", "/system Be brief.", "/set temperature 0.5", "/set top_k 7")
    face = chat("What is my name?", "/set", "/system", model=None, earlier="Anna")
    assert face.notes[0].startswith("1 · My name is Anna. · 2 turns, ")
    assert "> My name is Anna." in face.notes
    assert "Anna" in face.said_texts[0]
    assert "Anna" in face.answers[0]
    # The command line says otherwise of one of the two.
    assert "temperature: 0.5\ntop_k: 7" in face.notes
    assert "system prompt: Be brief." in face.notes
    assert len(Chats().list()) == 1


def test_a_question_without_an_answer_comes_back_when_resumed() -> None:
    with Chats() as chats:
        begun = chats.begin(model="tiny")
        begun.add("user", "What is 12 + 30?")
    seen: list[str] = []
    face = chat(lambda face: seen.append(face.refilled), "hello", earlier="", model=None)
    assert seen == ["What is 12 + 30?"]
    assert "the last question was not answered; here it is again" in face.notes


def test_without_saving_nothing_is_left_on_the_disk() -> None:
    chat("My name is Anna.", "/clear", LONG, "/save", save=False)
    left = [path for path in data_directory().rglob("*") if path.is_file()]
    assert not [path for path in left if "chats" in path.name or "kv" in path.parts]


def test_another_model_goes_on(tiny_path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(tiny_path.read_bytes())
    face = chat("My name is Anna.", f"/model {other}", "What is my name?")
    assert "Anna" in face.answers[1]
    models = [turn.model for turn in Chats().open(1).turns() if turn.role == "assistant"]
    assert models == ["tiny", str(other)]
    again = chat("/show model", earlier="", model=None)
    assert again.notes[-1].startswith(f"model: {other}")


def test_a_model_that_cannot_be_loaded_leaves_the_one_before(tmp_path: Path) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"no model")
    face = chat("hello", f"/model {bad}", "/model nothing-like-it", "hello")
    assert len(face.errors) == 2
    assert len(face.answers) == 2


def test_two_models_are_compared(tiny_path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(tiny_path.read_bytes())
    face = chat("What is 12 + 30?", f"/compare {other}", "/branches 1 2", "/turns")
    (first, second), branches = face.beside_each_other
    assert first[0] == "tiny"
    assert second[0] == str(other)
    assert "42" in first[1]
    assert "42" in second[1]
    assert [text for _, text in branches] == [first[1], second[1]]
    assert len(Chats().open(1).leaves()) == 2
    assert [turn.model for turn in Chats().open(1).turns()] == [None, "tiny"]


def test_branches_are_made_listed_and_walked() -> None:
    face = chat(
        "My name is Anna.",
        "What is my name?",
        "/edit 1 My name is Tom.",
        "What is my name?",
        "/branches",
        "/branches 1",
        "What is my name?",
        "/branch 1",
        "/undo",
    )
    assert "Tom" in face.answers[3]
    assert "Anna" in face.answers[4]
    listed = next(note for note in face.notes if note.startswith("   1  4 turns"))
    assert listed == (
        "   1  4 turns (tiny): My name is Anna.\n*  2  4 turns (tiny): My name is Tom."
    )
    assert face.refilled == "My name is Anna."
    assert len(Chats().open(1).leaves()) == 2


def test_options_are_changed_and_taken_back() -> None:
    face = chat(
        "/set parameter num_predict 3",
        "Spell the word elephant.",
        "/set max_tokens default",
        "/set temperatur 1",
        "/set temperature -1",
        "/set save false",
        "/temperature 0.3",
        "/set ctx 600",
        "/show model",
    )
    assert "max_tokens: 3 (was no limit but the context)" in face.notes
    assert "stopped after 3 tokens, as --max-tokens says" in face.notes
    assert "max_tokens: no limit but the context (was 3)" in face.notes
    assert [error.message for error in face.errors] == [
        "there is no option 'temperatur'",
        "temperature is -1.0; it must be 0 or more",
        "save is decided when a chat begins",
    ]
    assert "temperature: 0.3 (was 0.0)" in face.notes
    assert "context: 600 of 2048 tokens" in face.notes[-1]


def test_reasoning_has_a_budget_and_a_switch() -> None:
    face = chat("/think 2", LONG, "/set think_tokens default", LONG)
    assert len(face.reasonings[0]) < len(face.reasonings[1])


def test_files_go_with_a_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "note.txt").write_text("My name is Anna.")
    (tmp_path / "other.txt").write_text("hello")
    face = chat("/attach note.txt", "/attach", "What is my name? @other.txt", "/attach missing.txt")
    assert re.search(r"note\.txt: .*text.*, \d+ tokens", face.notes[1])
    assert "attached to the next question: note.txt" in face.notes
    question = Chats().open(1).turns()[0]
    assert [one.name for one in question.attachments] == ["note.txt", "other.txt"]
    assert "missing.txt" in face.errors[0].message


def test_a_file_that_does_not_fit_is_refused_or_read_in_parts(tmp_path: Path) -> None:
    long = tmp_path / "long.txt"
    long.write_text("\n\n".join(f"Paragraph {number} of a tale." for number in range(400)))
    refused = chat(f"What is it about? @{long}", ctx=1500)
    assert isinstance(refused.errors[0], PromptTooLong)
    assert refused.questions[-1][1] == ["s", "p"]
    assert refused.refilled.startswith("What is it about?")
    parts = chat(f"What is it about? @{long}", ctx=1500, answers=("p",), max_tokens=5)
    chats = Chats()
    assert not parts.errors
    assert len(chats.list()) == 1
    question, answer = chats.open(1).turns()
    assert question.content.startswith("What is it about?")
    assert len(question.message.content) < 200
    assert question.attachments[0].text == long.read_text()
    assert answer.content == parts.answers[-1]


def test_tools_are_asked_for_run_and_told(tmp_path: Path) -> None:
    file = tmp_path / "tools.py"
    file.write_text(TOOL)
    face = chat("What is 12 times 34?", tool=[str(file)], answers=("y",))
    assert face.questions[0][0].startswith("run calculator(")
    assert any(re.match(r"calculator\(.*\) → 408", note) for note in face.notes)
    assert "408" in face.answers[-1]
    roles = [turn.role for turn in Chats().open(1).turns()]
    assert roles == ["user", "assistant", "tool", "assistant"]


def test_a_tool_that_is_refused_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "tools.py"
    file.write_text(TOOL)
    face = chat("What is 12 times 34?", tool=[str(file)])
    assert face.questions
    assert Chats().open(1).turns()[2].content == "The user did not allow this call."


def test_conversations_are_found_saved_and_exported(tmp_path: Path) -> None:
    target = tmp_path / "chat.md"
    face = chat(
        "hello",
        "/save Greetings",
        "/clear",
        "My name is Anna.",
        "/chats",
        "/chats Anna",
        "/load Greetings",
        f"/export {target}",
        f"/export {target}",
        "/export chat.xyz",
        "/load nothing-at-all",
    )
    assert "kept as 1: Greetings; `runner chat --resume 1` goes on with it" in face.notes
    assert any("2  My name is Anna. (tiny, 2 turns, just now)" in note for note in face.notes)
    assert any(note.startswith("1 · Greetings · 2 turns") for note in face.notes)
    assert "hello" in target.read_text()
    assert face.questions == [(f"{target} is there already. Write over it?", ["n", "y"])]
    assert [type(error).__name__ for error in face.errors] == ["ConfigurationError", "UnknownChat"]


def test_a_model_that_cannot_be_loaded_is_said_once_and_the_prompt_stays(tmp_path: Path) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"no model")
    seen: list[str] = []

    def look(face: ScriptedFace) -> None:
        seen.append(face.refilled)

    face = chat("hello", look, "/model tiny", "hello", model=str(bad))
    errors: list[RunnerError] = face.errors
    assert 1 <= len(errors) <= 2
    assert seen == ["hello"]
    assert len(face.answers) == 1


def test_words_of_other_programs_are_understood() -> None:
    face = chat(
        "hello",
        "/regen",
        "/history",
        "/set nothink",
        "/set parameter num_ctx 900",
        '/set system "Be brief."',
        "/set kv q8_0",
        "/show info",
        "/show parameters",
        "/show template",
        "/set format json",
        "Give me an object.",
        "/noformat",
        "/copy",
        "/new",
        "/tokens two words",
        "/list",
        "/exit",
        "never read",
    )
    assert not face.errors
    assert len(face.answers) == 3
    shown = next(note for note in face.notes if note.startswith("model: tiny"))
    assert "context: 900 of 2048 tokens\nKV cache: q8_0" in shown
    assert "system prompt: Be brief." in face.notes
    assert any("temperature: 0.0 (command line)" in note for note in face.notes)
    assert any("<｜Assistant｜>" in note for note in face.notes), "the template"
    assert "there is no command /noformat; /help lists them" in face.notes
    assert any(re.fullmatch(r"\d+ tokens", note) for note in face.notes)
    assert face.notes[-1].startswith("    1  hello (tiny, ")


def test_what_is_typed_is_read_before_it_is_sent() -> None:
    def typing(face: ScriptedFace) -> None:
        assert face.typing is not None
        face.typing(LONG + ", 4")
        time.sleep(0.5)

    face = chat("/show model", typing, LONG + ", 43", "/stats")
    counts = re.search(r"prompt (\d+) tokens, (\d+) of them reused", face.notes[-1])
    assert counts is not None
    assert int(counts[2]) >= int(counts[1]) - 15


def test_a_model_that_is_not_here_is_fetched_where_a_person_agrees(
    hub_with_model: LoopbackHub,
) -> None:
    name = f"hf.co/{FETCHABLE}"
    face = chat("hello", f"/model {name}", f"/model {name}", "hello", answers=("n", "y"))
    question, keys = face.questions[0]
    assert question == f"{name} is not on this machine. Fetch it from {name}?"
    assert keys == ["n", "y"]
    assert [type(error).__name__ for error in face.errors] == ["ModelNotHere"]
    assert hub_with_model.seen("cdn")
    assert face.answers[0] == face.answers[1]
    assert [turn.model for turn in Chats().open(1).turns()][3] == f"{name}:Q8_0"
    again = chat("/show model", earlier="", model=None)
    assert again.notes[-1].startswith(f"model: {name}:Q8_0")


def test_ctrl_c_while_the_model_loads_gives_the_prompt_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The loading goes on, and who asks later is answered."""
    slow, load = threading.Event(), models.ready

    def ready(*about: Any, **more: Any) -> models.Ready:
        assert slow.wait(60)
        return load(*about, **more)

    monkeypatch.setattr(models, "ready", ready)
    seen: list[str] = []

    def again(face: ScriptedFace) -> None:
        seen.append(face.refilled)
        slow.set()

    face = chat("/system Be brief.", at("loading"), "hello", again, "hello")
    assert seen == ["hello"]
    assert face.answers == [face.answers[0]] != []
    assert face.notes[0] == "system prompt: Be brief."


def looked(seen: list[str]) -> Callable[[ScriptedFace], None]:
    """See what is in the line."""

    def look(face: ScriptedFace) -> None:
        seen.append(face.refilled)

    return look


def test_ctrl_c_while_a_file_is_read_gives_the_question_back_once(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p>hello</p>" * 20_000)
    seen: list[str] = []
    question = f"What is it? @{page}"
    chat(at("read "), question, looked(seen))
    assert seen == [question]


def test_a_rewording_that_is_not_answered_comes_back() -> None:
    seen: list[str] = []
    look, long, longer = looked(seen), "word " * 500, "word " * 3000
    face = chat(
        "hello",
        *(ctrl_c(0), f"/edit 1 12 {long}", look),
        *("/edit", look),
        *(ctrl_c(0), "/edit", look),
        "/turns",
        edits=(longer, f"Carefully: {long}"),
    )
    assert seen == [f"/edit 1 12 {long}".strip(), f"/edit 1 {longer}", f"/edit 1 Carefully: {long}"]
    assert [type(error) for error in face.errors] == [PromptTooLong]
    assert face.notes[-1].startswith("  1  hello\n")
    assert len(Chats().open(1).turns()) == 2


def test_a_question_that_cannot_be_answered_again_says_so_and_the_command_comes_back() -> None:
    seen: list[str] = []
    face = chat("word " * 500, "/set ctx 300", "/retry", looked(seen))
    assert seen == ["/retry"]
    assert [type(error) for error in face.errors] == [PromptTooLong]


def test_a_model_not_waited_for_leaves_the_one_before(
    tiny_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(tiny_path.read_bytes())
    slow, load = threading.Event(), models.ready

    def ready(located: models.Located, wanted: settings.Settings, **more: Any) -> models.Ready:
        while slow.is_set() and more["progress"](0.0):
            time.sleep(0.01)
        return load(located, wanted, **more)

    def slower(face: ScriptedFace) -> None:
        slow.set()

    def quicker(face: ScriptedFace) -> None:
        slow.clear()

    monkeypatch.setattr(models, "ready", ready)
    seen: list[str] = []
    look = looked(seen)
    face = chat(
        "hello",
        *(slower, at("loading other.gguf"), f"/model {other}", look, quicker),
        *(slower, at("loading tiny"), "/set ctx 600", look, quicker),
        "/set",
        "hello",
        "/show model",
    )
    assert seen == [f"/model {other}", "/set ctx 600"]
    assert face.notes.count("tiny goes on answering, as it was loaded before") == 2
    assert "nothing was set in this conversation; /set NAME VALUE, /show parameters" in face.notes
    assert face.notes[-1].startswith("model: tiny\n")
    assert "context: 2048 of 2048 tokens" in face.notes[-1]
    assert Chats().open(1).model == "tiny"
    assert len(face.answers) == 2


def test_to_load_a_conversation_leaves_the_one_before_its_model(
    tiny_path: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(tiny_path.read_bytes())
    chat("hello")
    face = chat("hello there", "/load 1", "/show model", model=str(other))
    assert face.notes[-1].startswith("model: tiny\n")
    assert [Chats().open(number).model for number in (1, 2)] == ["tiny", str(other)]


def test_options_have_short_names() -> None:
    face = chat("/temp 0.7", "/param top_k 7", "/seed 5", "/temp")
    assert not face.errors
    assert [note.partition(" (")[0] for note in face.notes if not note.startswith("tiny")] == [
        "temperature: 0.7",
        "top_k: 7",
        "seed: 5",
        "temperature: 0.7",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
def test_an_export_that_fails_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    import resource

    target = tmp_path / "chat.md"
    target.write_text("what was there")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def full_disk(face: ScriptedFace) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50, before[1]))

    def free_disk(face: ScriptedFace) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    face = chat(LONG, full_disk, f"/export {target}", free_disk, answers=("y",))
    assert [type(error) for error in face.errors] == [DiskError]
    assert target.read_text() == "what was there"
    assert list(tmp_path.iterdir()) == [target]
