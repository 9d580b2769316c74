"""A user's own catalogue, beside the configuration file, laid over the shipped one."""

import os
from pathlib import Path

import pytest

from runner.catalog import Entry, load_catalog, shipped_catalog, user_catalog
from runner.errors import ConfigurationError

OWN = """
[aliases]
mine = "family:1b"
usual = "qwen3:4b"

[sources]
card = "the model's card"

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
sources = ["card", "jan"]
draft = "qwen3:0.6b"

[model.quantizations.Q8_0]
repository = "org/family-GGUF"
file = "family.Q8_0.gguf"
"""


def own(text: str) -> Path:
    path = user_catalog()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def entry_named(name: str) -> Entry:
    entry = load_catalog().find(name)
    assert entry is not None
    return entry


def test_it_lies_beside_the_configuration_file() -> None:
    assert user_catalog() == Path(os.environ["RUNNER_CONFIG"]).with_name("catalog.toml")


def test_without_one_there_is_the_shipped_one() -> None:
    assert load_catalog() is shipped_catalog()
    assert all(entry.origin is None for entry in load_catalog().entries)


def test_its_entries_and_aliases_are_added() -> None:
    path = own(OWN)
    assert entry_named("mine") is entry_named("family:1b")
    assert entry_named("mine").origin == path
    assert entry_named("usual") is entry_named("qwen3:4b")
    assert entry_named("qwen3:4b").origin is None
    assert load_catalog().shipped is shipped_catalog().shipped
    assert len(load_catalog().entries) == len(shipped_catalog().entries) + 1
    assert load_catalog() is load_catalog()


def test_an_entry_replaces_one_of_the_same_name_in_its_place() -> None:
    path = own(OWN.replace("family:1b", "qwen3:4b").replace('usual = "qwen3:4b"', ""))
    names = [entry.name for entry in load_catalog().entries]
    assert names == [entry.name for entry in shipped_catalog().entries]
    assert (entry_named("qwen3:4b").title, entry_named("qwen3:4b").origin) == ("Family 1B", path)


def test_a_name_wins_over_a_shipped_alias() -> None:
    assert "gpt-oss" in shipped_catalog().aliases
    own(OWN.replace("family:1b", "gpt-oss"))
    assert entry_named("gpt-oss").title == "Family 1B"


def test_aliases_alone_are_enough_and_a_change_is_seen() -> None:
    own('[aliases]\nusual = "qwen3:4b"\n')
    assert entry_named("usual").name == "qwen3:4b"
    own('[aliases]\nusual = "qwen3:14b"\n')
    assert entry_named("usual").name == "qwen3:14b"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('licence = "MIT"', "", "'family:1b': key 'licence' is missing"),
        ('licence = "MIT"', 'licence = "MIT"\norigin = "x"', "'family:1b': unknown key 'origin'"),
        ('"card", "jan"', '"cards"', "'family:1b': sources: no source 'cards'"),
        ('"qwen3:0.6b"', '"qwen3:9b"', "'family:1b': draft: no model 'qwen3:9b'"),
        ('mine = "family:1b"', 'mine = "family:2b"', "aliases: 'mine' stands for 'family:2b'"),
        ("mine =", '"qwen3:4b" =', "aliases: 'qwen3:4b' is the name of a model"),
        ('name = "family:1b"', 'name = "tiny"', "'tiny' ships with Runner"),
        ("[model.quantizations.Q8_0]\n", "[model.other]\n", "'family:1b': unknown key 'other'"),
        ('draft = "qwen3:0.6b"', 'path = "x.gguf"', "'family:1b': needs either path or"),
        (OWN[OWN.index("[model.q") :], 'path = "x.gguf"', "path is for the model that ships"),
        (OWN, "", "model: not one or more"),
    ],
)
def test_errors_name_the_file_the_entry_and_the_key(old: str, new: str, complaint: str) -> None:
    assert old in OWN
    path = own(OWN.replace(old, new))
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        load_catalog()
    assert caught.value.message.startswith(f"{path}: ")
