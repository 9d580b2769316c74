"""The colours of Markdown and code, as parameters of SGR sequences.

All are of the fixed 256-colour palette and of middling lightness: each stands out by about 4 to 1
from black and from white, so that one set serves dark and light backgrounds.
"""

BOLD, DIM, ITALIC, UNDERLINE = "1", "2", "3", "4"

GREY = "38;5;243"
PURPLE = "38;5;97"
BLUE = "38;5;31"
TEAL = "38;5;30"
GREEN = "38;5;64"
BROWN = "38;5;130"
RED = "38;5;131"

CODE = BROWN
ADDRESS = BLUE
MARK = GREY
HEADING = {1: f"{BOLD};{UNDERLINE}", 2: BOLD}
LESSER_HEADING = f"{BOLD};{ITALIC}"

# By the names of Pygments' token types; the most particular one wins.
TOKENS = {
    "Comment": GREY,
    "Comment.Preproc": PURPLE,
    "Keyword": PURPLE,
    "Keyword.Constant": BROWN,
    "Keyword.Type": TEAL,
    "Literal.Number": BROWN,
    "Literal.String": GREEN,
    "Literal.String.Escape": BROWN,
    "Literal.String.Interpol": BROWN,
    "Name.Attribute": BLUE,
    "Name.Builtin": TEAL,
    "Name.Class": TEAL,
    "Name.Decorator": BLUE,
    "Name.Exception": TEAL,
    "Name.Function": BLUE,
    "Name.Tag": PURPLE,
    "Operator.Word": PURPLE,
    "Generic.Deleted": RED,
    "Generic.Inserted": GREEN,
    "Generic.Heading": BOLD,
    "Generic.Subheading": BLUE,
    "Generic.Prompt": GREY,
}


def both(*styles: str) -> str:
    """The styles at once."""
    return ";".join(style for style in styles if style)
