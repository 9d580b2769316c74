"""A model's chat template: messages in, a prompt of template and content segments out."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from runner.errors import TemplateError
from runner.prompt import marks as known
from runner.prompt.messages import (
    CallShape,
    Message,
    ToolCall,
    as_content,
    as_dictionaries,
    fold_system,
)
from runner.prompt.sandbox.text import literal
from runner.prompt.segments import Kind, Marks, Prompt, Segment

# ChatML, for models whose file has no template; the command line says that it is used.
FALLBACK = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)

# Names under which templates ask whether to think.
_SWITCHES = ("enable_thinking", "thinking")


class ChatTemplate:
    """A compiled template with the facts of its model.

    `is_fallback`: the model brought none, so ChatML is used.
    `marks`, `tool_marks`: around reasoning and tool calls, None where there are none.
    `can_switch_thinking`: `think` makes a difference. `can_offer_tools`: so does `tools`.
    """

    def __init__(
        self,
        source: str | None,
        *,
        bos: str = "",
        eos: str = "",
        marks: Marks | None = None,
        fold_system: bool = False,
    ) -> None:
        """`source`: the GGUF's Jinja template; `bos`, `eos`: its tokens as text.

        `marks` None: those the template speaks of, if it does. Raises TemplateError where the
        template cannot be compiled.
        """
        from runner.prompt.sandbox.environment import Program

        self.is_fallback = source is None
        source = FALLBACK if source is None else source
        self._program = Program(source)
        self._fold_system = fold_system
        self._tokens = {"bos_token": literal(bos), "eos_token": literal(eos)}
        self._switches = [name for name in _SWITCHES if name in self._program.variables]
        self.marks = known.completed(marks) if marks else known.reasoning_marks(source)
        self.tool_marks = known.tool_marks(source)
        self.can_switch_thinking = bool(self._switches)
        self.can_offer_tools = "tools" in self._program.variables

    def render(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        think: bool | None = None,
        add_generation_prompt: bool = True,
    ) -> Prompt:
        """The prompt for these messages.

        `tools`: OpenAI's function descriptions. `think`: whether to reason, where the template can
        switch it; None: yes, if the model can. Raises TemplateError when the template fails,
        refuses the messages (in its own words), breaks its bounds, or has no place for tools.
        """
        if tools and not self.can_offer_tools:
            raise TemplateError(
                "This model's chat template has no place for tools.",
                remedy="Chat without tools, or choose a model that was taught to use them.",
            )
        calls = any(message.tool_calls for message in messages)
        if think is None and self.marks:
            think = True
        segments = self._segments(
            fold_system(messages) if self._fold_system else messages,
            self._call_shape if calls else CallShape(),
            tools=as_content(list(tools)) if tools else None,
            add_generation_prompt=add_generation_prompt,
            **({} if think is None else dict.fromkeys(self._switches, think)),
        )
        tool_marks = self.tool_marks if tools or calls else None
        return Prompt(segments, _opening(segments, self.marks), self.marks, tool_marks)

    def _segments(
        self, messages: Sequence[Message], shape: CallShape, **variables: Any
    ) -> tuple[Segment, ...]:
        turns = as_dictionaries(messages, shape)
        stretches = self._program.render({"messages": turns, **self._tokens, **variables})
        return tuple(Segment(text, "template" if own else "content") for text, own in stretches)

    @cached_property
    def _call_shape(self) -> CallShape:
        """The form in which this template shows tool calls and their results, found by trying.

        Templates differ, and one that does not know a form fails or leaves the calls out.
        """
        call = ToolCall("probe_name", {"probe_key": "probe_value"})
        for content in (None, ""):
            for as_json in (False, True):
                shape = CallShape(content, as_json)
                if self._shows(shape, call, ""):
                    apart = not self._shows(shape, call, "probe_text")
                    return CallShape(content, as_json, apart)
        raise TemplateError(
            "This model's chat template cannot show tool calls and their results.",
            remedy="Start a new conversation without tools, or choose a model that knows them.",
        )

    def _shows(self, shape: CallShape, call: ToolCall, content: str) -> bool:
        conversation = [
            Message("user", "question"),
            Message("assistant", content, tool_calls=(call,)),
            Message("tool", "probe_result"),
        ]
        try:
            segments = self._segments(conversation, shape, tools=None, add_generation_prompt=True)
        except TemplateError:
            return False
        shown = "".join(segment.text for segment in segments if segment.origin == "content")
        return all(
            words in shown for words in ("probe_name", "probe_value", "probe_result", content)
        )


def _opening(segments: Sequence[Segment], marks: Marks | None) -> Kind:
    """How the reply begins: inside reasoning if the prompt ends with reasoning opened.

    Only the template's words after the last content count: elsewhere it may speak of the marks.
    """
    if not segments or marks is None or segments[-1].origin == "content":
        return "answer"
    end = segments[-1].text
    return "reasoning" if end.rfind(marks.open) > end.rfind(marks.close) else "answer"
