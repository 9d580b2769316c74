"""Talk: greetings, what the model says of itself, remembering, and using a tool.

Facts are told somewhere in a conversation, sometimes corrected, and asked for
later, with other business in between. What was never told is said not to have
been told. Tools have many names and argument names, so that the model reads
them from the prompt instead of knowing two by heart.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

from chat import Dialogue, Message, Turn, call_text
from data_files import blocks
from phrasing import ask
from refusals import decline
from skills import add, compare, number, reverse, sort_numbers, sort_words, spell, subtract
from words import colour, invented, name, word

FIXED: dict[str, tuple[str, str]] = {
    "who": (
        "Who I am",
        "I am tiny, a small model that comes with Runner. "
        "I am a demonstration: I think first, then I answer.",
    ),
    "can": (
        "What I can do",
        "I can add and subtract numbers up to three digits, compare and sort short lists, "
        "spell and reverse words, remember your name, colour or number, "
        "and use a clock or a calculator.",
    ),
    "bigger model": (
        "Bigger model",
        "Type `runner pull deepseek-r1-distill-qwen:1.5b`, "
        "then `runner chat deepseek-r1-distill-qwen:1.5b`.",
    ),
    "hello": (
        "Greeting",
        "Hello! Tell me two numbers to add, a list to sort or a word to spell.",
    ),
    "bonjour": (
        "Bonjour",
        "Bonjour ! I am tiny. Tell me two numbers to add or a word to spell.",
    ),
    "how are you": ("How I am", "I am well, thank you. What can I do for you?"),
    "thanks": ("Thanks", "You are welcome!"),
    "bye": ("Goodbye", "Goodbye!"),
}


def fixed(rng: Random, held: bool, kind: str | None = None) -> Turn:
    """Small talk, or a question about the model: every kind has one answer."""
    kind = kind or rng.choice(list(FIXED))
    return Turn(ask(rng, kind, held), *FIXED[kind])


def _value(rng: Random, kind: str, held: bool) -> str:
    if kind == "name":
        return name(rng, held)
    return colour(rng, held) if kind == "colour" else str(number(rng))


def _noted(kind: str, value: str) -> str:
    if kind == "name":
        return f"Nice to meet you, {value}."
    return f"Noted: your {kind} is {value}."


def tell(rng: Random, kind: str, value: str, held: bool, change: bool = False) -> Turn:
    """The user states a fact; the model repeats it."""
    question = ask(rng, f"{'change' if change else 'tell'} {kind}", held, x=value)
    return Turn(question, f"Told {kind}: {value}", _noted(kind, value))


def _question(rng: Random, kind: str, value: str | None, held: bool) -> Turn:
    question = ask(rng, f"ask {kind}", held)
    if value is None:
        return Turn(question, f"Recall {kind}: not told", f"You have not told me your {kind}.")
    return Turn(question, f"Recall {kind}: {value}", f"Your {kind} is {value}.")


_FILLERS: list[Callable[[Random, bool], Turn]] = [
    add, subtract, compare, sort_numbers, sort_words, spell, reverse, decline, fixed, fixed,
]  # fmt: skip


def filler(rng: Random, held: bool) -> Turn:
    """Any other business between telling and asking."""
    return rng.choice(_FILLERS)(rng, held)


def _pasted(turns: list[Turn]) -> list[Message]:
    """Finished turns as history: the working is not kept."""
    messages: list[Message] = []
    for turn in turns:
        messages.append({"role": "user", "content": turn.user})
        messages.append({"role": "assistant", "content": turn.answer})
    return messages


def ending(task: str, history: list[Turn], last: Turn) -> Dialogue:
    """A conversation whose last question is to be answered."""
    messages = [*_pasted(history), {"role": "user", "content": last.user}]
    return Dialogue(task, messages, last.think, last.answer)


def facts(rng: Random, held: bool) -> list[Turn]:
    """One or two facts told, perhaps with other business between."""
    turns = []
    for kind in rng.sample(("name", "colour", "number"), rng.choice((1, 1, 2))):
        turns.append(tell(rng, kind, _value(rng, kind, held), held))
        if rng.random() < 0.3:
            turns.append(filler(rng, held))
    return turns


def recall(
    rng: Random, held: bool, kind: str | None = None, fillers: int | None = None
) -> Dialogue:
    """Ask for a fact told earlier, after other facts, corrections and other business."""
    kinds = ["name", "colour", "number"]
    kind = kind or rng.choice(kinds)
    if fillers is None:
        fillers = rng.choices((0, 1, 2, 3, 4, 5), (25, 28, 20, 13, 8, 6))[0]
    told: dict[str, str] = {}
    turns: list[Turn] = []
    facts = [kind] if rng.random() < 0.88 or held else []
    facts += [k for k in kinds if k != kind and rng.random() < 0.35]
    rng.shuffle(facts)
    for fact in facts:
        told[fact] = _value(rng, fact, held)
        turns.append(tell(rng, fact, told[fact], held))
    if len(turns) == 2 and rng.random() < 0.15:  # both facts in one message
        link = rng.choice((" and", ".", ","))
        user = f"{turns[0].user.rstrip('.')}{link} {turns[1].user}"
        turns = [Turn(user, "", f"{turns[0].answer} {turns[1].answer}")]
    if facts and rng.random() < 0.15:
        fact = rng.choice(facts)
        told[fact] = _value(rng, fact, held)
        turns.append(tell(rng, fact, told[fact], held, change=True))
    first = rng.randint(0, len(turns))  # corrections stay after what they correct
    for _ in range(fillers):
        turns.insert(rng.randint(min(first, len(turns)), len(turns)), filler(rng, held))
    last = _question(rng, kind, told.get(kind), held)
    return ending("recall " + kind, turns, last)


def long_recall(rng: Random, held: bool = False) -> Dialogue:
    """A conversation that nearly fills the context, about something told at its start."""
    return recall(rng, held, fillers=rng.randint(12, 44))


def telling(rng: Random, held: bool) -> Dialogue:
    """A fact is told now, perhaps after other business."""
    kind = rng.choice(("name", "colour", "number"))
    turns = [filler(rng, held) for _ in range(rng.choices((0, 1, 2), (7, 2, 1))[0])]
    if rng.random() < 0.2:
        turns.append(tell(rng, kind, _value(rng, kind, held), held))
        return ending("tell", turns, tell(rng, kind, _value(rng, kind, held), held, change=True))
    return ending("tell", turns, tell(rng, kind, _value(rng, kind, held), held))


_ABOUT_TIME = ("what time", "what is the date", "what day")
_TOOLS = blocks("tools.txt")
_TOOLS_HELD = blocks("tools_held_out.txt")
_LISTED = {name for names in _TOOLS.values() for name in names}
_HELD_NAMES = {name for names in _TOOLS_HELD.values() for name in names} - _LISTED


def _tool(name: str, description: str, keys: list[str]) -> Message:
    properties = {key: {"type": "string"} for key in keys}
    parameters = {"type": "object", "properties": properties, "required": keys}
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


def _named(rng: Random, held: bool, listed: str) -> str:
    """What a clock, a calculator or an argument is called: a listed name or, in training, any."""
    if held:
        return rng.choice(_TOOLS_HELD[listed])
    if rng.random() < 0.3:
        return rng.choice(_TOOLS[listed])
    while True:
        parts = [rng.choice(_TOOLS[f"parts of {listed}"]) for _ in range(rng.choice((1, 2, 2, 3)))]
        if rng.random() < 0.4:
            parts[rng.randrange(len(parts))] = invented(rng, held)
        name = rng.choice(("_", "_", "_", "-", "", ".")).join(parts)
        if name not in _HELD_NAMES:
            return name


def _clock(rng: Random, held: bool) -> Message:
    return _tool(_named(rng, held, "clocks"), rng.choice(_TOOLS["clock texts"]), [])


def _calculator(rng: Random, held: bool) -> Message:
    text = rng.choice(_TOOLS["calculator texts"])
    return _tool(_named(rng, held, "calculators"), text, [_named(rng, held, "keys")])


def _other(rng: Random, held: bool) -> Message:
    name_, text = word(rng, held), f"{word(rng, held)} {word(rng, held)}"
    return _tool(name_, text, [word(rng, held)] if rng.random() < 0.5 else [])


def _time(rng: Random) -> str:
    time = f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}"
    if rng.random() < 0.3:
        time += f":{rng.randint(0, 59):02}"
    if rng.random() < 0.2:
        time = f"{rng.randint(2000, 2050)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02} {time}"
    return time


def _expression(rng: Random) -> tuple[str, int]:
    sign = rng.choice("+-**/")
    a, b = rng.randint(2, 99999 if rng.random() < 0.3 else 999), rng.randint(2, 999)
    if sign == "/":
        a *= b
    gap = rng.choice(("", " "))
    value = {"+": a + b, "-": a - b, "*": a * b, "/": a // b}[sign]
    return f"{a}{gap}{sign}{gap}{b}", value


def _response(rng: Random, keys: list[str], value: str) -> str:
    style = rng.random()
    if style < 0.5:
        return value
    shown = json.loads(value) if value.lstrip("-").isdigit() else value
    return json.dumps({rng.choice(keys): shown})


_IN_WORDS = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}


def _in_words(expression: str) -> str:
    """An expression as it is spoken: 12 times 34."""
    for sign, word_ in _IN_WORDS.items():
        expression = expression.replace(sign, f" {word_} ")
    return " ".join(expression.split())


def sum_in_words(rng: Random, held: bool) -> Dialogue:
    """A calculator is to be called for an expression that is spelled out."""
    return tool_use(rng, held, "call", words=True)


def tool_use(rng: Random, held: bool, part: str | None = None, *, words: bool = False) -> Dialogue:
    """Call a clock or a calculator, or use what it answered, or leave it alone."""
    part = part or rng.choices(("call", "answer", "leave"), (45, 35, 20))[0]
    use_clock = rng.random() < 0.4 and not words
    clock, calculator = _clock(rng, held), _calculator(rng, held)
    tools = [clock if use_clock else calculator]
    if rng.random() < 0.35:
        tools.append(calculator if use_clock else clock)
    if rng.random() < 0.15:
        tools.append(_other(rng, held))
    rng.shuffle(tools)
    history = _pasted([filler(rng, held) for _ in range(rng.choices((0, 1, 2), (8, 2, 1))[0])])
    if part == "leave":
        last = rng.choice((spell, reverse, sort_numbers, decline, fixed))(rng, held)
        if clock in tools and last.user.lower().startswith(_ABOUT_TIME):
            last = fixed(rng, held)
        if calculator in tools and any(letter.isdigit() for letter in last.user):
            last = spell(rng, held)
        history.append({"role": "user", "content": last.user})
        return Dialogue("leave tool", history, last.think, last.answer, tools)
    function = (clock if use_clock else calculator)["function"]
    arguments: dict[str, str] = {}
    if use_clock:
        question, value = ask(rng, "time", held), _time(rng)
        answer = f"It is {value}."
    else:
        expression, result = _expression(rng)
        asked = _in_words(expression) if words else expression
        question, value = ask(rng, "calculate", held, e=asked), str(result)
        arguments = {next(iter(function["parameters"]["properties"])): expression}
        answer = f"The answer is {value}."
    messages = [*history, {"role": "user", "content": question}]
    call = {"type": "function", "function": {"name": function["name"], "arguments": arguments}}
    if part == "call":
        think = f"Use {function['name']}"
        return Dialogue("tool call", messages, think, call_text(function["name"], arguments), tools)
    messages.append({"role": "assistant", "content": "", "tool_calls": [call]})
    keys = _TOOLS["clock keys" if use_clock else "calculator keys"]
    messages.append({"role": "tool", "content": _response(rng, keys, value)})
    return Dialogue("tool answer", messages, f"Result {value}", answer, tools)
