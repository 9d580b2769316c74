"""From a name to a file on this disk: what ships, what was fetched, what could be."""

import hashlib
from pathlib import Path

import pytest
from huggingface_hub import HfApi, hf_hub_download

from runner import models
from runner.catalog import load_catalog
from runner.errors import DiskError, IntegrityError, ModelNotHere, OfflineError, UnknownModel
from runner.hub import Hub
from runner.library import Library
from tests.library.conftest import home as home
from tests.library.stores import lm_studio, ollama
from tests.loopback import LoopbackHub

REPOSITORY = "someone/Small-Distill-GGUF"


def silent(name: str, done: int, total: int) -> None:
    """No progress wanted."""


@pytest.fixture
def published(loopback_hub: LoopbackHub, tiny_path: Path) -> LoopbackHub:
    """A repository that holds the shipped model in one quantization and something else."""
    model = tiny_path.read_bytes()
    files = {"small-Q8_0.gguf": model, "small-F16.gguf": b"GGUF" + bytes(64), "README.md": b"#"}
    loopback_hub.add(REPOSITORY, files)
    return loopback_hub


def test_without_a_name_the_shipped_model_is_used() -> None:
    located = models.locate(None)
    assert located.path.is_file()
    assert located.entry is load_catalog().shipped
    assert located.quantization == "Q8_0"


def test_a_catalogue_model_that_is_not_here_is_offered_with_its_size() -> None:
    entry = next(e for e in load_catalog().entries if e.quantizations and e.quantization().bytes)
    with pytest.raises(ModelNotHere) as caught:
        models.locate(entry.name)
    offer = caught.value.offer
    assert (offer.name, offer.bytes) == (entry.name, entry.quantization().bytes)
    assert f"runner pull {entry.name}" in caught.value.remedy


def test_a_misspelt_name_gives_the_nearest() -> None:
    entry = next(e for e in load_catalog().entries if e.quantizations)
    with pytest.raises(UnknownModel) as caught:
        models.locate(entry.name.replace("e", "a", 1))
    assert entry.name in caught.value.remedy


def test_a_path_runs_in_place(tiny_path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "mine.gguf"
    copy.write_bytes(tiny_path.read_bytes())
    assert models.locate(str(copy)).path == copy
    with pytest.raises(UnknownModel, match="there is no file"):
        models.locate(str(tmp_path / "absent.gguf"))


def test_pull_then_locate_then_remove(published: LoopbackHub, tiny_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    name = f"{REPOSITORY}:Q8_0"
    with pytest.raises(ModelNotHere):
        models.locate(name)
    pulled = models.pull(name, hub=Hub(), progress=lambda *step: seen.append(step))
    size = tiny_path.stat().st_size
    assert seen[-1] == ("small-Q8_0.gguf", size, size)
    assert pulled.path.read_bytes() == tiny_path.read_bytes()
    assert pulled.record is not None
    assert pulled.record.sha256 == hashlib.sha256(tiny_path.read_bytes()).hexdigest()

    assert models.locate(name).path == pulled.path
    assert models.locate(REPOSITORY).path == pulled.path
    assert models.locate(None).path == pulled.path
    assert pulled.path in [located.path for located in models.here()]

    removed = models.remove(models.locate(name))
    assert (removed.path, removed.bytes, removed.note) == (pulled.path, size, "")
    assert not pulled.path.exists()
    assert models.locate(None).entry is load_catalog().shipped


def test_a_second_pull_transfers_nothing(published: LoopbackHub) -> None:
    first = models.pull(f"{REPOSITORY}:Q8_0", hub=Hub(), progress=silent)
    transfers = len(published.seen("cdn"))
    said: list[str] = []
    again = models.pull(f"{REPOSITORY}:Q8_0", hub=Hub(remark=said.append), progress=silent)
    assert len(published.seen("cdn")) == transfers
    assert again == first
    assert said == [f"hf.co/{REPOSITORY}:Q8_0 is already here: {first.path}"]


def test_huggingface_hub_finds_what_was_pulled(published: LoopbackHub, tiny_path: Path) -> None:
    pulled = models.pull(f"{REPOSITORY}:Q8_0", hub=Hub(), progress=silent)
    found = hf_hub_download(
        REPOSITORY, "small-Q8_0.gguf", cache_dir=Library().root, local_files_only=True
    )
    assert found == str(pulled.path)
    assert pulled.record is not None
    assert pulled.record.context == 2048
    assert (pulled.record.licence, pulled.record.adopted) == ("mit", False)
    published.requests.clear()
    again = HfApi(endpoint=published.endpoint).hf_hub_download(
        REPOSITORY, "small-Q8_0.gguf", cache_dir=Library().root
    )
    assert again == found and published.seen("cdn") == [], "nor does it fetch it again"
    pieces = Library().pieces(pulled.record.sha256)
    assert pieces is not None and len(pieces.digests) == 1


def test_what_huggingface_hub_fetched_is_found_and_adopted(
    published: LoopbackHub, tiny_path: Path
) -> None:
    api = HfApi(endpoint=published.endpoint)
    fetched = api.hf_hub_download(REPOSITORY, "small-Q8_0.gguf", cache_dir=Library().root)
    located = models.locate(f"{REPOSITORY}:q8_0")
    assert located.path.samefile(fetched)
    assert located.record is None and located.found is not None
    assert [one.path for one in models.of_others()] == [located.path]

    published.requests.clear()
    said: list[str] = []
    checked: list[tuple[str, int, int]] = []
    pulled = models.pull(
        f"{REPOSITORY}:Q8_0",
        hub=Hub(remark=said.append),
        progress=silent,
        checking=lambda *step: checked.append(step),
    )
    assert published.seen("cdn") == [], "what is here is not fetched"
    size = tiny_path.stat().st_size
    assert checked[-1] == ("small-Q8_0.gguf", size, size)
    assert said[0] == f"licence: mit, {published.endpoint}/{REPOSITORY}"
    assert said[1].endswith("; checking it")
    assert pulled.record is not None and pulled.record.adopted
    assert models.of_others() == []

    removed = models.remove(models.locate(REPOSITORY))
    assert removed.bytes == 0 and "where it stays" in removed.note
    assert Path(fetched).exists()


def test_a_damaged_file_of_another_program_is_not_adopted(
    published: LoopbackHub, tiny_path: Path
) -> None:
    HfApi(endpoint=published.endpoint).hf_hub_download(
        REPOSITORY, "small-Q8_0.gguf", cache_dir=Library().root
    )
    (cached,) = models.of_others()
    blob = cached.path.resolve()
    blob.chmod(0o644)
    blob.write_bytes(bytes(tiny_path.stat().st_size))
    said: list[str] = []
    pulled = models.pull(REPOSITORY, hub=Hub(remark=said.append), progress=silent)
    assert any("is not the published file" in line for line in said)
    assert pulled.path.read_bytes() == tiny_path.read_bytes()


def test_the_files_of_lm_studio_and_the_user_are_adopted_where_they_lie(
    published: LoopbackHub, tiny_path: Path, tmp_path: Path, home: Path
) -> None:
    mine = tmp_path / "models" / "small-Q8_0.gguf"
    mine.parent.mkdir()
    mine.write_bytes(tiny_path.read_bytes())
    folders = [str(mine.parent)]
    pulled = models.pull(f"{REPOSITORY}:Q8_0", hub=Hub(), progress=silent, folders=folders)
    assert pulled.path == mine
    assert published.seen("cdn") == []
    models.remove(pulled)
    theirs = lm_studio(home, f"{REPOSITORY}/small-Q8_0.gguf", tiny_path.read_bytes())
    assert models.locate(REPOSITORY).path == theirs
    pulled = models.pull(f"{REPOSITORY}:Q8_0", hub=Hub(), progress=silent)
    assert pulled.path == theirs
    assert models.remove(pulled).bytes == 0
    assert theirs.exists() and mine.exists()


def test_the_file_of_another_program_stays_though_runner_once_fetched_it(
    published: LoopbackHub, tiny_path: Path, home: Path
) -> None:
    data = tiny_path.read_bytes()
    library = Library()
    blob = library.blob_for(REPOSITORY, hashlib.sha256(data).hexdigest())
    library.claim(blob, REPOSITORY, "small-Q8_0.gguf", len(data))
    theirs = lm_studio(home, f"{REPOSITORY}/small-Q8_0.gguf", data)
    pulled = models.pull(f"{REPOSITORY}:Q8_0", hub=Hub(), progress=silent)
    assert pulled.path == theirs
    assert models.remove(pulled).bytes == 0
    assert theirs.exists()


def test_what_runner_fetched_stays_its_own_where_a_repository_is_spelt_anew(
    published: LoopbackHub, tiny_path: Path
) -> None:
    data = tiny_path.read_bytes()
    first = models.pull(f"{REPOSITORY}:Q8_0", hub=Hub(), progress=silent)
    published.repositories.clear()
    published.add(REPOSITORY.upper(), {"small-Q8_0.gguf": data})
    published.requests.clear()
    again = models.pull(f"{REPOSITORY.upper()}:Q8_0", hub=Hub(), progress=silent)
    assert published.seen("cdn") == []
    assert again.record is not None and not again.record.adopted
    assert again.path.samefile(first.path)
    assert models.remove(again).bytes == len(data)


def test_a_newer_commit_with_the_same_file_transfers_nothing(
    published: LoopbackHub, tiny_path: Path
) -> None:
    first = models.pull(f"{REPOSITORY}:Q8_0", hub=Hub(), progress=silent)
    files = {"small-Q8_0.gguf": tiny_path.read_bytes(), "README.md": b"# changed"}
    commit = published.add(REPOSITORY, files)
    published.requests.clear()
    again = models.pull(f"{REPOSITORY}:Q8_0", hub=Hub(), progress=silent)
    assert published.seen("cdn") == []
    assert again.record is not None and again.record.commit == commit
    assert Library().records() == [again.record]
    assert not first.path.exists() and again.path.exists()
    assert models.remove(again).bytes == tiny_path.stat().st_size


def test_a_newer_file_is_kept_beside_the_older(published: LoopbackHub, tiny_path: Path) -> None:
    first = models.pull(f"{REPOSITORY}:Q8_0", hub=Hub(), progress=silent)
    published.add(REPOSITORY, {"small-Q8_0.gguf": tiny_path.read_bytes() + b"\0"})
    again = models.pull(f"{REPOSITORY}:Q8_0", hub=Hub(), progress=silent)
    assert models.locate(REPOSITORY).path == again.path
    newer, older = (one for one in models.here() if not one.is_shipped)
    assert (newer.path, older.path) == (again.path, first.path)
    assert first.record is not None
    commit = first.record.commit
    assert older.name == f"hf.co/{REPOSITORY}/blob/{commit[:12]}/small-Q8_0.gguf"
    assert models.locate(older.name).path == first.path
    assert models.locate(f"hf.co/{REPOSITORY}/tree/{commit}:Q8_0").path == first.path
    assert models.locate(f"hf.co/{REPOSITORY}/tree/main:Q8_0").path == again.path


def test_a_pinned_commit_that_is_here_needs_no_connection(published: LoopbackHub) -> None:
    commit = published.repositories[REPOSITORY].commit
    name = f"hf.co/{REPOSITORY}/tree/{commit}:Q8_0"
    pulled = models.pull(name, hub=Hub(), progress=silent)
    published.requests.clear()
    assert models.pull(name, hub=Hub(), progress=silent) == pulled
    assert published.requests == []


def test_a_split_model_is_fetched_whole(loopback_hub: LoopbackHub) -> None:
    names = [f"Q4_0/m-Q4_0-0000{number}-of-00002.gguf" for number in (1, 2)]
    loopback_hub.add(REPOSITORY, {name: name.encode() for name in names})
    pulled = models.pull(REPOSITORY, hub=Hub(), progress=silent)
    assert pulled.record is not None
    assert [file.file for file in pulled.record.files] == names
    assert [path.read_bytes().decode() for path in pulled.paths] == names
    assert len({path.parent for path in pulled.paths}) == 1, "llama.cpp looks beside the first"
    models.remove(pulled)
    assert not list(Library().root.iterdir())


SPLIT = [f"m-Q4_0-0000{number}-of-00003.gguf" for number in (1, 2, 3)]


@pytest.mark.parametrize("links", [True, False])
def test_an_interrupted_split_model_is_continued(
    loopback_hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:
        monkeypatch.setenv("HF_HUB_DISABLE_SYMLINKS", "1")
    parts = {name: name.encode() * 1000 for name in SPLIT}
    size = len(parts[SPLIT[0]])
    loopback_hub.add(REPOSITORY, dict(parts))

    def interrupted(name: str, done: int, total: int) -> None:
        if done == 2 * size:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        models.pull(REPOSITORY, hub=Hub(), progress=interrupted)
    loopback_hub.requests.clear()
    seen: list[tuple[str, int, int]] = []
    pulled = models.pull(REPOSITORY, hub=Hub(), progress=lambda *step: seen.append(step))
    fetched = sum(request.sent for request in loopback_hub.seen("cdn"))
    assert fetched <= 2 * size, "the first part is not fetched again"
    assert [path.read_bytes() for path in pulled.paths] == list(parts.values())
    assert {(name, total) for name, _, total in seen} == {(f"{SPLIT[0]} and 2 more", 3 * size)}
    done = [done for _, done, _ in seen]
    assert done == sorted(done), "it never runs backwards"
    assert (done[0] >= size, done[-1]) == (True, 3 * size)
    assert models.remove(pulled).bytes == 3 * size


def test_what_a_fresh_fetch_has_is_not_taken_from_another_repository(
    published: LoopbackHub,
) -> None:
    models.pull(f"{REPOSITORY}:Q8_0", hub=Hub(), progress=silent)
    published.add("other/Small-GGUF", {"small-Q8_0.gguf": b"GGUF" + bytes(100)})
    seen: list[int] = []
    models.pull("other/Small-GGUF", hub=Hub(), progress=lambda _, done, __: seen.append(done))
    assert (seen[0], seen[-1]) == (0, 104)


def test_room_for_all_parts_is_asked_for_before_the_first(
    loopback_hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.hub.disk.free_disk", lambda _: (64 << 20) + 250_000)
    loopback_hub.add(
        REPOSITORY, {name: bytes([number] * 100_000) for number, name in enumerate(SPLIT)}
    )
    with pytest.raises(DiskError, match="are needed in"):
        models.pull(REPOSITORY, hub=Hub(), progress=silent)
    assert loopback_hub.seen("cdn") == []
    monkeypatch.setattr("runner.hub.disk.free_disk", lambda _: (64 << 20) + 300_000)
    models.pull(REPOSITORY, hub=Hub(), progress=silent)


def test_a_part_of_another_program_stays(loopback_hub: LoopbackHub) -> None:
    loopback_hub.add(REPOSITORY, {name: name.encode() for name in SPLIT})
    theirs = HfApi(endpoint=loopback_hub.endpoint).hf_hub_download(
        REPOSITORY, SPLIT[0], cache_dir=Library().root
    )
    pulled = models.pull(REPOSITORY, hub=Hub(), progress=silent)
    models.remove(pulled)
    assert Path(theirs).exists()


def test_of_several_quantizations_the_one_to_remove_is_named(
    published: LoopbackHub, tiny_path: Path
) -> None:
    names = [f"hf.co/{REPOSITORY}:{each}" for each in ("F16", "Q8_0")]
    pulled = [models.pull(name, hub=Hub(), progress=silent) for name in names]
    with pytest.raises(UnknownModel, match="in several quantizations") as caught:
        models.to_remove(REPOSITORY)
    assert caught.value.remedy == f"Name those to delete: {', '.join(names)}."
    assert models.to_remove(names[0]).path == pulled[0].path
    models.remove(pulled[0])
    assert models.to_remove(REPOSITORY).path == pulled[1].path


def test_why_nothing_is_freed(published: LoopbackHub, tiny_path: Path) -> None:
    pulled = models.pull(f"{REPOSITORY}:Q8_0", hub=Hub(), progress=silent)
    assert pulled.record is not None
    sha256, library = pulled.record.sha256, Library()
    library.place(REPOSITORY, "d" * 40, "small-Q8_0.gguf", sha256)
    removed = models.remove(pulled)
    assert (removed.bytes, removed.note) == (0, "another snapshot uses its bytes, which stay")
    pulled = models.pull(f"{REPOSITORY}:Q8_0", hub=Hub(), progress=silent)
    for path in (pulled.path.resolve(), pulled.path):
        path.unlink()
    removed = models.remove(pulled)
    assert (removed.bytes, removed.note) == (0, "its files were gone already")


def test_a_split_model_is_adopted_only_whole(loopback_hub: LoopbackHub, home: Path) -> None:
    names = [f"m-Q4_0-0000{number}-of-00002.gguf" for number in (1, 2)]
    loopback_hub.add(REPOSITORY, {name: name.encode() for name in names})
    lm_studio(home, f"{REPOSITORY}/{names[0]}", names[0].encode())
    pulled = models.pull(REPOSITORY, hub=Hub(), progress=silent)
    assert all(path.is_relative_to(Library().root) for path in pulled.paths)
    assert len(loopback_hub.seen("cdn")) == 2


def test_a_file_other_than_the_catalogue_knows_is_not_taken(loopback_hub: LoopbackHub) -> None:
    entry, known = next((e, q) for e in load_catalog().entries for q in e.quantizations if q.sha256)
    loopback_hub.add(known.repository, {known.file: b"GGUF, but another one"})
    name = f"{entry.name}:{known.name}"
    with pytest.raises(IntegrityError, match="not the file the catalogue knows") as caught:
        models.pull(name, hub=Hub(), progress=silent)
    assert "--accept-new" in caught.value.remedy
    assert not models.here()[1:] and not loopback_hub.seen("cdn")

    pulled = models.pull(name, hub=Hub(), progress=silent, accept_new=True)
    assert pulled.record is not None
    assert (pulled.name, pulled.record.expected_sha256) == (entry.name, known.sha256)
    assert pulled.record.licence == entry.licence
    loopback_hub.requests.clear()
    assert models.pull(name, hub=Hub(), progress=silent) == pulled
    assert loopback_hub.requests == [], "what was accepted is known from then on"


def test_the_name_of_the_catalogue_stays(loopback_hub: LoopbackHub) -> None:
    entry, known = next((e, q) for e in load_catalog().entries for q in e.quantizations if q.sha256)
    loopback_hub.add(known.repository, {known.file: b"GGUF"})
    name = f"{entry.name}:{known.name}"
    pulled = models.pull(name, hub=Hub(), progress=silent, accept_new=True)
    again = models.pull(f"{known.repository}:{known.name}", hub=Hub(), progress=silent)
    assert again == pulled


def test_a_catalogue_model_that_another_program_fetched(home: Path) -> None:
    entry, known = next((e, q) for e in load_catalog().entries for q in e.quantizations)
    path = lm_studio(home, f"{known.repository}/{known.file.rpartition('/')[2]}", b"GGUF")
    located = models.locate(f"{entry.name}:{known.name}")
    assert (located.path, located.name, located.entry) == (path, entry.name, entry)


def test_a_model_of_ollama(home: Path, tiny_path: Path) -> None:
    blob = ollama(home / "ollama", tiny_path.read_bytes(), "registry.ollama.ai/library/s/latest")
    for name in ("ollama:s:latest", "OLLAMA:s", "ollama:S:Latest"):
        located = models.locate(name)
        assert (located.path, located.name) == (blob, "ollama:s:latest")
    with pytest.raises(UnknownModel) as caught:
        models.locate("ollama:t")
    assert "ollama:s:latest" in caught.value.remedy
    with pytest.raises(UnknownModel) as caught:
        models.locate("s")
    assert caught.value.remedy == "Did you mean ollama:s:latest?"
    with pytest.raises(UnknownModel, match="was not fetched by Runner but is in Ollama"):
        models.remove(models.locate("ollama:s"))
    with pytest.raises(UnknownModel, match="is a model on this disk"):
        models.pull("ollama:s", hub=Hub(), progress=silent)


def test_a_projector_is_no_model(home: Path) -> None:
    lm_studio(home, "org/Vision-GGUF/mmproj-F16.gguf", b"GGUF")
    assert models.of_others() == []
    with pytest.raises(ModelNotHere):
        models.locate("org/Vision-GGUF")


def test_offline_pulls_nothing(published: LoopbackHub) -> None:
    with pytest.raises(OfflineError):
        models.pull(REPOSITORY, hub=Hub(offline=True), progress=silent)
    assert not published.requests


def test_offline_a_model_that_is_here_is_found_without_a_connection(
    published: LoopbackHub,
) -> None:
    pulled = models.pull(f"{REPOSITORY}:Q8_0", hub=Hub(), progress=silent)
    asked = len(published.requests)
    again = models.pull(f"{REPOSITORY}:Q8_0", hub=Hub(offline=True), progress=silent)
    assert again.path == pulled.path
    assert len(published.requests) == asked


def test_the_shipped_model_is_not_removed() -> None:
    with pytest.raises(UnknownModel, match="comes with Runner"):
        models.remove(models.locate("tiny"))
    assert models.shipped().path.is_file()


def test_a_file_of_someone_else_is_not_removed(tiny_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(tiny_path.read_bytes())
    with pytest.raises(UnknownModel, match="not fetched by Runner"):
        models.remove(models.locate(str(path)))
    assert path.is_file()
