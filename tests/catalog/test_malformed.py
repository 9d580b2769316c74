"""A catalogue that makes no sense is refused with the entry and the key that are wrong."""

from pathlib import Path

import pytest

from runner.catalog import Reasoning, Scores, read_catalog
from runner.errors import ConfigurationError

VALID = """
[aliases]
small = "family:1b"

[sources]
card = "the model's card"

[[model]]
name = "inside"
title = "Inside"
family = "Family"
architecture = "llama"
distilled = "no"
method = "none"
licence = "MIT"
evidence = "high"
path = "inside/inside.gguf"

[[model]]
name = "family:1b"
title = "Family 1B"
family = "Family"
parameters = 1_000_000_000
architecture = "llama"
distilled = "no"
method = "none"
licence = "MIT"
evidence = "high"
sources = ["card"]
shape = { layers=2, hidden=64, heads=4, kv_heads=2, head_dim=16, ffn=128, vocabulary=10 }

[model.reasoning]
open = "<think>"
close = "</think>"
thinks = "always"
switch = "none"

[model.sampling]
temperature = 1
sources = ["card"]

[model.scores]
note = "Anyone's."
sources = ["card"]
percent = { "MATH-500" = 50 }

[model.quantizations.Q8_0]
repository = "org/family-GGUF"
file = "family.Q8_0.gguf"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
revision = "0000000000000000000000000000000000000000"
bytes = 1_000
bytes_are = "exact"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "catalog.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_small_catalogue_is_read(tmp_path: Path) -> None:
    catalog = read_catalog(written(tmp_path, VALID))
    entry = catalog.find("small")
    assert entry is not None
    assert catalog.shipped.name == "inside"
    assert entry.sampling.temperature == 1.0 and type(entry.sampling.temperature) is float
    assert entry.scores == Scores("Anyone's.", ("card",), {"MATH-500": 50.0})
    assert entry.quantization().bytes == 1000
    assert not catalog.shipped.sampling.sources and catalog.shipped.reasoning == Reasoning()


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('licence = "MIT"', "", "'inside': key 'licence' is missing"),
        ('title = "Family 1B"', 'titel = "Family 1B"', "'family:1b': unknown key 'titel'"),
        ('title = "Family 1B"', "title = 1", "'family:1b': title is not a string"),
        ('title = "Family 1B"', 'title = " "', "'family:1b': title is empty"),
        ("1_000_000_000", "1.0", "'family:1b': parameters is not a whole number"),
        ("1_000_000_000", "true", "'family:1b': parameters is not a whole number"),
        ("1_000_000_000", "-1", "'family:1b': parameters is negative"),
        ("1_000_000_000", "0", "'family:1b': key 'parameters' is missing"),
        ('name = "family:1b"', 'name = "Family:1B"', "'Family:1B': name is not"),
        ('name = "family:1b"', 'name = "inside"', "'inside': name is used twice"),
        ('name = "family:1b"', "", "model 2: key 'name' is missing"),
        ("parameters = 1_", 'evidence = "low"\nparameters = 1_', "Cannot overwrite"),
        ('"inside/inside.gguf"', '"../inside.gguf"', "'inside': path leaves"),
        ('path = "inside/inside.gguf"', "", "'inside': needs either path or quantizations"),
        ("kv_heads=2", "kv_heads=3", "shape: heads is no multiple of kv_heads"),
        ("kv_heads=2", "kv_heads=0", "shape: heads is no multiple of kv_heads"),
        ("layers=2", 'layers="2"', "shape: layers is not a whole number"),
        ("ffn=128", "ffn=128, sliding_layers = 1", "shape: sliding_layers and"),
        ("ffn=128", "ffn=128, shared_layers = 3", "shape: more layers of each kind"),
        ("shape = {", "shape = 1 #", "'family:1b': shape is not a table"),
        ('"always"', '"sometimes"', "reasoning: thinks is 'sometimes', not one of always"),
        ('close = "</think>"', "", "reasoning: open, close and thinks"),
        ("temperature = 1", "temprature = 1", "sampling: unknown key 'temprature'"),
        ("temperature = 1", 'temperature = "hot"', "sampling: temperature is not a number"),
        ('temperature = 1\nsources = ["card"]', 'sources = ["book"]', "no source 'book'"),
        ('["card"]\nshape', '"card"\nshape', "'family:1b': sources is not a list"),
        ('"MATH-500" = 50', '"MATH-500" = "half"', "percent: MATH-500 is not a number"),
        ("percent = {", "percent = 1 #", "scores: percent is not a table"),
        ("[model.quantizations.Q8_0]", "[[model.quantizations]]", "is not a table of tables"),
        ("[model.quantizations.Q8_0]", "[model.quantizations]", "repository is not a table"),
        ('repository = "org/', 'repository = "', "Q8_0: repository is not"),
        ('"family.Q8_0.gguf"', '"../family.Q8_0.gguf"', "Q8_0: file is not"),
        ('"family.Q8_0.gguf"', '"family.Q8_0.bin"', "Q8_0: file is not"),
        ('sha256 = "0', 'sha256 = "X', "Q8_0: sha256 is not 64"),
        ('revision = "0', 'revision = "', "Q8_0: revision is not 40"),
        ('bytes_are = "exact"', "", "Q8_0: bytes and bytes_are"),
        ("bytes = 1_000", "bytes = 0", "Q8_0: bytes is 0"),
        ('repository = "org/family-GGUF"', 'name = "Q4_0"', "Q8_0: unknown key 'name'"),
        ('small = "family:1b"', 'small = "family:2b"', "aliases: 'small' stands for 'family:2b'"),
        ('small = "family:1b"', 'inside = "family:1b"', "aliases: 'inside' is the name of a model"),
        ('small = "family:1b"', 'Small = "family:1b"', "aliases: 'Small' is no name"),
        ('small = "family:1b"', "small = 1", "aliases: small is not a string"),
        ("[aliases]", "[alias]", "unknown key alias"),
        ("[[model]]", "[[models]]", "unknown key models"),
        (VALID, "", "model: not one or more"),
        (VALID, "model = 1", "model: not one or more"),
        (VALID, "model = [1]", "model: not one or more"),
        ('title = "Inside"', "title = ", "Invalid value"),
    ],
)  # fmt: skip
def test_a_malformed_catalogue_names_the_entry_and_the_key(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    assert old in VALID
    path = written(tmp_path, VALID.replace(old, new))
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        read_catalog(path)
    assert str(path) in caught.value.message


def test_one_model_ships_with_runner(tmp_path: Path) -> None:
    inside = VALID[VALID.index("[[model]]") : VALID.rindex("[[model]]")]
    with pytest.raises(ConfigurationError, match="one model has a path, not 0"):
        read_catalog(written(tmp_path, VALID.replace(inside, "")))
    with pytest.raises(ConfigurationError, match="one model has a path, not 2"):
        read_catalog(written(tmp_path, VALID + inside.replace('"inside"', '"other"')))


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_an_unreadable_catalogue_is_a_configuration_error(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "catalog.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError):
        read_catalog(path)
