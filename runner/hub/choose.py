"""Which files of a repository are one quantization of its model.

Repositories name files as they please (`x-Q4_K_M.gguf`, `x.q4_k_m.gguf`, and in parts
`Q8_0/x-00001-of-00003.gguf`), so quantizations are read from the names that are there; a name is
never built from a pattern.
"""

import re
from collections import defaultdict
from dataclasses import dataclass

from runner.errors import UnknownModel
from runner.gguf import PART
from runner.hub.listing import Listing, RemoteFile

TAG = re.compile(
    r"(?<![A-Z0-9])(?:UD-)?(?:"
    r"Q\d_K(?:_(?:XXS|XS|S|M|L|XL|XXL))?|Q\d_[01](?:_\d_\d)?"
    r"|IQ\d_(?:XXS|XS|S|M|L|XL|NL)"
    r"|TQ\d_\d|BF16|FP?16|FP?32|MXFP4(?:_MOE)?|NVFP4"
    r")(?![A-Z0-9])",
    re.IGNORECASE,
)

# Companions of a model that are GGUF files too: vision projectors and importance matrices …
COMPANION = re.compile(r"(?<![a-z0-9])(?:mmproj|imatrix)(?![a-z0-9])", re.IGNORECASE)
# … and drafters, which may also be what a whole repository is for.
DRAFTER = re.compile(r"(?<![a-z0-9])(?:mtp|draft)(?![a-z0-9])", re.IGNORECASE)

# What to take where Q4_K_M, the customary balance of size and quality, is not offered: its
# neighbours, then whatever costs size before whatever costs quality.
PREFERENCE = (
    "Q4_K_M", "UD-Q4_K_XL", "Q4_K_XL", "Q4_K_L", "Q4_K_S", "UD-Q4_K_M", "UD-Q4_K_S", "Q4_K",
    "IQ4_NL", "IQ4_XS", "UD-IQ4_XS", "MXFP4", "MXFP4_MOE", "NVFP4", "Q4_1", "Q4_0", "Q5_K_M",
    "UD-Q5_K_XL", "Q5_K_L", "Q5_K_S", "Q5_K", "Q5_1", "Q5_0", "Q6_K", "UD-Q6_K_XL", "Q6_K_L",
    "Q8_0", "UD-Q8_K_XL", "Q3_K_L", "UD-Q3_K_XL", "Q3_K_XL", "Q3_K_M", "Q3_K_S", "IQ3_M",
    "BF16", "F16", "F32",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Variant:
    """One quantization in a repository: its files in the order of their parts.

    `name` is the tag as llama.cpp spells it, None where the file names carry none; `stem` is the
    path they share, without part numbers and `.gguf`.
    """

    name: str | None
    stem: str
    files: tuple[RemoteFile, ...]

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


def quantization_of(path: str) -> str | None:
    """The quantization that a file's path names, as llama.cpp spells it; None where it has none.

    The last tag counts: a model's own name may hold one too (`x-F16-Q4_0.gguf`).
    """
    tags = TAG.findall(path)
    return _canonical(tags[-1]) if tags else None


def is_companion(path: str) -> bool:
    """Whether a GGUF is no model, but something that belongs to one, such as a projector."""
    return COMPANION.search(_name(path)) is not None


def variants(listing: Listing) -> tuple[Variant, ...]:
    """The models in a repository, each whole, by size. Companion files are left out."""
    parts: defaultdict[tuple[str, int], dict[int, RemoteFile]] = defaultdict(dict)
    for file in listing.files:
        stem, dot, suffix = file.path.rpartition(".")
        if not dot or suffix.lower() != "gguf" or COMPANION.search(_name(stem)):
            continue
        split = PART.search(stem)
        number, count = (int(split[1]), int(split[2])) if split else (1, 1)
        parts[stem[: split.start()] if split else stem, count][number] = file
    whole = [
        Variant(quantization_of(stem), stem, tuple(files[number] for number in sorted(files)))
        for (stem, count), files in parts.items()
        if sorted(files) == list(range(1, count + 1))
    ]
    models = [variant for variant in whole if not DRAFTER.search(_name(variant.stem))]
    return tuple(sorted(models or whole, key=lambda variant: (variant.bytes, variant.stem)))


def choose(listing: Listing, quantization: str | None = None) -> tuple[RemoteFile, ...]:
    """The file of a quantization, or all its parts in order.

    `quantization` is a tag in either case (`Q4_K_M`), or enough of a file name to tell it from
    the others. None takes Q4_K_M, then the nearest there is. Raises UnknownModel, saying what
    there is, where nothing or more than one model answers.
    """
    offered = variants(listing)
    if not offered:
        raise UnknownModel(
            f"{listing.repository} holds no GGUF model",
            remedy="Look for a repository whose name ends in -GGUF.",
        )
    found = _default(offered) if quantization is None else _named(offered, quantization)
    if len(found) == 1:
        return found[0].files
    if not found:
        there = ", ".join(variant.name or _name(variant.stem) for variant in offered)
        raise UnknownModel(
            f"{listing.repository} has no quantization {quantization}",
            remedy=f"It has {there}.",
        )
    names = ", ".join(_name(variant.stem) for variant in found)
    raise UnknownModel(
        f"{listing.repository} has more than one model of this kind",
        remedy=f"Name one after a colon: {names}.",
    )


def parts_of(listing: Listing, path: str) -> tuple[RemoteFile, ...]:
    """The file at `path`, or all parts of the split model that it is a part of, in order.

    Raises UnknownModel where there is no such file, or other parts of it are missing.
    """
    file = listing.file(path)
    if not PART.search(path.rpartition(".")[0]):
        return (file,)
    for variant in variants(listing):
        if file in variant.files:
            return variant.files
    raise UnknownModel(f"{listing.repository} lacks other parts of {path}")


def _default(offered: tuple[Variant, ...]) -> list[Variant]:
    """The first of the preferences that is there; else the largest, or all where names do not
    tell them apart."""
    for name in PREFERENCE:
        if found := [variant for variant in offered if variant.name == name]:
            return found
    distinct = {variant.name for variant in offered}
    return list(offered[-1:] if len(distinct) == len(offered) else offered)


def _named(offered: tuple[Variant, ...], wanted: str) -> list[Variant]:
    """The models with this tag; else with its Unsloth form; else with this text in their names."""
    name = _canonical(wanted)
    for tag in (name, f"UD-{name}"):
        if found := [variant for variant in offered if variant.name == tag]:
            return found
    if found := [v for v in offered if _name(v.stem).lower() == wanted.lower()]:
        return found
    text = re.compile(rf"(?<![a-z0-9]){re.escape(wanted)}(?![a-z0-9_])", re.IGNORECASE)
    return [variant for variant in offered if text.search(variant.stem)]


def _canonical(tag: str) -> str:
    return re.sub(r"^FP", "F", tag.upper())


def _name(path: str) -> str:
    return path.rpartition("/")[2]
