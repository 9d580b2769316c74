"""A model's chat template: messages in, a prompt of template and content segments out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from runner.errors import TemplateError
from runner.prompt import marks as known
from runner.prompt.calls.call import ToolCall
from runner.prompt.messages import (
    CallShape,
    Message,
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

# Names under which templates ask whether to think, and for tools.
_SWITCHES = ("enable_thinking", "thinking")
_TOOLS = ("tools", "xml_tools")


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
        self._tools = next((name for name in _TOOLS if name in self._program.variables), None)
        self.can_offer_tools = self._tools is not None

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
            add_generation_prompt=add_generation_prompt,
            **{self._tools or "tools": as_content(list(tools)) if tools else None},
            **({} if think is None else dict.fromkeys(self._switches, think)),
        )
        tool_marks = None
        if tools or calls:
            tool_marks = known.calling(self.tool_marks, _names(messages, tools or ()))
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
        written = [CallShape(written=self.tool_marks)] if self.tool_marks else []
        shapes = [CallShape(content, json) for content in (None, "") for json in (False, True)]
        for shape in (*shapes, *written):
            if self._shows(shape, "", 1):
                return replace(
                    shape,
                    apart=not self._shows(shape, "probe_text", 1),
                    single=not self._shows(shape, "", 2),
                )
        raise TemplateError(
            "This model's chat template cannot show tool calls and their results.",
            remedy="Start a new conversation without tools, or choose a model that knows them.",
        )

    def _shows(self, shape: CallShape, content: str, count: int) -> bool:
        """Whether a turn with this content and number of calls, and its results, is shown whole."""
        calls = [ToolCall(f"name_{n}", {"probe_key": f"value_{n}"}) for n in range(count)]
        conversation = [
            Message("user", "question"),
            Message("assistant", content, tool_calls=tuple(calls)),
            *(Message("tool", f"result_{n}") for n in range(count)),
        ]
        try:
            segments = self._segments(conversation, shape, tools=None, add_generation_prompt=True)
        except TemplateError:
            return False
        shown = "".join(segment.text for segment in segments if segment.origin == "content")
        wanted = [f"{part}_{n}" for n in range(count) for part in ("name", "value", "result")]
        return all(words in shown for words in (content, *wanted))


def _names(messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of the tools that are offered, or of those that were called before."""
    if tools:
        functions = (tool.get("function", tool) for tool in tools)
        return [str(function.get("name", "")) for function in functions]
    return sorted({call.name for message in messages for call in message.tool_calls})


def _opening(segments: Sequence[Segment], marks: Marks | None) -> Kind:
    """How the reply begins: inside reasoning if the prompt ends with reasoning opened.

    Only the template's words after the last content count: elsewhere it may speak of the marks.
    """
    if not segments or marks is None or segments[-1].origin == "content":
        return "answer"
    end = segments[-1].text
    return "reasoning" if end.rfind(marks.open) > end.rfind(marks.close) else "answer"
