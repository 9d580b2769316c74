"""The commands that say how the model answers: which one, told what, with which options."""

import difflib
from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from runner.cli.talk.quotes import bare
from runner.errors import ConfigurationError
from runner.settings import BY_NAME

if TYPE_CHECKING:
    from runner.cli.talk.loop import Talk

SETTABLE = [name for name, one in BY_NAME.items() if one.in_chat]

OLLAMA = {
    "num_ctx": "ctx",
    "num_predict": "max_tokens",
    "num_gpu": "gpu_layers",
    "num_thread": "threads",
    "num_batch": "batch",
    "use_mmap": "mmap",
    "context": "ctx",
    "temp": "temperature",
    "schema": "json_schema",
}
"""Names of options that other programs have."""

ANY_OBJECT = '{"type": "object"}'


def model(talk: "Talk", name: str) -> None:
    """Without a name, tell which model answers."""
    from runner.cli.talk.header import header
    from runner.cli.talk.obtaining import obtained
    from runner.cli.talk.opening import told

    if not name:
        talk.face.note(header(talk.ready))
        return
    talk.load(obtained(talk.face, name, talk.settings), talk.settings)
    talk.chat.model = talk.located.reference
    told(talk.face, talk.ready, talk.settings)
    _ = talk.conversation  # which reads ahead


def system(talk: "Talk", text: str) -> None:
    if text:
        talk.chat.system = "" if text == "none" else bare(text)
        if talk.loaded:
            talk.conversation.read_ahead()
    talk.face.note(f"system prompt: {talk.chat.system or 'none'}")


def think(talk: "Talk", wish: str) -> None:
    if wish.isdecimal():
        set_option(talk, f"think_tokens {wish}")
        return
    if not wish:
        wish = "show" if talk.think == "hide" else "hide"
    if wish not in ("show", "fold", "hide", "on", "off"):
        talk.face.note("/think show, fold, hide, on or off; /think 500 closes it after 500 tokens")
        return
    talk.set({"think": wish})
    if wish in ("on", "off"):
        talk.face.note(f"reasoning is {wish}")
    else:
        shown = {"show": "shown", "fold": "folded", "hide": "hidden"}
        talk.face.note(f"reasoning is {shown[wish]}")


def set_option(talk: "Talk", argument: str) -> None:
    words = argument.removeprefix("parameter ").replace("=", " ", 1).split(None, 1)
    if not words:
        _tell_set(talk)
        return
    name, value = words[0].lstrip("-").replace("-", "_").lower(), "".join(words[1:])
    if name == "system":
        system(talk, value)
    elif name in ("think", "nothink") and value in ("", "true", "false"):
        think(talk, "off" if name == "nothink" or value == "false" else "on")
    elif (name, value) in (("format", "json"), ("noformat", "")):
        _hold(talk, "json_schema", ANY_OBJECT if value else "default")
    else:
        _hold(talk, _option(name), value)


def _option(name: str) -> str:
    """The option that is meant. Raises ConfigurationError."""
    name = OLLAMA.get(name, name)
    if name in SETTABLE:
        return name
    if name in BY_NAME:
        raise ConfigurationError(f"{name} is decided when a chat begins")
    near = difflib.get_close_matches(name, [*SETTABLE, *OLLAMA], n=1, cutoff=0.5)
    raise ConfigurationError(
        f"there is no option {name!r}",
        remedy=f"Did you mean {near[0]}?" if near else "`runner config` names them all.",
    )


def _hold(talk: "Talk", name: str, text: str) -> None:
    """Set an option from now on, and say what it was; without a text only say what it is."""
    if not text:
        talk.face.note(f"{name}: {_told(talk, name)}")
        return
    before = _told(talk, name)
    if text == "default":
        talk.unset(name)
    else:
        option = BY_NAME[name]
        talk.set({name: option.checked(option.parsed(bare(text)), name)})
    talk.face.note(f"{name}: {_told(talk, name)} (was {before})")


def _told(talk: "Talk", name: str) -> str:
    """What holds for an option now, in words."""
    value, option = talk.settings.get(name), BY_NAME[name]
    if value is None and talk.loaded and hasattr(talk.ready.sampling, name):
        value = getattr(talk.ready.sampling, name)
    if value is None and name == "ctx" and talk.loaded:
        value = talk.ready.model.context_length
    return option.default if value is None else _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return ", ".join(map(_shown, value)) or "none"
    return str(value)


def _tell_set(talk: "Talk") -> None:
    """What was set in this conversation."""
    kept = talk.chat.settings
    if kept:
        talk.face.note("\n".join(f"{name}: {_shown(value)}" for name, value in kept.items()))
    else:
        talk.face.note("nothing was set in this conversation; /set NAME VALUE, /show parameters")


def show(talk: "Talk", what: str) -> None:
    sections: dict[str, Callable[[Talk], str]] = {
        "model": _model_facts,
        "parameters": _parameters,
        "system": lambda talk: f"system prompt: {talk.chat.system or 'none'}",
        "template": lambda talk: talk.ready.model.template_source or "the file has no template",
    }
    what = {"info": "model", "modelfile": "parameters"}.get(what, what)
    if what and what not in sections:
        talk.face.note(f"/show {', '.join(sections)}")
        return
    wanted = [what] if what else ["model", "system", "parameters"]
    talk.face.note("\n".join(sections[one](talk) for one in wanted))


def _model_facts(talk: "Talk") -> str:
    ready, chat = talk.ready, talk.chat
    located, record, entry = ready.located, ready.located.record, ready.located.entry
    number = "not kept" if talk.private else chat.number or "not begun"
    facts = {
        "model": located.reference,
        "file": located.path,
        "described as": ready.model.description,
        "licence": (record and record.licence) or (entry and entry.licence) or "unknown",
        "context": f"{ready.model.context_length} of {ready.model.weights.context_train} tokens",
        "KV cache": ready.placement.kv_type,
        "conversation": f"{number} · {chat.title}" if chat.title else number,
    }
    return "\n".join(f"{name}: {value}" for name, value in facts.items())


def _parameters(talk: "Talk") -> str:
    sampling, origins = talk.ready.sampling, talk.ready.origins
    return "\n".join(
        f"{one.name}: {_shown(getattr(sampling, one.name))} ({origins.get(one.name, 'program')})"
        for one in fields(sampling)
        if origins.get(one.name) != "program"
    )
