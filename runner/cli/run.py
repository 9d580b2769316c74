"""`runner run`: one answer to stdout."""

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from runner.cli import options
from runner.cli.stdin import read_text
from runner.errors import ConfigurationError, UnknownChat
from runner.settings import Settings

if TYPE_CHECKING:
    from runner.chat.chats import Chat, Chats

MODEL = (
    f"{options.MODEL} Default: the one used last, else the small one inside. A lone argument is "
    "the PROMPT where it has a space in it, and with -m or -c in any case."
)
PROMPT = "What to say; `-`, or nothing, reads it from stdin. Other text on stdin follows it."
NAMED = "The model, in place of MODEL."
RAW = "Continue the text as it stands, without a chat template: for base models."
SAMPLES = "Answer this many times; the prompt is read once, and each answer has the next seed."
CONTINUE = "Say it in the conversation in which something was said last, to its model."
EXTRACT = "Of the answer, print only the first block of code."
Model = Annotated[str | None, typer.Argument(metavar="[MODEL]", help=MODEL, show_default=False)]
Prompt = Annotated[str | None, typer.Argument(metavar="[PROMPT]", help=PROMPT, show_default=False)]
Named = Annotated[
    str | None, typer.Option("--model", "-m", metavar="MODEL", help=NAMED, show_default=False)
]
Raw = Annotated[bool, typer.Option("--raw", help=RAW)]
Samples = Annotated[
    int, typer.Option("--samples", "--n", "-n", min=1, metavar="COUNT", help=SAMPLES)
]
Extract = Annotated[
    Literal["code"] | None,
    typer.Option("--extract", "-x", help=EXTRACT, show_default=False),
]
Continue = Annotated[bool, typer.Option("--continue", "-c", help=CONTINUE)]


@options.every_option_but("when_full", "keys", "plain")
def run(
    model: Model = None,
    prompt: Prompt = None,
    named: Named = None,
    resumed: Continue = False,
    raw: Raw = False,
    samples: Samples = 1,
    extract: Extract = None,
    *,
    settings: Settings,
) -> None:
    """Answer one prompt on stdout.

    Reasoning goes to stderr, dimmed on a terminal, so that a pipe gets the answer alone. What was
    said is kept as a conversation, which -c continues; --no-save keeps nothing.
    """
    model, prompt = arguments(model, prompt, named=named, resumed=resumed)
    text = _text(prompt)
    if not (text.strip() or settings.file) and not raw:
        raise ConfigurationError(
            "the prompt is empty",
            remedy=f"{model} was taken for the model; `runner run -m MODEL {model}` says it to one."
            if model and not named
            else "Say something after MODEL.",
        )
    _check(settings, raw=raw, resumed=resumed, samples=samples)

    from runner.chat.chats import Chats
    from runner.cli.answering import Answering
    from runner.cli.errors import show
    from runner.cli.loading import find, load
    from runner.cli.talk.calls import toolbox
    from runner.cli.talk.kept import with_kept, with_persona

    with ExitStack() as stack:
        chats = Chats() if settings.save is not False and not raw else Chats.in_memory()
        stack.enter_context(chats)
        chat = _latest(chats) if resumed else None
        if chat is not None:
            if settings.persona is None:
                settings = with_persona(settings, chat.persona, show)
            settings = with_kept(settings, chat.settings)
        located = find(model or settings.model or (chat.model if chat else None), settings)
        tools = stack.enter_context(toolbox(settings))
        ready = stack.enter_context(load(located, settings))
        answering = Answering(ready, settings, extract=extract)
        if raw:
            answering.raw(text, samples)
        else:
            if chat is None:
                chat = chats.begin(
                    model=located.reference,
                    system=settings.system or "",
                    persona=settings.persona,
                )
            elif settings.origin("system") == "command line":
                chat.system = settings.system or ""
            answering.talk(chat, tools, text, samples)
        answering.end()


def arguments(
    model: str | None, prompt: str | None, *, named: str | None, resumed: bool
) -> tuple[str | None, str | None]:
    """Which of two arguments is the model, and which the prompt. No name of a model has a space in
    it, so that a lone argument with one can only be meant as a prompt; a file is called by its
    ending all the same. Raises ConfigurationError where two models are named."""
    if prompt is None and model is not None:
        spoken = any(letter.isspace() for letter in model) and not model.endswith(".gguf")
        if named is not None or resumed or spoken:
            model, prompt = None, model
    if named is not None and model is not None:
        raise ConfigurationError(
            f"two models are named: {named} and {model}", remedy="Leave one of them out."
        )
    return named or model, prompt


def _check(settings: Settings, *, raw: bool, resumed: bool, samples: int) -> None:
    """Raise ConfigurationError for what cannot be together."""
    tools = settings.tool or settings.mcp
    for wrong, what in (
        (raw and settings.system, "--raw has no place for --system"),
        (raw and settings.file, "--raw has no place for --file"),
        (raw and tools, "--raw has no place for tools"),
        (raw and resumed, "--raw has no conversation that -c could continue"),
        (
            resumed and settings.save is False,
            "-c goes on with a conversation that is kept, and --no-save keeps nothing",
        ),
        (samples > 1 and tools, "several samples and tools do not go together"),
    ):
        if wrong:
            raise ConfigurationError(what, remedy="Leave one of them out.")


def _latest(chats: "Chats") -> "Chat":
    chat = chats.latest()
    if chat is None:
        raise UnknownChat(
            "there is no conversation to continue", remedy="Say something without -c first."
        )
    return chat


def _text(prompt: str | None) -> str:
    """The prompt and what stdin adds to it, a blank line between."""
    if prompt in (None, "-"):
        if sys.stdin.isatty():
            raise ConfigurationError(
                "there is no prompt",
                remedy="Give one after MODEL or on stdin; for a conversation, use `runner chat`.",
            )
        return read_text()
    parts = (prompt, "" if sys.stdin.isatty() else read_text())
    return "\n\n".join(part for part in parts if part)
