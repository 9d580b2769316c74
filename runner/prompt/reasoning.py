"""A streamed reply as typed parts: reasoning, answer, tool calls."""

import re
from collections.abc import Collection

from runner.prompt.code_spans import CodeSpans
from runner.prompt.segments import Kind, Prompt

Part = tuple[Kind, str]


class ReplyParser:
    """Gives each piece of a reply its kind as it arrives.

    It begins where the prompt left off: a prompt that ends with `<think>` is answered from inside
    the reasoning. A mark changes the kind and is itself no text, except where it is quoted: in
    code in an answer, or between backticks in reasoning. Line breaks right after a mark are
    dropped. Of the text that arrived, only what may be the beginning of a mark is held back.
    How the reply is divided between the calls makes no difference to the parts joined.
    """

    def __init__(self, prompt: Prompt, *, mark_tokens: Collection[str] = ()) -> None:
        """`mark_tokens`: marks that are tokens of the vocabulary. Written in letters, such a mark
        is text; the others are recognized by their letters."""
        self._kind: Kind = prompt.opening
        self._mark_tokens = frozenset(mark_tokens)
        reasoning, tools = prompt.marks, prompt.tool_marks
        around = reasoning.around if reasoning else ()
        # What to watch for in each kind, and the kind that follows.
        self._turns: dict[Kind, dict[str, Kind]] = {
            "reasoning": {},
            "answer": dict.fromkeys(around, "answer"),
            "tool_call": {},
        }
        if reasoning:
            self._turns["reasoning"] = {reasoning.open: "reasoning", reasoning.close: "answer"}
            self._turns["answer"] |= {reasoning.open: "reasoning", reasoning.close: "answer"}
        if tools:
            self._turns["answer"] |= dict.fromkeys((tools.open, *tools.more), "tool_call")
            if tools.close:
                self._turns["tool_call"][tools.close] = "answer"
        self._patterns = {kind: _any_of(marks) for kind, marks in self._turns.items()}
        self._held = ""
        self._consumed = 0  # characters of the reply before those held
        self._token_starts: set[int] = set()  # where marks that came as tokens begin
        self._at_start = prompt.opening == "reasoning"  # nothing yet since the last mark
        self._begins = tools.begins if tools else ()
        self._blank = True  # nothing but white space since the last mark
        self._code = CodeSpans()

    def feed(self, text: str, *, token_is_mark: bool = False) -> list[Part]:
        """The parts that are certain now.

        `token_is_mark`: the text is exactly one control or user-defined token.
        """
        if token_is_mark:
            self._token_starts.add(self._consumed + len(self._held))
        self._held += text
        return self._advance(final=False)

    def close(self) -> list[Part]:
        """The parts that were held back; the reply is over."""
        return self._advance(final=True)

    @property
    def kind(self) -> Kind:
        """The kind of what has been told apart so far, and of what comes next."""
        return self._kind

    def watches(self, token: str) -> bool:
        """Whether this control token is a mark or a part of one, and so has to be fed."""
        return any(token in mark for marks in self._turns.values() for mark in marks)

    def _advance(self, *, final: bool) -> list[Part]:
        parts: list[Part] = []
        while True:
            if (calls := self._begins_a_call()) is None and not final:
                return _merged(parts)
            if calls:
                self._kind = "tool_call"
            match = self._patterns[self._kind].search(self._held)
            if match is None:
                break
            mark, after = match.group(), self._held[match.end() :]
            self._emit(match.start(), parts)
            if not final and not after and self._kind == "reasoning" and self._code.inside_inline:
                return _merged(parts)  # the next letter tells whether the mark is quoted
            if self._is_text(mark, after):
                self._emit(len(mark), parts)
            else:
                self._turn(mark)
        kept = 0 if final else _beginning(self._held, self._turns[self._kind])
        self._emit(len(self._held) - kept, parts)
        return _merged(parts)

    def _begins_a_call(self) -> bool | None:
        """Whether what is held begins an answer that is all a tool call; None: it may yet."""
        if not self._begins or self._kind != "answer" or not self._blank:
            return False
        held = "".join(self._held.split())
        if held.startswith(self._begins):
            return True
        return None if any(one.startswith(held) for one in self._begins) else False

    def _is_text(self, mark: str, after: str) -> bool:
        """Whether the mark at the front of what is held is quoted or only looks like one."""
        if mark in self._mark_tokens and self._consumed not in self._token_starts:
            return True
        if self._kind == "answer":
            return self._code.inside
        if self._kind == "reasoning":
            if self._turns["reasoning"][mark] == "reasoning":
                return not self._at_start  # opened twice, or only spoken of
            return self._code.inside_inline and after.startswith("`")
        return False

    def _turn(self, mark: str) -> None:
        self._kind = self._turns[self._kind][mark]
        self._drop(len(mark))
        self._at_start = self._blank = True
        self._code = CodeSpans()

    def _emit(self, length: int, parts: list[Part]) -> None:
        text = self._held[:length]
        self._drop(length)
        if self._at_start:
            text = text.lstrip("\r\n")
        if text:
            self._at_start = False
            self._blank = self._blank and text.isspace()
            self._code.feed(text)
            parts.append((self._kind, text))

    def _drop(self, length: int) -> None:
        self._held = self._held[length:]
        self._consumed += length


def _any_of(marks: Collection[str]) -> re.Pattern[str]:
    """A pattern for any of the marks; with none, one that matches nowhere."""
    return re.compile("|".join(map(re.escape, marks)) or r"(?!)")


def _beginning(text: str, marks: Collection[str]) -> int:
    """The length of the longest end of the text with which a mark could begin."""
    return max(
        (
            length
            for mark in marks
            for length in range(1, min(len(mark), len(text) + 1))
            if text.endswith(mark[:length])
        ),
        default=0,
    )


def _merged(parts: list[Part]) -> list[Part]:
    """Neighbouring parts of one kind joined."""
    merged: list[Part] = []
    for kind, text in parts:
        if merged and merged[-1][0] == kind:
            merged[-1] = (kind, merged[-1][1] + text)
        else:
            merged.append((kind, text))
    return merged
