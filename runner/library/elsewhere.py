"""Models that other programs put on this disk: they run where they lie, and are never changed.

- the Hugging Face cache: what huggingface_hub, llama.cpp and others fetched;
- LM Studio: `publisher/repository/file.gguf`;
- Ollama: a manifest for each model, and blobs named after their sha256;
- folders that the user names, and Runner's own of models: any `.gguf` below them.

All names are text of others: what is invisible or too large to be what it claims is passed over.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.library.cache import Cache
from runner.paths import data_directory

DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
OLLAMA_MODEL = "application/vnd.ollama.image.model"
OLLAMA_ADAPTER = "application/vnd.ollama.image.adapter"
OLLAMA_HOST = "registry.ollama.ai"
LARGEST_NOTE = 2**20
"""Bytes that a manifest or its configuration may have; they have some hundred."""


@dataclass(frozen=True, slots=True)
class Found:
    """A model of others: `name` is what to type for it, `paths` its parts in order.

    `source` says whose it is. `repository`, `commit` and `file` are where it came from on Hugging
    Face, empty where nobody knows; `sha256` is what its store says of a model in one file.
    """

    name: str
    source: str
    paths: tuple[Path, ...]
    file: str
    repository: str = ""
    commit: str = ""
    quantization: str | None = None
    sha256: str | None = None

    @property
    def path(self) -> Path:
        return self.paths[0]

    @property
    def bytes(self) -> int:
        """Of all its parts; what is gone meanwhile has none."""
        total = 0
        for path in self.paths:
            with suppress(OSError):
                total += path.stat().st_size
        return total


def old_folder() -> Path:
    """Runner's own folder of models, outside the Hugging Face cache."""
    return data_directory() / "models"


def in_cache(cache: Cache, repository: str | None = None) -> list[Found]:
    """The GGUFs of the Hugging Face cache, of one repository or of all."""
    found = []
    for name in [repository] if repository else cache.repositories():
        files = cache.files(name)
        about = {file.path: file for file in files}
        for paths in whole_models(about):
            first = about[paths[0]]
            found.append(
                Found(
                    f"hf.co/{first.repository}",
                    "Hugging Face cache",
                    paths,
                    first.file,
                    first.repository,
                    first.commit,
                    sha256=first.sha256 if len(paths) == 1 else None,
                )
            )
    return found


def in_lm_studio() -> list[Found]:
    """The models of LM Studio."""
    found = []
    for root in _lm_studio_folders():
        for paths in whole_models(_ggufs(root, depth=3)):
            inside = paths[0].relative_to(root)
            if len(inside.parts) == 3:
                name, repository = f"lmstudio:{_stem(inside)}", inside.parent.as_posix()
                found.append(Found(name, "LM Studio", paths, inside.name, repository))
    return found


def _lm_studio_folders() -> list[Path]:
    with suppress(RuntimeError):  # of a user without a home
        return [Path.home() / place / "models" for place in (".lmstudio", ".cache/lm-studio")]
    return []


def in_folders(folders: Sequence[str]) -> list[Found]:
    """The models below the folders that the user named."""
    found: dict[str, Found] = {}
    for folder in folders:
        root = _expanded(folder).absolute()
        for paths in whole_models(_ggufs(root)):
            name = f"folder:{_stem(paths[0].relative_to(root))}"
            if name in found:
                name = str(paths[0])
            found[name] = Found(name, str(root), paths, paths[0].name)
    return list(found.values())


def in_old_folder() -> list[Found]:
    """The models in Runner's own folder: `org/repository/file`."""
    found, root = [], old_folder()
    for paths in whole_models(_ggufs(root)):
        parts = paths[0].relative_to(root).parts
        if len(parts) >= 3:
            repository, file = "/".join(parts[:2]), "/".join(parts[2:])
            found.append(Found(f"hf.co/{repository}", str(root), paths, file, repository))
    return found


def in_ollama() -> list[Found]:
    """The models of Ollama that are one GGUF; what builds on another with an adapter is not."""
    return [found for root in _ollama_folders() for found in _in_ollama(root)]


def _ollama_folders() -> list[Path]:
    """Where its models lie: of this user, and of the service that its installer makes on Linux."""
    if named := os.environ.get("OLLAMA_MODELS"):
        return [_expanded(named)]
    service = Path("/usr/share/ollama/.ollama/models")
    with suppress(RuntimeError):  # of a user without a home
        return [Path.home() / ".ollama" / "models", service]
    return [service]


def _in_ollama(root: Path) -> Iterator[Found]:
    manifests = root / "manifests"
    for path in _manifests(manifests):
        parts = path.relative_to(manifests).parts
        layers = _layers(_note(path))
        kinds = [kind for kind, _ in layers]
        if OLLAMA_ADAPTER in kinds or OLLAMA_MODEL not in kinds or not _is_visible(parts):
            continue
        digest = layers[kinds.index(OLLAMA_MODEL)][1]
        blob = root / "blobs" / f"sha256-{digest}"
        if _size(blob) >= 0:
            host, space, name, tag = parts
            place = "" if host == OLLAMA_HOST else f"{host}/"
            space = "" if (host, space) == (OLLAMA_HOST, "library") else f"{space}/"
            yield Found(
                f"ollama:{place}{space}{name}:{tag}",
                "Ollama",
                (blob,),
                blob.name,
                quantization=_quantization(root, _note(path)),
                sha256=digest,
            )


def _manifests(folder: Path) -> list[Path]:
    """The notes on each model; none where another user keeps them to himself."""
    with suppress(OSError):
        return sorted(folder.glob("*/*/*/*"))
    return []


def _layers(manifest: Any) -> list[tuple[str, str]]:
    """The media type of each layer of a manifest, and the sha256 of its blob."""
    layers = []
    with suppress(KeyError, TypeError):
        for layer in manifest["layers"]:
            if digest := DIGEST.fullmatch(layer["digest"]):
                layers.append((str(layer["mediaType"]), digest[1]))
    return layers


def _quantization(root: Path, manifest: Any) -> str | None:
    """What a model's configuration says of it, such as Q4_K_M."""
    with suppress(KeyError, TypeError):
        if digest := DIGEST.fullmatch(manifest["config"]["digest"]):
            kind = _note(root / "blobs" / f"sha256-{digest[1]}")["file_type"]
            return kind if re.fullmatch(r"\w{1,20}", kind, re.ASCII) else None
    return None


def _note(path: Path) -> Any:
    """A JSON file of another program; None for what is none, or too large."""
    with suppress(OSError, ValueError, RecursionError):
        if path.stat().st_size <= LARGEST_NOTE:
            return json.loads(path.read_bytes())
    return None


def elsewhere(cache: Cache, folders: Sequence[str] = ()) -> list[Found]:
    """Everything there is, each file once."""
    seen: set[Path] = set()
    found = []
    for one in (
        *in_cache(cache),
        *in_old_folder(),
        *in_lm_studio(),
        *in_ollama(),
        *in_folders(folders),
    ):
        real = one.path.resolve()
        if real not in seen:
            seen.add(real)
            found.append(one)
    return found


def whole_models(paths: Iterable[Path]) -> list[tuple[Path, ...]]:
    """Files put together to models: those named as parts of one are one, in order, and none where
    parts are missing."""
    from runner.gguf import PART

    models: dict[tuple[Path, str, str], dict[int, Path]] = {}
    for path in paths:
        split = PART.search(path.stem)
        number, of = (int(split[1]), split[2]) if split else (1, "")
        stem = path.stem[: split.start()] if split else path.stem
        models.setdefault((path.parent, stem, of), {})[number] = path
    return [
        tuple(parts[number] for number in sorted(parts))
        for (_, _, of), parts in models.items()
        if sorted(parts) == list(range(1, int(of or 1) + 1))
    ]


def candidates(
    cache: Cache,
    repository: str,
    files: Sequence[tuple[str, int, str]],
    folders: Sequence[str] = (),
) -> Iterator[tuple[Path, ...]]:
    """Where another program may have put these very files, each (path, bytes, sha256) of a
    repository: places that hold as many files of the same sizes, likeliest first. Their content
    has yet to be checked."""
    sizes = [size for _, size, _ in files]
    names = [file.rpartition("/")[2].lower() for file, _, _ in files]
    for found in (
        *in_cache(cache, repository),
        *in_old_folder(),
        *in_lm_studio(),
        *in_ollama(),
        *in_folders(folders),
    ):
        named = [path.name.lower() for path in found.paths] == names
        same = [_size(path) for path in found.paths] == sizes
        if same and (named or found.sha256 == files[0][2]):
            yield found.paths


def _ggufs(root: Path, depth: int = 8) -> Iterator[Path]:
    """The `.gguf` files below a folder, sorted, as deep as people nest them. Links to folders are
    not followed: they may lead round in a circle."""
    if depth < 1:
        return
    with suppress(OSError):  # no folder, or one of another user
        for path in sorted(root.iterdir()):
            if not _is_visible((path.name,)):
                continue
            if path.is_dir():
                if not path.is_symlink():
                    yield from _ggufs(path, depth - 1)
            elif path.suffix.lower() == ".gguf":
                yield path


def _expanded(folder: str) -> Path:
    """A path of the user's, with `~` for a home where there is one."""
    with suppress(RuntimeError):
        return Path(folder).expanduser()
    return Path(folder)


def _is_visible(parts: Sequence[str]) -> bool:
    """Whether these names can be shown and typed, and are not hidden."""
    return all(part.isprintable() and not part.startswith(".") for part in parts)


def _stem(path: Path) -> str:
    """A path without its ending and the number of its part."""
    from runner.gguf import PART

    return PART.sub("", path.with_suffix("").as_posix())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
