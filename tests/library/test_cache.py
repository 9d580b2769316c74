"""The layout, held against the real huggingface_hub; and removal, down to the last folder."""

import os
from pathlib import Path

import pytest
from huggingface_hub import hf_hub_download, scan_cache_dir, try_to_load_from_cache
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import DiskError, UnknownModel
from runner.library import Cache, Library, cache_folder
from tests.library.making import COMMIT, FILE, REPOSITORY, sha256, store

OTHER = "d" * 40
NAMES = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME")


@pytest.fixture
def without_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that makes no links, as Windows without its developer mode."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(1314, "A required privilege is not held by the client")

    monkeypatch.setattr(Path, "symlink_to", refuse)


def test_where_the_cache_lies(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    assert cache_folder() == home / ".cache" / "huggingface" / "hub"
    for name, value, folder in (
        ("XDG_CACHE_HOME", "~/xdg", home / "xdg" / "huggingface" / "hub"),
        ("HF_HOME", "$SOME/hf", home / "some" / "hf" / "hub"),
        ("HUGGINGFACE_HUB_CACHE", str(home / "old"), home / "old"),
        ("HF_HUB_CACHE", str(home / "new"), home / "new"),
    ):
        monkeypatch.setenv("SOME", str(home / "some"))
        monkeypatch.setenv(name, value)
        assert cache_folder() == folder


def test_huggingface_hub_finds_what_runner_placed(library: Library) -> None:
    data = b"GGUF and more"
    stored = store(library, data, "Q8_0/model-Q8_0.gguf")
    assert stored.path.read_bytes() == data
    assert str(stored.path) == try_to_load_from_cache(
        REPOSITORY, stored.file, cache_dir=library.root
    )
    assert str(stored.path) == try_to_load_from_cache(
        REPOSITORY, stored.file, cache_dir=library.root, revision=COMMIT
    )
    found = hf_hub_download(REPOSITORY, stored.file, cache_dir=library.root, local_files_only=True)
    assert Path(found).samefile(stored.path)
    scanned = scan_cache_dir(library.root)
    assert not scanned.warnings
    assert scanned.size_on_disk == len(data)
    (repository,) = scanned.repos
    assert (repository.repo_id, [*repository.refs]) == (REPOSITORY, ["main"])
    (revision,) = repository.revisions
    (file,) = revision.files
    assert revision.commit_hash == COMMIT
    assert file.blob_path == library.blob_for(REPOSITORY, sha256(data))


@pytest.mark.skipif(os.name == "nt", reason="Windows may make no links")
def test_a_link_is_relative_so_that_the_cache_can_be_moved(library: Library) -> None:
    stored = store(library, file="Q8_0/m.gguf")
    assert stored.path.readlink() == Path("..", "..", "..", "blobs", stored.sha256)


def test_a_commit_asked_for_by_itself_has_a_ref_too(library: Library) -> None:
    # Without one llama.cpp does not find it, and `hf cache prune` deletes it.
    store(library, revision=None)
    (repository,) = scan_cache_dir(library.root).repos
    assert [*repository.refs] == [f"runner-{COMMIT[:12]}"]
    assert not any(revision.refs == frozenset() for revision in repository.revisions)


def test_a_commit_that_a_branch_names_needs_no_other_ref(library: Library) -> None:
    store(library, revision="refs/pr/1")
    store(library, b"more", "more.gguf", revision=COMMIT)
    (repository,) = scan_cache_dir(library.root).repos
    assert [*repository.refs] == ["refs/pr/1"]
    assert library.cache.commit_of(REPOSITORY, "refs/pr/1") == COMMIT
    assert library.cache.commit_of(REPOSITORY, "main") is None


@pytest.mark.parametrize("revision", ["../../x", "a/../../b", "/etc/x", "", "a\nb"])
def test_a_revision_stays_inside(library: Library, revision: str) -> None:
    store(library, revision=revision)
    folder = library.cache.folder(REPOSITORY)
    assert {path.name for path in folder.iterdir()} <= {"blobs", "snapshots", "refs"}
    assert not list((folder / "refs").rglob("*")) or revision == ""
    assert library.cache.commit_of(REPOSITORY, revision) is None


@pytest.mark.usefixtures("without_links")
def test_without_links_the_file_itself_is_in_the_snapshot(library: Library) -> None:
    stored = store(library, b"content")
    assert not stored.path.is_symlink() and stored.path.read_bytes() == b"content"
    assert not library.blob_for(REPOSITORY, stored.sha256).exists()
    assert library.place(REPOSITORY, COMMIT, FILE, stored.sha256, "main") == stored.path
    assert try_to_load_from_cache(REPOSITORY, FILE, cache_dir=library.root) == str(stored.path)
    (file,) = library.cache.files(REPOSITORY)
    assert (file.path, file.sha256) == (stored.path, None)
    assert library.cache.remove(stored.path) == len(b"content")
    assert not list(library.root.iterdir())


def test_the_variable_of_huggingface_hub_forbids_links(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_DISABLE_SYMLINKS", "1")
    assert not store(library).path.is_symlink()


def test_placing_again_changes_nothing(library: Library) -> None:
    first = store(library)
    before = first.path.lstat().st_mtime_ns
    assert store(library).path == first.path
    assert first.path.lstat().st_mtime_ns == before


def test_a_file_that_changed_at_its_commit_is_replaced(library: Library) -> None:
    # A snapshot that another program left in pieces.
    stored = store(library, b"right")
    stored.path.unlink()
    stored.path.write_bytes(b"wrong")
    assert store(library, b"right").path.read_bytes() == b"right"


def test_files_of_every_program_are_found(library: Library) -> None:
    store(library, b"one", "a.gguf")
    store(library, b"two", "sub/b.GGUF", commit=OTHER)
    store(library, b"three", "c.gguf", repository="org/other")
    folder = library.cache.folder(REPOSITORY) / "snapshots" / COMMIT
    (folder / "README.md").write_text("no model")
    (folder / "gone.gguf").symlink_to("../../blobs/gone")
    (folder / "bad\x1bname.gguf").write_bytes(b"x")
    found = library.cache.files("ORG/model-gguf")
    assert [(file.commit, file.file) for file in found] == [
        (COMMIT, "a.gguf"),
        (OTHER, "sub/b.GGUF"),
    ]
    assert {file.repository for file in found} == {REPOSITORY}
    assert found[0].sha256 == sha256(b"one")
    assert library.cache.repositories() == [REPOSITORY, "org/other"]


def test_strange_folders_are_passed_over(library: Library) -> None:
    for name in ("models--org", "models--a--b--c", "datasets--a--b", "models----", "blobs"):
        (library.root / name / "snapshots" / COMMIT).mkdir(parents=True)
    (library.root / "models--file--x").write_text("a file")
    assert library.cache.files("a/b") == []
    assert library.cache.files("file/x") == []
    assert Cache(library.root / "absent").repositories() == []


def test_removal_frees_the_blob_and_leaves_no_folder(library: Library) -> None:
    stored = store(library, bytes(100), "Q8_0/m.gguf")
    assert library.cache.remove(stored.path) == 100
    assert not list(library.root.iterdir())
    assert library.cache.remove(stored.path) == 0


def test_a_blob_that_another_snapshot_uses_stays(library: Library) -> None:
    one, other = store(library, commit=COMMIT), store(library, commit=OTHER)
    assert library.cache.remove(one.path) == 0
    assert other.path.read_bytes() == bytes(10)
    assert not one.path.parent.exists()
    scanned = scan_cache_dir(library.root)
    assert not scanned.warnings, "no ref is left to a snapshot that is gone"
    assert library.cache.remove(other.path) == 10
    assert not list(library.root.iterdir())


def test_what_others_keep_in_a_repository_stays(library: Library) -> None:
    stored = store(library)
    neighbour = stored.path.with_name("config.json")
    neighbour.write_text("{}")
    trees = library.cache.folder(REPOSITORY) / "trees" / f"{COMMIT}.json"
    trees.parent.mkdir()
    trees.write_text("{}")
    library.cache.remove(stored.path)
    assert neighbour.exists() and trees.exists()
    assert library.cache.commit_of(REPOSITORY, "main") == COMMIT


def test_a_shared_blob_of_huggingface_hub_stays(library: Library) -> None:
    # It keeps what came by Xet once for all repositories: the blob is a link, too.
    stored = store(library, b"shared")
    blob = library.blob_for(REPOSITORY, stored.sha256)
    pool = library.root / "blobs" / "ab" / "abcd"
    pool.parent.mkdir(parents=True)
    blob.replace(pool)
    blob.symlink_to(pool)
    (file,) = library.cache.files(REPOSITORY)
    assert file.sha256 == stored.sha256
    library.cache.remove(stored.path)
    assert pool.read_bytes() == b"shared"
    assert not library.cache.folder(REPOSITORY).exists()


PLACES = st.tuples(st.sampled_from("cd"), st.sampled_from(["a.gguf", "sub/b.gguf", "sub/c.gguf"]))


@given(
    kept=st.dictionaries(PLACES, st.sampled_from([b"one", b"other"]), min_size=1), data=st.data()
)
@settings(max_examples=20)
def test_in_any_order_removal_takes_one_file_and_frees_all_in_the_end(
    tmp_path_factory: pytest.TempPathFactory,
    kept: dict[tuple[str, str], bytes],
    data: st.DataObject,
) -> None:
    library = Library(tmp_path_factory.mktemp("cache"))
    stored = {
        place: store(library, content, place[1], commit=place[0] * 40)
        for place, content in kept.items()
    }
    freed = 0
    for place in data.draw(st.permutations(sorted(kept))):
        freed += library.cache.remove(stored.pop(place).path)
        for other, file in stored.items():
            assert file.path.read_bytes() == kept[other]
        assert not scan_cache_dir(library.root).warnings
    assert freed == sum(map(len, set(kept.values())))
    assert not list(library.root.iterdir())


@pytest.mark.parametrize(
    ("repository", "commit", "file", "digest"),
    [
        ("../../x", COMMIT, FILE, "0" * 64),
        (REPOSITORY, "../x", FILE, "0" * 64),
        (REPOSITORY, COMMIT, "../../x.gguf", "0" * 64),
        (REPOSITORY, COMMIT, "/etc/x.gguf", "0" * 64),
        (REPOSITORY, COMMIT, FILE, "../../../x"),
    ],
)
def test_a_path_outside_is_refused(
    library: Library, repository: str, commit: str, file: str, digest: str
) -> None:
    with pytest.raises(UnknownModel):
        library.place(repository, commit, file, digest)


def test_a_cache_that_cannot_be_written_says_so(library: Library) -> None:
    library.root.parent.mkdir(parents=True)
    library.root.write_text("in the way")
    with pytest.raises(DiskError):
        library.place(REPOSITORY, COMMIT, FILE, "0" * 64)
