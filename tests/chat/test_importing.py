"""Conversations of other programs: each form as those programs write it, its trees and tools, and
what must not be believed."""

import io
import json
import sqlite3
import zipfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from runner.chat import importing
from runner.chat.chats import Chats
from runner.chat.dialogue import Dialogue
from runner.chat.exchange import keep
from runner.chat.exporting import exported
from runner.chat.importing import read
from runner.errors import ConfigurationError
from runner.prompt import ToolCall
from tests.chat.dialogues import JSON, dialogues

BEGAN = 1_699_564_800.25
ASKED = {"id": 1, "parent": None, "role": "user", "content": "q", "at": "2026-11-27T00:00:00Z"}
ANSWERED = ASKED | {
    "id": 2,
    "parent": 1,
    "role": "assistant",
    "timings": {"x": 1},
    "attachments": [{"name": "n", "kind": "k", "text": "t"}],
    "tool_calls": [{"id": "i", "name": "n", "arguments": {}}],
}
OWN: dict[str, Any] = {
    "format": "runner-chats",
    "version": 1,
    "chats": [
        {
            "title": "t",
            "head": 2,
            "tags": ["a"],
            "settings": {},
            "summaries": [{"turn": 1, "text": "s"}],
            "turns": [ASKED, ANSWERED],
        }
    ],
}
MESSAGES = {"messages": [{"role": "user", "content": "x"}]}


def said(dialogue: Dialogue) -> list[tuple[str, str]]:
    return [(turn.role, turn.content) for turn in dialogue.path]


def only(path: Path) -> Dialogue:
    found = read(path)
    assert found.problems == []
    [dialogue] = found.dialogues
    return dialogue


# ChatGPT


def node(
    name: str, parent: str | None, *children: str, role: str = "", text: str = "", **more: Any
) -> dict[str, Any]:
    """A node of a conversation's mapping as the export has it."""
    message = None
    if role:
        content = more.pop("content", {"content_type": "text", "parts": [text]})
        message = {
            "id": name,
            "author": {"role": role, "name": None, "metadata": {}},
            "create_time": BEGAN + len(name),
            "content": content,
            "status": "finished_successfully",
            "end_turn": True,
            "metadata": {},
            "recipient": "all",
        } | more
    return {"id": name, "message": message, "parent": parent, "children": list(children)}


def conversation(*nodes: dict[str, Any], current: str) -> dict[str, Any]:
    return {
        "title": "Colours",
        "create_time": BEGAN,
        "update_time": BEGAN + 60,
        "mapping": {one["id"]: one for one in nodes},
        "current_node": current,
        "conversation_id": "1",
        "default_model_slug": "gpt-4o",
    }


def write(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


HIDDEN = {"is_visually_hidden_from_conversation": True}
COLOURS = conversation(
    node("root", None, "sys"),
    node("sys", "root", "q", role="system", metadata=HIDDEN),
    node("q", "sys", "a1", "a2", role="user", text="Which colour?"),
    node("a1", "q", role="assistant", text="Red.", metadata={"model_slug": "gpt-4"}),
    node("a2", "q", "q2", role="assistant", text="Blue.", metadata={"model_slug": "gpt-4o"}),
    node("q2", "a2", role="user", text="Why?"),
    current="q2",
)  # fmt: skip


def test_chatgpt_trees_are_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "conversations.json", [COLOURS])
    found = read(path)
    assert found.kind == "ChatGPT export"
    [dialogue] = found.dialogues
    assert dialogue.title == "Colours" and dialogue.model == ""
    assert said(dialogue) == [("user", "Which colour?"), ("assistant", "Blue."), ("user", "Why?")]
    assert dialogue.other_branches == 1
    assert [(turn.content, turn.parent, turn.model) for turn in dialogue.turns] == [
        ("Which colour?", None, None),
        ("Red.", 0, "gpt-4"),
        ("Blue.", 0, "gpt-4o"),
        ("Why?", 2, None),
    ]
    assert dialogue.created == datetime.fromtimestamp(BEGAN, UTC)


def test_chatgpts_thoughts_tools_and_pictures(tmp_path: Path) -> None:
    thoughts = {
        "content_type": "thoughts",
        "thoughts": [{"summary": "s", "content": "Sum them."}, {"summary": "t", "content": "Yes."}],
    }
    picture = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://x"}
    recap = {"content_type": "reasoning_recap", "content": "Thought for 5 s"}
    code = {"content_type": "code", "language": "python", "text": "print(1+2)"}
    output = {"content_type": "execution_output", "text": "3"}
    told = {
        "content_type": "user_editable_context",
        "user_profile": "I am a baker.",
        "user_instructions": "Be brief.",
    }
    dialogue = only(
        write(
            tmp_path / "c.json",
            [
                conversation(
                    node("root", None, "ctx"),
                    node("ctx", "root", "q", role="user", content=told),
                    node(
                        "q", "ctx", "t", role="user",
                        content={"content_type": "multimodal_text", "parts": [picture, "1+2?"]},
                        metadata={"attachments": [{"name": "sum.png"}]},
                    ),
                    node("t", "q", "c", role="assistant", content=thoughts),
                    node("c", "t", "o", role="assistant", content=code, recipient="python"),
                    node("o", "c", "r", role="tool", content=output),
                    node("r", "o", "a", role="assistant", content=recap),
                    node(
                        "a", "r", role="assistant", text="Three.",
                        metadata={"finish_details": {"type": "interrupted"}},
                    ),
                    current="a",
                )
            ],
        )
    )  # fmt: skip
    assert dialogue.system == "I am a baker.\n\nBe brief."
    assert said(dialogue) == [
        ("user", "[sum.png: not part of the export]\n[image_asset_pointer left out]\n1+2?"),
        ("assistant", ""),
        ("tool", "3"),
        ("assistant", "Three."),
    ]
    call = dialogue.path[1]
    assert call.reasoning == "Sum them.\n\nYes."
    assert call.tool_calls == (ToolCall("python", {"input": "print(1+2)"}),)
    assert dialogue.path[-1].ended == "cancelled"


def test_chatgpts_zip_with_numbered_parts(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("chat.html", "<html>")
        archive.writestr("user.json", "{}")
        archive.writestr("a/conversations-000.json", json.dumps([COLOURS]))
        archive.writestr("a/conversations-001.json", json.dumps([COLOURS | {"title": "Again"}]))
    assert [one.title for one in read(path).dialogues] == ["Colours", "Again"]


def test_one_bad_conversation_is_not_the_end(tmp_path: Path) -> None:
    robot = conversation(node("x", None, role="robot", text="hi"), current="x")
    empty = conversation(node("root", None), current="root")
    circle = conversation(node("x", "y", "y"), node("y", "x", "x"), current="x")
    path = write(tmp_path / "c.json", [COLOURS, robot, empty, circle, {"mapping": 3}, 7])
    found = read(path)
    assert [one.title for one in found.dialogues] == ["Colours"]
    assert found.problems == [
        "conversation 2: a message has the role 'robot', which is not known",
        "conversation 3: nothing was said in it",
        "conversation 4: nothing was said in it",
        "conversation 5: it has no mapping",
        "conversation 6: it has no mapping",
    ]


def test_a_chain_of_many_thousands(tmp_path: Path) -> None:
    count = 5000
    nodes = [
        node(
            f"{number:05}", f"{number - 1:05}" if number else None, f"{number + 1:05}",
            role=("user", "assistant")[number % 2], text=str(number),
        )
        for number in range(count)
    ]  # fmt: skip
    path = write(tmp_path / "c.json", [conversation(*nodes, current=f"{count - 1:05}")])
    assert len(only(path).path) == count


# llm

OLDER = """
CREATE TABLE conversations (id TEXT PRIMARY KEY, name TEXT, model TEXT);
CREATE TABLE responses (id TEXT PRIMARY KEY, model TEXT, prompt TEXT, system TEXT,
    prompt_json TEXT, options_json TEXT, response TEXT, response_json TEXT, conversation_id TEXT,
    duration_ms INTEGER, datetime_utc TEXT);
INSERT INTO conversations VALUES ('c', 'Bread', 'gpt-4o');
INSERT INTO responses VALUES ('02', 'gpt-4o', 'And salt?', NULL, NULL, '{}', 'Ten grams.', '{}',
    'c', 20, '2025-01-02T10:01:00');
INSERT INTO responses VALUES ('01', 'gpt-4o', 'How much flour?', 'You bake.', NULL, '{}',
    'A pound.', '{}', 'c', 1500, '2025-01-02T10:00:00+00:00');
INSERT INTO responses VALUES ('03', 'tiny', 'alone', NULL, NULL, '{}', 'yes', '{}', NULL, 1,
    '2025-01-03T10:00:00');
"""

LATER = """
ALTER TABLE responses ADD COLUMN input_tokens INTEGER;
ALTER TABLE responses ADD COLUMN output_tokens INTEGER;
ALTER TABLE responses ADD COLUMN resolved_model TEXT;
ALTER TABLE responses ADD COLUMN reasoning TEXT;
CREATE TABLE attachments (id TEXT PRIMARY KEY, type TEXT, path TEXT, url TEXT, content BLOB);
CREATE TABLE prompt_attachments (response_id TEXT, attachment_id TEXT, "order" INTEGER);
CREATE TABLE fragments (id INTEGER PRIMARY KEY, hash TEXT, content TEXT, datetime_utc TEXT,
    source TEXT);
CREATE TABLE prompt_fragments (response_id TEXT, fragment_id INTEGER, "order" INTEGER);
CREATE TABLE system_fragments (response_id TEXT, fragment_id INTEGER, "order" INTEGER);
CREATE TABLE tool_calls (id INTEGER PRIMARY KEY, response_id TEXT, tool_id INTEGER, name TEXT,
    arguments TEXT, tool_call_id TEXT);
CREATE TABLE tool_results (id INTEGER PRIMARY KEY, response_id TEXT, tool_id INTEGER, name TEXT,
    output TEXT, tool_call_id TEXT);
INSERT INTO responses VALUES ('11', 'alias', 'What time is it?', NULL, NULL, '{}', '', '{}', 't',
    1000, '2025-06-01T08:00:00+00:00', 7, 3, 'real-name', 'I need a clock.');
INSERT INTO responses VALUES ('12', 'alias', '', NULL, NULL, '{}', 'Noon.', '{}', 't', 500,
    '2025-06-01T08:00:05+00:00', 9, 2, 'real-name', NULL);
INSERT INTO attachments VALUES ('i', 'image/png', '/home/me/a.png', NULL, x'89504e47');
INSERT INTO attachments VALUES ('n', 'text/plain', 'n.txt', NULL, CAST('a note' AS BLOB));
INSERT INTO prompt_attachments VALUES ('11', 'n', 1), ('11', 'i', 0);
INSERT INTO fragments VALUES (1, 'h', 'a long text', '2025-06-01', 'book.txt'),
    (2, 'g', 'Be exact.', '2025-06-01', NULL);
INSERT INTO prompt_fragments VALUES ('11', 1, 0);
INSERT INTO system_fragments VALUES ('11', 2, 0), ('12', 2, 0);
INSERT INTO tool_calls VALUES (1, '11', 1, 'clock', '{"zone": "UTC"}', 'call_1');
INSERT INTO tool_results VALUES (1, '12', 1, 'clock', '12:00', 'call_1');
"""

NEWER = """
CREATE TABLE threads (id TEXT PRIMARY KEY, name TEXT, tip_message_hash TEXT, forked_from TEXT,
    datetime_utc TEXT);
CREATE TABLE messages (hash TEXT PRIMARY KEY, parent_hash TEXT, role TEXT, provider_metadata TEXT);
CREATE TABLE parts (id INTEGER PRIMARY KEY, message_hash TEXT, position INTEGER, type TEXT,
    tool_name TEXT, text TEXT, payload TEXT);
CREATE TABLE turns (id TEXT PRIMARY KEY, thread_id TEXT, parent_message_hash TEXT,
    tip_message_hash TEXT, model TEXT, resolved_model TEXT, options_json TEXT, schema_id TEXT,
    input_tokens INTEGER, output_tokens INTEGER, token_details TEXT, duration_ms INTEGER,
    datetime_utc TEXT);
CREATE TABLE fragments (id INTEGER PRIMARY KEY, hash TEXT, content TEXT, datetime_utc TEXT,
    source TEXT);
INSERT INTO fragments VALUES (5, 'f', 'borrowed', '2026-08-01', NULL);
INSERT INTO messages VALUES ('s', NULL, 'system', NULL), ('u', 's', 'user', NULL),
    ('a', 'u', 'assistant', NULL), ('r', 'a', 'tool', NULL), ('b', 'r', 'assistant', NULL),
    ('v', 'u', 'assistant', NULL);
INSERT INTO parts VALUES (1, 's', 0, 'text', NULL, 'Be kind.', NULL),
    (2, 'u', 0, 'text', NULL, NULL, '{"text_ref": [{"literal": "Read: "}, {"fragment_id": 5}]}'),
    (4, 'a', 1, 'tool_call', 'clock', NULL,
        '{"arguments": {"zone": "UTC"}, "tool_call_id": "call_1"}'),
    (3, 'a', 0, 'reasoning', NULL, 'A clock.', NULL),
    (5, 'r', 0, 'tool_result', 'clock', NULL, '{"output": "12:00", "tool_call_id": "call_1"}'),
    (6, 'b', 0, 'text', NULL, 'Noon.', NULL), (7, 'v', 0, 'text', NULL, 'Later.', NULL);
INSERT INTO threads VALUES ('one', 'Clock', 'b', NULL, '2026-08-16 08:00:00+00:00'),
    ('two', NULL, 'v', 'one', '2026-08-16 09:00:00+00:00');
INSERT INTO turns VALUES
    ('1', 'one', 'u', 'a', 'm', NULL, NULL, NULL, 5, 2, NULL, 700, '2026-08-16T08:00:00+00:00'),
    ('2', 'one', 'r', 'b', 'm', NULL, NULL, NULL, 9, 1, NULL, 300, '2026-08-16T08:00:05+00:00'),
    ('3', 'two', 'u', 'v', 'n', NULL, NULL, NULL, 5, 1, NULL, 100, '2026-08-16T09:00:00+00:00');
"""


def database(path: Path, *scripts: str) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        for script in scripts:
            connection.executescript(script)
    return path


def test_llms_log_as_it_was(tmp_path: Path) -> None:
    found = read(database(tmp_path / "logs.db", OLDER))
    assert (found.kind, found.problems) == ("llm's log", [])
    bread, alone = found.dialogues
    assert (bread.title, bread.system, bread.model) == ("Bread", "You bake.", "")
    assert said(bread) == [
        ("user", "How much flour?"),
        ("assistant", "A pound."),
        ("user", "And salt?"),
        ("assistant", "Ten grams."),
    ]
    assert bread.path[1].model == "gpt-4o"
    assert bread.path[1].timings == {"total_seconds": 1.5}
    assert bread.path[3].at == datetime(2025, 1, 2, 10, 1, tzinfo=UTC)
    assert said(alone) == [("user", "alone"), ("assistant", "yes")]


def test_llms_log_with_tools_fragments_and_attachments(tmp_path: Path) -> None:
    dialogue = read(database(tmp_path / "logs.db", OLDER, LATER)).dialogues[-1]
    assert dialogue.system == "Be exact."
    assert said(dialogue) == [
        ("user", "What time is it?"),
        ("assistant", ""),
        ("tool", "12:00"),
        ("assistant", "Noon."),
    ]
    question, call = dialogue.path[:2]
    assert [(one.name, one.text) for one in question.attachments] == [
        ("book.txt", "a long text"),
        ("/home/me/a.png", "[image/png left out]"),
        ("n.txt", "a note"),
    ]
    assert call.tool_calls == (ToolCall("clock", {"zone": "UTC"}, "call_1"),)
    assert (call.reasoning, call.model) == ("I need a clock.", "real-name")
    assert call.timings == {"prompt_tokens": 7, "reply_tokens": 3, "total_seconds": 1.0}


def test_llms_log_as_it_is_forks_and_all(tmp_path: Path) -> None:
    dialogue = only(database(tmp_path / "logs.db", NEWER))
    assert (dialogue.title, dialogue.system) == ("Clock", "Be kind.")
    assert said(dialogue) == [("user", "Read: borrowed"), ("assistant", "Later.")]
    assert dialogue.other_branches == 1
    assert [(turn.role, turn.content, turn.parent, turn.model) for turn in dialogue.turns] == [
        ("user", "Read: borrowed", None, None),
        ("assistant", "", 0, "m"),
        ("tool", "12:00", 1, None),
        ("assistant", "Noon.", 2, "m"),
        ("assistant", "Later.", 0, "n"),
    ]
    assert dialogue.turns[1].tool_calls == (ToolCall("clock", {"zone": "UTC"}, "call_1"),)
    assert dialogue.turns[1].reasoning == "A clock."


def test_a_log_that_cannot_be_written_and_both_shapes(tmp_path: Path) -> None:
    path = database(tmp_path / "logs.db", OLDER, NEWER, "PRAGMA journal_mode = WAL")
    path.chmod(0o400)
    assert [one.title for one in read(path).dialogues] == ["Bread", "", "Clock"]


def test_a_log_defines_nothing_that_is_run(tmp_path: Path) -> None:
    """A view in the place of a table is no table, and reading changes nothing."""
    path = database(
        tmp_path / "logs.db",
        "CREATE TABLE x (id TEXT, prompt TEXT); CREATE VIEW responses AS SELECT * FROM x;",
    )
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="none of llm's tables"):
        read(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE responses (prompt TEXT); INSERT INTO responses VALUES ('x');",
        "CREATE TABLE threads (id TEXT, tip_message_hash, forked_from);"
        "CREATE TABLE messages (hash, parent_hash, role);"
        "INSERT INTO threads VALUES ('a', 'm', 'b'), ('b', 'm', 'a');"
        "INSERT INTO messages VALUES ('m', 'm', 'user');",
        "CREATE TABLE responses (id, conversation_id, prompt, datetime_utc);"
        "INSERT INTO responses VALUES (1, 2.5, x'ff', 'yesterday'), ('1', NULL, 3, x'00');",
    ],
)
def test_a_log_that_makes_no_sense(tmp_path: Path, script: str) -> None:
    try:
        found = read(database(tmp_path / "logs.db", script))
    except ConfigurationError:
        return
    assert found.dialogues or found.problems


# OpenAI's messages


def test_messages_in_every_wrapping(tmp_path: Path) -> None:
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "image_url"}]},
        {"role": "assistant", "content": "hello", "reasoning_content": "A greeting."},
    ]
    whole = [("user", "hi\n[image_url left out]"), ("assistant", "hello")]
    for number, value in enumerate(
        (messages, {"messages": messages}, [messages], [{"messages": messages}])
    ):
        dialogue = only(write(tmp_path / f"{number}.json", value))
        assert (dialogue.system, said(dialogue)) == ("Be brief.", whole)
        assert dialogue.path[1].reasoning == "A greeting."
    lines = tmp_path / "lines.jsonl"
    lines.write_text("\n".join(json.dumps({"messages": messages}) for _ in range(3)) + "\n\n")
    assert [said(one) for one in read(lines).dialogues] == [whole] * 3
    lines.write_text("\n".join(map(json.dumps, messages)))
    assert said(only(lines)) == whole


def test_messages_with_tool_calls(tmp_path: Path) -> None:
    function = {"name": "clock", "arguments": '{"zone": "UTC"}'}
    messages = [
        {"role": "user", "content": "time?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "noon"},
        {"role": "assistant", "content": None, "function_call": {"name": "x", "arguments": "{no"}},
    ]
    dialogue = only(write(tmp_path / "m.json", messages))
    assert dialogue.path[1].tool_calls == (ToolCall("clock", {"zone": "UTC"}, "c1"),)
    assert dialogue.path[3].tool_calls == (ToolCall("x", {"input": "{no"}, ""),)


@given(dialogues())
@hypothesis(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_openai_messages_come_back_as_they_went(tmp_path: Path, dialogue: Dialogue) -> None:
    path = tmp_path / "m.json"
    path.write_text(exported([dialogue], "openai"), encoding="ascii")
    back = only(path)
    assert back.system == dialogue.system
    assert [(turn.role, turn.content) for turn in back.path] == [
        (turn.role, turn.message.content) for turn in dialogue.path
    ]
    assert [[(call.name, call.arguments) for call in turn.tool_calls] for turn in back.path] == [
        [(call.name, call.arguments) for call in turn.tool_calls] for turn in dialogue.path
    ]


# What must not be believed


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no conversations"),
        (b"hello", "is not JSON"),
        (b"\xff\xfe\x00", "no text in UTF-8"),
        (b"SQLite format 3\0 and no more", "cannot be read"),
        (b"PK\x03\x04 and no more", "zip file that cannot be read"),
        (b"[" * 100_000, "nests too deep"),
        (b"{}", "it has no messages"),
        (b"[]", "no conversations"),
        (b"null", "no conversations"),
        (b'{"messages": 3}', "'messages' is not a list"),
        (b'{"format": "runner-chats", "version": 2}', "later version"),
        (b'{"role": "user", "content": "hi"}\n{"role": ', "line 2 is not JSON"),
    ],
)
def test_what_is_nothing_known_says_so(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as told:
        read(path)
    assert str(path) in told.value.message and says in told.value.message
    assert "ChatGPT" in told.value.remedy


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read(tmp_path / "nowhere")


def test_a_zip_that_unpacks_to_more_than_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "LARGEST", 10_000)
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", " " * 1_000_000)
    with pytest.raises(ConfigurationError, match="it holds 1000000 bytes"):
        read(path)


def test_a_zip_whose_header_lies_about_its_size(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", json.dumps([COLOURS]) + " " * 1_000_000)
    size = len(json.dumps([COLOURS])) + 1_000_000
    lying = data.getvalue().replace(size.to_bytes(4, "little"), (100).to_bytes(4, "little"))
    path = tmp_path / "lying.zip"
    path.write_bytes(lying)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read(path)


def test_a_file_sets_nothing_that_reaches_out_or_runs(tmp_path: Path) -> None:
    """Settings act when a conversation is taken up again, so they are not believed."""
    evil = {
        "rpc": "elsewhere:50052", "mcp": ["evil"], "tool": ["evil.py"], "allow_tool": ["*"],
        "file": ["/etc/passwd"], "grammar": "/etc/passwd", "json_schema": "/etc/passwd",
        "lora": ["x"], "draft": "evil/repo", "offline": False, "save": False, "system": "x",
        "template": "x", "persona": "/evil.toml", "nonsense": 1,
    }  # fmt: skip
    good = {"temperature": 0.5, "ctx": 2048, "think": "hide"}
    [chat] = OWN["chats"]
    path = tmp_path / "x.json"
    for persona, kept in (("../evil.toml", None), ("tutor", "tutor")):
        found = read(
            write(path, OWN | {"chats": [chat | {"settings": evil | good, "persona": persona}]})
        )
        [dialogue] = found.dialogues
        assert (dialogue.settings, dialogue.persona) == (good, kept)
        [told] = found.problems
        assert all(repr(name) in told for name in evil)
        assert ("the persona '../evil.toml'" in told) == (kept is None)


def test_halves_of_characters_become_whole_ones(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text('[{"role": "user", "content": "\\ud83d\\ude00 \\ud83d"}]', encoding="ascii")
    assert said(only(path)) == [("user", "\U0001f600 ?")]


def mutated(value: Any) -> st.SearchStrategy[Any]:
    """The value with something else in one of its places."""
    if isinstance(value, dict) and value:
        keys = st.sampled_from(sorted(value))
        return (
            keys.flatmap(lambda key: mutated(value[key]).map(lambda new: value | {key: new})) | JSON
        )
    if isinstance(value, list) and value:
        places = st.integers(0, len(value) - 1)
        return (
            places.flatmap(
                lambda at: mutated(value[at]).map(lambda new: [*value[:at], new, *value[at + 1 :]])
            )
            | JSON
        )
    return JSON


def test_the_value_that_is_mutated_is_whole(tmp_path: Path) -> None:
    assert said(only(write(tmp_path / "x.json", OWN))) == [("user", "q"), ("assistant", "q")]


@given(st.sampled_from([[COLOURS], OWN, MESSAGES]).flatmap(mutated))
@hypothesis(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
def test_nothing_in_a_file_is_an_unexpected_error(tmp_path: Path, value: Any) -> None:
    path = write(tmp_path / "x.json", value)
    try:
        found = read(path)
    except ConfigurationError:
        return
    for dialogue in found.dialogues:
        assert dialogue.path or dialogue.head is None


def test_a_time_before_all_times_is_none(tmp_path: Path) -> None:
    """In its own zone it is one; in UTC there never was such a year."""
    [chat] = OWN["chats"]
    never = "0001-01-01T00:00:00+14:00"
    turns = [ASKED | {"at": never}]
    path = write(
        tmp_path / "chats.json",
        OWN | {"chats": [chat | {"created": never}, {"turns": turns, "head": 1}]},
    )
    found = read(path)
    assert [dialogue.created for dialogue in found.dialogues] == [None]
    assert found.problems == ["conversation 2: turn 1 does not say when it was said"]
    with Chats.in_memory() as chats:
        [kept] = keep(found.dialogues, chats)
        assert kept is not None and kept.created == kept.turns()[0].at
