"""Chat templates: expected prompts, and content that never passes for the template's words."""

import functools
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import TemplateError
from runner.prompt import ChatTemplate, Marks, Message, Prompt, Segment, ToolCall
from runner.prompt.messages import CallShape, as_content, as_dictionaries, fold_system
from tests.prompt.rendering import (
    CALL,
    TOOL,
    content_text,
    plain_jinja,
    real_templates,
    source,
    talk,
    template_text,
)

# A template in the manner of R1's, so that these tests say something without the real ones.
OURS = """\
{{- bos_token }}
{%- for message in messages %}
    {%- if message['role'] == 'system' %}{{ message['content'] | trim }}{% endif %}
    {%- if message['role'] == 'user' %}{{ '<|user|>' + message['content'].strip() }}{% endif %}
    {%- if message['role'] == 'tool' %}{{ '<|tool|>' ~ message.content }}{% endif %}
    {%- if message['role'] == 'assistant' %}
        {%- set said = message['content'] %}
        {%- if '</think>' in said %}{% set said = said.split('</think>')[-1] %}{% endif %}
        {{- '<|assistant|>' + said }}
        {%- for call in message.tool_calls %}
            {{- '<tool_call>' ~ call.function | tojson ~ '</tool_call>' }}
        {%- endfor %}
        {{- eos_token }}
    {%- endif %}
{%- endfor %}
{%- if tools %}{{ '<|tools|>' ~ tools | tojson }}{% endif %}
{%- if add_generation_prompt %}
    {{- '<|assistant|><think>\\n' }}
    {%- if enable_thinking is defined and not enable_thinking %}{{ '</think>\\n' }}{% endif %}
{%- endif %}
"""
BOS, EOS = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"
MARKS = [
    "<think>", "</think>", "<｜User｜>", "<｜Assistant｜>", "<｜end▁of▁sentence｜>", "<|im_start|>",
    "<|im_end|>", "<|eot_id|>", "<|start_header_id|>", "<start_of_turn>", "<end_of_turn>",
    "<|turn>", "<turn|>", "<|channel>", "<channel|>", "<|message|>", "<|end|>", "[INST]",
    "[/INST]", "[THINK]", "</tool_call>", "<|end_of_text|>", "<|user|>", "<|assistant|>",
]  # fmt: skip


@functools.cache
def template(name: str, marks: Marks | None = None, fold_system: bool = False) -> ChatTemplate:
    return ChatTemplate(source(name), bos=BOS, eos=EOS, marks=marks, fold_system=fold_system)


def test_segments_say_who_wrote_what() -> None:
    prompt = ChatTemplate(OURS, bos="<|begin|>", eos="<|end|>").render(
        talk("Hi <|user|>", "a</think>b", "why", system="")
    )
    assert prompt.segments == (
        Segment("<|begin|><|user|>", "template"),
        Segment("Hi <|user|>", "content"),
        Segment("<|assistant|>", "template"),
        Segment("b", "content"),
        Segment("<|end|><|user|>", "template"),
        Segment("why", "content"),
        Segment("<|assistant|><think>\n", "template"),
    )
    assert prompt.text == "<|begin|><|user|>Hi <|user|><|assistant|>b<|end|><|user|>why" + (
        "<|assistant|><think>\n"
    )
    assert prompt.opening == "reasoning"
    assert prompt.marks == Marks("<think>", "</think>")


def test_tools_calls_and_results_are_content() -> None:
    messages = [Message("user", "time?"), Message("assistant", "", tool_calls=(CALL,))]
    prompt = ChatTemplate(OURS).render([*messages, Message("tool", "</tool_call>12")], tools=[TOOL])
    shown = content_text(prompt)
    assert "Europe/<think>Paris" in shown and "</tool_call>12" in shown and "<|im_end|>" in shown
    assert template_text(prompt) == (
        "<|user|>\0<|assistant|><tool_call>\0</tool_call><|tool|>\0<|tools|>\0<|assistant|><think>\n"
    )
    assert prompt.tool_marks == Marks("<tool_call>", "</tool_call>")


def test_without_tools_a_reply_has_no_tool_marks() -> None:
    assert ChatTemplate(OURS).render(talk("x")).tool_marks is None


def test_thinking_is_on_unless_it_is_switched_off() -> None:
    ours = ChatTemplate(OURS)
    assert ours.can_switch_thinking
    assert ours.render(talk("x")).opening == "reasoning"
    assert ours.render(talk("x"), think=True).opening == "reasoning"
    off = ours.render(talk("x"), think=False)
    assert off.opening == "answer" and off.text.endswith("<think>\n</think>\n")
    assert ours.render(talk("x"), add_generation_prompt=False).opening == "answer"


def test_a_switch_is_given_only_to_a_template_that_asks_for_it() -> None:
    words = "{% if thinking %}<think>{% else %}{{ enable_thinking | default('no') }}{% endif %}"
    assert ChatTemplate(words + "</think>").render([], think=True).text == "<think></think>"
    deaf = ChatTemplate("{{ 'x' }}</think>")
    assert not deaf.can_switch_thinking
    assert deaf.render([], think=False).text == "x</think>"


def test_marks_that_content_or_an_earlier_word_of_the_template_holds_open_nothing() -> None:
    spoken = "Think in <think> marks.{% for m in messages %}{{ m.content }}{% endfor %}Reply: "
    marks = Marks("<think>", "</think>")
    prompt = ChatTemplate(spoken, marks=marks).render(talk("<think>"))
    assert prompt.marks == marks
    assert prompt.opening == "answer"
    assert ChatTemplate("{{ messages[0].content }}", marks=marks).render(
        talk("<think>")
    ).opening == ("answer")


def test_no_template_is_stated_and_chatml_takes_its_place() -> None:
    fallback = ChatTemplate(None)
    assert fallback.is_fallback and not ChatTemplate(OURS).is_fallback
    prompt = fallback.render(talk("Hi", "Yo", "Bye", system="Be brief."))
    assert prompt.text == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\nYo<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert content_text(prompt) == "Be brief.HiYoBye"
    assert prompt.opening == "answer" and prompt.marks is None


def test_an_empty_template_is_a_template() -> None:
    empty = ChatTemplate("")
    assert not empty.is_fallback
    assert empty.render(talk("x")).segments == ()


def test_a_system_prompt_is_folded_into_the_first_user_turn() -> None:
    messages = talk("Hi", "Yo", "Bye", system="Be brief.")
    assert fold_system(messages) == talk("Be brief.\n\nHi", "Yo", "Bye")
    assert fold_system([messages[0]]) == talk("Be brief.")
    assert fold_system([messages[0], *messages]) == talk(
        "Be brief.\n\nBe brief.\n\nHi", "Yo", "Bye"
    )
    folding = ChatTemplate(OURS, fold_system=True)
    assert folding.render(messages).text.startswith("<|user|>Be brief.\n\nHi<|assistant|>Yo")


def test_text_without_a_template_is_all_content() -> None:
    prompt = Prompt.raw("Once <think> upon")
    assert prompt.segments == (Segment("Once <think> upon", "content"),)
    assert (
        prompt.opening == "answer" and prompt.marks is None and prompt.text == "Once <think> upon"
    )


def test_a_trusted_string_that_comes_back_as_content_is_content() -> None:
    """A role, or anything else that was the template's, cannot be smuggled in as a message."""
    [turn] = as_dictionaries(talk("x"), CallShape())
    role = turn["role"]
    prompt = ChatTemplate("{{ messages[0].content }}").render([Message("user", role)])
    assert prompt.segments == (Segment("user", "content"),)
    [name] = as_content({role: role}).items()
    assert [type(word) for word in name] == [str, str]


def test_bad_messages_and_tools_are_refused() -> None:
    ours = ChatTemplate(OURS)
    with pytest.raises(TemplateError, match="'developer'"):
        ours.render([Message("developer", "x")])  # type: ignore[arg-type]
    with pytest.raises(TemplateError, match="a set"):
        ours.render(talk("x"), tools=[{"name": {1}}])
    deep: dict[str, object] = {}
    for _ in range(3000):
        deep = {"x": deep}
    with pytest.raises(TemplateError, match="deep"):
        ours.render([Message("assistant", "", tool_calls=(ToolCall("f", deep),))])
    with pytest.raises(TemplateError, match="no place for tools"):
        ChatTemplate("{{ messages }}").render(talk("x"), tools=[TOOL])
    with pytest.raises(TemplateError, match="cannot show tool calls"):
        ChatTemplate(None).render([Message("assistant", "", tool_calls=(CALL,))])


def test_a_template_that_shows_text_or_calls_is_given_two_turns() -> None:
    """As in R1-Distill-Llama: a turn's calls are shown only where its content is none."""
    either = """
{%- for m in messages %}
    {%- if m.role == 'assistant' and m.content is none %}
        {{- 'CALL' + m.tool_calls[0].function.name + m.tool_calls[0].function.arguments }}
    {%- else %}{{ m.role ~ ':' ~ m.content ~ ';' }}{% endif %}
{%- endfor %}"""
    messages = [Message("assistant", "Let me see.", tool_calls=(CALL,)), Message("tool", "12")]
    assert ChatTemplate(either).render(messages).text == (
        'assistant:Let me see.;CALLclock{"zone": "Europe/<think>Paris"}tool:12;'
    )


def test_a_result_is_given_the_name_and_id_of_the_call_it_answers() -> None:
    calls = (ToolCall("a", {}, "1"), ToolCall("b"))
    turns = as_dictionaries(
        [Message("assistant", "", "", calls), Message("tool", "A"), Message("tool", "B")],
        CallShape(),
    )
    assert [turn.get("name") for turn in turns] == [None, "a", "b"]
    assert [turn.get("tool_call_id") for turn in turns] == [None, "1", "call00002"]
    assert [call["id"] for call in turns[0]["tool_calls"]] == ["1", "call00002"]


def test_two_threads_may_render_at_once() -> None:
    ours = ChatTemplate(OURS)
    conversation = talk(*["word " * 50] * 201)
    expected = ours.render(conversation)
    found: list[bool] = []

    def render() -> None:
        found.extend(ours.render(conversation) == expected for _ in range(5))

    threads = [threading.Thread(target=render) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 20


# What real templates make of ordinary conversations.


def test_tiny_opens_its_reasoning_and_knows_tools() -> None:
    tiny = template("tiny")
    messages = [
        *talk("time?", system="Be brief."),
        Message("assistant", "", reasoning="I need the clock.", tool_calls=(CALL,)),
        Message("tool", "12"),
    ]
    prompt = tiny.render(messages, tools=[TOOL])
    assert prompt.text == (
        f"{BOS}Be brief.\nTools:\nclock(zone):Tells the time </think> of a <|im_end|> zone\n"
        '<｜User｜>time?<｜Assistant｜><tool_call>\n{"name": "clock", "arguments": '
        '{"zone": "Europe/<think>Paris"}}\n</tool_call><｜end▁of▁sentence｜>'
        "<｜User｜><tool_response>\n12\n</tool_response><｜Assistant｜><think>\n"
    )
    assert prompt.opening == "reasoning"
    assert prompt.tool_marks == Marks("<tool_call>", "</tool_call>")


def test_r1_distill_llama_opens_its_reasoning_in_the_prompt() -> None:
    r1 = template("deepseek-ai-DeepSeek-R1-Distill-Llama-8B", fold_system=True)
    history = [*talk("2+2?", system="Be brief."), Message("assistant", "4", reasoning="Hm, 2+2.")]
    prompt = r1.render([*history, Message("user", "And 3+3?")])
    assert prompt.text == (
        "<｜begin▁of▁sentence｜><｜User｜>Be brief.\n\n2+2?<｜Assistant｜>4<｜end▁of▁sentence｜>"
        "<｜User｜>And 3+3?<｜Assistant｜><think>\n"
    )
    assert prompt.opening == "reasoning"
    assert prompt.marks == Marks("<think>", "</think>")
    assert not r1.can_switch_thinking and not r1.can_offer_tools
    assert r1.render(history, think=False) == r1.render(history)


def test_r1_distill_llama_shows_tool_calls() -> None:
    r1 = template("deepseek-ai-DeepSeek-R1-Distill-Llama-8B")
    messages = [*talk("time?"), Message("assistant", "", tool_calls=(CALL,)), Message("tool", "12")]
    prompt = r1.render(messages)
    assert prompt.text.endswith(
        "<｜User｜>time?<｜Assistant｜><｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function"
        '<｜tool▁sep｜>clock\n```json\n{"zone": "Europe/<think>Paris"}\n```<｜tool▁call▁end｜>'
        "<｜tool▁outputs▁begin｜><｜tool▁output▁begin｜>12<｜tool▁output▁end｜><｜tool▁outputs▁end｜>"
    )
    assert "<think>" not in template_text(prompt)


def test_the_copy_of_r1_distill_qwen_that_closes_reasoning_is_told_to_think() -> None:
    r1 = template("deepseek-ai-DeepSeek-R1-Distill-Qwen-32B")
    assert r1.can_switch_thinking
    assert r1.render(talk("x")).text.endswith("<｜Assistant｜><think>\n")
    assert r1.render(talk("x")).opening == "reasoning"
    off = r1.render(talk("x"), think=False)
    assert off.text.endswith("<｜Assistant｜><think>\n</think>")
    assert off.opening == "answer"


def test_qwen3_opens_its_reasoning_itself_and_can_be_told_not_to() -> None:
    qwen = template("Qwen-Qwen3-0.6B")
    prompt = qwen.render(talk("Hi", system="Be brief."))
    assert prompt.text == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert prompt.opening == "answer"
    off = qwen.render(talk("Hi"), think=False)
    assert off.text.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert off.opening == "answer"


def test_qwen3_keeps_reasoning_between_a_call_and_its_result_only() -> None:
    qwen = template("Qwen-Qwen3-0.6B")
    before = [Message("user", "Hi"), Message("assistant", "Yo", reasoning="old")]
    call = Message("assistant", "", reasoning="new", tool_calls=(CALL,))
    prompt = qwen.render([*before, Message("user", "time?"), call, Message("tool", "12")])
    assert "old" not in prompt.text
    assert prompt.text.endswith(
        "<|im_start|>assistant\n<think>\nnew\n</think>\n\n"
        '<tool_call>\n{"name": "clock", "arguments": {"zone": "Europe/<think>Paris"}}\n'
        "</tool_call><|im_end|>\n"
        "<|im_start|>user\n<tool_response>\n12\n</tool_response><|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert template_text(prompt).count("<think>") == 1
    assert prompt.opening == "answer"


def test_qwen3_lists_tools() -> None:
    prompt = template("Qwen-Qwen3-0.6B").render(talk("time?"), tools=[TOOL])
    assert '<tools>\n{"type": "function", "function": {"name": "clock"' in prompt.text
    assert "Tells the time </think> of a <|im_end|> zone" in content_text(prompt)
    assert prompt.tool_marks == Marks("<tool_call>", "</tool_call>")


@pytest.mark.parametrize(
    ("name", "think", "ending", "opening"),
    [
        ("Qwen3.5-4B", None, "<|im_start|>assistant\n<think>\n", "reasoning"),
        ("Qwen3.5-4B", False, "<think>\n\n</think>\n\n", "answer"),
        ("HuggingFaceTB-SmolLM3-3B", None, "<|im_start|>assistant\n", "answer"),
        ("HuggingFaceTB-SmolLM3-3B", False, "<think>\n\n</think>\n", "answer"),
        ("google-gemma-4-31B-it", None, "<|turn>model\n", "answer"),
        ("google-gemma-4-31B-it", False, "<|channel>thought\n<channel|>", "answer"),
        ("mistralai-Ministral-3-14B-Reasoning-2512", None, "[/INST]", "answer"),
        ("openai-gpt-oss-120b", None, "<|end|><|start|>assistant", "answer"),
        ("LFM2.5-Instruct", None, "<|im_start|>assistant\n", "answer"),
        ("google-gemma-2-2b-it", None, "<start_of_turn>model\n", "answer"),
        ("ibm-granite-granite-4.1", None, "<|start_of_role|>assistant<|end_of_role|>", "answer"),
        (
            "meta-llama-Llama-3.2-3B-Instruct",
            None,
            "<|start_header_id|>assistant<|end_header_id|>\n\n",
            "answer",
        ),
        ("microsoft-Phi-3.5-mini-instruct", None, "<|assistant|>\n", "answer"),
    ],
)
def test_how_prompts_end(name: str, think: bool | None, ending: str, opening: str) -> None:
    prompt = template(name).render(talk("Hello"), think=think)
    assert prompt.text.endswith(ending)
    assert prompt.opening == opening


def test_which_marks_templates_speak_of() -> None:
    assert template("google-gemma-4-31B-it").marks == Marks("<|channel>thought", "<channel|>")
    assert template("mistralai-Ministral-3-14B-Reasoning-2512").marks == Marks(
        "[THINK]", "[/THINK]"
    )
    assert template("google-gemma-2-2b-it").marks is None
    assert template("microsoft-Phi-3.5-mini-instruct").marks is None
    harmony = template("openai-gpt-oss-120b").marks
    assert harmony and harmony.open == "<|channel|>analysis<|message|>"
    pair = Marks("<|channel|>analysis<|message|>", "<|end|>")
    assert template("openai-gpt-oss-120b", marks=pair).marks == harmony


def test_a_model_that_refuses_a_system_prompt_says_so_in_its_own_words() -> None:
    gemma = "google-gemma-2-2b-it"
    with pytest.raises(TemplateError, match="System role not supported"):
        template(gemma).render(talk("x", system="Be brief."))
    folded = template(gemma, fold_system=True).render(talk("x", system="Be brief."))
    assert "<start_of_turn>user\nBe brief.\n\nx<end_of_turn>" in folded.text


# Properties that hold for any content, in every real template.

contents = st.lists(
    st.sampled_from(
        [*MARKS, "\n", "  ", "`", "a", "é<", "/no_think", "<tool_response>", "{{ 1 }}"]
    ),
    max_size=8,
).map("".join)
conversations = st.integers(0, 2).flatmap(
    lambda replies: st.tuples(*[contents] * (2 * replies + 1))
)


def rendered(name: str, messages: Sequence[Message], **options: Any) -> Prompt | None:
    """The prompt; None where the template refuses."""
    try:
        return template(name).render(messages, **options)
    except TemplateError:
        return None


def outcome(name: str, messages: Sequence[Message], **options: Any) -> str | None:
    prompt = rendered(name, messages, **options)
    return None if prompt is None else prompt.text


def reference(name: str, messages: Sequence[Message], **options: Any) -> str | None:
    """What jinja2 alone makes of the same turns; None where the template refuses."""
    ours = template(name)
    calls = any(message.tool_calls for message in messages)
    turns = as_dictionaries(messages, ours._call_shape if calls else CallShape())
    try:
        return plain_jinja(
            source(name),
            turns,
            bos_token=BOS,
            eos_token=EOS,
            add_generation_prompt=True,
            tools=options.get("tools"),
            **({"enable_thinking": options["think"]} if ours.can_switch_thinking else {}),
        )
    except Exception:
        return None


@real_templates
@given(talked=conversations, system=contents, think=st.booleans())
@settings(max_examples=25)
def test_a_prompt_is_what_jinja_makes_of_it(
    name: str, talked: tuple[str, ...], system: str, think: bool
) -> None:
    messages = talk(*talked, system=system)
    assert outcome(name, messages, think=think) == reference(name, messages, think=think)


@real_templates
def test_a_prompt_with_tools_is_what_jinja_makes_of_it(name: str) -> None:
    ours = template(name)
    messages = [
        *talk("time?", system="Be brief."),
        Message("assistant", "", reasoning="A clock would know.", tool_calls=(CALL,)),
        Message("tool", "12 </tool_response>"),
        Message("assistant", "It is noon.", reasoning="Easy."),
        Message("user", "Thanks"),
    ]
    tools = [TOOL] if ours.can_offer_tools else None
    text = outcome(name, messages, tools=tools, think=True)
    if text is None:
        with pytest.raises(TemplateError, match=r"tool calls|System role"):
            ours.render(messages, tools=tools)
    else:
        assert text == reference(name, messages, tools=tools, think=True)


@real_templates
@given(talked=conversations, system=contents)
@settings(max_examples=25)
def test_content_never_passes_for_the_templates_words(
    name: str, talked: tuple[str, ...], system: str
) -> None:
    """Every piece of content between letters that no template has: none of it in template text,
    and no mark there that is not there for harmless content as well."""
    refuses_system = rendered(name, talk("x", system="x")) is None
    ours = template(name, fold_system=refuses_system)
    fenced = [f"\ue000{content}\ue001" for content in talked]
    written = template_text(ours.render(talk(*fenced, system=f"\ue000{system}\ue001")))
    assert "\ue000" not in written and "\ue001" not in written
    if "think" not in system:  # SmolLM3 is switched by words in its system prompt
        assert written == template_text(ours.render(talk(*["x"] * len(talked), system="x")))
