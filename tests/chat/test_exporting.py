"""Conversations written out: what each form says, and that nothing in one can break out of it."""

import json
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given

from runner.chat.dialogue import Dialogue
from runner.chat.exporting import WRITERS, exported, form_of, left_out
from runner.chat.formats.markdown import CONTROL
from runner.chat.turns import Attachment, Turn
from runner.prompt import ToolCall
from tests.chat.dialogues import dialogues

AT = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
DOCUMENT = Attachment("a.md", "text", "A")
CLOCK = Dialogue(
    title="What time is it?",
    model="tiny",
    system="Be brief.",
    tags=("time",),
    head=5,
    turns=(
        Turn(1, None, "user", "What time is it?", AT, attachments=(DOCUMENT,)),
        Turn(2, 1, "assistant", "No idea.", AT, model="tiny", ended="end"),
        Turn(
            3, 1, "assistant", "", AT, "I should look.", (ToolCall("clock", {"zone": "UTC"}),),
            model="tiny", ended="end",
        ),
        Turn(4, 3, "tool", "9:30 `UTC`", AT, tool_calls=(ToolCall("clock", {"zone": "UTC"}),)),
        Turn(5, 4, "assistant", "**Half past nine.**", AT, model="other", ended="end"),
    ),
)  # fmt: skip

MARKDOWN = """\
# What time is it?

*tiny · 2026-11-27 · time · 1 other branch left out*

## System

Be brief.

## You

> Attached: a.md (text, 1 characters)

What time is it?

## tiny

> *Reasoning:*
>
> I should look.

Calls `clock`:

```json
{
  "zone": "UTC"
}
```

## Tool

```
9:30 `UTC`
```

## other

**Half past nine.**
"""


def test_as_markdown() -> None:
    assert exported([CLOCK], "markdown") == MARKDOWN
    assert left_out([CLOCK], "markdown") == "1 other branch and the text of 1 document"


@pytest.mark.parametrize(
    "content",
    [
        "```python\nprint(1)",
        "~~~\n```",
        "````\n```\nx\n```",
        "<!-- never",
        "- a\n  ```\n  b",
        "> ```",
        "<script>",
        "- ",
        "<div>\n```",
    ],
)
def test_what_is_left_open_does_not_swallow_the_next_turn(content: str) -> None:
    from markdown_it import MarkdownIt

    turns = (Turn(1, None, "user", content, AT), Turn(2, 1, "assistant", "Yes.", AT, model="tiny"))
    tokens = MarkdownIt().parse(exported([Dialogue(turns, 2)], "markdown"))
    assert [token.content for token in tokens if token.type == "inline"][-2:] == ["tiny", "Yes."]


def test_as_openai_messages() -> None:
    call = {"name": "clock", "arguments": '{"zone": "UTC"}'}
    assert json.loads(exported([CLOCK], "openai")) == {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": '<file name="a.md">\nA\n</file>\n\nWhat time is it?'},
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [{"id": "call_1", "type": "function", "function": call}],
            },
            {"role": "tool", "content": "9:30 `UTC`", "tool_call_id": "call_1"},
            {"role": "assistant", "content": "**Half past nine.**"},
        ]
    }
    assert left_out([CLOCK], "openai") == "1 other branch and the reasoning"


def test_openai_results_name_the_calls_that_they_answer() -> None:
    one, two, three = (ToolCall("clock", {"zone": zone}) for zone in ("UTC", "CET", "EST"))
    turns = (
        Turn(1, None, "user", "What time is it?", AT),
        Turn(2, 1, "assistant", "", AT, tool_calls=(one, two)),
        Turn(3, 2, "tool", "10:30", AT, tool_calls=(two,)),  # the first was never answered
        Turn(4, 3, "assistant", "", AT, tool_calls=(three,)),
        Turn(5, 4, "tool", "4:30", AT),  # as other programs leave it: without its call
    )
    messages = json.loads(exported([Dialogue(turns, 5)], "openai"))["messages"]
    assert [message.get("tool_call_id") for message in messages if message["role"] == "tool"] == [
        "call_2",
        "call_3",
    ]
    assert ["tool_calls" in message for message in messages] == [False, True, False, True, False]


def test_a_call_is_written_once() -> None:
    for form, call in (("markdown", "Calls `clock`"), ("html", "Calls <code>clock</code>")):
        assert exported([CLOCK], form).count(call) == 1  # type: ignore[arg-type]


def test_turns_after_where_it_stands_are_left_out_and_told() -> None:
    stands = Dialogue(CLOCK.turns, 1)
    assert left_out([stands], "html") == "2 other branches and the text of 1 document"
    assert "No idea." not in exported([stands], "markdown")


def test_several_are_json_lines() -> None:
    lines = exported([CLOCK, CLOCK], "openai").splitlines()
    assert len(lines) == 2 and json.loads(lines[0]) == json.loads(lines[1])


def test_json_leaves_nothing_out() -> None:
    assert left_out([CLOCK], "json") == ""
    assert json.loads(exported([CLOCK], "json"))["chats"][0]["turns"][1]["content"] == "No idea."


def test_as_html() -> None:
    page = exported([CLOCK], "html")
    assert "<p><strong>Half past nine.</strong></p>" in page
    assert "<summary>Reasoning</summary>" in page
    assert "1 other branch left out" in page
    assert page.startswith("<!DOCTYPE html>") and page.endswith("</html>\n")


@pytest.mark.parametrize(
    "evil",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](http://example.com/pixel.png)",
        "[x](javascript:alert(1))",
        "<javascript:alert(1)>",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "</details></section></article><iframe src='http://example.com'></iframe>",
        "<svg/onload=alert(1)>",
        "```<script>\n<script>alert(1)</script>\n```",
        '[x]: http://example.com "onmouseover=alert(1)"\n[x]',
        "| a |\n|---|\n| <script>alert(1)</script> |",
    ],
)
def test_html_holds_nothing_that_runs_or_loads(evil: str) -> None:
    call = ToolCall(evil, {evil: evil})
    dialogue = Dialogue(
        title=evil,
        model=evil,
        system=evil,
        tags=(evil,),
        head=3,
        summaries={1: evil},
        turns=(
            Turn(1, None, "user", evil, AT, attachments=(Attachment(evil, evil, evil),)),
            Turn(2, 1, "assistant", evil, AT, evil, (call,), model=evil),
            Turn(3, 2, "tool", evil, AT),
        ),
    )
    page = _Page(exported([dialogue], "html"))
    assert page.tags <= {
        "html", "head", "meta", "title", "style", "body", "article", "section", "h1", "h2", "p",
        "details", "summary", "div", "pre", "code", "a", "table", "thead", "tbody", "tr", "th",
        "td",
    }  # fmt: skip
    assert page.attributes <= {
        "lang", "charset", "http-equiv", "content", "name", "dir", "class", "style", "href", "rel",
        "title",
    }  # fmt: skip
    assert all(link.startswith("http://example.com") for link in page.links)
    assert page.rel <= {"noreferrer noopener nofollow"}


class _Page(HTMLParser):
    """The tags, attributes and links of a page, as a browser would take them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.rel: set[str | None] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "a":
            self.links.append(dict(attrs).get("href") or "")
            self.rel.add(dict(attrs).get("rel"))


@given(dialogues())
def test_no_control_character_leaves(dialogue: Dialogue) -> None:
    for form in WRITERS:
        text = exported([dialogue], form)
        assert not CONTROL.search(text)
        assert text.isascii() or form in ("markdown", "html")


@given(dialogues())
def test_what_a_tool_said_stays_in_its_fence(dialogue: Dialogue) -> None:
    if any(turn.role == "tool" for turn in dialogue.path):
        from markdown_it import MarkdownIt

        tokens = MarkdownIt().parse(exported([dialogue], "markdown"))
        fences = [token.content.rstrip("\n") for token in tokens if token.type == "fence"]
        for turn in dialogue.path:
            told = CONTROL.sub("", turn.content).strip()
            if turn.role == "tool" and "\n" not in told and "\t" not in told:
                assert told in fences


def test_the_form_goes_by_the_files_name() -> None:
    forms = [form_of(Path(name)) for name in ("a.md", "a.JSON", "a.html", "a.jsonl", "a.pdf", "a")]
    assert forms == ["markdown", "json", "html", "openai", None, None]
