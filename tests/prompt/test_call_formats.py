"""Each family's tool calls: what its own template shows of a call is read back as the same call."""

import functools
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import RunnerError
from runner.prompt import ChatTemplate, Message, Prompt, ReplyParser, ToolCall, parse_tool_calls
from tests.prompt.rendering import TOOL, content_text, source, template_text

EOS = "<end of reply>"
R1_ASSISTANT, CHATML = "<｜Assistant｜>", "<|im_start|>assistant\n"
# What stands around an assistant's turn in each template that knows calls.
AROUND = {
    "tiny": (R1_ASSISTANT, "<｜end▁of▁sentence｜>"),
    "Qwen-Qwen3-0.6B": (CHATML, "<|im_end|>"),
    "Qwen3.5-4B": (CHATML, "<|im_end|>"),
    "LFM2.5-Instruct": (CHATML, "<|im_end|>"),
    "deepseek-ai-DeepSeek-R1-Distill-Llama-8B": (R1_ASSISTANT, "<｜tool▁outputs▁begin｜>"),
    "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B": (R1_ASSISTANT, "<｜end▁of▁sentence｜>"),
    "google-gemma-4-31B-it": ("<|turn>model\n", "<|tool_response>"),
    "ibm-granite-granite-4.1": (
        "<|start_of_role|>assistant<|end_of_role|>",
        "<|end_of_text|>",
    ),
    "meta-llama-Llama-3.2-3B-Instruct": (
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "<|eot_id|>",
    ),
    "mistralai-Ministral-3-14B-Reasoning-2512": ("", EOS),
    "openai-gpt-oss-120b": ("<|start|>assistant", "<|call|>"),
}
QUESTION = Message("user", "time?")
UTC = ToolCall("clock", {"zone": "UTC"})
CET = ToolCall("clock", {"zone": "CET"})


@functools.cache
def template(name: str) -> ChatTemplate:
    return ChatTemplate(source(name), bos="", eos=EOS)


def rendered(name: str, *messages: Message, generate: bool = True) -> Prompt:
    ours = template(name)
    tools = [TOOL] if ours.can_offer_tools else None
    return ours.render([QUESTION, *messages], tools=tools, add_generation_prompt=generate)


def shown(name: str, *calls: ToolCall) -> str:
    """The assistant's turn as the template shows it, and so as the model was taught to write it."""
    results = [Message("tool", f"result {number}") for number in range(len(calls))]
    turn = Message("assistant", "", tool_calls=calls)
    before, (start, end) = rendered(name, generate=False).text, AROUND[name]
    whole = rendered(name, turn, *results).text
    assert whole.startswith(before + start)
    return whole.removeprefix(before + start).split(end)[0]


def read(prompt: Prompt, *pieces: str) -> dict[str, str]:
    """A reply's text of each kind."""
    parser = ReplyParser(replace(prompt, opening="answer"))
    parts = [part for piece in pieces for part in parser.feed(piece)] + parser.close()
    texts: dict[str, str] = {}
    for kind, text in parts:
        texts[kind] = texts.get(kind, "") + text
    return texts


def without_ids(calls: Sequence[ToolCall]) -> list[ToolCall]:
    return [replace(call, id="") for call in calls]


def as_elements(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments in a format that has nothing but text."""
    return {
        name: json.dumps(value, ensure_ascii=False)
        if isinstance(value, dict | list)
        else str(value)
        for name, value in arguments.items()
    }


words = st.lists(
    st.sampled_from(
        ["a", "é", "日本", " ", "\n", '"', "'", "\\", "{", "}", "[", ",", ":", "(", "</", "`", "$"]
    ),
    max_size=6,
).map("".join)
values = st.recursive(
    st.booleans() | st.integers(-9, 10**12) | words | st.just(1.5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "y_z"]), inner)
    ),
    max_leaves=5,
)
arguments = st.dictionaries(st.sampled_from(["zone", "b", "count"]), values, max_size=3)


@pytest.mark.parametrize("name", AROUND)
@given(arguments)
@settings(max_examples=25)
def test_a_call_as_its_template_shows_it_is_read(name: str, wanted: dict[str, Any]) -> None:
    call = ToolCall("clock", wanted)
    reply, prompt = shown(name, call), rendered(name, Message("assistant", "", tool_calls=(UTC,)))
    if name.startswith("Qwen3.5"):
        call = replace(call, arguments=as_elements(wanted))
    texts = read(prompt, reply)
    assert texts.get("answer", "").strip() == "" and "reasoning" not in texts
    assert without_ids(parse_tool_calls(texts["tool_call"])) == [call]
    assert read(prompt, *reply) == texts


@pytest.mark.parametrize("name", AROUND)
def test_several_calls_of_a_turn_are_shown_with_their_results(name: str) -> None:
    """Also by a template that shows one call a turn, or finds a call's result by its id."""
    turn = Message("assistant", "", tool_calls=(UTC, CET))
    prompt = rendered(name, turn, Message("tool", "noon <tool_call>"), Message("tool", "13 h"))
    shown_content = content_text(prompt)
    for part in ("UTC", "CET", "noon <tool_call>", "13 h"):
        assert shown_content.count(part) == 1
    assert "noon" not in template_text(prompt)
    if name not in ("meta-llama-Llama-3.2-3B-Instruct", "openai-gpt-oss-120b"):
        texts = read(prompt, shown(name, UTC, CET))
        assert without_ids(parse_tool_calls(texts["tool_call"])) == [UTC, CET]


def test_calls_of_templates_that_show_one_a_turn_come_with_their_results_in_between() -> None:
    turn = Message("assistant", "", reasoning="Two zones.", tool_calls=(UTC, CET))
    prompt = rendered("openai-gpt-oss-120b", turn, Message("tool", "noon"), Message("tool", "one"))
    assert prompt.text.endswith(
        "<|start|>assistant<|channel|>analysis<|message|>Two zones.<|end|>"
        "<|start|>assistant to=functions.clock<|channel|>commentary json<|message|>"
        '{"zone": "UTC"}<|call|>'
        '<|start|>functions.clock to=assistant<|channel|>commentary<|message|>"noon"<|end|>'
        "<|start|>assistant to=functions.clock<|channel|>commentary json<|message|>"
        '{"zone": "CET"}<|call|>'
        '<|start|>functions.clock to=assistant<|channel|>commentary<|message|>"one"<|end|>'
        "<|start|>assistant"
    )


def test_calls_that_a_template_leaves_out_are_written_between_their_marks() -> None:
    """LFM2.5's shows only the text of a turn; the marks are its words, what they hold is not."""
    call = ToolCall("clock", {"zone": "<|tool_call_end|>", "a-b": [True, None]})
    turn = Message("assistant", "Let me see.", tool_calls=(call,))
    prompt = rendered("LFM2.5-Instruct", turn, Message("tool", "noon"))
    assert prompt.text.endswith(
        "<|im_start|>assistant\nLet me see.<|tool_call_start|>"
        '[clock(zone="<|tool_call_end|>", **{"a-b": [True, None]})]<|tool_call_end|><|im_end|>\n'
        "<|im_start|>tool\nnoon<|im_end|>\n<|im_start|>assistant\n"
    )
    assert template_text(prompt).count("<|tool_call_end|>") == 1


# Replies as models write them, where their templates do not say it all.
REPLIES = [
    ("Qwen-Qwen3-0.6B", '<think>\nHm.\n</think>\n\nLet me see.\n<tool_call>\n{"name": "clock", '
     '"arguments": {"zone": "UTC"}}\n</tool_call>', "Let me see."),
    ("meta-llama-Llama-3.2-3B-Instruct", '<|python_tag|>{"name": "clock", "parameters": '
     '{"zone": "UTC"}}', ""),
    ("meta-llama-Llama-3.2-3B-Instruct", ' {\n  "type": "function",\n  "name": "clock",\n'
     '  "parameters": {"zone": "UTC"}\n}', ""),
    ("meta-llama-Llama-3.2-3B-Instruct", '<|python_tag|>clock.call(zone="UTC")', ""),
    ("mistralai-Ministral-3-14B-Reasoning-2512", '[THINK]Hm.[/THINK]Now.[TOOL_CALLS]clock'
     '[CALL_ID]a1B2c3D4e[ARGS]{"zone": "UTC"}', "Now."),
    ("mistralai-Ministral-3-14B-Reasoning-2512", '[TOOL_CALLS] [{"name": "clock", "arguments": '
     '{"zone": "UTC"}, "id": "a1B2c3D4e"}]', ""),
    ("deepseek-ai-DeepSeek-R1-Distill-Llama-8B", "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>clock"
     '<｜tool▁sep｜>{"zone": "UTC"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>', ""),
    ("openai-gpt-oss-120b", "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>"
     "commentary<|message|>Let me see.<|end|><|start|>assistant<|channel|>commentary "
     'to=functions.clock <|constrain|>json<|message|>{"zone": "UTC"}<|call|>', "Let me see."),
    ("openai-gpt-oss-120b", "<|channel|>analysis to=functions.clock code<|message|>"
     '{"zone": "UTC"}<|call|>', ""),
    ("LFM2.5-Instruct", "<|tool_call_start|>[clock(zone='UTC')]<|tool_call_end|>Checking.",
     "Checking."),
    ("LFM2.5-Instruct", '<|tool_call_start|>[{"name": "clock", "arguments": {"zone": "UTC"}}]'
     "<|tool_call_end|>", ""),
    ("google-gemma-4-31B-it", '<|channel>thought\nHm.\n<channel|><|tool_call>call:clock{zone:'
     '<|"|>UTC<|"|>}<tool_call|>', ""),
    ("Qwen3.5-4B", "I look.\n\n<tool_call>\n<function=clock>\n<parameter=zone>\nUTC\n</parameter>"
     "\n</function>\n</tool_call>", "I look."),
]  # fmt: skip


@pytest.mark.parametrize(("name", "reply", "answer"), REPLIES)
def test_what_models_write_is_read(name: str, reply: str, answer: str) -> None:
    prompt = rendered(name, Message("assistant", "", tool_calls=(UTC,)), Message("tool", "noon"))
    texts = read(prompt, reply)
    assert without_ids(parse_tool_calls(texts["tool_call"])) == [UTC]
    assert texts.get("answer", "").strip() == answer
    assert texts.get("reasoning", "Hm.").strip() == "Hm."
    assert read(prompt, *reply) == texts


@pytest.mark.parametrize(
    "reply",
    [
        '{"name": "Alice", "age": 3}',
        '{"clock": "noon"}',
        "to=functions.clock is what gpt-oss writes",
        'As JSON: {"name": "clock"}',
        "```json\n{}\n```",
        "[1, 2]",
        "  \n",
    ],
)
def test_an_answer_that_only_looks_like_a_call_stays_an_answer(reply: str) -> None:
    prompt = rendered("meta-llama-Llama-3.2-3B-Instruct")
    assert read(prompt, *reply) == {"answer": reply}
    assert read(prompt, reply) == {"answer": reply}


pieces = st.lists(
    st.sampled_from([
        '{"name"', ":", ' "clock"', '{"na', "\n", " ", "x", "<|python_tag|>", "to=func", "tions.",
        "<|start|>assistant", "<|channel|>", "commentary", " to=functions.clock", "<|message|>",
        "<|end|>", "<|call|>", "analysis", "final", "[TOOL_CALLS]", "[THINK]", "[/THINK]", "`",
    ]),
    max_size=12,
).map("".join)  # fmt: skip


@pytest.mark.parametrize("name", list(AROUND)[-3:])
@given(pieces)
def test_how_a_reply_is_divided_makes_no_difference(name: str, reply: str) -> None:
    prompt = rendered(name, Message("assistant", "", tool_calls=(UTC,)), Message("tool", "noon"))
    assert read(prompt, *reply) == read(prompt, reply)


def test_an_unknown_family_that_takes_tools_may_call_them_in_hermes_way_or_as_bare_json() -> None:
    unknown = ChatTemplate("{{ messages[0].content }}{{ tools | tojson }}")
    prompt = unknown.render([QUESTION], tools=[TOOL])
    call = '{"name": "clock", "arguments": {"zone": "UTC"}}'
    for reply in (call, f"<tool_call>{call}</tool_call>", f"\n{call}\n{call}"):
        texts = read(prompt, *reply)
        assert "answer" not in texts
        assert set(map(str, parse_tool_calls(texts["tool_call"]))) == {str(UTC)}


def test_a_template_that_asks_for_xml_tools_is_given_them() -> None:
    smol = ChatTemplate("{{ messages[0].content }}{{ xml_tools | tojson }}<tool_call>")
    assert "Tells the time" in smol.render([QUESTION], tools=[TOOL]).text
    assert smol.render([QUESTION]).text == "time?null<tool_call>"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("<function=clock>\n<parameter=zone>\nUTC", "'clock' is not closed"),
        ("<function=>", "is not <function=NAME>"),
        ("<function=a></function> then", "is not <function=NAME>: 'then'"),
        ("call:clock{zone:", "ends too early"),
        ('call:clock{zone:<|"|>UTC', "not closed"),
        ("call:clock{[1]}", "an argument without a name"),
        ("call:clock", "is not call:NAME"),
        ("call:clock" + "{a:" * 5000, "nests its arguments"),
        ("call:clock{a:" + "[" * 5000, "nests its arguments"),
        ("clock[ARGS]zone", "'clock' has arguments that are not JSON"),
        ("clock[ARGS]{}!", "has no name: '!'"),
        ("clock[ARGS][1]", "has a list for arguments"),
        ("<｜tool▁call▁begin｜>clock", "has no arguments"),
        ('<｜tool▁call▁begin｜>function<｜tool▁sep｜>clock\n```json\n{"a\n```', "not JSON"),
        ("[clock('UTC')]", "without its name"),
        ("[clock(zone=__import__('os'))]", "is not Python"),
        ("[clock(zone={1, 2})]", "JSON cannot hold"),
        ("[clock(zone=b'x')]", "JSON cannot hold"),
        ("[clock(zone={[]: 1})]", "is not Python"),
        ("clock(zone=", "is not Python"),
        ("clock(x=" + "(" * 100_000, "is not Python"),
        ("clock(x=" + "-" * 100_000 + "1)", "is not Python|JSON cannot hold"),
        ("[clock(), 3]", "is no call: '3'"),
        ("clock<|message|>{", "not JSON"),
        ('{"name": "f", "arguments": {"x": NaN}}', "is not JSON"),
        ('{"name": "f", "arguments": {"x": 1e999}}', "JSON cannot hold"),
        ('{"name": "f", "arguments": {"x": ' + "9" * 5000 + "}}", "is not JSON"),
        ('{"name": "f", "arguments": {"x": ' + "[" * 70 + "]" * 70 + "}}", "more than 64 deep"),
    ],
)
def test_malformed_calls_say_what_is_wrong(text: str, cause: str) -> None:
    with pytest.raises(RunnerError, match=cause):
        parse_tool_calls(text)


@given(st.text(max_size=60) | st.lists(st.sampled_from([
    "<function=", "f", ">", "<parameter=a>", "</parameter>", "</function>", "call:", "{", "}", "a",
    ":", '<|"|>', "[", "]", "[ARGS]", "(", ")", "=", '"', "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>",
    "```json\n", "<|message|>", "\n", ",", "1", "to=functions.", "\\", "\0",
]), max_size=20).map("".join))  # fmt: skip
@settings(max_examples=400)
def test_any_text_is_calls_or_a_clear_error(text: str) -> None:
    try:
        calls = parse_tool_calls(text)
    except RunnerError as error:
        assert "tool call" in error.message
    else:
        json.dumps([call.arguments for call in calls], allow_nan=False)


def test_half_a_character_is_replaced() -> None:
    [call] = parse_tool_calls('{"name": "f", "arguments": {"\\udc00": "a\\ud83d"}}')
    assert call.arguments == {"\ufffd": "a\ufffd"}
    [call] = parse_tool_calls('{"name": "f", "arguments": {"x": "\\ud83d\\ude00"}}')
    assert call.arguments == {"x": "😀"}
