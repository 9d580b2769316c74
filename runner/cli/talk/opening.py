"""How a chat begins: in a new conversation or in an earlier one, with which model, and what a
person is shown of it."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from runner.chat.chats import Chat, Chats
from runner.cli.talk.calls import toolbox
from runner.cli.talk.documents import attached
from runner.cli.talk.header import header
from runner.cli.talk.kept import with_kept, with_persona
from runner.cli.talk.loop import Talk
from runner.cli.talk.obtaining import obtained
from runner.cli.words import ago
from runner.errors import RunnerError, UnknownChat
from runner.models import Ready
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.cli.talk.face import Face

SHOWN_AGAIN = 4  # turns of an earlier conversation


def talk(face: "Face", settings: Settings, model: str | None, earlier: str | None) -> None:
    """Chat until the person leaves. `earlier` is the conversation to go on with: its number or
    words; an empty text means the latest.

    Raises UnknownChat, ModelNotHere, and what else keeps a chat from beginning; where nobody can be
    asked, also what keeps a question from being answered.
    """
    kept = settings.save is not False
    with (
        Chats(remark=face.note) if kept else Chats.in_memory() as chats,
        toolbox(settings) as tools,
    ):
        chat = None if earlier is None else _earlier(chats, earlier)
        if chat is not None and settings.persona is None:
            settings = with_persona(settings, chat.persona, face.error)
        named = model or settings.model
        # One that came from another program names no model: the one used last answers.
        located = obtained(face, named or (chat.model if chat else "") or None, settings)

        def welcome(ready: Ready) -> None:
            told(face, ready, settings)
            if named is None and chat is None and located.record is None and not settings.quiet:
                face.note(
                    f"{located.name} is the small model inside Runner; "
                    "`runner recommend` names larger ones that suit this machine"
                )

        talk = Talk(
            face,
            settings,
            located,
            chats=chats,
            chat=chat or _new(chats, located.reference, settings),
            tools=tools if len(tools) else None,
            welcome=welcome,
        )
        with closing(talk):
            if chat is not None:
                if settings.origin("system") == "command line":
                    chat.system = settings.system or ""
                chat.model = located.reference
                _again(talk)
            if settings.file:
                talk.attached += attached(talk, [Path(name).expanduser() for name in settings.file])
            talk.run()


def _new(chats: Chats, model: str, settings: Settings) -> Chat:
    return chats.begin(model=model, system=settings.system or "", persona=settings.persona)


def _earlier(chats: Chats, words: str) -> Chat:
    if words:
        return chats.find(words)
    chat = chats.latest()
    if chat is None:
        raise UnknownChat(
            "there is no conversation to continue", remedy="`runner chat` begins one."
        )
    return chat


def told(face: "Face", ready: Ready, settings: Settings) -> None:
    """What there is to know of a model that was loaded."""
    if not settings.quiet:
        for line in (header(ready), *ready.placement.remarks):
            face.note(line)


def resume(talk: Talk, chat: Chat) -> None:
    """Go on with an earlier conversation: with its model, if that is here, and what was set."""
    settings = with_kept(talk.begun_with, chat.settings)
    before, located = talk.located, talk.located
    if chat.model != located.reference:
        try:
            located = obtained(talk.face, chat.model or None, settings)
        except RunnerError as error:
            talk.face.error(error)
            talk.face.note(f"{located.name} answers in its place")
    if located is not before or talk.loads_otherwise(settings):
        talk.load(located, settings)
        talk.go_on_in(chat)  # before anything else is waited for
        told(talk.face, talk.ready, settings)
    else:
        talk.hold(settings, ())
        talk.go_on_in(chat)
    _again(talk)


def _again(talk: Talk) -> None:
    """Show how an earlier conversation ended. A question that nobody answered is where it is
    typed again."""
    turns, chat, face = talk.chat.turns(), talk.chat, talk.face
    if not face.interactive:
        return
    face.note(f"{chat.number} · {chat.title} · {len(turns)} turns, {ago(chat.updated)}")
    open_question = turns.pop() if turns and turns[-1].role == "user" else None
    for turn in turns[-SHOWN_AGAIN:]:
        if turn.role == "user":
            face.note("\n".join(f"> {line}" for line in turn.content.splitlines()))
        elif turn.role == "assistant" and turn.content:
            face.said(turn.content)
    if open_question is not None:
        chat.go_to(turns[-1] if turns else None)
        talk.give_back(open_question.content, open_question.attachments)
        face.note("the last question was not answered; here it is again")
