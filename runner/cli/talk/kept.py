"""What was set in a conversation holds when it is taken up again, unless the command line says
otherwise."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from runner.cli.talk.setting import SETTABLE
from runner.errors import ConfigurationError, RunnerError
from runner.settings import BY_NAME, Settings

ORIGIN = "this conversation"


def with_kept(settings: Settings, kept: Mapping[str, Any]) -> Settings:
    """The settings, with what was set in a conversation. What cannot be set in one is passed over,
    because a conversation may come from elsewhere; so is what a later version holds to be wrong."""
    values: dict[str, Any] = {}
    for name, value in kept.items():
        if name in SETTABLE and settings.origin(name) != "command line":
            try:
                values[name] = BY_NAME[name].checked(value, name)
            except ConfigurationError:
                continue
    return with_set(settings, values)


def with_persona(
    settings: Settings, name: str | None, tell: Callable[[RunnerError], None]
) -> Settings:
    """The settings, with those of a conversation's persona. Of one that is no longer there `tell`
    is told."""
    from runner.chat.personas import find

    if name is None:
        return settings
    try:
        return with_kept(settings, find(name).settings)
    except ConfigurationError as error:
        tell(error)
        return settings


def with_set(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """The settings, with these values in the place of whatever held."""
    origins = {**settings.origins, **dict.fromkeys(values, ORIGIN)}
    return replace(settings, **values, origins=origins)


def without(settings: Settings, name: str, before: Settings) -> Settings:
    """The settings, with one option as it was `before`."""
    origins = {**settings.origins, name: before.origin(name)}
    return replace(settings, **{name: before.get(name)}, origins=origins)
