"""How an answer in words is held against the right one. Each matcher has a name, which the record
of a task gives beside its figures, and a rule that fits into a sentence."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from runner.bench.quality.latex import boxed, normalised, number_of
from runner.errors import ConfigurationError, RunnerError
from runner.prompt import ToolCall, parse_tool_calls

Extract = Callable[[str], str]


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


def _exact(answer: Answer, expected: str) -> tuple[bool, str]:
    return answer.whole == expected.strip(), answer.whole


def _one_of(answer: Answer, expected: str) -> tuple[bool, str]:
    return answer.whole in expected.splitlines(), answer.whole


def _begins(answer: Answer, expected: str) -> tuple[bool, str]:
    return answer.whole.startswith(expected), answer.whole[: len(expected)]


def _numeric(answer: Answer, expected: str) -> tuple[bool, str]:
    found = last_number(answer.text)
    wanted = last_number(expected)
    return found is not None and found == wanted, "" if found is None else f"{found:f}"


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


# A number as people write it: with a sign, commas between thousands, decimals.
_NUMBER = re.compile(r"(?<![\w.])[-−]?(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)")
_FINAL = re.compile(r"####\s*(.+)")


def last_number(text: str) -> Decimal | None:
    """The number in the last `\\boxed{}`, else after the last `####`, else the last one of the
    text; None without any. Commas between thousands, currency and percent signs are passed over."""
    inside = boxed(text)
    if inside is None and (marked := _FINAL.findall(text)):
        inside = marked[-1]
    for place in (inside, text):
        found = _NUMBER.findall((place or "").replace("{,}", ",").replace("\\!", ""))
        if found:
            try:
                return Decimal(found[-1].replace(",", "").replace("−", "-")).normalize()
            except InvalidOperation:
                continue
    return None


def last_line(text: str) -> str:
    """The last line that is not blank, without what leads to an answer ("The answer is …")."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    led = re.search(r"\b(?:answer|result)\b(?:\s+is)?\s*[:=]?\s*(.+)", lines[-1], re.IGNORECASE)
    return (led[1] if led else lines[-1]).strip(" *.`")


_SAID = re.compile(
    r"(?:answer|choice|option)(?:\s+is)?\s*[:=]?\s*\**\s*[(\[]?\s*([A-Ja-j])\b(?!['’])",
    re.IGNORECASE,
)
_ALONE = re.compile(r"(?<![\w'’])[(\[]?([A-J])(?:[)\].:,]|\b)(?!['’]\w)(?!\s+[a-z])")


def choice_letter(text: str) -> str:
    """The letter that an answer names, "" without one: the one in the last `\\boxed{}`, else after
    the last "answer is", "choice" or "option", else the last that stands alone."""
    inside = boxed(text)
    if inside is not None and (found := re.search(r"[A-Ja-j]\b", re.sub(r"\\\w+", " ", inside))):
        return found[0].upper()
    for pattern in (_SAID, _ALONE):
        if letters := pattern.findall(text):
            return str(letters[-1]).upper()
    return ""


MATCHERS = {
    one.name: one
    for one in (
        Matcher("exact", "the answer is the expected text, to the letter", _exact),
        Matcher("one of", "the answer is one of the expected lines, to the letter", _one_of),
        Matcher("begins", "the answer begins with the expected text", _begins),
        Matcher(
            "numeric",
            "the number in \\boxed{}, else after ####, else the last one, has the expected value",
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
