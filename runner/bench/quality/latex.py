"""Mathematics as models write it, so far alike that equal answers are equal texts."""

import re

UNIT = (
    r"(?:[cmk]?m|(?:centi|milli|kilo)?met(?:er|re)s?|in|inch(?:es)?|ft|foot|feet|yards?|miles?|mph|"
    r"[mk]?g|(?:milli|kilo)?grams?|lbs?|pounds?|oz|ounces?|tons?|m?[lL]|(?:milli)?lit(?:er|re)s?|"
    r"gallons?|[sh]|sec(?:ond)?s?|min(?:ute)?s?|hrs?|hours?|days?|weeks?|months?|years?|"
    r"cents?|dollars?|euros?|percent|degrees?|radians?|units?)"
)
"""What a number may be of, as far as the question has said it: an answer without is the same."""

_BOX = re.compile(r"\\(?:boxed|fbox)\s*(?=\{)")
_LEFT_OUT = re.compile(
    r"(\\\\)"  # which ends a row, and stays
    r"|\\(?:left|right|displaystyle|limits|quad|qquad)(?![a-zA-Z])"
    r"|\\[,;:!\s()\[\]$%]|[$€£%~]"
)
_UNITS = re.compile(
    rf"/?\\(?:text|mathrm|textbf|mbox)\{{\s*(?:(?:square|cubic|sq\.?|cu\.?)\s*)?{UNIT}\.?"
    rf"(?:\s*(?:/|per)\s*{UNIT})?\s*\}}(?:\^\{{?\d\}}?)?"
)
_WORDS = re.compile(r"\\(?:text|mathrm|textbf|mathbf|mbox|operatorname)\{([^{}]*)\}")
_DEGREES = re.compile(r"\^\{?\\circ\}?|\\degree|°")
_BRACES = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}"
_ARGUMENT = rf"({_BRACES}|[0-9a-zA-Z]|\\[a-zA-Z]+)"
_FRACTION = re.compile(rf"\\frac{_ARGUMENT}{_ARGUMENT}")
_BARE_ROOT = re.compile(r"\\sqrt([0-9a-zA-Z])")
# Of a sum the sign is that of its first term alone, and after a factor it would be a difference.
_MINUS_ABOVE = re.compile(
    rf"(?<![^=(\[{{,;&+\\])\\frac\{{-((?:[^{{}}+\-,=]|{_BRACES})+)\}}(?={_BRACES}(?!\^))"
)
_SLASH = re.compile(r"(?<![\w.)}])(\d+)/(\d+)(?![\w.({])")
_THOUSANDS = re.compile(r"(?<=\d)(?:,|\{,\})(?=\d{3}(?!\d))")


def boxed(text: str) -> str | None:
    """What stands in the last `\\boxed{…}` whose braces are closed, None without one."""
    for found in reversed(list(_BOX.finditer(text))):
        start, depth = found.end() + 1, 1
        for at in range(start, len(text)):
            if text[at] in "{}" and text[at - 1] != "\\":
                depth += 1 if text[at] == "{" else -1
                if not depth:
                    return text[start:at].strip()
    return None


def normalised(text: str) -> str:
    """LaTeX without what changes nothing: spaces, dollar and percent signs, `\\left` and `\\right`,
    units and degrees, words in `\\text{}` bare, fractions as `\\frac{a}{b}`, thousands without
    commas, numbers without leading and trailing zeros, what a lone variable equals, and a choice's
    letter without parentheses."""
    text = text.strip().rstrip(".")
    for other in ("\\dfrac", "\\tfrac", "\\cfrac"):
        text = text.replace(other, "\\frac")
    bare = _UNITS.sub("", text)
    text = bare if bare.strip() else text  # a unit alone is the answer
    text = _WORDS.sub(r"\1", text)
    text = _DEGREES.sub("", text)
    text = _LEFT_OUT.sub(r"\1", text)
    text = re.sub("[−–]", "-", re.sub(r"\s+", "", text))
    text = re.sub(r"([\^_])\{([0-9a-zA-Z])\}", r"\1\2", text)
    text = _BARE_ROOT.sub(r"\\sqrt{\1}", text)
    text = _fractions(text)
    text = _SLASH.sub(r"\\frac{\1}{\2}", text)
    text = _MINUS_ABOVE.sub(_before, text)
    text = _THOUSANDS.sub("", text)
    if re.fullmatch(r"[a-zA-Z]=[^=]+", text):
        text = text[2:]
    text = re.sub(r"(?<![\w.])\.(?=\d)", "0.", text)
    text = re.sub(r"(\.\d*?)0+(?!\d)", r"\1", text)
    return re.sub(r"^\(([A-Z])\)$", r"\1", re.sub(r"\.(?!\d)", "", text))


def _fractions(text: str) -> str:
    """All fractions with both parts in braces, those within others too."""

    def braced(part: str) -> str:
        return f"{{{_fractions(part[1:-1] if part.startswith('{') else part)}}}"

    return _FRACTION.sub(lambda found: f"\\frac{braced(found[1])}{braced(found[2])}", text)


def _before(found: re.Match[str]) -> str:
    """A fraction of a product with its sign before it."""
    is_sum = "\\pm" in found[1] or "\\mp" in found[1]
    return found[0] if is_sum else f"-\\frac{{{found[1]}}}"
