"""The keys of a chat beside those of a line editor."""

import sys
from typing import Protocol

from prompt_toolkit.filters import Condition, is_searching
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys


class Answers(Protocol):
    """What the keys do."""

    def enter(self) -> None:
        """Send what was typed."""

    def interrupt(self) -> None:
        """Stop what runs, or clear the line."""

    def leave(self) -> None:
        """End the chat."""

    def unfold(self) -> None:
        """Show the reasoning of the last reply."""

    def redraw(self) -> None:
        """Begin on an empty screen."""

    def recall(self) -> bool:
        """Take the last turn that waits back into the line; False where the history is meant."""

    async def edit_elsewhere(self) -> None:
        """Change the text in the person's editor."""

    async def suspend(self) -> None:
        """Go to the background of the shell."""


def bindings(answers: Answers, typed: Condition) -> KeyBindings:
    """The keys; `typed` is whether there is something in the line."""
    keys = KeyBindings()

    @keys.add("enter", filter=~is_searching)
    def enter(event: KeyPressEvent) -> None:
        menu = event.current_buffer.complete_state
        if menu is not None and menu.current_completion is not None:
            event.current_buffer.complete_state = None  # chosen from the menu
        else:
            answers.enter()

    @keys.add("escape", "enter", filter=~is_searching)
    @keys.add("c-j", filter=~is_searching)
    def begin_line(event: KeyPressEvent) -> None:
        event.current_buffer.newline(copy_margin=False)

    @keys.add("c-c", filter=~is_searching)
    @keys.add("<sigint>")
    def interrupt(event: KeyPressEvent) -> None:
        answers.interrupt()

    @keys.add("c-d", filter=~typed & ~is_searching)
    def leave(event: KeyPressEvent) -> None:
        answers.leave()

    @keys.add("c-t")
    def unfold(event: KeyPressEvent) -> None:
        answers.unfold()

    @keys.add("c-l")
    def redraw(event: KeyPressEvent) -> None:
        answers.redraw()

    @keys.add("up", filter=~typed & ~is_searching)
    def up(event: KeyPressEvent) -> None:
        if not answers.recall():
            event.current_buffer.auto_up(count=event.arg)

    @keys.add("c-g", filter=~is_searching)
    async def edit(event: KeyPressEvent) -> None:
        await answers.edit_elsewhere()

    @keys.add(Keys.Vt100MouseEvent, eager=True)
    def ignore(event: KeyPressEvent) -> None:
        """No mouse is asked for; what looks like one is something else."""

    if sys.platform != "win32":

        @keys.add("c-z")
        async def suspend(event: KeyPressEvent) -> None:
            await answers.suspend()

    return keys
