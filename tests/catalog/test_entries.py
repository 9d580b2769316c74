"""The shipped catalogue is consistent: names, files, arithmetic, sources, evidence."""

import dataclasses
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from runner.catalog import (
    Entry,
    Quantization,
    Reasoning,
    Recurrent,
    SamplingDefaults,
    Scores,
    Shape,
    models_directory,
    shipped_catalog,
)
from runner.errors import UnknownModel
from runner.gguf import read_header
from runner.reference import known_quantization

CATALOG = shipped_catalog()
FETCHED = [entry for entry in CATALOG.entries if not entry.path]
FILES = [(entry, file) for entry in FETCHED for file in entry.quantizations]
PLAIN = [e for e in FETCHED if e.shape and not e.recurrent and e.shape.growing_layers is None]

each_fetched = pytest.mark.parametrize("entry", FETCHED, ids=lambda entry: entry.name)
each_file = pytest.mark.parametrize(
    ("entry", "file"), FILES, ids=[f"{entry.name}:{file.name}" for entry, file in FILES]
)


def entry_named(name: str) -> Entry:
    entry = CATALOG.find(name)
    assert entry is not None
    return entry


@each_fetched
def test_an_entry_says_what_a_person_needs_to_choose(entry: Entry) -> None:
    assert entry.shape is not None
    assert entry.original_repository.count("/") == 1
    assert re.fullmatch(r"[A-Za-z0-9.-]+( AND [A-Za-z0-9.-]+)*", entry.licence)
    assert entry.sources
    assert bool(entry.distilled_from) == (entry.distilled in ("yes", "partly", "probably"))
    assert bool(entry.system_prompt_note) == entry.avoid_system_prompt
    assert not entry.suggest or entry.distilled != "no"


def test_a_draft_is_a_smaller_model_of_the_same_vocabulary_that_can_take_back() -> None:
    pairs = [(entry, entry_named(entry.draft)) for entry in FETCHED if entry.draft]
    assert pairs
    for entry, draft in pairs:
        assert entry.shape and draft.shape
        assert draft.architecture == entry.architecture
        assert draft.parameters * 2 < entry.parameters
        # The larger ones of a family are padded by up to 128 rows more.
        assert abs(draft.shape.vocabulary - entry.shape.vocabulary) <= 128
        assert not draft.recurrent and not draft.shape.sliding_layers


@each_file
def test_a_file_is_named_after_its_quantization_and_has_its_size(
    entry: Entry, file: Quantization
) -> None:
    assert known_quantization(file.name) == file.name
    assert re.search(rf"(?<![a-z0-9]){file.name}(?![a-z0-9])", file.file, re.IGNORECASE)
    if file.bytes is None:
        return
    # Vision towers count as parameters but lie in another file; small models keep their large
    # embeddings in 6 or 8 bits.
    bits = 8 * file.bytes / entry.parameters
    low, high = {"Q4_0": (4.2, 8.0), "Q4_K_M": (4.2, 8.0), "Q8_0": (7.0, 9.6)}.get(
        file.name, (1.5, 33.0)
    )
    assert low < bits < high, f"{bits:.2f} bits a weight"


def test_no_file_is_listed_twice() -> None:
    assert max(Counter((file.repository, file.file) for _, file in FILES).values()) == 1
    hashes = Counter(file.sha256 for _, file in FILES if file.sha256)
    assert max(hashes.values()) == 1
    assert sum(hashes.values()) > 50


def test_q4_k_m_is_the_default_but_where_the_notes_say_why() -> None:
    others = {e.name: e.quantization().name for e in FETCHED if e.quantization().name != "Q4_K_M"}
    assert others == {"gemma3:270m": "Q8_0", "gpt-oss:20b": "MXFP4"}
    for name, quantization in others.items():
        assert f"{quantization} first" in entry_named(name).notes


@pytest.mark.parametrize("entry", PLAIN, ids=lambda entry: entry.name)
def test_parameters_follow_from_the_shape_where_attention_is_plain(entry: Entry) -> None:
    shape = entry.shape
    assert shape is not None
    assert shape.kv_bytes_per_token == 4 * shape.layers * shape.kv_heads * shape.head_dim
    heads, kv = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    layer = shape.hidden * (2 * heads + 2 * kv + 3 * shape.ffn + 2)
    layer += {"qwen2": heads + 2 * kv, "qwen3": 2 * shape.head_dim}.get(entry.architecture, 0)
    tables = 1 if shape.tied_embeddings else 2
    total = shape.layers * layer + shape.hidden * (tables * shape.vocabulary + 1)
    assert entry.parameters == pytest.approx(total, rel=2e-3)


@pytest.mark.parametrize(
    ("name", "growing", "sliding"),
    [
        ("deepseek-r1-distill-qwen:1.5b", 28_672, 0),
        ("llama3.2:3b", 114_688, 0),
        ("smollm2:1.7b", 196_608, 0),
        ("qwen3.5:4b", 32_768, 0),
        ("gemma3:4b", 20_480, 118_784),
        ("gemma4:e2b", 6_144, 12_288),
        ("gemma4:e4b", 16_384, 40_960),
        ("nemotron-3-nano:4b", 16_384, 0),
        ("lfm2.5:1.2b", 12_288, 0),
        ("gpt-oss:20b", 24_576, 24_576),
    ],
)
def test_the_cost_of_context(name: str, growing: int, sliding: int) -> None:
    shape = entry_named(name).shape
    assert shape is not None
    assert (shape.kv_bytes_per_token, shape.sliding_bytes_per_cell) == (growing, sliding)


@each_fetched
def test_layers_add_up(entry: Entry) -> None:
    shape, recurrent = entry.shape, entry.recurrent
    assert shape is not None
    if shape.growing_layers is None:
        assert recurrent is None
        return
    kinds = shape.growing_layers + shape.sliding_layers + shape.shared_layers
    if recurrent is not None:
        kinds += recurrent.layers
    if entry.architecture == "nemotron_h":
        assert kinds < shape.layers  # the others are feed-forward alone
    else:
        assert kinds == shape.layers


def test_every_alias_stands_for_an_entry() -> None:
    for alias, name in CATALOG.aliases.items():
        assert entry_named(alias).name == name
        assert len(alias) < len(name)


def test_names_are_honest() -> None:
    """A model that learnt from R1 says so, and is not called R1."""
    for name in [entry.name for entry in CATALOG.entries] + list(CATALOG.aliases):
        assert not re.match(r"(deepseek-)?r1(:|$)", name)


def test_every_source_is_used() -> None:
    used = {source for entry in CATALOG.entries for source in entry.sources}
    assert used == CATALOG.sources.keys()


def test_the_header_explains_every_key() -> None:
    text = (models_directory() / "catalog.toml").read_text(encoding="utf-8")
    header = text[: text.index("\n\n[aliases]")]
    assert all(line.startswith("#") for line in header.splitlines())
    words = set(re.findall(r"\w+", header))
    kinds = (Entry, Quantization, Recurrent, Shape, Reasoning, SamplingDefaults, Scores)
    keys = {field.name for kind in kinds for field in dataclasses.fields(kind)} - {"origin"}
    assert keys <= words


def test_the_shipped_model() -> None:
    entry = CATALOG.shipped
    assert entry is CATALOG.find("tiny")
    assert entry.path and (entry.reasoning.open, entry.reasoning.close) == ("<think>", "</think>")
    with pytest.raises(UnknownModel, match="one file"):
        entry.quantization()


def test_the_shipped_file_is_what_its_entry_says() -> None:
    entry = CATALOG.shipped
    path = models_directory() / (entry.path or "")
    header = read_header(path)
    assert header.metadata["general.architecture"] == entry.architecture
    assert header.metadata[f"{entry.architecture}.context_length"] == entry.context


def test_the_evidence_is_all_there(shared: Path) -> None:
    evidence = json.loads((shared / "research" / "catalog.json").read_text(encoding="utf-8"))
    trusted = [model for model in evidence["models"] if model["confidence"] in ("high", "medium")]
    assert [entry.name for entry in FETCHED] == [model["name"] for model in trusted]
    for model in trusted:
        entry = entry_named(model["name"])
        assert entry.parameters == model["parameters"]
        assert entry.shape is not None
        assert entry.shape.kv_bytes_per_token == model["dims"]["kv_bytes_per_token_f16"]
        known = {(f["repo"], f["file"]): f for f in model["gguf"]}
        for file in entry.quantizations:
            row = known.get((file.repository, file.file), {})
            assert row.get("sha256") in (None, file.sha256)
            assert row.get("size_bytes") in (None, file.bytes)
