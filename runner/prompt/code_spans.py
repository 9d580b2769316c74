"""Whether a streamed Markdown text is inside code at the moment."""

# What may stand before a fence on its line: indentation, a quotation, a list's bullet or number.
_BEFORE_FENCE = frozenset(" \t\r>-*+.)0123456789")


class CodeSpans:
    """Follows fences (three or more backticks or tildes at a line's start) and inline code.

    Inline code is taken to end with its line, so that a lone backtick spoils one line at most.
    What is inside depends on the text fed so far, never on how it was divided.
    """

    def __init__(self) -> None:
        self._fence = ""  # the run that opened the fence we are in
        self._closing = False  # a run on this line closes it, if nothing follows
        self._opening = False  # this line opened it
        self._inline = 0  # backticks in the run that opened inline code; 0: not inside any
        self._run = ""  # the run of equal marks being read
        self._blank = True  # nothing so far on this line but what may precede a fence

    def feed(self, text: str) -> None:
        """Go on with more text."""
        for letter in text:
            if self._run and letter != self._run[0]:
                self._end_run()
            if letter in "`~":
                self._run += letter
            elif letter == "\n":
                self._end_line()
            elif letter not in _BEFORE_FENCE:
                self._blank = self._closing = False

    @property
    def inside(self) -> bool:
        """Whether what comes next, if it is no backtick, is code."""
        self._end_run()
        return self._inline > 0 or (self._fence != "" and not self._closing)

    @property
    def inside_inline(self) -> bool:
        """Whether what comes next, if it is no backtick, is inline code."""
        self._end_run()
        return self._inline > 0

    def _end_run(self) -> None:
        run, self._run = self._run, ""
        if not run:
            return
        if self._fence:
            if self._opening and run[0] == "`" == self._fence[0]:
                # ```code``` on one line: a fence's first line may not hold backticks.
                self._fence = ""
            elif self._blank and run.startswith(self._fence):
                self._closing = True
        elif self._blank and len(run) >= 3 and not self._inline:
            self._fence, self._opening = run, True
        elif run[0] == "`":
            if not self._inline:
                self._inline = len(run)
            elif self._inline == len(run):
                self._inline = 0
        self._blank = False

    def _end_line(self) -> None:
        if self._closing:
            self._fence = ""
        self._opening = self._closing = False
        self._inline = 0
        self._blank = True
