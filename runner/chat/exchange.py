"""Between the database of conversations and plain data, which files are made of and read as."""

from collections.abc import Callable, Iterable

from runner.chat.chat import Chat
from runner.chat.chats import Chats
from runner.chat.dialogue import Dialogue
from runner.chat.turns import Turn


def dialogue_of(chat: Chat) -> Dialogue:
    """All of a conversation, with all its branches. Raises DiskError."""
    head = chat.head
    return Dialogue(
        turns=tuple(chat.tree()),
        head=head.id if head else None,
        title=chat.title,
        model=chat.model,
        system=chat.system,
        persona=chat.persona,
        settings=dict(chat.settings),
        tags=chat.tags,
        created=chat.created,
        updated=chat.updated,
        summaries=chat.summaries(),
    )


def keep(
    dialogues: Iterable[Dialogue],
    chats: Chats,
    *,
    tags: tuple[str, ...] = (),
    progress: Callable[[int], None] = lambda _: None,
) -> list[Chat | None]:
    """Write conversations into the database, each wholly or not at all, with these tags besides
    their own. In the place of one that is there already, None. `progress` is told how many are
    done. Raises DiskError; those before it stay.
    """
    kept: list[Chat | None] = []
    for dialogue in dialogues:
        with chats.together():
            kept.append(None if chats.has(dialogue) else _write(dialogue, chats, tags))
        progress(len(kept))
    return kept


def _write(dialogue: Dialogue, chats: Chats, tags: tuple[str, ...]) -> Chat:
    chat = chats.begin(
        model=dialogue.model,
        system=dialogue.system,
        persona=dialogue.persona,
        settings=dialogue.settings,
        created=dialogue.created or min(turn.at for turn in dialogue.turns),
        updated=dialogue.updated,
    )
    chat.title = " ".join(dialogue.title.split())
    chat.tags = tuple(dict.fromkeys((*dialogue.tags, *tags)))
    written: dict[int | None, Turn | None] = {None: None}
    for turn in dialogue.turns:
        written[turn.id] = copy = chat.add(
            turn.role,
            turn.content,
            reasoning=turn.reasoning,
            tool_calls=turn.tool_calls,
            attachments=turn.attachments,
            model=turn.model,
            at=turn.at,
            parent=written[turn.parent],
            ended=turn.ended,
            timings=turn.timings,
        )
        if turn.id in dialogue.summaries:
            chat.condense(copy, dialogue.summaries[turn.id])
    chat.go_to(written[dialogue.head])
    return chat
