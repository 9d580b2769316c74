"""The one tree of errors Runner raises on purpose.

Each error says what happened and why (its message), what the person can do about it (`remedy`),
and which exit code the command line ends with. Only `cli/` turns them into words on a screen.

    RunnerError (1)
    ├── ConfigurationError (2)      a setting, option or configuration file makes no sense
    ├── ModelNotHere (3)            a known model that has not been fetched
    ├── UnknownModel (4)            no catalogue entry, repository or file of this name
    ├── UnknownChat (4)             no conversation of this number, or with these words
    ├── UnknownTask (4)          no task or file of this name, to evaluate a model with
    ├── UnknownRecord (4)           no measurement of this name, or several
    ├── BadModelFile (5)            not a GGUF, truncated, unknown architecture, crashes llama.cpp
    ├── DoesNotFit (6)              needs more memory than there is
    ├── PromptTooLong (7)           more tokens than the context holds
    ├── NetworkError (8)            the Hub cannot be reached or keeps failing
    │   └── OfflineError (8)        a connection would be needed, and --offline forbids it
    ├── AccessDenied (9)            gated repository, missing or refused token
    ├── DiskError (10)              no space, or a file that cannot be written
    ├── IntegrityError (11)         a file whose sha256 is not the published one
    ├── DeviceError (12)            no such device, none to use where one is required, or lost
    ├── BuildError (13)             llama-cpp-python is missing, broken or of another version
    ├── TemplateError (14)          a chat template fails, or asks for more than its bounds
    └── BadDocument (15)            a file that is not there, or is not what it should be

A reply that a full context cut short ends a command with 16, a comparison that `--fail-if` does not
let pass with 17. Ctrl-C ends it with 130, as shells expect.
"""

from dataclasses import dataclass
from typing import ClassVar

INCOMPLETE = 16
REGRESSED = 17
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that is not here and could be fetched; `bytes` is None where nobody knows yet."""

    name: str
    repository: str
    quantization: str | None
    bytes: int | None


class RunnerError(Exception):
    """Something Runner can explain. `remedy` is one sentence, or empty where nothing helps."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class ConfigurationError(RunnerError):
    """A setting, an option or the configuration file makes no sense."""

    exit_code = 2


class ModelNotHere(RunnerError):
    """The model is known but not on this disk; `offer` is what `pull` would fetch."""

    exit_code = 3

    def __init__(self, message: str, *, offer: Offer, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.offer = offer


class UnknownModel(RunnerError):
    """No catalogue entry, repository or file answers to this name."""

    exit_code = 4


class UnknownChat(RunnerError):
    """No conversation has this number, or these words."""

    exit_code = 4


class UnknownTask(RunnerError):
    """No task and no file to evaluate a model with has this name."""

    exit_code = 4


class UnknownRecord(RunnerError):
    """No measurement has this name, or several have a name that begins so."""

    exit_code = 4


class BadModelFile(RunnerError):
    """The file is not a GGUF that this llama.cpp can load."""

    exit_code = 5


class DoesNotFit(RunnerError):
    """The model needs more memory than this machine has to give."""

    exit_code = 6


class PromptTooLong(RunnerError):
    """The prompt has more tokens than the context holds; it is never cut."""

    exit_code = 7


class NetworkError(RunnerError):
    """The Hub could not be reached, or failed for longer than the retry budget."""

    exit_code = 8


class OfflineError(NetworkError):
    """A connection would be needed, and offline mode forbids it."""


class AccessDenied(RunnerError):
    """The repository is gated or private, or the token was refused."""

    exit_code = 9


class DiskError(RunnerError):
    """There is no space, or a file cannot be written."""

    exit_code = 10


class IntegrityError(RunnerError):
    """A file's sha256 is not the one that was published for it."""

    exit_code = 11


class DeviceError(RunnerError):
    """A device does not exist, or was lost; or a GPU is required and there is none to use."""

    exit_code = 12


class BuildError(RunnerError):
    """llama-cpp-python is missing, broken, or not the version Runner mirrors."""

    exit_code = 13


class TemplateError(RunnerError):
    """A chat template cannot be rendered within its bounds."""

    exit_code = 14


class BadDocument(RunnerError):
    """A file to talk about is not there or is no text, or one to import holds something else."""

    exit_code = 15
