"""What a person may type for a model: each form, what wins over what, and the way back to text."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runner.catalog import shipped_catalog
from runner.errors import UnknownModel
from runner.reference import (
    QUANTIZATIONS,
    CatalogReference,
    FileReference,
    HubReference,
    Reference,
    StoreReference,
    known_quantization,
    parse,
)

CATALOG = shipped_catalog()
NAMES = [*CATALOG.aliases, *(entry.name for entry in CATALOG.entries)]
WORD = st.from_regex(r"[A-Za-z0-9](?:[A-Za-z0-9._]{0,8}[A-Za-z0-9])?", fullmatch=True).filter(
    lambda word: ".." not in word and not word.lower().endswith(".gguf")
)
REPOSITORIES = st.tuples(
    WORD.filter(lambda word: word.lower() not in ("datasets", "spaces", "models")), WORD
).map("/".join)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("tiny", CatalogReference("tiny")),
        ("ollama:small:8b", StoreReference("ollama:small:8b")),
        ("Ollama:hf.co/org/M-GGUF:Q4_0", StoreReference("Ollama:hf.co/org/M-GGUF:Q4_0")),
        ("lmstudio:org/repo/a model", StoreReference("lmstudio:org/repo/a model")),
        ("folder:sub/m-Q4_0", StoreReference("folder:sub/m-Q4_0")),
        ("qwen3:4b", CatalogReference("qwen3:4b")),
        ("Qwen3:4B:q8_0", CatalogReference("qwen3:4b", "Q8_0")),
        ("tiny:Q8_0", CatalogReference("tiny", "Q8_0")),
        ("tiny:ud-q4_k_xl", CatalogReference("tiny", "UD-Q4_K_XL")),
        ("qwen3:4b:nonsense", CatalogReference("qwen3:4b", "nonsense")),
        (" tiny ", CatalogReference("tiny")),
        ("org/repo", HubReference("org/repo")),
        ("Org/Repo-1.5B_GGUF:q4_k_m", HubReference("Org/Repo-1.5B_GGUF", "Q4_K_M")),
        ("org/repo:q4_k_m-imat", HubReference("org/repo", "q4_k_m-imat")),
        ("hf.co/org/repo", HubReference("org/repo")),
        ("hf.co/org/repo:Q8_0", HubReference("org/repo", "Q8_0")),
        ("huggingface.co/org/repo/", HubReference("org/repo")),
        ("https://huggingface.co/org/repo", HubReference("org/repo")),
        ("HTTPS://HF.co/Org/Repo:bf16", HubReference("Org/Repo", "BF16")),
        ("https://huggingface.co/org/repo?not=used#top", HubReference("org/repo")),
        ("https://huggingface.co/org/repo/tree/main", HubReference("org/repo", revision="main")),
        ("hf.co/org/repo/tree/v1:Q8_0", HubReference("org/repo", "Q8_0", revision="v1")),
        (
            "https://huggingface.co/org/repo/tree/refs%2Fpr%2F3",
            HubReference("org/repo", revision="refs/pr/3"),
        ),
        (
            "https://huggingface.co/org/repo/blob/main/x-Q8_0.gguf",
            HubReference("org/repo", revision="main", file="x-Q8_0.gguf"),
        ),
        (
            "https://huggingface.co/org/repo/resolve/0a1b/Q8_0/a%20b.GGUF?download=true",
            HubReference("org/repo", revision="0a1b", file="Q8_0/a b.GGUF"),
        ),
        ("x.gguf", FileReference(Path("x.gguf"))),
        ("org/repo.GGUF", FileReference(Path("org/repo.GGUF"))),
        ("a/b/c/x.gguf", FileReference(Path("a/b/c/x.gguf"))),
        ("/nowhere/x.gguf", FileReference(Path("/nowhere/x.gguf"))),
        ("C:\\models\\x.gguf", FileReference(Path("C:\\models\\x.gguf"))),
        ("x" * 5000 + ".gguf", FileReference(Path("x" * 5000 + ".gguf"))),
        ("~nobody-of-this-name/x.gguf", FileReference(Path("~nobody-of-this-name/x.gguf"))),
    ],
)
def test_forms(typed: str, meant: Reference) -> None:
    assert parse(typed) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "two words",
        "a:b:c:d",
        ":Q8_0",
        "tiny:",
        "a/b/c",
        "org/",
        "org/re--po",
        "org/re..po",
        "a\0b",
        "naïve",
        "o" * 200,
        "./x",
        "../x",
        "~/x",
        "/nowhere/x",
        "C:/models/x",
        "C:\\models\\x",
        "\\\\server\\models\\x",
        "hf.co",
        "hf.co/",
        "hf.co/org",
        "hf.co/datasets/org/set",
        "https://huggingface.co/spaces/org/space",
        "hf.co/org/repo/x.gguf",
        "hf.co/org/repo/tree",
        "hf.co/org/repo/blob/main",
        "hf.co/org/repo/blob/main/README.md",
        "hf.co/org/repo/discussions/1",
        "https://example.com/org/repo",
        "https://example.com/x.gguf",
        "file:///x.gguf",
    ],
)
def test_unusable_text_is_an_unknown_model_with_a_remedy(typed: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        parse(typed)
    assert caught.value.remedy
    assert len(caught.value.message) < 300


def test_a_file_that_exists_wins_and_a_folder_hides_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("plain", "org/repo", "home/model"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    Path("tiny").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))

    assert parse("plain") == FileReference(Path("plain"))
    assert parse("org/repo") == FileReference(Path("org/repo"))
    assert parse("hf.co/org/repo") == HubReference("org/repo")
    assert parse("~/model") == FileReference(tmp_path / "home" / "model")
    assert parse("~/other.gguf") == FileReference(tmp_path / "home" / "other.gguf")
    assert parse("tiny") == CatalogReference("tiny")
    with pytest.raises(UnknownModel, match=re.escape("./tiny")):
        parse("./tiny")


@given(st.sampled_from(NAMES), st.none() | st.sampled_from(QUANTIZATIONS), st.booleans())
def test_every_name_is_itself_and_takes_every_quantization(
    name: str, quantization: str | None, unsloth: bool
) -> None:
    if quantization and unsloth:
        quantization = f"UD-{quantization}"
    reference = CatalogReference(name, quantization)
    assert parse(str(reference)) == reference
    assert parse(str(reference).lower()) == reference


def test_no_size_is_spelled_like_a_quantization() -> None:
    assert not [name for name in NAMES if known_quantization(name.rpartition(":")[2])]


@given(REPOSITORIES, st.none() | st.sampled_from(QUANTIZATIONS), st.none() | st.text(min_size=1))
def test_a_repository_survives_the_way_to_text_and_back(
    repository: str, quantization: str | None, revision: str | None
) -> None:
    reference = HubReference(repository, quantization, revision)
    assert parse(str(reference)) == reference


@given(REPOSITORIES, WORD, st.lists(WORD, min_size=1, max_size=3).map("/".join))
def test_a_file_in_a_repository_survives_it_too(repository: str, revision: str, stem: str) -> None:
    reference = HubReference(repository, revision=revision, file=f"{stem} 1.gguf")
    assert parse(str(reference)) == reference
    assert parse(str(reference).replace("/blob/", "/resolve/") + "?download=true") == reference


@given(st.lists(WORD, min_size=1, max_size=4).map("/".join))
def test_a_path_survives_it_too(stem: str) -> None:
    reference = FileReference(Path(f"{stem}.gguf"))
    assert parse(str(reference)) == reference


@example("~\0")
@given(st.text() | st.text("abQ4_K:/.~\\-%hfco", max_size=30))
def test_any_text_is_a_reference_or_an_unknown_model(text: str) -> None:
    try:
        reference = parse(text)
    except UnknownModel:
        return
    assert parse(str(reference)) == reference


@pytest.mark.parametrize(
    ("typed", "known"),
    [
        ("q4_k_m", "Q4_K_M"),
        ("IQ4_XS", "IQ4_XS"),
        ("fp16", "F16"),
        ("ud-iq2_m", "UD-IQ2_M"),
        ("4b", None),
        ("Q4", None),
        ("UD-", None),
        ("", None),
    ],
)
def test_known_quantizations(typed: str, known: str | None) -> None:
    assert known_quantization(typed) == known
