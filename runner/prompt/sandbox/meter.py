"""What one rendering may cost. Every loop, call and operation of a template pays here first."""

from collections.abc import Collection
from typing import NoReturn, TypeVar

from jinja2 import Undefined

from runner.errors import TemplateError

# A step is about one node of the template's syntax tree, or one element of a list; a character
# counts whenever it is read or written. What the largest real templates use for an ordinary
# conversation with thirty tools is a fiftieth of the fixed part. The rest grows with what they are
# given, because templates look back over all messages at every message.
STEPS = 1_000_000
STEPS_PER_CHARACTER = 200
CHARACTERS = 16_000_000
CHARACTERS_PER_CHARACTER = 100
DEPTH = 50  # calls of macros inside one another
BITS = 256  # the largest whole number

T = TypeVar("T")


class Meter:
    """The steps and characters that one rendering has left.

    All methods raise TemplateError once the template asks for more than it may have.
    """

    __slots__ = ("characters", "depth", "steps")

    def __init__(self, conversation: int) -> None:
        """`conversation`: characters and elements in what the template is given."""
        self.steps = STEPS + STEPS_PER_CHARACTER * conversation
        self.characters = CHARACTERS + CHARACTERS_PER_CHARACTER * conversation
        self.depth = 0

    def spend(self, steps: int) -> None:
        """Pay for `steps` nodes or elements, before they run or are made."""
        self.steps -= steps
        if self.steps < 0:
            fail("takes more steps than it may, so it was stopped.")

    def touch(self, characters: int) -> None:
        """Pay for reading or writing `characters`, before it is done."""
        self.characters -= characters
        if self.characters < 0:
            fail("makes more text than it may, so it was stopped.")

    def search(self, text: str, part: str) -> None:
        """Pay for looking for a part in a text.

        Python's search may compare the whole part at every position when text and part are made
        for it; real templates look for marks, which are short.
        """
        self.touch(len(text) * max(1, len(part) // 40))

    def listed(self, values: Collection[T]) -> list[T]:
        """The elements as a list, paid for before it is made."""
        self.spend(len(values))
        return list(values)

    def made(self, value: T) -> T:
        """Pay for a value that an operation gave, and pass it on."""
        if isinstance(value, str):
            self.touch(len(value))
        elif isinstance(value, list | tuple | dict):
            self.spend(len(value))
        elif isinstance(value, int):
            bounded(value)
        return value

    def weigh(self, value: object) -> None:
        """Pay for a walk through all of `value`, before something outside our control walks it.

        A list that holds the same list twice, and so on forty times, is small in memory and
        endless to print or compare: it is counted as the tree it stands for.
        """
        stack = [value]
        while stack:
            item = stack.pop()
            self.spend(1)
            if isinstance(item, str):
                self.touch(len(item))
            elif isinstance(item, dict):
                self.spend(len(item))
                stack.extend(item)
                stack.extend(item.values())
            elif isinstance(item, list | tuple):
                self.spend(len(item))
                stack.extend(item)
            elif isinstance(item, range):
                self.spend(len(item))
            elif item is not None and not isinstance(item, int | float | Undefined):
                fail(f"prints or compares what is no value ({type(item).__name__.strip('_')}).")


def bounded(number: int) -> int:
    """The number, or TemplateError if it is absurdly large."""
    if number.bit_length() > BITS:
        fail(f"computes a number of more than {BITS} bits, so it was stopped.")
    return number


def fail(what: str) -> NoReturn:
    """Raise the TemplateError that says what is wrong with the template."""
    raise TemplateError(
        f"The model's chat template {what}",
        remedy="The template came inside the model's file; a file of the same model from "
        "another repository may carry a sound one.",
    )
