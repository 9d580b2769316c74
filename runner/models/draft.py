"""The smaller model that guesses for a larger one."""

from runner.errors import ConfigurationError
from runner.models.find import Located, locate
from runner.settings import Settings

AUTO = "auto"


def draft_of(settings: Settings, located: Located) -> Located | None:
    """The model that --draft names, or the one that the catalogue names for `located`.

    Raises ConfigurationError where it names none, ModelNotHere and UnknownModel.
    """
    if settings.draft != AUTO:
        folders = settings.model_folders or ()
        return None if settings.draft is None else locate(settings.draft, folders)
    if located.entry is None or not located.entry.draft:
        raise ConfigurationError(
            f"the catalogue names no draft model for {located.name}",
            remedy="Name one with --draft MODEL, of the same family, or leave --draft out.",
        )
    return locate(located.entry.draft)
