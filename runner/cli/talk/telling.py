"""The commands that tell something of the conversation as it is."""

from typing import TYPE_CHECKING

from runner.cli.words import brief, duration

if TYPE_CHECKING:
    from runner.chat.turns import Turn
    from runner.cli.talk.loop import Talk

PARTS = {"user": "questions", "assistant": "answers", "tool": "tools' results"}

LINE = 72  # characters of a turn in a list


def told(turn: "Turn") -> str:
    """A turn in a line of a list."""
    if turn.tool_calls and not turn.content:
        return f"calls {', '.join(call.name for call in turn.tool_calls)}"
    return brief(turn.content, LINE) or "(nothing)"


def turns(talk: "Talk", _: str) -> None:
    lines, number = [], 0
    for turn in talk.chat.turns():
        if turn.role == "user":
            number += 1
            lines.append(f"{number:>3}  {told(turn)}")
        else:
            lines.append(f"       {told(turn)}")
    talk.face.note("\n".join(lines) or "nothing was said yet")


def tokens(talk: "Talk", text: str) -> None:
    """Of a text, or of the conversation by what takes them."""
    from runner.chat.sizes import tokens_of

    conversation = talk.conversation
    vocabulary = talk.ready.model.vocabulary

    def count(what: str) -> int:
        return len(vocabulary.encode_content(what))

    if text:
        talk.face.note(f"{count(text)} tokens")
        return
    lines = {}
    if talk.chat.system:
        lines["system prompt"] = count(talk.chat.system)
    for turn in conversation.told:
        name = PARTS.get(turn.role, turn.role)
        lines[name] = lines.get(name, 0) + count(turn.content)
        for one in turn.attachments:
            lines[one.name] = lines.get(one.name, 0) + tokens_of(talk.ready, one)
    for one in talk.attached:
        lines[f"{one.name}, to be sent"] = tokens_of(talk.ready, one)
    used, total = conversation.room()
    lines["all, with the template's marks"] = used
    lines["free"] = total - used
    talk.face.note("\n".join(f"{number:>7}  {name}" for name, number in lines.items()))


def stats(talk: "Talk", _: str) -> None:
    if talk.latest is None:
        talk.face.note("there was no reply yet")
        return
    timings, length = talk.latest.timings, talk.ready.model.context_length
    used = timings.prompt_tokens + timings.reply_tokens
    talk.face.note(
        f"prompt {timings.prompt_tokens} tokens, {timings.reused_tokens} of them reused; "
        f"read at {timings.prefill_rate:.1f} tokens/s\n"
        f"reply {timings.reply_tokens} tokens at {timings.decode_rate:.1f} tokens/s; "
        f"the first after {duration(timings.first_token_seconds)}\n"
        f"context {used} of {length} tokens; seed {talk.latest.seed}"
    )


def compact(talk: "Talk", _: str) -> None:
    from runner.chat import overflow
    from runner.cli.talk import full

    turns = overflow.all_but_last(talk.conversation)
    if not turns:
        talk.face.note("there is nothing to summarise before the last question")
        return
    full.summarise(talk, turns)
