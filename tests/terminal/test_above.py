"""What is written to the terminal around a drawing."""

import io

import pytest
from prompt_toolkit.application import Application
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.layout import Layout, Window
from prompt_toolkit.output.vt100 import Vt100_Output

from runner.cli.terminal.above import BEGIN, END, Above, _Holding


@pytest.mark.parametrize("kind", [_Holding, Vt100_Output])
def test_a_drawing_that_is_held_is_let_go(kind: type[Vt100_Output]) -> None:
    """Windows has an output that holds nothing: nothing may be begun on it."""
    written = io.StringIO()
    output = kind(written, lambda: Size(rows=24, columns=80), term="xterm")
    with create_pipe_input() as keys:
        app: Application[None] = Application(Layout(Window()), input=keys, output=output)
        frames = iter([["a live row"], ["another live row"]])
        above = Above(app, lambda columns, rows: ("", next(frames, [])))
        above.print("finished\n")

        def drawn(_: object) -> None:
            if app.render_counter < 4:
                above.draw()
            elif not app.is_done:
                app.exit()

        app.after_render += drawn
        above.draw()
        app.run()
    text = written.getvalue()
    assert "finished" in text
    assert "another live row" in text
    assert text.count(BEGIN) == text.count(END) == (3 if kind is _Holding else 0)
