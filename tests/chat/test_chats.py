"""Conversations in the database: trees of turns, lists, searches."""

import time
from array import array
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runner.chat.chats import Chat, Chats
from runner.chat.turns import Attachment, Turn
from runner.engine.events import Finish, Timings
from runner.errors import UnknownChat
from runner.kvstore import Store
from runner.prompt import Message, ToolCall

FINISH = Finish("length", Timings(1, 2, 0.5, 3, 0.25, 0.125, 1.5), 7)


@pytest.fixture
def chats(tmp_path: Path) -> Iterator[Chats]:
    with Chats(tmp_path / "chats.sqlite3") as chats:
        yield chats


@pytest.fixture
def chat(chats: Chats) -> Chat:
    return chats.begin(model="tiny", system="Be brief.", persona="tutor", settings={"seed": 7})


def said(turns: list[Turn]) -> list[str]:
    return [turn.content for turn in turns]


def again(chats: Chats, chat: Chat) -> Chat:
    """The same conversation as another program finds it."""
    assert chat.number is not None
    return chats.open(chat.number)


def test_where_they_lie(isolated: Path) -> None:
    with Chats() as chats:
        chats.begin(model="tiny").add("user", "hello")
    assert (isolated / "data" / "chats.sqlite3").exists()


def test_nothing_is_written_before_the_first_turn(chats: Chats, chat: Chat) -> None:
    chat.title, chat.tags = "a title", ("a", "b")
    chat.go_to(None)
    assert (chat.number, chat.turns(), chat.tree(), chat.head) == (None, [], [], None)
    assert chat.children(None) == chat.leaves() == [] and chat.condensed() is None
    assert chats.list() == [] and chats.latest() is None
    chat.add("user", "hello")
    (summary,) = chats.list()
    assert (summary.number, summary.title, summary.tags) == (chat.number, "a title", ("a", "b"))
    assert (summary.turns, summary.model) == (1, "tiny")


def test_all_of_it_comes_back(chats: Chats, chat: Chat) -> None:
    question = chat.add(
        "user", "what is it?", attachments=[Attachment("a.py", "Python", "print()\0\x1b[0m")]
    )
    call = ToolCall("clock", {"zone": "UTC", "deep": [{"er": None}]}, "call-1")
    asked = chat.add("assistant", "", reasoning="let me see", tool_calls=[call], model="tiny")
    told = chat.add("tool", "noon", at=datetime(2020, 1, 2, tzinfo=UTC))
    reply = chat.begin_reply(model="big")
    reply.feed("answer", "it is")
    answer = reply.finish(Message("assistant", "it is noon", "so it is"), FINISH)
    assert answer.model == "big" and answer.ended == "length"
    assert answer.timings["first_token_seconds"] == 0.125
    found = again(chats, chat)
    assert found.turns() == [question, asked, told, answer] == found.tree()
    assert found.turn(asked.id).tool_calls == (call,)
    assert (found.system, found.persona, found.settings) == ("Be brief.", "tutor", {"seed": 7})
    assert (found.created, found.updated, found.owner) == (chat.created, chat.updated, chat.owner)
    assert found.turns()[0].message.content.startswith('<file name="a.py">\nprint()')


def test_what_is_set_is_kept_at_once(chats: Chats, chat: Chat) -> None:
    chat.add("user", "hello")
    chat.title, chat.system, chat.model, chat.persona = "t", "s", "m", None
    chat.settings, chat.tags = {"seed": 1}, ("x",)
    found = again(chats, chat)
    assert (found.title, found.system, found.model, found.persona) == ("t", "s", "m", None)
    assert (found.settings, found.tags) == ({"seed": 1}, ("x",))


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("  What is\nthis?\t", "What is this?"),
        ("word " * 50, " ".join(["word"] * 12) + "…"),
        ("x" * 100, "x" * 59 + "…"),
        ("", ""),
    ],
)
def test_a_title_is_the_first_words(chat: Chat, question: str, title: str) -> None:
    chat.add("user", question)
    chat.add("assistant", "yes")
    assert chat.title == title
    assert len(chat.title) <= 60


def test_a_branch_loses_nothing(chats: Chats, chat: Chat) -> None:
    first = chat.add("user", "one")
    second = chat.add("assistant", "two")
    chat.go_to(first)
    other = chat.add("assistant", "another two")
    chat.add("user", "three")
    assert said(chat.turns()) == ["one", "another two", "three"]
    assert chat.children(first) == [second, other]
    assert said(chat.leaves()) == ["two", "three"]
    assert chat.path_to(second) == [first, second]
    chat.go_to(second)
    assert said(again(chats, chat).turns()) == ["one", "two"]
    chat.go_to(None)
    chat.add("user", "a new beginning")
    assert said(chat.children(None)) == ["one", "a new beginning"]
    chat.remove(other)
    assert said(chat.tree()) == ["one", "two", "a new beginning"]
    assert chat.head is not None and chat.head.content == "a new beginning"
    chat.remove(first)
    assert chats.search("two") == []


def test_a_reply_is_discarded_or_removed_with_its_question(chat: Chat) -> None:
    question = chat.add("user", "one")
    for fed in (False, True):
        reply = chat.begin_reply(model="tiny")
        if fed:
            reply._add([("answer", "a part")])
            assert said(chat.turns()) == ["one", "a part"]
        reply.discard()
        assert chat.turns() == chat.tree() == [question]
    chat.remove(question)
    assert (chat.turns(), chat.head) == ([], None)


def test_a_reply_is_seen_while_it_is_said(chats: Chats, chat: Chat) -> None:
    chat.add("user", "one")
    reply = chat.begin_reply(model="tiny")
    reply.feed("reasoning", " let me")
    reply.feed("reasoning", " see")
    reply.feed("answer", "\n\nit")
    reply.feed("tool_call", "{}")
    deadline = time.monotonic() + 30
    while len(chat.turns()) == 1:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    seen = again(chats, chat).turns()[1]
    assert (seen.reasoning, seen.content, seen.ended) == ("let me see", "it{}", None)
    assert seen.model == "tiny" and chat.head == seen
    reply.discard()


def test_long_conversations_have_no_bound(chats: Chats, chat: Chat) -> None:
    """Deeper than SQLite lets triggers call each other."""
    with chats.together():
        turns = [chat.add("user" if one % 2 else "assistant", f"n{one}") for one in range(3000)]
    assert chat.turns() == turns
    chat.remove(turns[1])
    assert chat.turns() == turns[:1]
    chats.delete(1)
    assert chats.list() == []


def test_together_is_all_or_nothing(chats: Chats) -> None:
    with pytest.raises(ZeroDivisionError), chats.together():
        chats.begin(model="tiny").add("user", "hello")
        raise ZeroDivisionError
    assert chats.list() == [] and chats.search("hello") == []


def test_a_summary_stands_for_the_turns_on_its_way(chats: Chats, chat: Chat) -> None:
    first = chat.add("user", "one")
    second = chat.add("assistant", "two")
    third = chat.add("user", "three")
    chat.condense(first, "early")
    chat.condense(second, "late")
    assert again(chats, chat).condensed() == (second, "late")
    chat.condense(second, "edited")
    assert chat.condensed() == (second, "edited")
    chat.go_to(first)
    assert chat.condensed() == (first, "early")
    chat.go_to(third)
    chat.condense(second, "")
    assert chat.condensed() == (second, ""), "left out, which is not the same as no summary"
    chat.condense(second, None)
    assert chat.condensed() == (first, "early")
    assert chat.summaries() == {first.id: "early"}
    chat.remove(first)
    assert chat.condensed() is None


def test_a_title_given_before_the_first_turn_outlives_it(chat: Chat) -> None:
    chat.title = "Taxes"
    chat.remove(chat.add("user", "never answered"))
    assert (chat.number, chat.title) == (None, "Taxes")
    chat.title = ""
    chat.remove(chat.add("user", "never answered either"))
    assert chat.title == ""


def test_an_import_keeps_its_times(chats: Chats) -> None:
    long_ago = datetime(2021, 5, 6, tzinfo=UTC)
    chats.begin(model="tiny").add("user", "today")
    old = chats.begin(model="gpt", created=long_ago)
    old.add("user", "then", at=long_ago)
    old.add("assistant", "a day later", at=long_ago + timedelta(days=1))
    assert [one.title for one in chats.list()] == ["today", "then"]
    assert again(chats, old).updated == long_ago + timedelta(days=1)
    assert again(chats, old).created == long_ago


# Lists and searches


def test_lists_have_the_latest_first(chats: Chats) -> None:
    one, two = chats.begin(model="tiny"), chats.begin(model="big")
    one.add("user", "first")
    two.add("user", "second")
    two.tags = ("work", "odd name's")
    assert [summary.title for summary in chats.list()] == ["second", "first"]
    one.add("assistant", "yes")
    assert [summary.title for summary in chats.list()] == ["first", "second"]
    assert [summary.title for summary in chats.list(limit=1)] == ["first"]
    assert [summary.title for summary in chats.list(tag="work")] == ["second"]
    assert chats.list(tag="wor") == []
    latest = chats.latest()
    assert latest is not None and latest.number == one.number


def test_numbers_are_not_given_twice(chats: Chats, chat: Chat) -> None:
    chat.add("user", "hello")
    assert chat.number is not None
    chats.delete(chat.number)
    another = chats.begin(model="tiny")
    another.add("user", "hello")
    assert another.number != chat.number
    with pytest.raises(UnknownChat, match="no conversation 1"):
        chats.open(chat.number)
    with pytest.raises(UnknownChat):
        chats.open(10**30)
    with pytest.raises(UnknownChat, match="no turn"):
        another.turn(-(10**30))


def test_deleting_frees_what_was_kept_for_it(isolated: Path) -> None:
    store = Store(isolated / "data" / "kv", 10**9)
    with Chats() as chats:
        for title in ("one", "two"):
            chat = chats.begin(model="tiny")
            chat.add("user", title)
            store.keep(
                "m", array("i", [len(store.entries())]), b"s", supersedes=False, owner=chat.owner
            )
            store.close()
        assert chats.delete(1)[1] > 0
        assert [entry.owner for entry in store.entries()] == [chat.owner]


def test_a_conversation_is_found_by_number_title_or_words(chats: Chats) -> None:
    for question in ("about the sea", "about 100% wool", "about sheep"):
        chats.begin(model="tiny").add("user", question)
    chats.open(3).add("assistant", "they eat grass at the sea")
    assert chats.find("2").title == chats.find("#2").title == "about 100% wool"
    assert chats.find("the sea").number == 1, "a title is better than a text"
    assert chats.find("about").number == 3, "the latest"
    assert chats.find("gras").number == 3
    assert chats.find("%").number == 2
    for words in ("4", "nothing of it", "", "99999999999999999999"):
        with pytest.raises(UnknownChat):
            chats.find(words)


def test_only_questions_and_answers_are_searched(chats: Chats, chat: Chat) -> None:
    chat.system = "hidden"
    chat.add("system", "hidden")
    chat.add("user", "Naïve Straße", attachments=[Attachment("a", "text", "hidden")])
    chat.add("assistant", "it was seen\n\nthere", reasoning="hidden")
    chat.add("tool", "hidden")
    assert chats.search("hidden") == []
    (hit,) = chats.search("naive")
    assert (hit.chat, hit.title, hit.role, hit.snippet) == (1, "Naïve Straße", "user", hit.title)
    assert chats.search("SEEN there")[0].snippet == "it was seen there"
    assert [hit.turn for hit in chats.search("naive seen")] == [], "all words in one turn"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("日本", ["日本語のテスト と python"]),
        ("python 語の", ["日本語のテスト と python"]),
        ("हिन्दी", ["यह हिन्दी है"]),
        ("c++", ["C++ and 🙂 config"]),
        ("🙂", ["C++ and 🙂 config"]),
        ("and conf", ["C++ and 🙂 config"]),
        ('"conf"', []),
        ('"config and"', []),
        ('"and" config', ["C++ and 🙂 config"]),
    ],
)
def test_words_of_all_scripts(chats: Chats, chat: Chat, words: str, found: list[str]) -> None:
    for text in ("日本語のテスト と python", "यह हिन्दी है", "C++ and 🙂 config"):
        chat.add("user", text)
    assert [hit.snippet for hit in chats.search(words)] == found


@given(words=st.text(st.characters()))
def test_no_words_are_an_error(words: str) -> None:
    with Chats.in_memory() as chats:
        chats.begin(model="tiny").add("user", "some text")
        chats.search(words)


@given(text=st.text(st.characters()), reasoning=st.text(st.characters()))
@example(text="half a pair \ud800, a NUL \0.", reasoning="\udfff")
def test_any_text_is_kept(text: str, reasoning: str) -> None:
    with Chats.in_memory() as chats:
        chat = chats.begin(model=text, system=text, persona=text, settings={text: text})
        turn = chat.add("assistant", text, reasoning=reasoning, model=text)
        chat.condense(turn, text)
        chat.title, chat.tags = text, (text,)
        found = again(chats, chat)
        assert [one.id for one in found.turns()] == [turn.id]
        assert found.turns()[0].reasoning == turn.reasoning
        assert found.turns()[0].content == turn.content
        assert turn.content == text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        if text.isascii():
            assert turn.content == text


# Trees

Step = tuple[str, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "add", "go", "remove", "reply", "discard"]),
        st.integers(0, 9),
    ),
    max_size=25,
)


@given(steps=STEPS)
def test_a_tree_is_what_was_done_to_it(steps: list[Step]) -> None:
    """Against a tree that is a dictionary of parents."""
    parents: dict[int, int | None] = {}
    head: int | None = None
    with Chats.in_memory() as chats:
        chat = chats.begin(model="tiny")
        for kind, choice in steps:
            chosen = list(parents)[choice % len(parents)] if parents and choice else None
            if kind == "add":
                turn = chat.add("user", f"n{len(parents)}")
            elif kind == "reply":
                turn = chat.begin_reply(model="tiny").finish(Message("assistant", "yes"), FINISH)
            elif kind == "discard":
                reply = chat.begin_reply(model="tiny")
                reply._add([("answer", "no")])
                reply.discard()
                continue
            elif kind == "go":
                chat.go_to(None if chosen is None else chat.turn(chosen))
                head = chosen
                continue
            elif chosen is not None:
                chat.remove(chat.turn(chosen))
                gone = {one for one in parents if chosen in way(parents, one)}
                if head in gone:
                    head = parents[chosen]
                parents = {one: before for one, before in parents.items() if one not in gone}
                continue
            else:
                continue
            parents[turn.id], head = head, turn.id
        for one in (chat, again(chats, chat)) if chat.number is not None else (chat,):
            assert {turn.id: turn.parent for turn in one.tree()} == parents
            assert [turn.id for turn in one.turns()] == way(parents, head)
            assert [turn.id for turn in one.leaves()] == [
                turn for turn in parents if turn not in parents.values()
            ]


def way(parents: dict[int, int | None], turn: int | None) -> list[int]:
    """From the first turn to this one."""
    return [] if turn is None else [*way(parents, parents[turn]), turn]
