"""How an answer in words is held against the right one. Each matcher has a name, which the record
of a task gives beside its figures, and a rule that fits into a sentence."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from runner.bench.quality.latex import boxed, normalised
from runner.bench.quality.numbers import last_number, number_of
from runner.bench.quality.task import Question
from runner.errors import ConfigurationError, RunnerError
from runner.prompt import ToolCall, parse_tool_calls

RULES = 2
"""Raised with every change to what is right: what was judged by others is not gone on with."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said after its reasoning: its words, and the tool calls as it wrote them."""

    text: str
    calls: str = ""

    @property
    def whole(self) -> str:
        """Both, as a reply without calls is its text alone."""
        return "\n".join(part for part in (self.text.strip(), self.calls.strip()) if part)


@dataclass(frozen=True, slots=True)
class Matcher:
    """`rule` says in words what `judge` does: (answer, expected) to whether it is right, and what
    of the answer was compared."""

    name: str
    rule: str
    judge: Callable[[Answer, str], tuple[bool, str]]


def matcher(name: str) -> Matcher:
    """The matcher of a name. Raises ConfigurationError, naming those there are."""
    if name not in MATCHERS:
        raise ConfigurationError(
            f"there is no matcher {name!r}", remedy=f"There are {', '.join(MATCHERS)}."
        )
    return MATCHERS[name]


def judge(question: Question, answer: Answer) -> tuple[bool, str]:
    """Whether the answer to a question is right, and what of it was compared."""
    rule, expected = matcher(question.matcher), question.expected
    if (reading := question.reading) is not None:
        answer = Answer(reading.found(answer.whole))
        references = expected.splitlines() if rule.name == ONE_OF else [expected]
        expected = "\n".join(map(reading.bare, references))
    return rule.judge(answer, expected)


def _exact(answer: Answer, expected: str) -> tuple[bool, str]:
    return answer.whole == expected.strip(), answer.whole


def _one_of(answer: Answer, expected: str) -> tuple[bool, str]:
    return answer.whole in expected.splitlines(), answer.whole


def _begins(answer: Answer, expected: str) -> tuple[bool, str]:
    return answer.whole.startswith(expected), answer.whole[: len(expected)]


def _numeric(answer: Answer, expected: str) -> tuple[bool, str]:
    found, wanted = last_number(answer.text), last_number(expected)
    return found.value is not None and found.value == wanted.value, found.text


def _boxed(answer: Answer, expected: str) -> tuple[bool, str]:
    inside = boxed(answer.text)
    said = inside if inside is not None else last_line(answer.text)
    found, wanted = normalised(said), normalised(boxed(expected) or expected)
    if found == wanted:
        return True, found
    one, other = number_of(found), number_of(wanted)
    return one is not None and one == other, found


def _letter(answer: Answer, expected: str) -> tuple[bool, str]:
    found = choice_letter(answer.text)
    return found == expected.strip().upper(), found


def _call(answer: Answer, expected: str) -> tuple[bool, str]:
    try:
        found, wanted = parse_tool_calls(answer.calls), [_wanted(expected)]
    except RunnerError:
        return False, answer.whole
    said = [{"name": call.name, "arguments": call.arguments} for call in found]
    extracted = json.dumps(said, ensure_ascii=False)
    alone = not answer.text.strip()
    return alone and [(c.name, c.arguments) for c in found] == [
        (c.name, c.arguments) for c in wanted
    ], extracted


def _wanted(expected: str) -> ToolCall:
    said = json.loads(expected)
    return ToolCall(said["name"], said["arguments"])


_MARKS = re.compile(r"\\[\[\]]|\$\$|\\(?:begin|end)\{\w+\*?\}")


def last_line(text: str) -> str:
    """The last line that is not blank nor only marks the end of mathematics, without what leads to
    an answer ("The answer is …")."""
    stripped = (line.strip() for line in text.splitlines())
    lines = [line for line in stripped if line and not _MARKS.fullmatch(line)]
    if not lines:
        return ""
    led = re.search(r"\b(?:answer|result)\b(?:\s+is)?\s*[:=]?\s*(.+)", lines[-1], re.IGNORECASE)
    return (led[1] if led else lines[-1]).strip(" *.`")


# A small letter may be a word ("the answer is a prime"), but for one that something follows.
_LETTER = r"(?:[A-J]\b|[a-j](?=[).,:;\]}*]|\s*$))"
_IS = r"(?:\s+(?i:is))?\s*[:=]?\s*\**\s*[(\[]?\s*"
_SAID = re.compile(
    rf"(?:(?i:answer){_IS}({_LETTER})|(?i:choice|option){_IS}([A-Ja-j])\b)(?!['’])", re.MULTILINE
)
_ALONE = re.compile(r"(?<![\w'’])[(\[]?([A-J])(?:[)\].:,]|\b)(?!['’]\w)(?!\s+[a-z])")


def choice_letter(text: str) -> str:
    """The letter that an answer names, "" without one: the one in the last `\\boxed{}`, else after
    the last "answer is", "choice" or "option", else the last that stands alone."""
    inside = re.sub(r"\\\w+", " ", boxed(text) or "")
    if found := re.search(rf"\b{_LETTER}", inside):
        return found[0].upper()
    if said := [one[1] or one[2] for one in _SAID.finditer(text)]:
        return str(said[-1]).upper()
    alone = _ALONE.findall(text)
    return str(alone[-1]) if alone else ""


ONE_OF = "one of"

MATCHERS = {
    one.name: one
    for one in (
        Matcher("exact", "the answer is the expected text, to the letter", _exact),
        Matcher(ONE_OF, "the answer is one of the expected lines, to the letter", _one_of),
        Matcher("begins", "the answer begins with the expected text", _begins),
        Matcher(
            "numeric",
            "what is in the last \\boxed{} is, but for a unit and words, the expected number, or "
            "that after ####, or the last one of the text",
            _numeric,
        ),
        Matcher(
            "boxed",
            "what is in the last \\boxed{}, else the last line, is the expected LaTeX once both "
            "are written alike, or has its value",
            _boxed,
        ),
        Matcher("letter", "the letter of the choice that the answer names", _letter),
        Matcher("call", "the answer is the expected tool call with its arguments, alone", _call),
    )
}
