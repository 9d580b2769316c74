"""What becomes of the tools a reply calls for when the person leaves."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from runner import models, settings
from runner.chat import Conversation, Reply
from runner.chat.chats import Chats
from runner.chat.tools import Toolbox
from runner.cli.talk.calls import LEFT, obey_calls
from runner.engine.stream import ReadProgress
from tests.cli.scripted import ScriptedFace

TOOLS = """
def first() -> str:
    "Do one thing."
    return "done"

def second() -> str:
    "Do another."
    raise SystemError("it ran")
"""
CALL = '<tool_call>\n{{"name": "{}", "arguments": {{}}}}\n</tool_call>'


def test_once_the_person_left_no_further_call_runs_and_no_reply_follows(tmp_path: Path) -> None:
    file = tmp_path / "tools.py"
    file.write_text(TOOLS)
    following: list[Callable[[ReadProgress], Reply]] = []
    face = ScriptedFace()
    face.leave_at = "running first"
    with (
        models.ready(models.shipped(), settings.load({"threads": 1})) as ready,
        Chats.in_memory() as chats,
        Toolbox([str(file)], allowed=["*"]) as tools,
    ):
        said = f"Hm.</think>{CALL.format('first')}\n{CALL.format('second')}"
        tokens = (*ready.model.vocabulary.encode(said, marks=True), ready.model.vocabulary.eos)
        model = replace(ready, options=replace(ready.options, replay=tokens))
        conversation = Conversation(model, chats.begin(model="tiny"), tools=tools)
        with conversation.send("Do both.") as reply:
            for _ in reply:
                pass
        assert [call.name for call in reply.message.tool_calls] == ["first", "second"]
        obey_calls(conversation, face, reply, following.append)
        results = [turn.content for turn in conversation.turns if turn.role == "tool"]
    assert results == ["done", LEFT]
    assert following == []
    assert face.notes == ["first() → done"]
