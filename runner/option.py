"""An option: its names, and which values it takes wherever it is set."""

import json
import sys
from dataclasses import dataclass
from typing import Any, Literal

from runner.errors import ConfigurationError

Group = Literal["sampling", "more sampling", "structure", "loading", "conversation", "output"]

TRUE = ("1", "true", "yes", "on")
FALSE = ("0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class Option:
    """A row of the table of all options.

    `top_p` is `--top-p` on the command line, `RUNNER_TOP_P` in the environment and `top_p` in the
    configuration file. `default` says in words what holds where nobody set it; `minimum` and
    `maximum` are allowed values themselves. One of `many` values is given again and again on the
    command line and is a list in the file; in the environment it is one value or a JSON list.
    `metavar` stands for the value in the help, and `more` are other names it has there. `settable`
    says whether it may be set in a chat where that is not as its group has it. What `reaches_out`
    names a file, another model or another machine: it is not believed of a conversation that came
    from elsewhere.
    """

    name: str
    type: type
    group: Group
    help: str
    default: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    many: bool = False
    metavar: str | None = None
    more: tuple[str, ...] = ()
    settable: bool | None = None
    reaches_out: bool = False

    @property
    def in_chat(self) -> bool:
        """Whether it may be set in a chat, and is kept with the conversation."""
        if self.settable is None:
            return self.group not in ("conversation", "output")
        return self.settable

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return "RUNNER_" + self.name.upper()

    def parsed(self, text: str) -> object:
        """A variable's text as the option's type, or the text itself where it is not one."""
        if self.type is bool:
            lowered = text.lower()
            return True if lowered in TRUE else False if lowered in FALSE else text
        try:
            if self.many and text.startswith("["):
                return json.loads(text)
            return self.type(text)
        except ValueError:
            return text

    def checked(self, value: object, where: str) -> Any:
        """`value` with the option's type, or ConfigurationError beginning with `where`."""
        if self.many:
            given = value if isinstance(value, list | tuple) else [value]
            return tuple(self._checked(one, where) for one in given)
        return self._checked(value, where)

    def _checked(self, value: object, where: str) -> Any:
        wanted = ""
        if self.choices:
            wanted = "" if value in self.choices else _either(self.choices)
        elif not _is_a(self.type, value):
            kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
            wanted = kinds[self.type]
        elif isinstance(value, int | float) and not self._within(value):
            wanted = self._range()
        elif self.many and not value:
            wanted = "text that is not empty"
        if wanted:
            raise ConfigurationError(f"{where} is {value!r}; it must be {wanted}")
        return self.type(value)

    def _within(self, value: float) -> bool:
        # Also false for NaN and infinity, and for whole numbers beyond what a float can hold.
        lowest = -sys.float_info.max if self.minimum is None else self.minimum
        highest = sys.float_info.max if self.maximum is None else self.maximum
        return lowest <= value <= highest

    def _range(self) -> str:
        if self.maximum is None:
            return f"{self.minimum:g} or more"
        return f"from {self.minimum:g} to {self.maximum:.10g}"


def _is_a(kind: type, value: object) -> bool:
    if isinstance(value, bool):  # which Python takes for an int
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def _either(choices: tuple[str, ...]) -> str:
    return ", ".join(choices[:-1]) + f" or {choices[-1]}"
