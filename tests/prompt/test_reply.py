"""Replies to typed parts: where they begin, what their marks do, and however they are divided."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runner.prompt import Kind, Marks, Prompt, ReplyParser
from runner.prompt.marks import reasoning_marks

THINK = Marks("<think>", "</think>")
CALL = Marks("<tool_call>", "</tool_call>")
INSIDE = Prompt((), "reasoning", THINK, CALL)
OUTSIDE = Prompt((), "answer", THINK, CALL)
Parts = list[tuple[Kind, str]]


def joined(parts: Iterable[tuple[Kind, str]]) -> Parts:
    """Neighbours of one kind as one part."""
    result: Parts = []
    for kind, text in parts:
        if result and result[-1][0] == kind:
            result[-1] = (kind, result[-1][1] + text)
        else:
            result.append((kind, text))
    return result


def parse(prompt: Prompt, *pieces: str) -> Parts:
    parser = ReplyParser(prompt)
    parts = [part for piece in pieces for part in parser.feed(piece)]
    return joined(parts + parser.close())


@pytest.mark.parametrize(
    ("prompt", "reply", "expected"),
    [
        (INSIDE, "Hm.\n</think>\n\nYes.", [("reasoning", "Hm.\n"), ("answer", "Yes.")]),
        (INSIDE, "<think>\nHm.</think>Yes.", [("reasoning", "Hm."), ("answer", "Yes.")]),
        (INSIDE, "\nnever closed", [("reasoning", "never closed")]),
        (INSIDE, "I write <think>?</think>a", [("reasoning", "I write <think>?"), ("answer", "a")]),
        (INSIDE, "</think>\n", []),
        (OUTSIDE, "<think>\nHm.\n</think>\nYes.", [("reasoning", "Hm.\n"), ("answer", "Yes.")]),
        (OUTSIDE, "\nplain", [("answer", "\nplain")]),
        (OUTSIDE, "1 < 2 <thin", [("answer", "1 < 2 <thin")]),
        (
            INSIDE,
            "a</think>b<think>\nc</think>d",
            [("reasoning", "a"), ("answer", "b"), ("reasoning", "c"), ("answer", "d")],
        ),
        (INSIDE, "a</think>b</think>c", [("reasoning", "a"), ("answer", "bc")]),
        (
            OUTSIDE,
            '<tool_call>\n{"name": "</think>"}\n</tool_call>\n<tool_call>{}</tool_call>',
            [("tool_call", '{"name": "</think>"}\n{}')],
        ),
        (
            INSIDE,
            "a <tool_call>?</think><tool_call>{}",
            [("reasoning", "a <tool_call>?"), ("tool_call", "{}")],
        ),
    ],
)
def test_marks_turn_the_kind(prompt: Prompt, reply: str, expected: Parts) -> None:
    assert parse(prompt, reply) == expected
    assert parse(prompt, *reply) == expected


@pytest.mark.parametrize(
    "answer",
    [
        "R1 writes `<think>` first.",
        "``a ` <think>``",
        "```\n<think>\n```\nx",
        "```xml\n<think>`</think>\n",
        "~~~\n```\n<tool_call>\n~~~\nx",
        "   ```\n<think>\n   ```\n",
        "> ```\n> <think>\n",
        "1. ```\n   <think>\n",
        "````\n```\n<think>",
        "```\n``` not closed\n<think>",
    ],
)
def test_marks_in_an_answers_code_are_text(answer: str) -> None:
    assert parse(OUTSIDE, answer) == [("answer", answer)]
    assert parse(OUTSIDE, *answer) == [("answer", answer)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("`code` ", "x"),
        ("a lone ` on its line\n", "x"),
        ("```\ncode\n```\n", "x"),
        ("```\ncode\n```", "x"),
        ("```code``` ", "x"),
        ("~ ", "x"),
    ],
)
def test_marks_after_code_are_marks(before: str, after: str) -> None:
    expected = [("answer", before), ("reasoning", after)]
    assert parse(OUTSIDE, f"{before}<think>{after}") == expected
    assert parse(OUTSIDE, *f"{before}<think>{after}") == expected


def test_in_reasoning_only_backticks_around_the_mark_quote_it() -> None:
    quoted = "It ends with `</think>`, and"
    assert parse(INSIDE, *quoted, "</think>", "x") == [("reasoning", quoted), ("answer", "x")]
    for unbalanced in ("```\nfor x in", "a ` b", "see `code`"):
        assert parse(INSIDE, *f"{unbalanced}</think>x") == [
            ("reasoning", unbalanced),
            ("answer", "x"),
        ]
    assert parse(INSIDE, "a ` b", "</think>") == [("reasoning", "a ` b")]


def test_nothing_is_held_back_but_what_may_begin_a_mark() -> None:
    parser = ReplyParser(INSIDE)
    assert parser.feed("Hm <") == [("reasoning", "Hm ")]
    assert parser.feed("b") == [("reasoning", "<b")]
    assert parser.feed("</thin") == []
    assert parser.feed("k>") == []
    assert parser.feed("\n") == []
    assert parser.feed("Yes") == [("answer", "Yes")]
    assert parser.feed("</t") == []
    assert parser.close() == [("answer", "</t")]


def test_a_mark_that_is_a_token_is_known_by_the_token() -> None:
    parser = ReplyParser(INSIDE, mark_tokens=["<think>", "</think>"])
    parts = parser.feed("written </think> out")
    parts += parser.feed("</think>", token_is_mark=True)
    parts += parser.feed("answer </think> ")
    parts += parser.feed("<think>", token_is_mark=True)
    parts += parser.feed("again") + parser.close()
    assert joined(parts) == [
        ("reasoning", "written </think> out"),
        ("answer", "answer </think> "),
        ("reasoning", "again"),
    ]


def test_a_token_in_an_answers_code_is_text() -> None:
    parser = ReplyParser(OUTSIDE, mark_tokens=["<think>"])
    parts = parser.feed("`") + parser.feed("<think>", token_is_mark=True) + parser.feed("`")
    assert joined(parts + parser.close()) == [("answer", "`<think>`")]


def test_another_control_token_is_text() -> None:
    parser = ReplyParser(INSIDE, mark_tokens=["</think>"])
    parts = parser.feed("<|odd|>", token_is_mark=True)
    assert joined(parts + parser.close()) == [("reasoning", "<|odd|>")]


def test_the_parser_says_which_control_tokens_it_watches_for() -> None:
    parser = ReplyParser(Prompt((), "answer", reasoning_marks("<|channel|>analysis")))
    assert all(map(parser.watches, ["<|channel|>", "<|message|>", "<|end|>", "<|start|>"]))
    assert not parser.watches("<|return|>")
    assert ReplyParser(INSIDE).watches("</think>")


def test_gpt_oss_answers_in_its_final_channel() -> None:
    prompt = Prompt((), "answer", reasoning_marks("<|channel|>analysis"))
    reply = (
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes."
    )
    assert parse(prompt, *reply) == [("reasoning", "Hm."), ("answer", "Yes.")]
    assert parse(prompt, "<|channel|>final<|message|>Yes.") == [("answer", "Yes.")]


def test_gemma_thinks_in_a_channel() -> None:
    prompt = Prompt((), "answer", reasoning_marks("<|channel>thought"))
    reply = "<|channel>thought\nHm.\n<channel|>Yes."
    assert parse(prompt, *reply) == [("reasoning", "Hm.\n"), ("answer", "Yes.")]


def test_without_marks_a_reply_is_all_answer() -> None:
    assert parse(Prompt.raw("x"), *"\n<think>a</think>") == [("answer", "\n<think>a</think>")]


pieces = (
    st.sampled_from(["x", "y", "z", " ", "\n", "\r\n", "`", "```", "~~~", "<"])
    | st.sampled_from(["<think>", "</think>", "</thin", "`</think>`"])
    | st.sampled_from(["<tool_call>", "</tool_call>", "<tool_"])
)
replies = st.lists(pieces, max_size=16).map("".join)


@given(replies, st.sampled_from([INSIDE, OUTSIDE]), st.lists(st.integers(0, 60), max_size=8))
@example("a```</think>", INSIDE, [4])
def test_how_a_reply_is_divided_makes_no_difference(
    reply: str, prompt: Prompt, cuts: list[int]
) -> None:
    ends = sorted({0, len(reply), *(cut for cut in cuts if cut < len(reply))})
    divided = [reply[start:end] for start, end in pairwise(ends)]
    assert parse(prompt, *divided) == parse(prompt, reply)
    assert parse(prompt, *reply) == parse(prompt, reply)


@given(replies, st.sampled_from([INSIDE, OUTSIDE]))
def test_nothing_of_a_reply_is_lost(reply: str, prompt: Prompt) -> None:
    """All that is no mark and no line break after one comes out, in order."""
    given_back = "".join(text for _, text in parse(prompt, reply))
    for letters in ("xyz", "xyz `~"):
        assert [c for c in given_back if c in letters] == [c for c in reply if c in letters]
    missing = len(reply) - len(given_back)
    marks = ("<think>", "</think>", "<tool_call>", "</tool_call>")
    assert missing <= sum(reply.count(mark) * len(mark) for mark in marks) + (
        reply.count("\n") + reply.count("\r")
    )


@given(st.text(st.characters(exclude_characters="<"), max_size=60))
def test_a_reply_without_marks_comes_out_whole(reply: str) -> None:
    assert "".join(text for _, text in parse(OUTSIDE, *reply)) == reply
    assert "".join(text for _, text in parse(INSIDE, *reply)) == reply.lstrip("\r\n")
