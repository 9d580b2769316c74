"""A conversation as one HTML page that needs nothing else: no script, no picture, no connection.

What was said is Markdown and is rendered as such, with its HTML shown as text. A browser that
opens the page is told to load nothing.
"""

import json
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from runner.chat.dialogue import Dialogue
from runner.chat.formats.markdown import CONTROL, about, attached, speaker
from runner.chat.turns import Turn

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.55 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto;
  padding: 0 1rem; overflow-wrap: anywhere; }}
h2 {{ font-size: .9rem; margin: 2rem 0 .3rem; opacity: .7; }}
.user {{ border-left: 3px solid #58a; padding-left: 1rem; }}
.about, .attached, details {{ opacity: .75; font-size: .9rem; }}
details {{ border-left: 3px solid #8888; padding-left: 1rem; margin: .5rem 0; }}
pre {{ overflow: auto; padding: .7rem; border: 1px solid #8886; border-radius: 4px; }}
code, pre {{ font-family: ui-monospace, monospace; font-size: .9em; }}
table {{ border-collapse: collapse; }}
th, td {{ border: 1px solid #8886; padding: .2rem .6rem; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def write(dialogues: Sequence[Dialogue]) -> str:
    """The conversations on a page, one after the other."""
    markdown = _markdown()
    title = dialogues[0].title if len(dialogues) == 1 else f"{len(dialogues)} conversations"
    body = "\n<hr>\n".join(_dialogue(one, markdown) for one in dialogues)
    return PAGE.format(title=_text(title or "Conversation"), body=body)


def _dialogue(dialogue: Dialogue, markdown: "MarkdownIt") -> str:
    parts = [f'<article>\n<h1 dir="auto">{_text(dialogue.title or "Conversation")}</h1>']
    if line := about(dialogue):
        parts.append(f'<p class="about">{_text(line)}</p>')
    if dialogue.system:
        parts.append(_folded("System prompt", dialogue.system))
    parts += [_turn(turn, dialogue, markdown) for turn in dialogue.path]
    return "\n".join([*parts, "</article>"])


def _turn(turn: Turn, dialogue: Dialogue, markdown: "MarkdownIt") -> str:
    parts = [f"<h2>{_text(speaker(turn, dialogue))}</h2>"]
    if summary := dialogue.summaries.get(turn.id):
        parts.append(_folded("Summary of all up to here, given to the model in its place", summary))
    parts += [
        f'<p class="attached">Attached: {_text(attached(one))}</p>' for one in turn.attachments
    ]
    if turn.reasoning:
        parts.append(_folded("Reasoning", turn.reasoning))
    content = CONTROL.sub("", turn.content)
    if turn.role == "tool":
        parts.append(f"<pre>{escape(content)}</pre>")
    elif content.strip():
        parts.append(markdown.render(content))
    for call in turn.tool_calls if turn.role == "assistant" else ():
        arguments = json.dumps(call.arguments, indent=2, ensure_ascii=False)
        parts.append(f"<p>Calls <code>{_text(call.name)}</code>:</p><pre>{_text(arguments)}</pre>")
    inside = "\n".join(parts)
    return f'<section class="{turn.role}" dir="auto">\n{inside}\n</section>'


def _folded(title: str, text: str) -> str:
    plain = f'<div style="white-space: pre-wrap" dir="auto">{_text(text.strip())}</div>'
    return f"<details><summary>{title}</summary>{plain}</details>"


def _text(text: str) -> str:
    return escape(CONTROL.sub("", text))


def _markdown() -> "MarkdownIt":
    """Renders Markdown with the HTML in it as text, no pictures, and links that tell nobody where
    they were followed from. Links that could run something are none to begin with."""
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    markdown.disable(["image", "html_block", "html_inline"])

    def link(renderer: Any, tokens: Any, index: int, options: Any, _env: Any) -> str:
        tokens[index].attrSet("rel", "noreferrer noopener nofollow")
        rendered: str = renderer.renderToken(tokens, index, options, _env)
        return rendered

    markdown.add_render_rule("link_open", link)
    return markdown
