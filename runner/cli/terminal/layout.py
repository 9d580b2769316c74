"""What prompt_toolkit draws of the chat's screen: the status, what waits, a question, the line."""

from collections.abc import Callable, Sequence

from prompt_toolkit.application import Application
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.filters import Condition
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.layout import (
    ConditionalContainer,
    Dimension,
    FormattedTextControl,
    HSplit,
    Layout,
    Window,
)
from prompt_toolkit.layout.containers import Container, VerticalAlign
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style

from runner.cli.terminal.above import terminal_output
from runner.cli.terminal.input import InputLine

QUEUED = 3
"""Turns that wait of which is shown at most."""


def application(
    line: InputLine,
    keys: KeyBindings,
    *,
    status: Callable[[], str],
    queued: Callable[[], Sequence[str]],
    question: Callable[[], str],
    choices: Callable[[], str],
    vi: bool,
    colour: bool,
) -> "Application[None]":
    """The application, from the status down to the line and its menus."""

    def queue() -> str:
        return "\n".join(f"queued: {text}" for text in queued())

    waiting = Window(
        FormattedTextControl(queue),
        height=lambda: min(len(queued()), QUEUED),
        style="class:queued",
    )
    asked = Window(
        FormattedTextControl(question),
        height=lambda: Dimension(max=question_rows(app)),
        wrap_lines=True,
        dont_extend_height=True,
        style="class:question",
    )
    answers = Window(FormattedTextControl(choices), wrap_lines=True, dont_extend_height=True)
    rows: list[Container] = [
        Window(FormattedTextControl(status), height=1, style="class:status"),
        ConditionalContainer(waiting, Condition(lambda: bool(queued()))),
        ConditionalContainer(asked, Condition(lambda: bool(question()))),
        ConditionalContainer(answers, Condition(lambda: bool(choices()))),
        *line.containers(),
    ]
    dim = "dim" if colour else ""
    app: Application[None] = Application(
        Layout(HSplit(rows, align=VerticalAlign.TOP), line.window),
        key_bindings=keys,
        style=Style.from_dict({"status": dim, "queued": dim, "question": "bold"}),
        color_depth=None if colour else ColorDepth.DEPTH_1_BIT,
        editing_mode=EditingMode.VI if vi else EditingMode.EMACS,
        output=terminal_output(),
        erase_when_done=True,
    )
    return app


def question_rows(app: "Application[None]") -> int:
    """How many rows of a question there may be, so that its choices are seen too."""
    return max(app.output.get_size().rows // 3, 1)
