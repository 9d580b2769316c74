"""The tools of one conversation: described to the model, called by name, bounded in time and size.

What a tool gives back is data. It reaches the model as a turn of its own, in the place its template
has for results, where none of its characters can become a control token.
"""

import re
from collections.abc import Iterable, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack
from fnmatch import fnmatchcase
from typing import Any, Self

from runner.chat.tools.arguments import Unfit, fitted
from runner.chat.tools.functions import load
from runner.chat.tools.tool import Tool, ToolFailed, awaited
from runner.prompt import ToolCall

TIME_LIMIT = 60.0
"""Seconds a call may take."""
LONGEST_RESULT = 16_000
"""Characters of a result that the model is given: some 4,000 tokens of English."""

_LONGEST_NAME = 64


class Toolbox:
    """Tools under the names the model calls them by. Close it, or use it in a `with` block."""

    def __init__(
        self,
        functions: Sequence[str] = (),
        servers: Sequence[str] = (),
        allowed: Sequence[str] = (),
        *,
        offline: bool = False,
        time_limit: float = TIME_LIMIT,
    ) -> None:
        """`functions`: FILE.py or FILE.py:NAME each. `servers`: a command or an address each.
        `allowed`: names that run without asking, `*` for any letters. `time_limit`: in seconds.

        Importing the files runs them, and starting the servers does. Raises ConfigurationError for
        a file or a server that cannot be used, and OfflineError for an address where `offline`.
        """
        self._allowed = tuple(allowed)
        self._time_limit = time_limit
        self._running: Future[str] | None = None
        with ExitStack() as undo:
            tools: list[Tool] = [*load(functions)]
            if servers:
                from runner.chat.tools.servers import Servers

                connected = Servers(servers, offline=offline)
                undo.callback(connected.close)
                tools += connected.tools
            self._tools = named(tools)
            self._undo = undo.pop_all()

    @property
    def descriptions(self) -> list[dict[str, Any]]:
        """The tools as chat templates are told of them, in the form of OpenAI's functions."""
        return [
            {
                "type": "function",
                "function": {
                    "name": name,
                    "description": tool.description,
                    "parameters": dict(tool.parameters),
                },
            }
            for name, tool in self._tools.items()
        ]

    def allows(self, call: ToolCall) -> bool:
        """Whether the call may run without asking. A name that no tool has runs nothing."""
        return call.name not in self._tools or any(
            fnmatchcase(call.name, pattern) for pattern in self._allowed
        )

    def call(self, call: ToolCall, longest: int = LONGEST_RESULT) -> str:
        """What the tool answers, or why it does not, as the text the model is given; of more than
        `longest` characters only the first, and it says so."""
        return bounded(self._answer(call), longest)

    def _answer(self, call: ToolCall) -> str:
        tool = self._tools.get(call.name)
        if tool is None:
            return f"Error: there is no tool {call.name!r}. There is: {', '.join(self._tools)}."
        try:
            arguments = fitted(call.arguments, tool.parameters)
            return self._result(tool.start(arguments))
        except (Unfit, ToolFailed) as error:
            return f"Error: {error}"

    def cancel(self) -> None:
        """Stop waiting for the call under way, from any thread; the model is told that it was."""
        if running := self._running:
            running.cancel()

    def _result(self, running: Future[str]) -> str:
        self._running = running
        try:
            return awaited(running, self._time_limit)
        except CancelledError:
            raise ToolFailed("the user stopped it.") from None
        except TimeoutError:
            running.cancel()
            raise ToolFailed(f"it was not done after {self._time_limit:g} seconds.") from None
        finally:
            self._running = None

    def close(self) -> None:
        """End the servers. A Python function that never returned ends with the program."""
        self._undo.close()

    def __len__(self) -> int:
        return len(self._tools)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def named(tools: Iterable[Tool]) -> dict[str, Tool]:
    """The tools by names that every template can write. Those that share a name are called after
    their source as well, and numbered where even that is shared."""
    tools = list(tools)
    plain = [_spelt(tool.name) for tool in tools]
    found: dict[str, Tool] = {}
    for tool, name in zip(tools, plain, strict=True):
        if plain.count(name) > 1:
            name = _spelt(f"{tool.source}_{tool.name}")
        alternatives = (f"{name[: _LONGEST_NAME - 4]}_{number}" for number in range(2, 1000))
        found[name if name not in found else next(a for a in alternatives if a not in found)] = tool
    return found


def bounded(text: str, longest: int) -> str:
    """The text, or its beginning and how much was left out. What is no character becomes one."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    if len(text) <= longest:
        return text
    return f"{text[:longest]}\n[cut here: these are the first {longest} of {len(text)} characters]"


def _spelt(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:_LONGEST_NAME] or "tool"
