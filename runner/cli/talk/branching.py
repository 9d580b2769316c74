"""The commands that move in the tree of a conversation: answer again, edit, go back, compare."""

import re
from typing import TYPE_CHECKING

from runner.cli.talk.telling import told
from runner.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.chat.turns import Turn
    from runner.cli.talk.loop import Talk


def retry(talk: "Talk", _: str) -> None:
    if talk.conversation.last_question is None:
        talk.face.note("there is nothing to answer again")
        return
    talk.answer_command("/retry", talk.conversation.regenerate)


def edit(talk: "Talk", argument: str) -> None:
    """With a text, that is what is asked; without, a person changes the question."""
    typed = re.fullmatch(r"(\d*)\s*(.*)", argument, re.DOTALL)
    assert typed is not None
    number, question = _question(talk, typed[1])
    conversation = talk.conversation
    text = typed[2] or talk.face.edit(question.content)
    if text is None or not text.strip():
        talk.face.note("nothing changes")
        return
    talk.answer_command(
        f"/edit {number} {text}",
        lambda progress: conversation.edit(question, text, question.attachments, progress),
    )


def undo(talk: "Talk", _: str) -> None:
    question = talk.conversation.last_question
    if question is None:
        talk.face.note("there is nothing to take back")
        return
    talk.conversation.undo()
    talk.give_back(question.content, question.attachments)
    talk.face.note(f"back to before: {told(question)}")


def branch(talk: "Talk", number: str) -> None:
    if not number:
        talk.face.note("/branch NUMBER goes on from after that question; /turns numbers them")
        return
    _, question = _question(talk, number)
    path = talk.chat.turns()
    at = [turn.id for turn in path].index(question.id)
    end = next((i for i in range(at + 1, len(path)) if path[i].role == "user"), len(path)) - 1
    talk.conversation.go_to(path[end])
    talk.face.note(f"going on from after: {told(question)}")


def branches(talk: "Talk", numbers: str) -> None:
    leaves = talk.chat.leaves()
    wanted = [_leaf(leaves, number) for number in numbers.replace(",", " ").split()]
    if len(wanted) > 2:
        raise ConfigurationError("two branches can be compared")
    if not wanted:
        _list(talk, leaves)
    elif len(wanted) == 1:
        talk.conversation.go_to(wanted[0])
        talk.face.note(f"now on the branch that ends: {told(wanted[0])}")
    else:
        _compare(talk, wanted, [f"branch {number}" for number in numbers.split()])


def _leaf(leaves: "Sequence[Turn]", number: str) -> "Turn":
    if number.isdecimal() and 0 < int(number) <= len(leaves):
        return leaves[int(number) - 1]
    raise ConfigurationError(f"there is no branch {number}", remedy="/branches numbers them.")


def _list(talk: "Talk", leaves: "Sequence[Turn]") -> None:
    """Each branch with what is said first in it that not all have in common."""
    head = talk.chat.head
    paths = [talk.chat.path_to(leaf) for leaf in leaves]
    common = set.intersection(*({turn.id for turn in path} for path in paths)) if paths else set()
    lines = []
    for number, (leaf, path) in enumerate(zip(leaves, paths, strict=True), 1):
        own = next((turn for turn in path if turn.id not in common), leaf)
        mark = "*" if head is not None and leaf.id == head.id else " "
        model = f" ({leaf.model})" if leaf.model else ""
        lines.append(f"{mark}{number:>3}  {len(path)} turns{model}: {told(own)}")
    talk.face.note("\n".join(lines) or "nothing was said yet")


def _compare(talk: "Talk", leaves: "Sequence[Turn]", titles: "Sequence[str]") -> None:
    """Show what differs between branches, from where they part."""
    paths = [talk.chat.path_to(leaf) for leaf in leaves]
    common = 0
    while all(len(path) > common for path in paths) and (
        len({path[common].id for path in paths}) == 1
    ):
        common += 1
    talk.face.beside(
        [
            (f"{title} · {leaf.model or 'you'}", _transcript(path[common:]))
            for title, leaf, path in zip(titles, leaves, paths, strict=True)
        ]
    )


def _transcript(turns: "Sequence[Turn]") -> str:
    """Turns as Markdown: what was asked as a quotation, what was answered as it is."""
    return "\n\n".join(
        turn.content
        if turn.role == "assistant"
        else "\n".join(f"> {line}" for line in turn.content.splitlines())
        for turn in turns
    )


def compare(talk: "Talk", name: str) -> None:
    """The other model's answer becomes a branch; the conversation goes on where it was."""
    from runner.cli.talk.loading import Loading
    from runner.cli.talk.obtaining import obtained

    conversation = talk.conversation
    question, home = conversation.last_question, conversation.chat.head
    if question is None or home is None or not name:
        talk.face.note("/compare MODEL, once something was asked")
        return
    located = obtained(talk.face, name, talk.settings)
    other = Loading(located, talk.settings, talk.face, awaited=True)
    try:
        ready = other.wait()
        conversation.switch(ready)
        reply = talk.show(conversation.regenerate, ready)
    finally:
        conversation.go_to(home)
        conversation.switch(talk.ready)
        other.close()
    if reply is not None and reply.spoke:
        first = home.content if home.role == "assistant" else ""
        titles = (home.model or talk.located.reference, located.reference)
        talk.face.beside([(titles[0], first), (titles[1], reply.message.content)])


def _question(talk: "Talk", number: str) -> "tuple[int, Turn]":
    """A question of this branch by its number, without one the last; the number and the question.
    Raises ConfigurationError."""
    questions = [turn for turn in talk.chat.turns() if turn.role == "user"]
    if not number and questions:
        return len(questions), questions[-1]
    if number.isdecimal() and 0 < int(number) <= len(questions):
        return int(number), questions[int(number) - 1]
    which = f"no question {number}" if number else "no question yet"
    raise ConfigurationError(f"there is {which}", remedy="/turns numbers them.")
