"""`runner chats`: what it prints, what it refuses, and that nothing kept or imported reaches the
terminal as more than text."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner import models
from runner.chat.chats import Chats
from runner.chat.dialogue import Dialogue
from runner.chat.exchange import dialogue_of, keep
from runner.chat.turns import Turn
from tests.chat.test_importing import COLOURS
from tests.cli.conftest import Runner

EVIL = "\x1b]0;title\x07\x1b[31mred\x9b2J"


@pytest.fixture
def two() -> None:
    """Two conversations, the newer one with a branch."""
    now = datetime.now(UTC)
    bread = (
        Turn(1, None, "user", "How much flour for bread?", now),
        Turn(2, 1, "assistant", "A pound.", now, model="tiny", ended="end"),
    )
    clock = (
        Turn(1, None, "user", "What time is it?", now),
        Turn(2, 1, "assistant", "Noon.", now, "Look.", model="tiny", ended="end"),
        Turn(3, 1, "assistant", "Later.", now, model="tiny", ended="end"),
    )
    with Chats() as chats:
        keep([Dialogue(bread, 2, model="tiny", tags=("food",))], chats)
        keep([Dialogue(clock, 2, model="tiny")], chats)


LIST = """\
NUMBER   TITLE                       MODEL   TURNS   LAST       TAGS
2        What time is it?            tiny    3       just now
1        How much flour for bread?   tiny    2       just now   food
"""


def test_listed(runner: Runner, two: None) -> None:
    assert (runner("chats").out, runner("chats", "list").out) == (LIST, LIST)
    assert runner("chats", "list", "-n", "1").out.count("\n") == 2
    tagged = json.loads(runner("chats", "list", "--tag", "food", "--json").out)
    assert [one["number"] for one in tagged["chats"]] == [1]
    assert json.loads(runner("chats", "--json").out)["chats"][1]["tags"] == ["food"]


def test_none_yet(runner: Runner) -> None:
    said = runner("chats")
    assert (said.code, said.out) == (0, "")
    assert said.err == "there are none yet; `runner chat` begins one\n"


def test_searched(runner: Runner, two: None) -> None:
    said = runner("chats", "search", "fl")
    assert said.out.splitlines()[1].split("   ")[0] == "1"
    assert "How much flour for bread?" in said.out
    assert runner("chats", "search", "zebra").out == ""
    [hit] = json.loads(runner("chats", "search", "pound", "--json").out)["hits"]
    assert (hit["chat"], hit["role"], hit["text"]) == (1, "assistant", "A pound.")


def test_shown(runner: Runner, two: None) -> None:
    said = runner("chats", "show", "what", "time")
    assert said.out.startswith("# What time is it?\n")
    assert (
        "## You\n\nWhat time is it?\n\n## tiny\n\n> *Reasoning:*\n>\n> Look.\n\nNoon." in said.out
    )
    assert "1 other branch left out" in said.out
    whole = json.loads(runner("chats", "show", "2", "--json").out)
    assert len(whole["chats"][0]["turns"]) == 3


def test_renamed_and_tagged(runner: Runner, two: None) -> None:
    assert runner("chats", "rename", "1", "Loaf", " of  bread").out == "1   Loaf of bread\n"
    assert runner("chats", "tag", "1", "x", "food", "y").out == "1   Loaf of bread   food, x, y\n"
    assert runner("chats", "untag", "1", "x", "food").out == "1   Loaf of bread   y\n"
    said = runner("chats", "untag", "1", "x")
    assert (said.code, said.err) == (2, "error: conversation 1 has no tag 'x'\n")


@pytest.mark.parametrize(
    "command", [("show", "9"), ("rename", "9", "x"), ("tag", "9", "x"), ("delete", "9", "--yes")]
)
def test_one_that_there_is_not(runner: Runner, two: None, command: tuple[str, ...]) -> None:
    said = runner("chats", *command)
    assert said.code == 4
    assert said.err == "error: there is no conversation 9\n`runner chats` lists them.\n"
    assert runner("chats", "show", "zebra").code == 4


def test_deleted(runner: Runner, two: None, monkeypatch: pytest.MonkeyPatch) -> None:
    said = runner("chats", "delete", "1")
    assert said.code == 2 and "Delete with --yes." in said.err
    assert runner("chats", "delete", "1", "9", "--yes").code == 4
    assert len(runner("chats").out.splitlines()) == 3  # a slip deletes none
    purged: list[str] = []

    def purge(*, owner: str) -> int:
        purged.append(owner)
        return 1500

    monkeypatch.setattr(models, "purge_prompts", purge)
    with Chats() as chats:
        owner = chats.open(1).owner
    said = runner("chats", "delete", "1", "--yes")
    assert said.out == ("deleted 1, 'How much flour for bread?': 2 turns, 1.5 kB of prompts\n")
    assert purged == [owner]
    assert runner("chats", "search", "flour").out == ""


def test_exported_and_imported(runner: Runner, two: None, tmp_path: Path) -> None:
    path = tmp_path / "all.json"
    said = runner("chats", "export", "--all", "-o", str(path))
    assert (said.code, said.out, said.err) == (0, f"{path}   2 conversations\n", "")
    again = runner("chats", "export", "--all", "-o", str(path))
    assert again.code == 2 and "already" in again.err
    said = runner("chats", "import", str(path))
    assert said.out == f"{path}   0 conversations of a Runner export; 2 were here already\n"
    runner("chats", "delete", "1", "2", "--yes")
    facts = json.loads(runner("chats", "import", str(path), "--tag", "old", "--json").out)
    [file] = facts["files"]
    assert (len(file["chats"]), file["already_here"], file["problems"]) == (2, 0, [])
    with Chats() as chats:
        latest = chats.list()
        assert [one.tags for one in latest] == [("old",), ("food", "old")]
        assert dialogue_of(chats.open(latest[0].number)).other_branches == 1


def test_the_form_of_an_export(runner: Runner, two: None, tmp_path: Path) -> None:
    assert runner("chats", "export", "1").out.startswith("# How much flour for bread?\n")
    said = runner("chats", "export", "2", "--format", "openai")
    assert json.loads(said.out)["messages"][1] == {"role": "assistant", "content": "Noon."}
    assert said.err == "left out: 1 other branch and the reasoning; --format json keeps all\n"
    assert json.loads(runner("chats", "export", "2", "--json").out)["format"] == "runner-chats"
    page = tmp_path / "clock.html"
    facts = json.loads(runner("chats", "export", "2", "-o", str(page), "--json").out)
    assert facts == {
        "path": str(page), "format": "html", "chats": [2], "left_out": "1 other branch",
    }  # fmt: skip
    assert "<p>Noon.</p>" in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ((), "which conversations?"),
        (("1", "--all"), "which conversations?"),
        (("1", "-f", "pdf"), "there is no form 'pdf'"),
        (("1", "-o", "x.pdf"), "its ending names no form"),
    ],
)
def test_an_export_that_makes_no_sense(
    runner: Runner, two: None, given: tuple[str, ...], says: str
) -> None:
    said = runner("chats", "export", *given)
    assert said.code == 2 and says in said.err


def test_what_is_imported_is_only_text(runner: Runner, tmp_path: Path) -> None:
    path = tmp_path / "evil.json"
    message = {"role": "user", "content": f"words {EVIL}"}
    path.write_text(json.dumps({"title": EVIL, "messages": [message]}))
    runner("chats", "import", str(path), "--tag", EVIL)
    said = [
        runner("chats"),
        runner("chats", "search", "words"),
        runner("chats", "show", "1"),
        runner("chats", "export", "1"),
        runner("chats", "rename", "1", f"x{EVIL}"),
        runner("chats", "tag", "1", EVIL),
        runner("chats", "export", "1", "--json"),
        runner("chats", "delete", "1", "--yes"),
    ]
    for one in said:
        assert one.code == 0
        assert not set("\x1b\x07\x9b") & set(one.out + one.err)


def test_a_bad_conversation_is_told(runner: Runner, tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([COLOURS, {"mapping": {}}]))
    said = runner("chats", "import", str(path))
    assert said.code == 0
    assert said.out == f"{path}   1 conversation of a ChatGPT export\n"
    assert said.err == "left out: conversation 2: nothing was said in it\n"
    said = runner("chats", "import", str(tmp_path / "nowhere"))
    assert said.code == 2 and "cannot be read" in said.err
