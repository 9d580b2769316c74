"""The models Runner knows by name: `models/catalog.toml`, read strictly into frozen dataclasses,
and the user's own catalogue laid over it.

The keys of a catalogue are the fields of the classes below, and the shipped one's header says what
each means. An unknown key, a missing one or a value of the wrong kind is a ConfigurationError that
names the file, the entry and the key.
"""

import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from runner.errors import ConfigurationError, UnknownModel
from runner.paths import config_file
from runner.tables import build, require, value_of

NAME = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*(?::[a-z0-9]+(?:\.[a-z0-9]+)*)?")
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True, slots=True)
class Quantization:
    """One file of a model. `sha256` and `revision` (a commit) are None where not known."""

    name: str
    repository: str
    file: str
    sha256: str | None = None
    revision: str | None = None
    bytes: int | None = None
    bytes_are: Literal["exact", "published", "computed"] | None = None
    note: str = ""

    def __post_init__(self) -> None:
        require(REPOSITORY.fullmatch(self.repository), "repository is not organisation/name")
        inside = _stays_inside(self.file) and self.file.endswith(".gguf")
        require(inside, "file is not the path of a .gguf in its repository")
        require(_is_hex(self.sha256, 64), "sha256 is not 64 hexadecimal digits")
        require(_is_hex(self.revision, 40), "revision is not 40 hexadecimal digits")
        require(self.bytes != 0, "bytes is 0")
        require((self.bytes is None) == (self.bytes_are is None), "bytes and bytes_are go together")


@dataclass(frozen=True, slots=True)
class Recurrent:
    """Layers that keep a state of fixed size for a sequence instead of a growing KV cache."""

    kind: Literal["mamba2", "deltanet", "convolution"]
    layers: int
    heads: int | None = None
    head_dim: int | None = None
    state: int | None = None
    groups: int | None = None
    value_heads: int | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """Dimensions, for memory arithmetic before the file itself can be asked."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    vocabulary: int
    tied_embeddings: bool = False
    growing_layers: int | None = None
    growing_head_dim: int | None = None
    sliding_layers: int = 0
    sliding_window: int | None = None
    shared_layers: int = 0
    shared_ffn: int | None = None
    per_layer_input: int | None = None
    experts: int | None = None
    experts_used: int | None = None

    def __post_init__(self) -> None:
        require(
            self.kv_heads and self.heads % self.kv_heads == 0, "heads is no multiple of kv_heads"
        )
        window = self.sliding_window is not None
        require(
            window == (self.sliding_layers > 0), "sliding_layers and sliding_window go together"
        )
        attention = (self.growing_layers or 0) + self.sliding_layers + self.shared_layers
        require(attention <= self.layers, "more layers of each kind than layers")

    @property
    def kv_bytes_per_token(self) -> int:
        """What each token of context costs, in bytes, with an f16 KV cache: keys and values."""
        layers = self.layers if self.growing_layers is None else self.growing_layers
        return 2 * 2 * layers * self.kv_heads * (self.growing_head_dim or self.head_dim)

    @property
    def sliding_bytes_per_cell(self) -> int:
        """What each cell of the sliding-window cache costs, in bytes, in f16: keys and values."""
        return 2 * 2 * self.sliding_layers * self.kv_heads * self.head_dim


@dataclass(frozen=True, slots=True)
class Reasoning:
    """How a model shows its thinking, if it thinks; `opens_in_prompt` is None where unverified."""

    open: str | None = None
    close: str | None = None
    thinks: Literal["always", "by default", "on request", "never"] = "never"
    opens_in_prompt: bool | None = None
    switch: str = ""

    def __post_init__(self) -> None:
        never = self.thinks == "never"
        require(
            (self.open is None) == (self.close is None) == never, "open, close and thinks disagree"
        )


@dataclass(frozen=True, slots=True)
class SamplingDefaults:
    """What the maker recommends; None where nothing is recommended."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    presence_penalty: float | None = None
    repeat_penalty: float | None = None
    note: str = ""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scores:
    """Published scores in percent, by test; `note` says whose and in what setting."""

    note: str
    sources: tuple[str, ...]
    percent: dict[str, float]


@dataclass(frozen=True, slots=True)
class Entry:
    """A model with a name: `quantizations` to fetch, or `path`, a file in `models_directory()`.

    `parameters` is 0 where only that file says how many there are. `origin` is the user's catalogue
    that the entry stands in, None for the shipped one; it is no key.
    """

    name: str
    title: str
    family: str
    architecture: str
    distilled: Literal["yes", "partly", "probably", "undocumented", "no"]
    method: str
    licence: str
    evidence: Literal["high", "medium"]
    parameters: int = 0
    context: int | None = None
    distilled_from: str = ""
    base: str = ""
    original_repository: str = ""
    licence_note: str = ""
    avoid_system_prompt: bool = False
    system_prompt_note: str = ""
    suggest: bool = False
    sources: tuple[str, ...] = ()
    notes: str = ""
    draft: str = ""
    path: str | None = None
    shape: Shape | None = None
    recurrent: Recurrent | None = None
    reasoning: Reasoning = Reasoning()
    sampling: SamplingDefaults = SamplingDefaults()
    sampling_without_thinking: SamplingDefaults | None = None
    scores: Scores | None = None
    quantizations: tuple[Quantization, ...] = ()
    origin: Path | None = None

    def __post_init__(self) -> None:
        require(NAME.fullmatch(self.name), "name is not family:size in lower case")
        require(bool(self.quantizations) != bool(self.path), "needs either path or quantizations")
        require(self.path or self.parameters, "key 'parameters' is missing")
        require(self.path is None or _stays_inside(self.path), "path leaves the models folder")

    def quantization(self, name: str | None = None) -> Quantization:
        """The file of a quantization in either case of letters; None takes the default.

        Raises UnknownModel, saying what there is, where none has this name.
        """
        for candidate in self.quantizations:
            if name is None or candidate.name.lower() == name.lower():
                return candidate
        if not self.quantizations:
            raise UnknownModel(f"{self.name} is one file, without quantizations to choose from")
        raise UnknownModel(
            f"{self.name} is not listed as {name}",
            remedy=f"It is listed as {', '.join(q.name for q in self.quantizations)}; "
            f"hf.co/{self.quantizations[0].repository}:{name} asks the repository itself.",
        )

    def sampling_for(self, think: bool | None) -> SamplingDefaults:
        """What is recommended with thinking on or off; None: as the model does by default."""
        if think is None:
            think = self.reasoning.thinks in ("always", "by default")
        return self.sampling if think else self.sampling_without_thinking or self.sampling


@dataclass(frozen=True, slots=True)
class Catalog:
    """All entries in the order of the file; aliases to names; what the sources are, by key."""

    entries: tuple[Entry, ...]
    aliases: dict[str, str]
    sources: dict[str, str]

    def find(self, name: str) -> Entry | None:
        """The entry of a name or an alias, in either case of letters."""
        wanted = self.aliases.get(name.lower(), name.lower())
        return next((entry for entry in self.entries if entry.name == wanted), None)

    def nearest(self, name: str, count: int = 5) -> list[str]:
        """Names and aliases that may have been meant, the likeliest first; perhaps none.

        A known family with an unknown size gives the sizes there are, and the beginning of names
        gives those names.
        """
        from difflib import get_close_matches

        wanted = name.lower()
        family = _family(wanted)
        names = [entry.name for entry in self.entries]
        pool = [known for known in names if _family(known) == family]
        pool = pool or [known for known in names if len(family) > 2 and known.startswith(family)]
        meant: dict[str, str] = {}
        for close in get_close_matches(
            wanted, pool or [*names, *self.aliases], len(names), 0 if pool else 0.6
        ):
            meant.setdefault(self.aliases.get(close, close), close)
        return list(meant.values())[:count]

    @property
    def shipped(self) -> Entry:
        """The model inside Runner: the entry that is a file of its own."""
        return next(entry for entry in self.entries if entry.path)


def models_directory(package: Path = Path(__file__).parent) -> Path:
    """Where the shipped `models/` lies: inside an installed package, beside it in a checkout."""
    for directory in (package / "_models", package.parent / "models"):
        if (directory / "catalog.toml").is_file():
            return directory
    raise ConfigurationError(
        f"models/catalog.toml is neither in {package / '_models'} nor beside {package}",
        remedy="Reinstall Runner.",
    )


def load_catalog() -> Catalog:
    """The shipped catalogue with the user's laid over it, each read once.

    Raises ConfigurationError where one makes no sense.
    """
    path = user_catalog()
    try:
        state = path.stat()
    except OSError:
        return shipped_catalog()
    return _overlaid(path, state.st_mtime_ns, state.st_size)


def user_catalog() -> Path:
    """Where a user's own catalogue lies, if there is one: beside the configuration file."""
    return config_file().with_name("catalog.toml")


@cache
def shipped_catalog() -> Catalog:
    """The shipped catalogue alone. Raises ConfigurationError."""
    return read_catalog(models_directory() / "catalog.toml")


@cache
def _overlaid(path: Path, _time: int, _size: int) -> Catalog:
    """The user's catalogue at `path`, in its present state, over the shipped one."""
    return read_catalog(path, over=shipped_catalog())


def read_catalog(path: Path, *, over: Catalog | None = None) -> Catalog:
    """A catalogue file, alone or laid over another: an entry replaces one of the same name, and
    aliases are added. Raises ConfigurationError naming the file, the entry and the key."""
    import tomllib

    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        catalog = _catalog(document)
        return _checked(catalog if over is None else _laid(catalog, over, path))
    except (OSError, ValueError) as error:
        remedy = "Correct the file" + (", or reinstall Runner." if over is None else ".")
        raise ConfigurationError(f"{path}: {error}", remedy=remedy) from error


def _catalog(document: dict[str, Any]) -> Catalog:
    """What a file says, entry by entry. Raises ValueError with a message that says where."""
    unknown = document.keys() - {"model", "aliases", "sources"}
    require(not unknown, f"unknown key {', '.join(sorted(unknown))}")
    models = document.get("model", [])
    tables = isinstance(models, list) and all(isinstance(model, dict) for model in models)
    require(document and tables, "model: not one or more [[model]] tables")
    entries = []
    for number, model in enumerate(models, 1):
        where = f"model {model.get('name', number)!r}"
        require("origin" not in model, f"{where}: unknown key 'origin'")
        entries.append(build(Entry, model, where))
    names = [entry.name for entry in entries]
    for name in names:
        require(names.count(name) == 1, f"model {name!r}: name is used twice")
    return Catalog(
        tuple(entries),
        value_of(document.get("aliases", {}), dict[str, str], "aliases"),
        value_of(document.get("sources", {}), dict[str, str], "sources"),
    )


def _laid(own: Catalog, below: Catalog, path: Path) -> Catalog:
    """The user's catalogue, read from `path`, over the shipped one. Raises ValueError."""
    for entry in own.entries:
        where = f"model {entry.name!r}"
        require(not entry.path, f"{where}: path is for the model that ships with Runner")
        require(entry.name != below.shipped.name, f"{where} ships with Runner: choose another name")
    mine = {entry.name: replace(entry, origin=path) for entry in own.entries}
    kept = [mine.pop(entry.name, entry) for entry in below.entries]
    # A name of the user's wins over an alias of ours.
    aliases = {alias: name for alias, name in below.aliases.items() if alias not in mine}
    entries = (*kept, *mine.values())
    return Catalog(entries, aliases | own.aliases, below.sources | own.sources)


def _checked(catalog: Catalog) -> Catalog:
    """The catalogue, if names, aliases and sources hold together; ValueError says what does not."""
    names = [entry.name for entry in catalog.entries]
    for alias, name in catalog.aliases.items():
        require(NAME.fullmatch(alias), f"aliases: {alias!r} is no name in lower case")
        require(alias not in names, f"aliases: {alias!r} is the name of a model")
        require(name in names, f"aliases: {alias!r} stands for {name!r}, which is no model")
    for entry in catalog.entries:
        known = not entry.draft or entry.draft in names
        require(known, f"model {entry.name!r}: draft: no model {entry.draft!r}")
        parts = (entry, entry.sampling, entry.sampling_without_thinking, entry.scores)
        for source in (source for part in parts if part for source in part.sources):
            known = source in catalog.sources
            require(known, f"model {entry.name!r}: sources: no source {source!r}")
    shipped = [entry.name for entry in catalog.entries if entry.path]
    require(len(shipped) == 1, f"one model has a path, not {len(shipped)}")
    return catalog


def _is_hex(text: str | None, digits: int) -> bool:
    return text is None or re.fullmatch(rf"[0-9a-f]{{{digits}}}", text) is not None


def _stays_inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and "\\" not in path and ":" not in path and not {"/", ".."} & set(parts)


def _family(name: str) -> str:
    return name.partition(":")[0]
