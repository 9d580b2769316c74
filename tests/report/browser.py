"""A headless Chromium, without a network, to open a page as a person would."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
OFFLINE = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


class Browser:
    """Its profile and its files lie in `folder`."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program, self._folder = program, folder

    def run(self, *options: str) -> str:
        """Start it, and what it says on stdout."""
        done = subprocess.run(
            [self._program, "--headless", "--no-sandbox", "--disable-gpu", *OFFLINE,
             f"--user-data-dir={self._folder / 'profile'}", *options],
            capture_output=True, text=True, encoding="utf-8", timeout=90, check=True,
        )  # fmt: skip
        return done.stdout

    def screenshot(self, page: Path, width: int, height: int) -> Path:
        """A picture of the page in a window of that size."""
        path = self._folder / f"{page.stem}-{width}.png"
        self.run(f"--window-size={width},{height}", f"--screenshot={path}", page.as_uri())
        return path

    def ask(self, html: str, script: str, *, width: int, dark: bool = False) -> Any:
        """What `script` (an expression, or a promise) says in the page, in a frame of that width:
        a window cannot be as narrow as a phone."""
        answer = f"Promise.resolve({script}).then(a => parent.postMessage(JSON.stringify(a), '*'))"
        asked = self._folder / "asked.html"
        # Chromium of a test may run what the page itself forbids.
        open_page = html.replace("default-src 'none'; style-src 'unsafe-inline'", "")
        script_in = f"<script>addEventListener('load', () => {{ {answer} }})</script></body>"
        asked.write_text(open_page.replace("</body>", script_in), encoding="utf-8")
        frame = self._folder / "frame.html"
        frame.write_text(
            f'<body><iframe src="asked.html" style="width:{width}px;height:900px"></iframe>'
            "<pre></pre><script>onmessage = m => "
            "{ document.querySelector('pre').textContent = encodeURIComponent(m.data) }</script>",
            encoding="utf-8",
        )
        scheme = [f"--blink-settings=preferredColorScheme={0 if dark else 1}"]
        dom = self.run(*scheme, "--virtual-time-budget=20000", "--dump-dom", frame.as_uri())
        from urllib.parse import unquote

        return json.loads(unquote(dom.partition("<pre>")[2].partition("</pre>")[0]))


def find(folder: Path) -> Browser:
    """The browser of this machine; skips where there is none."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("there is no Chromium to open the report in")
    return Browser(program, folder)
