"""Conversations of every shape, for the properties of what is exported and imported."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from runner.chat.dialogue import Dialogue
from runner.chat.turns import Attachment, Turn
from runner.prompt import ToolCall

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    [
        "\x1b[31mred\x1b[0m",
        "</details><script>alert(1)</script>",
        "```\n## You\n",
        "\u202eabc",
        "\0",
    ]
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
CALLS = st.builds(ToolCall, TEXT, st.dictionaries(TEXT, JSON, max_size=3), TEXT)
DOCUMENTS = st.builds(Attachment, TEXT, TEXT, TEXT, st.booleans())
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "temperature": st.floats(0, 2),
        "stop": st.lists(TEXT, max_size=2),
        "kv": st.just("q8_0"),
        "json_schema": st.just('{"type": "string"}'),
        "think": st.just("hide"),
    },
)
BEGAN = datetime(2026, 11, 1, 12, 0, 0, 250, UTC)


@st.composite
def dialogues(draw: st.DrawFn) -> Dialogue:
    """A conversation with branches, tools, documents, summaries and settings."""
    turns: list[Turn] = []
    for number in range(1, draw(st.integers(1, 7)) + 1):
        parent = draw(st.none() | st.sampled_from(turns)) if turns else None
        answers = parent is not None and parent.role == "user"
        turns.append(
            Turn(
                id=number,
                parent=parent.id if parent else None,
                role="assistant" if answers else draw(st.sampled_from(["user", "tool"])),
                content=draw(TEXT),
                at=BEGAN + timedelta(seconds=number),
                reasoning=draw(TEXT) if answers else "",
                tool_calls=tuple(draw(st.lists(CALLS, max_size=2))) if answers else (),
                attachments=() if answers else tuple(draw(st.lists(DOCUMENTS, max_size=2))),
                model="tiny" if answers else None,
                ended=draw(st.sampled_from(["end", "cancelled", "length"])) if answers else None,
                timings={"reply_tokens": 12, "total_seconds": 0.25} if answers else {},
            )
        )
    chosen = st.lists(st.sampled_from([turn.id for turn in turns]), max_size=2, unique=True)
    return Dialogue(
        turns=tuple(turns),
        head=draw(st.sampled_from([turn.id for turn in turns])),
        title=draw(TEXT),
        model="tiny",
        system=draw(TEXT),
        persona=draw(st.none() | st.just("tutor")),
        settings=draw(SETTINGS),
        tags=tuple(draw(st.lists(TEXT, max_size=2, unique=True))),
        created=BEGAN,
        updated=turns[-1].at + timedelta(seconds=draw(st.integers(0, 9))),
        summaries={number: draw(TEXT) for number in draw(chosen)},
    )
