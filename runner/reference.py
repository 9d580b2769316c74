"""What a person may type for a model, and what it means.

The first rule that applies decides:

1. `hf.co/…` or `huggingface.co/…`, with or without `https://`: a repository on the Hub
   (`…/org/repo`, `…/org/repo/tree/REVISION`), or one file of it (`…/org/repo/blob/REVISION/x.gguf`,
   `…/org/repo/resolve/REVISION/x.gguf`).
2. `ollama:…`, `lmstudio:…` or `folder:…`: a model that another program keeps on this disk, by the
   name that `runner list --all` shows.
3. The path of a file that exists, even where it is called as a model is; a folder hides no name.
4. What is plainly a path: it ends in `.gguf`, or begins like one (`/`, `./`, `~`, `C:\\`).
5. `org/repo`: a repository on the Hub.
6. Anything else is a name of the catalogue.

A repository and a name may end in `:QUANT`. After a name with a size (`name:1.5b:Q8_0`) the last
part is the quantization; after a name alone it is one where llama.cpp or its users spell one so,
in either case of letters (`name:q8_0`), and a size otherwise (`name:1.5b`).
"""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from runner.errors import UnknownModel

# llama-quantize's list, its tensor types, and the mixtures that bartowski (_L) and Unsloth (_XL,
# and UD- before any) publish.
_SPELLED = """
    F32 F16 BF16 Q8_0 Q8_K_XL Q6_K Q6_K_L Q6_K_XL Q5_0 Q5_1 Q5_K Q5_K_S Q5_K_M Q5_K_L Q5_K_XL
    Q4_0 Q4_1 Q4_K Q4_K_S Q4_K_M Q4_K_L Q4_K_XL IQ4_NL IQ4_XS MXFP4 MXFP4_MOE NVFP4
    Q3_K Q3_K_S Q3_K_M Q3_K_L Q3_K_XL IQ3_XXS IQ3_XS IQ3_S IQ3_M
    Q2_0 Q2_K Q2_K_S Q2_K_L Q2_K_XL IQ2_XXS IQ2_XS IQ2_S IQ2_M Q1_0 IQ1_S IQ1_M TQ1_0 TQ2_0
"""
QUANTIZATIONS = tuple(_SPELLED.split())
_SPELLINGS = {name.lower(): name for name in QUANTIZATIONS} | {"fp16": "F16", "fp32": "F32"}

_HUB = re.compile(r"(?:https?://)?(?:www\.)?(?:hf\.co|huggingface\.co)(?=/|$)", re.IGNORECASE)
_PART = r"[A-Za-z0-9](?:[\w.-]{0,94}[A-Za-z0-9_])?"
_REPOSITORY = re.compile(rf"{_PART}/{_PART}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(?::[A-Za-z0-9][\w.-]{0,95}){0,2}", re.ASCII)
_STORE = re.compile(r"(?:ollama|lmstudio|folder):\S.*", re.IGNORECASE)
_PATH = re.compile(r"[/\\~]|\.{1,2}[/\\]|[A-Za-z]:[/\\]")
_FORMS = (
    "A model is a name of the catalogue or of `runner list --all`, org/repo or hf.co/org/repo with "
    "or without :QUANT, or the path of a .gguf file."
)


@dataclass(frozen=True, slots=True)
class CatalogReference:
    """A name of the catalogue, in lower case, and perhaps which of its quantizations."""

    name: str
    quantization: str | None = None

    def __str__(self) -> str:
        return _with_quantization(self.name, self.quantization)


@dataclass(frozen=True, slots=True)
class HubReference:
    """A repository on the Hub, perhaps at a revision, and which of its files.

    Either `file`, the exact path of one, or perhaps a `quantization` to choose by.
    """

    repository: str
    quantization: str | None = None
    revision: str | None = None
    file: str | None = None

    def __str__(self) -> str:
        if self.file is not None:
            place = f"/blob/{quote(self.revision or 'main', safe='')}/{quote(self.file)}"
        else:
            place = f"/tree/{quote(self.revision, safe='')}" if self.revision else ""
        return _with_quantization(f"hf.co/{self.repository}{place}", self.quantization)


@dataclass(frozen=True, slots=True)
class FileReference:
    """A file on this disk, which need not exist."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class StoreReference:
    """A model that another program keeps on this disk, as `runner list --all` names it."""

    name: str

    def __str__(self) -> str:
        return self.name


Reference = CatalogReference | HubReference | FileReference | StoreReference


def parse(text: str) -> Reference:
    """What a text stands for, by the rules above. Looks whether a file exists, nothing else.

    Raises UnknownModel for text that can be none of them.
    """
    text = text.strip()
    if hub := _HUB.match(text):
        return _hub(text, text[hub.end() :])
    if _STORE.fullmatch(text):
        return StoreReference(text)
    path = _expanded(text)
    if _is_file(path):
        return FileReference(path)
    if text.lower().endswith(".gguf") and "://" not in text:
        return FileReference(path)
    if _PATH.match(text):
        raise UnknownModel(f"there is no file {text}", remedy="Name a .gguf file that exists.")
    body, quantization = _split(text)
    if _REPOSITORY.fullmatch(body):
        return HubReference(_checked(body, text), quantization)
    if _NAME.fullmatch(text):
        return CatalogReference(body.lower(), quantization)
    raise UnknownModel(f"{text[:100]!r} is not how a model is named", remedy=_FORMS)


def known_quantization(text: str) -> str | None:
    """A quantization as llama.cpp spells it (`q4_k_m` is Q4_K_M), or None for any other text."""
    if text[:3].lower() == "ud-":
        known = _SPELLINGS.get(text[3:].lower())
        return f"UD-{known}" if known else None
    return _SPELLINGS.get(text.lower())


def _hub(text: str, rest: str) -> HubReference:
    """A reference from an address, whose path and what follows it is `rest`."""
    place, quantization = re.split(r"[?#]", rest, maxsplit=1)[0].strip("/"), None
    if "/blob/" not in place and "/resolve/" not in place:
        place, quantization = _split(place)
    organisation, _, inside = place.partition("/")
    name, *parts = inside.split("/")
    repository = _checked(f"{organisation}/{name}", text)
    match parts:
        case []:
            return HubReference(repository, quantization)
        case ["tree", revision, *_] if revision:
            return HubReference(repository, quantization, unquote(revision))
        case ["blob" | "resolve", revision, *file] if file and file[-1].lower().endswith(".gguf"):
            path = unquote("/".join(file))
            return HubReference(repository, revision=unquote(revision), file=path)
    raise UnknownModel(
        f"{text} is neither a repository on the Hub nor a .gguf file in one", remedy=_FORMS
    )


def _checked(repository: str, text: str) -> str:
    """The repository, if the Hub would allow the name."""
    if (
        not _REPOSITORY.fullmatch(repository)
        or repository.split("/")[0].lower() in ("datasets", "spaces", "models")
        or any(bad in repository for bad in ("--", ".."))
    ):
        raise UnknownModel(f"{text} names no model repository on the Hub", remedy=_FORMS)
    return repository


def _split(text: str) -> tuple[str, str | None]:
    """A name or a repository, and the quantization after its last colon, if it is one."""
    body, colon, last = text.rpartition(":")
    known = known_quantization(last)
    if colon and body and last and (known or "/" in body or ":" in body):
        return body, known or last
    return text, None


def _with_quantization(text: str, quantization: str | None) -> str:
    return f"{text}:{quantization}" if quantization else text


def _expanded(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except (RuntimeError, ValueError):  # no such user, or a NUL in the name
        return Path(text)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # longer than a name may be, or holding a NUL
        return False
