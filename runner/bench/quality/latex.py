"""Mathematics as models write it, so far alike that equal answers are equal texts."""

import re
from fractions import Fraction

_BOX = re.compile(r"\\(?:boxed|fbox)\s*(?=\{)")
_LEFT_OUT = re.compile(
    r"\\(?:left|right|displaystyle|limits|quad|qquad|[,;:!])(?![a-zA-Z])|\\?[$]|\\\s|\\%|%|~"
)
_UNITS = re.compile(
    r"\\(?:text|mathrm|textbf|mbox)\{\s*(?:square\s*)?(?:cm|mm|km|m|in|inch(?:es)?|ft|feet|"
    r"units?|degrees?|hours?|minutes?|seconds?|cents?|dollars?|miles?)\s*\}(?:\^\{?\d\}?)?"
)
_WORDS = re.compile(r"\\(?:text|mathrm|textbf|mathbf|mbox|operatorname)\{([^{}]*)\}")
_DEGREES = re.compile(r"\^\{?\\circ\}?|\\degree|°")
_BARE_FRACTION = re.compile(r"\\frac(?:\{([^{}]*)\}|([0-9a-zA-Z]))(?:\{([^{}]*)\}|([0-9a-zA-Z]))")
_BARE_ROOT = re.compile(r"\\sqrt([0-9a-zA-Z])")
_SLASH = re.compile(r"(?<![\w.)}])(-?\d+)/(\d+)(?![\w.({])")
_THOUSANDS = re.compile(r"(?<=\d)(?:,|\{,\})(?=\d{3}(?!\d))")
_MIXED = re.compile(r"(-?)(\d+)\\frac\{(\d+)\}\{(\d+)\}")


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
    commas, numbers without leading and trailing zeros, and what a lone variable equals."""
    text = text.strip().rstrip(".")
    for other in ("\\dfrac", "\\tfrac", "\\cfrac"):
        text = text.replace(other, "\\frac")
    text = _UNITS.sub("", text)
    text = _WORDS.sub(r"\1", text)
    text = _DEGREES.sub("", text)
    text = _LEFT_OUT.sub("", text).replace("\\\\{", "\\{")
    text = re.sub(r"\s+", "", text).replace("−", "-")
    text = _BARE_ROOT.sub(r"\\sqrt{\1}", text)
    text = _BARE_FRACTION.sub(
        lambda m: (
            f"\\frac{{{m[1] if m[1] is not None else m[2]}}}"
            f"{{{m[3] if m[3] is not None else m[4]}}}"
        ),
        text,
    )
    text = _SLASH.sub(r"\\frac{\1}{\2}", text)
    text = text.replace("\\frac{-", "-\\frac{")
    text = _THOUSANDS.sub("", text)
    if re.fullmatch(r"[a-zA-Z]=[^=]+", text):
        text = text[2:]
    text = re.sub(r"(?<![\w.])\.(?=\d)", "0.", text)
    text = re.sub(r"(\.\d*?)0+(?!\d)", r"\1", text)
    return re.sub(r"\.(?!\d)", "", text)


def number_of(text: str) -> Fraction | None:
    """The value of normalised LaTeX that is a number or a fraction of two; None of all else."""
    if re.fullmatch(r"-?\d+(?:\.\d+)?", text):
        return Fraction(text)
    if whole := _MIXED.fullmatch(text):
        sign = -1 if whole[1] else 1
        return sign * (int(whole[2]) + _divided(int(whole[3]), int(whole[4])))
    if found := re.fullmatch(r"(-?)\\frac\{(-?\d+)\}\{(-?\d+)\}", text):
        if not int(found[3]):
            return None
        return _divided(int(found[2]), int(found[3])) * (-1 if found[1] else 1)
    return None


def _divided(above: int, below: int) -> Fraction:
    return Fraction(above, below) if below else Fraction(0)
