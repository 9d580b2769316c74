"""The commands that keep a conversation, find another, and bring texts in and out."""

from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.talk.quotes import bare
from runner.cli.words import ago
from runner.errors import ConfigurationError

if TYPE_CHECKING:
    from runner.cli.talk.loop import Talk

LATEST = 10  # conversations in a list


def unsaved(talk: "Talk") -> str | None:
    """Why not all of the conversation is on the disk; None where it is, or is not meant to be."""
    if talk.chat.save() or (error := talk.chat.unsaved) is None:
        return None
    return f"not all of it is on the disk: {error.message}"


def may_leave(talk: "Talk") -> bool:
    """Whether the conversation may be left, though what is not on the disk is lost then."""
    why = unsaved(talk)
    if why is None:
        return True
    talk.face.note(f"{why}; /export FILE writes all of it to a file")
    return not talk.face.interactive or _agrees(talk, "Leave it, and lose the rest?")


def save(talk: "Talk", title: str) -> None:
    if title:
        talk.chat.title = title
    if talk.private:
        talk.face.note("with --no-save nothing is kept; /export FILE writes it to a file")
    elif talk.chat.number is None:
        talk.face.note("it is kept from the first question on")
    elif why := unsaved(talk):
        talk.face.note(f"{why}; /export FILE writes all of it to a file")
    else:
        number = talk.chat.number
        talk.face.note(
            f"kept as {number}: {talk.chat.title}; `runner chat --resume {number}` goes on with it"
        )


def load(talk: "Talk", words: str) -> None:
    from runner.cli.talk.opening import resume

    if not words:
        talk.face.note("/load NUMBER or WORDS; /chats lists them")
        return
    found = talk.chats.find(words)
    if may_leave(talk):
        resume(talk, found)


def chats(talk: "Talk", words: str) -> None:
    if words:
        hits = talk.chats.search(words, LATEST)
        lines = [f"{hit.chat:>5}  {hit.title}: {hit.snippet}" for hit in hits]
    else:
        lines = [
            f"{one.number:>5}  {one.title} ({one.model}, {one.turns} turns, {ago(one.updated)})"
            for one in talk.chats.list(limit=LATEST)
        ]
    talk.face.note("\n".join(lines) or "there are none")


def clear(talk: "Talk", _: str) -> None:
    before = talk.chat
    if not may_leave(talk):
        return
    talk.go_on_in(
        talk.chats.begin(
            model=before.model,
            system=before.system,
            persona=before.persona,
            settings=before.settings,
        )
    )
    if before.number is None:
        talk.face.note("a new conversation")
    elif talk.private:
        talk.chats.delete(before.number)
        talk.face.note("a new conversation; the one before is gone")
    elif before.unsaved is not None:
        talk.face.note(f"a new conversation; the one before is kept in part, as {before.number}")
    else:
        talk.face.note(f"a new conversation; the one before is kept as {before.number}")


def export(talk: "Talk", name: str) -> None:
    from runner.chat.exchange import dialogue_of
    from runner.chat.exporting import exported, form_of, left_out
    from runner.whole import write_whole

    if not talk.chat.turns():
        talk.face.note("nothing was said yet")
        return
    path = Path(bare(name) or f"chat-{talk.chat.number}.md").expanduser()
    form = form_of(path)
    if form is None:
        raise ConfigurationError(
            f"{path.name} names no form", remedy="Name it .md, .html, .json or .jsonl."
        )
    if path.exists() and not _agrees(talk, f"{path} is there already. Write over it?"):
        return
    dialogue = dialogue_of(talk.chat)
    write_whole(path, exported([dialogue], form))
    lost = left_out([dialogue], form)
    talk.face.note(f"written to {path}" + (f", without {lost}" if lost else ""))


def attach(talk: "Talk", name: str) -> None:
    from runner.cli.talk.documents import attached

    if not name:
        names = ", ".join(one.name for one in talk.attached) or "nothing"
        talk.face.note(f"attached to the next question: {names}")
        return
    if name == "none":
        talk.attached.clear()
        talk.face.note("nothing is attached")
        return
    talk.attached += attached(talk, [Path(bare(name)).expanduser()])
    if talk.loaded:
        talk.conversation.expect("", talk.attached)


def copy(talk: "Talk", what: str) -> None:
    from runner.cli.talk.clipboard import copied

    answers = [turn for turn in talk.chat.turns() if turn.role == "assistant" and turn.content]
    if not answers:
        talk.face.note("there was no answer yet")
        return
    text = answers[-1].content
    if what:
        from runner.chat.extract import first_code

        code = first_code(text)
        if code is None:
            talk.face.note("the last answer has no code")
            return
        text = code
    if copied(text) or talk.face.clipboard(text):
        talk.face.note(f"{len(text)} characters are on the clipboard")
    else:
        talk.face.note("there is no clipboard here; /export FILE writes the conversation")


def _agrees(talk: "Talk", question: str) -> bool:
    from runner.cli.talk.face import Choice

    return talk.face.ask(question, (Choice("n", "no"), Choice("y", "yes"))) == "y"
