"""The tools that a reply calls for: each call shown, agreed to, run, and its result told."""

import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from runner.cli.talk.face import Choice, Face
from runner.cli.words import brief
from runner.engine.stream import ReadProgress
from runner.prompt import ToolCall
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.chat import Conversation, Reply
    from runner.chat.conversation import Tools
    from runner.chat.tools import Toolbox

MOST_ROUNDS = 10
"""Replies with calls, one after the other, after which a person is asked to speak."""

SHOWN = 200  # characters of a result

REFUSED = "The user did not allow this call."
LEFT = "The user left before it was run."


def toolbox(settings: Settings) -> "Toolbox":
    """The tools that were named. Raises as `Toolbox` does."""
    from runner.chat.tools import Toolbox

    return Toolbox(
        settings.tool or (),
        settings.mcp or (),
        settings.allow_tool or (),
        offline=bool(settings.offline),
    )


def obey_calls(
    conversation: "Conversation",
    face: Face,
    reply: "Reply",
    show: "Callable[[Callable[[ReadProgress], Reply]], Reply | None]",
) -> None:
    """Run what a reply calls for, and show the replies that follow, until one calls for nothing.
    Once the person has left, nothing more is run or asked of the model."""
    tools = conversation.tools
    for _ in range(MOST_ROUNDS):
        calls = reply.message.tool_calls
        if not calls or tools is None or reply.finish.reason == "cancelled":
            return
        for number, call in enumerate(calls):
            result = LEFT if _left(face) else _result(tools, face, call)
            fitting = conversation.fitting(result, among=len(calls) - number)
            if fitting != result:
                face.note("the context has room for the beginning of it")
            conversation.tell(call, fitting)
        if _left(face):
            return
        following = show(conversation.proceed)
        if following is None or not following.spoke:
            return
        reply = following
    if reply.message.tool_calls:
        face.note(f"{MOST_ROUNDS} rounds of tools are enough; say how to go on")


def _left(face: Face) -> bool:
    """Whether the person has left: whatever could be stopped then is, at once."""
    stopped = threading.Event()
    with face.stoppable(stopped.set):
        return stopped.is_set()


def _result(tools: "Tools", face: Face, call: ToolCall) -> str:
    """What a tool returns, as text for the model; or that it was not allowed."""
    shown = f"{call.name}({_arguments(call)})"
    if not tools.allows(call):
        answers = (Choice("n", "do not run it"), Choice("y", "run it"))
        if not face.interactive:
            face.note(f"{shown} is not allowed; --allow-tool {call.name} allows it")
            return REFUSED
        if face.ask(f"run {shown}?", answers) != "y":
            return REFUSED
    face.progress(f"running {shown}")
    try:
        with face.stoppable(tools.cancel):
            result = tools.call(call)
    finally:
        face.progress("")
    line = brief(result, SHOWN)
    cut = f" ({len(result)} characters)" if line.endswith("…") else ""
    face.note(f"{shown} → {line}{cut}")
    return result


def _arguments(call: ToolCall) -> str:
    return ", ".join(
        f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in call.arguments.items()
    )
