"""What the model works out: sums, comparing, sorting, spelling and reversing.

Every function draws one question and writes the working as honestly as the
task allows: the steps shown are those that lead to the answer. Numbers are
padded to three digits while they are worked on, so that columns line up, and
words are taken apart into single letters. Numbers and words that a checksum
marks as held out are never drawn for training.
"""

from __future__ import annotations

import zlib
from random import Random

from chat import Turn
from phrasing import ask
from words import held_out, word


def _held(key: str) -> bool:
    return zlib.crc32(key.encode()) % 10 == 3


def number(rng: Random) -> int:
    """A number of one to three digits, mostly long ones."""
    digits = rng.choices((1, 2, 3), (2, 3, 5))[0]
    return rng.randint(0 if digits == 1 else 10 ** (digits - 1), 10**digits - 1)


def _pair(rng: Random, task: str, held: bool, close: bool = False) -> tuple[int, int]:
    while True:
        a, b = number(rng), number(rng)
        if close or rng.random() < 0.18:
            b = max(0, min(999, a + rng.choice((-100, -10, -2, -1, 0, 0, 0, 1, 2, 10, 100))))
        if _held(f"{task} {a} {b}") == held:
            return a, b


def add(rng: Random, held: bool) -> Turn:
    """A sum, worked from the right; each line ends with the digits found so far."""
    a, b = _pair(rng, "add", held)
    lines = [f"Add {a:03}+{b:03}"]
    carry, found = 0, ""
    for place, (x, y) in enumerate(zip(f"{a:03}"[::-1], f"{b:03}"[::-1], strict=True)):
        total = int(x) + int(y) + carry
        working = f"{x}+{y}" + (f"+{carry}" if carry else "") + f"={total}"
        carry = total // 10 if place < 2 else 0
        found = (str(total % 10) if place < 2 else str(total)) + found
        lines.append(f"{working}{' carry 1' if carry else ''} put {found}")
    return Turn(ask(rng, "add", held, a=a, b=b), "\n".join(lines), f"{a} + {b} = {a + b}.")


def subtract(rng: Random, held: bool, close: bool = False) -> Turn:
    """A difference, with borrowing; a negative one is worked the other way round."""
    a, b = _pair(rng, "subtract", held, close)
    high, low = max(a, b), min(a, b)
    lines = [f"Subtract {a:03}-{b:03}"]
    if a < b:
        lines.append(f"swap {high:03}-{low:03}")
    borrow, found = 0, ""
    for x, y in zip(f"{high:03}"[::-1], f"{low:03}"[::-1], strict=True):
        digit = int(x) - int(y) - borrow
        working = f"{x}-{y}" + (f"-{borrow}" if borrow else "")
        borrow = int(digit < 0)
        found = f"{digit % 10}{found}"
        if borrow:
            working += " borrow 1"
        lines.append(f"{working}={digit % 10} put {found}")
    return Turn(ask(rng, "subtract", held, a=a, b=b), "\n".join(lines), f"{a} - {b} = {a - b}.")


def subtract_close(rng: Random, held: bool) -> Turn:
    """A difference of numbers that lie close together: which one is larger is hard to see."""
    return subtract(rng, held, close=True)


def compare(rng: Random, held: bool) -> Turn:
    """Which of two numbers is bigger, or smaller, digit by digit from the left.

    What was asked comes first and what was found last: the answer is then a matter of reading.
    """
    a, b = _pair(rng, "compare", held)
    kind = rng.choices(("bigger", "smaller", "is bigger", "is smaller"), (45, 30, 14, 11))[0]
    asked = ">" if kind.endswith("bigger") else "<"
    lines = [f"Compare {'?' if kind.startswith('is') else ''}{asked} {a:03},{b:03}"]
    steps = []
    sign = "="
    for x, y in zip(f"{a:03}", f"{b:03}", strict=True):
        sign = "=" if x == y else "<" if x < y else ">"
        steps.append(f"{x}{sign}{y}")
        if sign != "=":
            break
    lines.append(" ".join(steps))
    lines.append(f"{a:03}{sign}{b:03}")
    relation = {"<": "smaller than", ">": "bigger than", "=": "equal to"}[sign]
    if kind.startswith("is"):
        right = kind[3:] + " than" == relation
        answer = f"{'Yes' if right else 'No'}, {a} is {relation} {b}."
    elif a == b:
        answer = f"{a} and {b} are equal."
    else:
        first, other = (max(a, b), min(a, b)) if kind == "bigger" else (min(a, b), max(a, b))
        answer = f"{first} is {kind} than {other}."
    return Turn(ask(rng, kind, held, a=a, b=b), "\n".join(lines), answer)


def _listed(rng: Random, items: list[str]) -> str:
    """A list as people type it."""
    style = rng.random()
    if style < 0.55:
        return ", ".join(items)
    if style < 0.75:
        return " ".join(items)
    if style < 0.85:
        return ",".join(items)
    if style < 0.95:
        return ", ".join(items[:-1]) + " and " + items[-1]
    return "; ".join(items)


def _nearby(rng: Random, numbers: list[int]) -> list[int]:
    """Most of the numbers moved close to one before them: which is smallest is hard to see."""
    moved: list[int] = []
    for one in numbers:
        if moved and rng.random() < 0.6:
            apart = rng.choice((-1, 1)) * rng.choice((1, 10)) * rng.randint(1, 9)
            one = max(0, min(999, rng.choice(moved) + apart))
        moved.append(one)
    return moved


def sort_numbers(rng: Random, held: bool, asked: str = "sort numbers", close: bool = False) -> Turn:
    """A list of three to six numbers, by taking the smallest out again and again."""
    size = rng.choices((2, 3, 4, 5, 6), (3, 20, 24, 25, 28))[0] if not held else rng.randint(3, 6)
    while True:
        numbers = [number(rng) for _ in range(size)]
        if rng.random() < 0.3:
            numbers[0] = min(999, numbers[1] + rng.choice((0, 1, 10, 100)))
        if close:
            numbers = _nearby(rng, numbers)
        if _held(f"sort {sorted(numbers)}") == held:
            break
    down = not held and rng.random() < 0.1
    left = [f"{n:03}" for n in numbers]
    lines = [f"Sort {'down ' if down else ''}{','.join(left)}"]
    while len(left) > 1:
        least = min(left)
        left.remove(least)
        lines.append(f"{least}:{','.join(left)}")
    items = _listed(rng, [str(n) for n in numbers])
    numbers.sort(reverse=down)
    question = ask(rng, "sort down" if down else asked, held, l=items)
    return Turn(question, "\n".join(lines), ", ".join(map(str, numbers)))


def sort_close_numbers(rng: Random, held: bool) -> Turn:
    """A list of numbers that lie close together."""
    return sort_numbers(rng, held, close=True)


def shortest_prefixes(words: list[str]) -> list[str]:
    """For every word the fewest first letters that tell it from all the others."""
    found = []
    for at, one in enumerate(words):
        others = words[:at] + words[at + 1 :]
        size = 1
        while size < len(one) and any(other[:size] == one[:size] for other in others):
            size += 1
        found.append(one[:size])
    return found


def sort_words(rng: Random, held: bool, asked: str = "sort words") -> Turn:
    """Three or four words, put in order by as many first letters as tell them apart."""
    size = rng.choices((2, 3, 4, 5), (4, 46, 42, 8))[0] if not held else rng.randint(3, 4)
    words: list[str] = []
    while len(words) < size:
        new = word(rng, held, real=1.0 if held else 0.5)
        if words and not held and rng.random() < 0.25:
            new = rng.choice(words)[: rng.randint(1, 2)] + new[rng.randint(0, 1) :]
        if new not in words and len(new) < 12 and held_out(new) == held:
            words.append(new)
    ranked = sorted(words)
    steps = [
        f"Sort {','.join(words)}",
        ",".join(shortest_prefixes(words)),
        "<".join(shortest_prefixes(ranked)),
    ]
    question = ask(rng, asked, held, l=_listed(rng, words))
    return Turn(question, "\n".join(steps), ", ".join(ranked))


def _numbered(letters: str, backwards: bool = False) -> str:
    pairs = [f"{place}{letter}" for place, letter in enumerate(letters, 1)]
    return "".join(reversed(pairs) if backwards else pairs)


def _quoted(rng: Random, one: str) -> str:
    """A word as people set it apart in a question, or not."""
    return rng.choices((one, f"'{one}'", f'"{one}"'), (8, 1, 1))[0]


def spell(rng: Random, held: bool, asked: str = "spell") -> Turn:
    """The letters of a word, counted off and then joined by dashes."""
    one = word(rng, held, real=0.7 if held else 0.35)
    if rng.random() < 0.08 and not held:
        one = one.capitalize()
    question = ask(rng, asked, held, w=one, q=_quoted(rng, one))
    return Turn(question, f"Spell {_numbered(one)}", "-".join(one))


def reverse(rng: Random, held: bool, asked: str = "reverse") -> Turn:
    """A word backwards: its letters counted off upwards, then looked up downwards."""
    one = word(rng, held, real=0.7 if held else 0.35)
    think = f"Reverse {_numbered(one)}\n{_numbered(one, backwards=True)}"
    return Turn(ask(rng, asked, held, w=one, q=_quoted(rng, one)), think, one[::-1])


def short_request(rng: Random, held: bool) -> Turn:
    """A verb and what it is about, nothing else: what people type most is a phrasing among many."""
    made = rng.choice((spell, reverse, sort_numbers, sort_words))
    asked = "short sort" if made in (sort_numbers, sort_words) else f"short {made.__name__}"
    return made(rng, held, asked)
