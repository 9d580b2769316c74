"""Stop strings: found also where they span tokens, and never shown in part."""

from collections.abc import Collection


class Stops:
    """Passes text through until one of `texts` is whole in it, and ends it where that begins: of
    several the one that is whole first, and of those the longest, however the text was cut. What
    may be the beginning of one is held back; only the end of the text is ever searched again."""

    def __init__(self, texts: Collection[str]) -> None:
        self._texts = [text for text in texts if text]
        self._held = ""
        self.found = False

    def feed(self, text: str) -> str:
        """What of the text so far is certain to be before a stop."""
        if not self._texts:
            return text
        if self.found:
            return ""
        self._held += text
        ends = [(i + len(stop), i) for stop in self._texts if (i := self._held.find(stop)) >= 0]
        if ends:
            self.found = True
            kept = len(self._held) - min(ends)[1]
        else:
            kept = max(map(self._beginning, self._texts))
        passed = self._held[: len(self._held) - kept]
        self._held = self._held[len(passed) :]
        return passed

    def close(self) -> str:
        """What was held back and turned out to be text."""
        held, self._held = self._held, ""
        return "" if self.found else held

    def _beginning(self, stop: str) -> int:
        """The length of the longest end of what is held with which `stop` could begin."""
        most = min(len(stop) - 1, len(self._held))
        return next((n for n in range(most, 0, -1) if self._held.endswith(stop[:n])), 0)
