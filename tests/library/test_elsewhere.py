"""Models of other programs: found by the names that people type, and nothing of theirs touched."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.library import Library, candidates, elsewhere, old_folder
from runner.library.elsewhere import in_folders, in_lm_studio, in_ollama, whole_models
from tests.library.making import COMMIT, REPOSITORY, sha256, store
from tests.library.stores import lm_studio, ollama

DATA = b"GGUF of another program"


@pytest.fixture
def root(home: Path) -> Path:
    """Where Ollama's store is in these tests."""
    return home / "ollama"


@pytest.fixture(autouse=True)
def untouched(home: Path) -> Iterator[None]:
    """Nothing under the home folder is changed by looking at it."""
    before: dict[Path, bytes] = {}

    def state() -> dict[Path, bytes]:
        files = (path for path in home.rglob("*") if path.is_file())
        return {path: path.read_bytes() for path in files}

    yield
    before = state()
    elsewhere(Library().cache)
    assert state() == before


def test_the_models_of_ollama(root: Path) -> None:
    blob = ollama(root, DATA)
    ollama(root, b"GGUF 2", "registry.ollama.ai/someone/other/latest", file_type="Q8_0")
    ollama(root, b"GGUF 3", "hf.co/org/Model-GGUF/Q5_K_M", file_type="unknown")
    found = {model.name: model for model in in_ollama()}
    assert set(found) == {
        "ollama:small:8b",
        "ollama:someone/other:latest",
        "ollama:hf.co/org/Model-GGUF:Q5_K_M",
    }
    small = found["ollama:small:8b"]
    assert (small.path, small.bytes, small.quantization) == (blob, len(DATA), "Q4_K_M")
    assert (small.source, small.sha256) == ("Ollama", sha256(DATA))


def test_an_adapter_in_ollama_is_no_model_of_its_own(root: Path) -> None:
    ollama(root, DATA, layers=(("application/vnd.ollama.image.adapter", b"GGUF adapter"),))
    assert in_ollama() == []


def test_a_manifest_whose_blob_is_gone(root: Path) -> None:
    ollama(root, DATA).unlink()
    assert in_ollama() == []


def test_a_name_that_hides_something_is_passed_over(root: Path) -> None:
    ollama(root, DATA, "registry.ollama.ai/library/a\x1b[2Jb/8b")
    ollama(root, DATA, "registry.ollama.ai/library/.hidden/8b")
    assert in_ollama() == []


@pytest.mark.parametrize("digest", ["../../secret", "sha256:" + "0" * 63, "sha512:" + "0" * 64, 5])
def test_a_digest_stays_inside(root: Path, digest: object) -> None:
    (root / "secret").parent.mkdir(parents=True, exist_ok=True)
    (root / "secret").write_bytes(DATA)
    manifest = root / "manifests" / "registry.ollama.ai" / "library" / "bad" / "8b"
    manifest.parent.mkdir(parents=True)
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": digest}
    manifest.write_text(json.dumps({"layers": [layer], "config": {"digest": digest}}))
    assert in_ollama() == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["layers", "config", "digest", "mediaType", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(manifest=JSON | st.binary(max_size=50))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
def test_any_manifest_is_read_or_passed_over(root: Path, manifest: object) -> None:
    path = root / "manifests" / "registry.ollama.ai" / "library" / "m" / "8b"
    path.parent.mkdir(parents=True, exist_ok=True)
    data = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    path.write_bytes(data)
    assert in_ollama() == []


def test_the_models_of_lm_studio(home: Path) -> None:
    first = lm_studio(home, "org/Model-GGUF/model-Q8_0-00001-of-00002.gguf", b"one")
    second = lm_studio(home, "org/Model-GGUF/model-Q8_0-00002-of-00002.gguf", b"two!")
    old = home / ".cache" / "lm-studio" / "models" / "other" / "Repo" / "m-Q4_0.gguf"
    old.parent.mkdir(parents=True)
    old.write_bytes(DATA)
    lm_studio(home, "org/Model-GGUF/half-00001-of-00002.gguf", b"one")
    lm_studio(home, "too-high.gguf", DATA)
    lm_studio(home, "org/Model-GGUF/notes.txt", b"no model")
    split, single = in_lm_studio()
    assert (split.name, split.paths) == ("lmstudio:org/Model-GGUF/model-Q8_0", (first, second))
    assert (split.repository, split.bytes) == ("org/Model-GGUF", 7)
    assert (single.name, single.path) == ("lmstudio:other/Repo/m-Q4_0", old)


def test_folders_that_the_user_names(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for path in (one / "deep" / "m-Q4_0.gguf", one / "m.GGUF", two / "m.gguf"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(DATA)
    (one / ".hidden").mkdir()
    (one / ".hidden" / "m.gguf").write_bytes(DATA)
    (one / "round").symlink_to(one, target_is_directory=True)
    found = in_folders([str(one), str(two), str(tmp_path / "absent")])
    assert [model.name for model in found] == [
        "folder:deep/m-Q4_0",
        "folder:m",
        str(two / "m.gguf"),
    ]
    assert found[0].source == str(one)


def test_a_folder_that_cannot_be_looked_into_holds_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Refused by the system with an error, as is a folder of another user, but to root too.
    refused = str(tmp_path / ("x" * 300))
    assert in_folders([refused, "~nobody-of-this-name"]) == []
    monkeypatch.setenv("OLLAMA_MODELS", refused)
    assert in_ollama() == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads it all")
def test_a_folder_of_another_user_holds_nothing(root: Path, tmp_path: Path) -> None:
    ollama(root, DATA)
    (tmp_path / "m.gguf").write_bytes(DATA)
    for folder in (root, root / "blobs", tmp_path):
        folder.chmod(0)
        try:
            assert in_ollama() == [] or folder == tmp_path
            assert in_folders([str(tmp_path)]) == [] or folder != tmp_path
        finally:
            folder.chmod(0o700)


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nowhere)
    monkeypatch.delenv("OLLAMA_MODELS")
    assert in_lm_studio() == []
    in_ollama()


def test_the_hugging_face_cache_and_the_old_folder(library: Library) -> None:
    store(library, DATA, "m-Q8_0.gguf")
    old = old_folder() / "someone" / "Old-GGUF" / "Q4" / "m-Q4_0.gguf"
    old.parent.mkdir(parents=True)
    old.write_bytes(DATA)
    (old_folder() / "stray.gguf").write_bytes(DATA)
    cached, earlier = elsewhere(library.cache)
    assert (cached.name, cached.file, cached.commit) == (
        f"hf.co/{REPOSITORY}",
        "m-Q8_0.gguf",
        COMMIT,
    )
    assert cached.sha256 == sha256(DATA)
    assert (earlier.name, earlier.file) == ("hf.co/someone/Old-GGUF", "Q4/m-Q4_0.gguf")


def test_a_file_at_two_commits_is_shown_once(library: Library) -> None:
    store(library, DATA)
    store(library, DATA, commit="d" * 40)
    assert len(elsewhere(library.cache)) == 1


def test_where_the_very_file_may_be(
    library: Library, home: Path, root: Path, tmp_path: Path
) -> None:
    file = "sub/m-Q8_0.gguf"
    cached = store(library, DATA, file, commit="d" * 40)
    there = lm_studio(home, f"{REPOSITORY}/m-Q8_0.gguf", DATA)
    blob = ollama(root, DATA)
    mine = tmp_path / "m-q8_0.GGUF"
    mine.write_bytes(DATA)
    lm_studio(home, "other/Repo/m-Q8_0.gguf", DATA + b"of another size")
    lm_studio(home, f"{REPOSITORY}/other.gguf", DATA)
    wanted = [(file, len(DATA), hashlib.sha256(DATA).hexdigest())]
    found = [*candidates(library.cache, REPOSITORY, wanted, [str(tmp_path)])]
    assert found == [(cached.path,), (there,), (blob,), (mine,)]


@given(counts=st.lists(st.integers(1, 5), min_size=1, max_size=4), data=st.data())
def test_split_models_are_put_together(counts: list[int], data: st.DataObject) -> None:
    models = [
        tuple(Path(f"m{at}-{part:05}-of-{count:05}.gguf") for part in range(1, count + 1))
        for at, count in enumerate(counts)
    ]
    paths = data.draw(st.permutations([path for parts in models for path in parts]))
    assert sorted(whole_models(paths)) == sorted(models)
    missing = data.draw(st.sampled_from(paths))
    rest = [path for path in paths if path != missing]
    assert sorted(whole_models(rest)) == sorted(m for m in models if missing not in m)
