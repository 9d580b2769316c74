"""`runner map`: lines of JSON in, lines of JSON out, in order, and on from where it was stopped."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import COMMAND, Runner

GREEDY = ("--temperature", "0")
LINES = (
    '"What is 12 + 30?"',
    '{"id": 7, "prompt": "hello", "max_tokens": 3}',
    "",
    '{"id": "x", "messages": [{"role": "user", "content": "What is 1 + 2?"}], "seed": 9}',
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    path.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    return path


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_each_line_is_answered_in_order(runner: Runner, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    said = runner("map", "tiny", str(source), str(target), *GREEDY)
    assert (said.code, said.out, said.err) == (0, "", "")
    first, second, third = records(target.read_text("utf-8"))
    assert ("id" in first, first["line"]) == (False, 1)
    assert "42" in first["answer"]
    assert first["reasoning"]
    assert (second["id"], second["line"], second["finish"]) == (7, 2, "length")
    assert second["timings"]["reply_tokens"] == 3
    assert (third["id"], third["line"], third["seed"]) == ("x", 4, 9)


def test_a_pipe_in_and_a_pipe_out(runner: Runner) -> None:
    said = runner("map", "tiny", "-", *GREEDY, stdin=LINES[0] + "\n")
    assert said.code == 0
    assert "42" in records(said.out)[0]["answer"]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("no json", "line 2 is not JSON"),
        ("[1]", "line 2 is neither text nor an object"),
        ('{"promt": "hello"}', "line 2 has 'promt', which means nothing here"),
        ('{"id": 1}', "line 2 needs either `prompt` or `messages`"),
        ('{"prompt": "hello", "messages": []}', "line 2 needs either `prompt` or `messages`"),
        ('{"messages": []}', "line 2 has no messages"),
        ('{"prompt": 3}', "line 2 has a turn that is not a role and text"),
        ('{"messages": ["hello"]}', "line 2 has a turn that is not a role and text"),
        ('{"prompt": "hello", "system": 3}', "line 2 has a `system` that is not text"),
        ('{"prompt": "hello", "max_tokens": 0}', "line 2 has max_tokens 0, which must be"),
        ('{"prompt": "hello", "seed": true}', "line 2 has seed True, which must be"),
        (json.dumps("word " * 3000), "tokens and the context holds 2048"),
    ],
)
def test_a_line_that_cannot_be_answered_is_no_end(runner: Runner, line: str, what: str) -> None:
    greeting = '{"prompt": "hello", "max_tokens": 2}'
    said = runner("map", "tiny", "-", *GREEDY, stdin=f"{greeting}\n{line}\n{greeting}\n")
    assert said.code == 0
    before, wrong, after = records(said.out)
    assert before["answer"] == after["answer"]
    assert what in wrong["error"]["message"]
    assert said.err == "1 could not be answered; their lines say why\n"


def test_the_same_command_goes_on(runner: Runner, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    runner("map", "tiny", str(source), str(target), *GREEDY)
    whole = target.read_bytes()
    assert runner("map", "tiny", str(source), str(target), *GREEDY).err == (
        "3 of 3 were answered before\n"
    )
    assert target.read_bytes() == whole
    target.write_bytes(whole[:-40])  # as a kill in the middle of the last line leaves it
    said = runner("map", "tiny", str(source), str(target), *GREEDY)
    assert said.err == "2 of 3 were answered before\n"
    old, new = records(whole.decode()), records(target.read_text("utf-8"))
    assert [one["answer"] for one in new] == [one["answer"] for one in old]
    assert target.read_bytes().startswith(b"".join(whole.splitlines(keepends=True)[:2]))


def test_an_output_of_other_prompts_is_refused(
    runner: Runner, source: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.jsonl"
    runner("map", "tiny", str(source), str(target), *GREEDY)
    before = target.read_bytes()
    source.write_text('"hello"\n"What is 1 + 2?"\n"bye"\n', encoding="utf-8")
    said = runner("map", "tiny", str(source), str(target))
    assert said.code == 2
    assert "line 1 of the output does not answer line 1 of the input" in said.err
    source.write_text(LINES[0], encoding="utf-8")
    assert (
        "the output has more lines than the input"
        in runner("map", "tiny", str(source), str(target)).err
    )
    assert target.read_bytes() == before


@pytest.mark.parametrize("precious", ['{"precious": 1}', "hello\n", '{"precious": 1}\nhello'])
def test_a_file_that_is_no_output_is_left_as_it_is(
    runner: Runner, source: Path, tmp_path: Path, precious: str
) -> None:
    target = tmp_path / "precious.jsonl"
    target.write_text(precious, encoding="utf-8")
    assert runner("map", "tiny", str(source), str(target)).code == 2
    assert target.read_text("utf-8") == precious
    source.write_text('"What is 12 + 30?"', encoding="utf-8")
    assert runner("map", "tiny", str(source), str(source)).code == 2
    assert source.read_text("utf-8") == '"What is 12 + 30?"'


def test_what_would_do_nothing_is_no_option(runner: Runner, source: Path) -> None:
    for option in ("--tool", "--mcp", "--when-full", "--keys"):
        assert runner("map", "tiny", str(source), option, "x").code == 2
    said = runner("map", "tiny", str(source), "--file", "x")
    assert said.code == 2


def test_nothing_to_answer_is_an_error(runner: Runner, tmp_path: Path) -> None:
    assert runner("map", "tiny", "-", stdin="\n").code == 2
    assert "cannot be read" in runner("map", "tiny", str(tmp_path / "none.jsonl")).err


def test_the_system_prompt_is_told_to_all_but_those_with_their_own(runner: Runner) -> None:
    lines = [
        '{"prompt": "hello", "max_tokens": 1}',
        '{"prompt": "hello", "system": "", "max_tokens": 1}',
    ]
    said = runner("map", "tiny", "-", "--system", "Be brief. " * 5, stdin="\n".join(lines))
    told, untold = (one["timings"]["prompt_tokens"] for one in records(said.out))
    assert told > untold + 5


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT cannot be sent to a child there")
def test_ctrl_c_keeps_what_is_done(tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('"What is 12 + 30?"\n' * 400, encoding="utf-8")
    command = [*COMMAND, "map", "tiny", str(source), str(target), *GREEDY]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        while not target.exists() or target.read_bytes().count(b"\n") < 3:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 130
    done = target.read_bytes().count(b"\n")
    assert 3 <= done < 400
    assert target.read_bytes().endswith(b"\n")
    assert said == f"stopped after {done} of 400; the same command goes on\n"


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end otherwise there")
def test_a_reader_that_has_seen_enough_ends_it_quietly(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('"What is 12 + 30?"\n' * 100, encoding="utf-8")
    command = [*COMMAND, "map", "tiny", str(source), *GREEDY]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1
