"""The context is finite: a warning before it is full, and then a choice that a person makes, or
made in advance with --when-full. Nothing is forgotten silently, and nothing is deleted."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from runner.chat import overflow
from runner.cli.talk.face import Choice
from runner.errors import RunnerError
from runner.prompt import Message

if TYPE_CHECKING:
    from runner.chat.turns import Turn
    from runner.cli.talk.loop import Talk
    from runner.engine.stream import ReadProgress, Stream

WARN_TENTH = 8
"""Tenths of the context from which each is said once."""


def warn(talk: "Talk") -> None:
    """Say that the context is filling up, once a tenth of it."""
    used, total = talk.conversation.room()
    tenth = used * 10 // total
    if tenth >= WARN_TENTH and tenth > talk.warned:
        talk.face.note(
            f"the conversation fills {used * 100 // total} % of the context of {total} tokens; "
            f"when it is full: {_policy(talk)}"
        )
    talk.warned = max(tenth, WARN_TENTH - 1)


def _policy(talk: "Talk") -> str:
    return {
        "ask": "you are asked what to do",
        "stop": "it stops",
        "drop": "the oldest turns are left out",
        "summarise": "the oldest turns are summarised",
        "larger": "the model is loaded with a larger context",
    }[_wish(talk)]


def _wish(talk: "Talk") -> str:
    wish = talk.settings.when_full or "ask"
    return "stop" if wish == "ask" and not talk.face.interactive else wish


Done = Literal["nothing", "room", "parts"]
"""What came of it: it stays as it is, there is room to ask again, or it is to be asked in parts."""


def make_room(talk: "Talk", *pending: Message, parts: bool = False) -> Done:
    """The context is too small for the conversation and `pending`: do what was wished in advance,
    or what a person chooses now. `parts` says whether there are documents that can be read part by
    part."""
    turns = overflow.oldest(talk.conversation, *pending)
    larger = _larger(talk, *pending)
    wish = _wish(talk)
    if wish == "ask":
        wish = _chosen(talk, turns, larger, parts=parts)
    if wish == "parts":
        return "parts"
    if wish == "larger" and larger is not None:
        return "room" if _enlarge(talk, larger) else "nothing"
    if wish == "summarise" and turns:
        return "room" if summarise(talk, turns) else "nothing"
    if wish == "drop" and turns:
        overflow.drop(talk.conversation, turns)
        talk.face.note(f"{_counted(turns)} left out; they stay in the conversation")
        return "room"
    return "nothing"


def _chosen(talk: "Talk", turns: "Sequence[Turn]", larger: int | None, *, parts: bool) -> str:
    choices = [(Choice("s", "stop here: nothing changes"), "stop")]
    if turns:
        how = f"summarise {_counted(turns)}, to be read and changed before it holds"
        choices.append((Choice("m", how), "summarise"))
        choices.append((Choice("d", f"leave out {_counted(turns)}"), "drop"))
    if larger is not None:
        how = f"load the model again with a context of {larger} tokens"
        choices.append((Choice("l", how), "larger"))
    if parts:
        how = "read the documents in parts, and join the answers"
        choices.append((Choice("p", how), "parts"))
    if len(choices) == 1:
        return "stop"
    total = talk.ready.model.context_length
    key = talk.face.ask(f"the context of {total} tokens is full", [one for one, _ in choices])
    return next(wish for choice, wish in choices if choice.key == key)


def _counted(turns: "Sequence[Turn]") -> str:
    return f"the oldest {len(turns)} turns" if len(turns) > 1 else "the oldest turn"


def _larger(talk: "Talk", *pending: Message) -> int | None:
    """At least twice the context, and what is needed; None where the model was not trained for so
    much."""
    conversation, model = talk.conversation, talk.ready.model
    needed = conversation.tokens(conversation.given(*pending))
    longest = min(max(2 * model.context_length, needed * 5 // 4), model.weights.context_train)
    return longest if longest > max(model.context_length, needed) else None


def _enlarge(talk: "Talk", context: int) -> bool:
    try:
        talk.set({"ctx": context})
    except RunnerError as error:
        talk.face.error(error)
        return False
    talk.face.note(f"the context has {talk.ready.model.context_length} tokens now")
    return True


def summarise(talk: "Talk", turns: "Sequence[Turn]") -> bool:
    """Let the model put these, the oldest turns, into a summary, which a person may change; in
    several steps where they are too long to be read at once. False where they gave it up."""
    while turns:
        part = overflow.portion(talk.conversation, turns)
        if not part:
            talk.face.note("a turn is too long to be summarised; it can only be left out")
            return False
        talk.face.note(f"summarising {_counted(part)}")
        text = _summary(talk, part)
        if not text:
            talk.face.note("no summary; nothing changes")
            return False
        talk.conversation.condense(part[-1], text)
        talk.face.note(f"a summary stands for {_counted(part)}; they stay in the conversation")
        turns = turns[len(part) :]
    return True


def _summary(talk: "Talk", turns: "Sequence[Turn]") -> str:
    """In the model's words, or as a person changed them; empty where it was stopped, and where
    nobody can mend one that did not come to its end. In a script it is a remark: what goes to
    stdout are answers."""
    streams: list[Stream] = []

    def begin(progress: "ReadProgress") -> "Stream":
        streams.append(overflow.summary(talk.conversation, turns, progress))
        return streams[0]

    if not talk.face.interactive:
        with begin(lambda *_: None) as stream:
            text = "".join(event.text for event in stream if event.kind == "answer").strip()
        talk.remark(text)
        if stream.finish.reason == "end":
            return text
        talk.face.note("the summary did not come to its end")
        return ""
    shown = talk.face.play(begin, think="hide")
    reason = streams[0].finish.reason
    if reason == "cancelled":
        return ""
    if reason != "end":
        talk.face.note("the summary did not come to its end; complete it, or give it up")
    return (talk.face.edit(shown.texts["answer"].strip()) or "").strip()
