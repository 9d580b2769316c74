"""Runner fetches open-weight distilled language models and runs them on your own machine.

As a library:

    import runner

    with runner.load("tiny", temperature=0) as model, model.chat(system="Be brief.") as chat:
        for event in chat.send("What is 12 + 30?"):
            print(event.kind, event.text)
        print(chat.say("And 12 + 31?"))

`runner.chat.model` has what a model and a conversation can do, also asynchronously.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.chat.model import Model
    from runner.prompt import Message

__version__ = "0.1.0"
__all__ = ["Message", "__version__", "load"]


def load(name: str | None = None, **options: Any) -> Model:
    """Load the model called `name` (None: the one used last, else the one that ships).

    `options` are those of the command line with underscores, such as `temperature=0.6`, `ctx=8192`.
    What the command line would remark on is a warning of the logger "runner".

    Raises the errors of `runner.errors`; ModelNotHere where the model was not fetched yet.
    """
    from runner import models, settings
    from runner.chat.model import Model, remark

    chosen = settings.load(options)
    located = models.locate(name, chosen.model_folders or ())
    return Model(models.ready(located, chosen, remark=remark))


def __getattr__(name: str) -> Any:
    # What the library offers is imported on first use, so that the command line starts fast.
    if name == "Message":
        from runner.prompt import Message

        return Message
    raise AttributeError(f"module 'runner' has no attribute {name!r}")
