"""Tools a model may call: Python functions, and servers of the Model Context Protocol."""

from runner.chat.tools.toolbox import Toolbox

__all__ = ["Toolbox"]
