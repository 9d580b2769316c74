"""When a conversation outgrows the context: which of the oldest turns have to go, and a summary of
them in the model's own words. Nothing leaves the conversation itself, only what the model is given.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from runner.chat.conversation import Conversation
from runner.chat.turns import Turn
from runner.engine.stream import ReadProgress, Stream
from runner.prompt import Message

KEPT_SHARE = 0.5
"""Of the context, what the turns that stay may take: the next time is some way off then."""

SUMMARY_SHARE = 0.25
"""Of the context, what a summary may take."""

ASK_SUMMARY = (
    "Summarise our conversation up to here, so that you can go on from the summary alone: what I "
    "want, names, numbers, facts, what was decided and what is still open. At most 200 words. "
    "Write only the summary."
)


def oldest(conversation: Conversation, *pending: Message) -> list[Turn]:
    """The oldest turns, as few as can be, without which the rest and `pending` leave half of the
    context free; all that may go where they leave less. Without `pending` the last question and
    what followed it stay. None where nothing may go, or what stays does not fit by itself."""
    told = conversation.told
    cuts = _starts(told)[1:] + ([len(told)] if pending and told else [])
    context = conversation.model.model.context_length

    def left(cut: int) -> int:
        return conversation.tokens(conversation.given(*pending, turns=told[cut:]))

    cut = _first(cuts, lambda cut: left(cut) <= context * KEPT_SHARE)
    return list(told[:cut]) if left(cut) < context else []


def all_but_last(conversation: Conversation) -> list[Turn]:
    """The turns before the last question."""
    told = conversation.told
    starts = _starts(told)
    return list(told[: starts[-1]]) if starts else []


def _starts(turns: Sequence[Turn]) -> list[int]:
    """Where something is asked: the conversation may begin there."""
    return [number for number, turn in enumerate(turns) if turn.role == "user"]


def _first(cuts: Sequence[int], fits: Callable[[int], bool]) -> int:
    """The first of the `cuts` that fits, as all after it do; else the last, or 0."""
    low, high = 0, len(cuts) - 1
    while low < high:
        middle = (low + high) // 2
        if fits(cuts[middle]):
            high = middle
        else:
            low = middle + 1
    return cuts[low] if cuts else 0


def drop(conversation: Conversation, turns: Sequence[Turn]) -> None:
    """No longer give the model these, the oldest turns. A summary of what was before them stays."""
    condensed = conversation.chat.condensed()
    conversation.condense(turns[-1], "" if condensed is None else condensed[1])


def portion(conversation: Conversation, turns: Sequence[Turn]) -> list[Turn]:
    """As many of these, the oldest turns, as can be summarised at once: all of them, unless the
    model that said them had a larger context. None where a single question with its answer is too
    long."""
    cuts = [*_starts(turns)[1:], len(turns)]
    most = conversation.model.model.context_length * (1 - SUMMARY_SHARE / 2)

    def fits(cut: int) -> bool:
        asked = conversation.given(Message("user", ASK_SUMMARY), turns=turns[:cut])
        return conversation.tokens(asked) < most

    cut = cuts[-1] if fits(cuts[-1]) else _first([*reversed(cuts)], fits)
    return list(turns[:cut]) if fits(cut) else []


def summary(
    conversation: Conversation, turns: Sequence[Turn], progress: ReadProgress | None = None
) -> Stream:
    """Let the model summarise these, the oldest turns, and what a summary before them said.

    It is asked at the end of the very turns, which the engine has read already. Raises
    PromptTooLong where they fill the context by themselves.
    """
    longest = int(conversation.model.model.context_length * SUMMARY_SHARE)
    options = replace(
        conversation.options,
        max_tokens=longest,
        think_tokens=0,
        constraint=None,
        stop=(),
    )
    messages = conversation.given(Message("user", ASK_SUMMARY), turns=turns)
    return conversation.model.reply(messages, options=options, progress=progress)
