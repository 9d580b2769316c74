"""Headers of remote files: how much of a file is fetched, what is refused, what llama.cpp makes
of them."""

import hashlib
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runner.errors import AccessDenied, BadModelFile, IntegrityError, NetworkError, OfflineError
from runner.gguf import Header, read_header, read_whole_header
from runner.hub import Hub, Listing, Patience, RemoteFile
from runner.llama.model import LlamaModel
from tests.hub.header_files import Dimensions, made_up_vocabulary, write_header_file
from tests.loopback import LoopbackHub
from tests.loopback.repository import Big

REPOSITORY = "org/model-GGUF"
KINDS = ("Q4_K", "Q2_K", "Q6_K", "Q8_0", "F16")
DIMENSIONS = Dimensions()
FURTHER = 300_000  # bytes that one more quantization may cost


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One model in several quantizations: headers, and nothing up to the true length."""
    folder = tmp_path_factory.mktemp("headers")
    vocabulary = made_up_vocabulary()
    return {
        f"m-{kind}.gguf": write_header_file(folder / f"m-{kind}.gguf", kind, vocabulary, DIMENSIONS)
        for kind in KINDS
    }


@pytest.fixture
def hub(loopback_hub: LoopbackHub, files: dict[str, Path]) -> Iterator[Hub]:
    publish(loopback_hub, files)
    yield client()


def client(offline: bool = False, timeout: float = 5) -> Hub:
    patience = Patience(timeout=timeout, attempts=3, first_wait=0.001, longest_wait=0.001)
    return Hub(offline=offline, patience=patience)


def publish(server: LoopbackHub, files: dict[str, Path], gated: bool = False) -> None:
    big = {name: Big(path, sha256(name)) for name, path in files.items()}
    server.add(REPOSITORY, big, gated=gated)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def header_of(hub: Hub, listing: Listing, file: RemoteFile) -> Header:
    return hub.headers(listing, [file])[file]


def of(listing: Listing, kind: str) -> Header:
    return header_of(client(), listing, listing.file(f"m-{kind}.gguf"))


def sent(server: LoopbackHub) -> int:
    """Bytes that came from the CDN since this was asked last."""
    count = sum(request.sent for request in server.seen("cdn"))
    server.requests.clear()
    return count


def test_a_header_is_what_the_file_would_give(hub: Hub, files: dict[str, Path]) -> None:
    listing = hub.listing(REPOSITORY)
    for file in listing.files:
        assert header_of(hub, listing, file) == read_header(files[file.path])


def test_little_is_fetched(hub: Hub, loopback_hub: LoopbackHub, files: dict[str, Path]) -> None:
    listing = hub.listing(REPOSITORY)
    headers = hub.headers(listing, listing.files[:1])
    first = sent(loopback_hub)
    offset = headers[listing.files[0]].data_offset
    assert offset < first < 2 * offset + (2 << 20)
    assert first < listing.files[0].bytes
    further = listing.files[1:]
    headers = hub.headers(listing, listing.files)
    fetched = sent(loopback_hub)
    assert fetched < FURTHER * len(further)
    assert fetched < offset * len(further) / 2
    assert all(headers[file] == read_header(files[file.path]) for file in further)


def test_a_header_is_fetched_once(hub: Hub, loopback_hub: LoopbackHub) -> None:
    listing = hub.listing(REPOSITORY)
    headers = hub.headers(listing, listing.files)
    loopback_hub.requests.clear()
    assert client(offline=True).headers(listing, listing.files) == headers
    assert loopback_hub.requests == []


def test_a_kept_header_that_was_damaged_is_fetched_again(
    hub: Hub, loopback_hub: LoopbackHub
) -> None:
    listing = hub.listing(REPOSITORY)
    headers = hub.headers(listing, listing.files)
    for path in Path(os.environ["RUNNER_HOME"]).rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:50])
    assert client().headers(listing, listing.files) == headers
    assert sent(loopback_hub) > 0


def test_a_vocabulary_of_another_model_is_not_taken_for_granted(
    loopback_hub: LoopbackHub, tmp_path: Path
) -> None:
    """Another length of its own, or the same length and another content at its beginning."""
    one, longer = made_up_vocabulary(), made_up_vocabulary(6001)
    changed = replace(one, tokens=[text.upper() for text in one.tokens])
    merged = replace(one, merges=[f"{merge}!" for merge in one.merges])
    files = {
        f"{name}-Q8_0.gguf": write_header_file(
            tmp_path / f"{name}.gguf", "Q8_0", vocabulary, DIMENSIONS
        )
        for name, vocabulary in {"a": one, "b": longer, "c": changed, "d": merged}.items()
    }
    publish(loopback_hub, files)
    listing = client().listing(REPOSITORY)
    headers = client().headers(listing, listing.files)
    assert list(headers.values()) == [read_header(path) for path in files.values()]
    assert sent(loopback_hub) > sum(header.data_offset for header in headers.values())


def test_a_long_rest_is_asked_for_twice(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    vocabulary = made_up_vocabulary()
    plain = write_header_file(tmp_path / "a.gguf", "Q8_0", vocabulary, DIMENSIONS)
    wordy = write_header_file(
        tmp_path / "b.gguf", "Q8_0", vocabulary, DIMENSIONS, remarks=["long " * 10_000]
    )
    publish(loopback_hub, {"a.gguf": plain, "b.gguf": wordy})
    listing = client().listing(REPOSITORY)
    header_of(client(), listing, listing.file("a.gguf"))
    sent(loopback_hub)
    assert header_of(client(), listing, listing.file("b.gguf")) == read_header(wordy)
    assert sent(loopback_hub) < FURTHER


def test_sizes_that_do_not_add_up_prove_nothing(
    loopback_hub: LoopbackHub, files: dict[str, Path], tmp_path: Path
) -> None:
    """A file that is longer than its tensors is read whole."""
    odd = tmp_path / "m-Q5_K.gguf"
    odd.write_bytes(files["m-Q4_K.gguf"].read_bytes() + bytes(4096))
    publish(loopback_hub, {"m-Q8_0.gguf": files["m-Q8_0.gguf"], "m-Q5_K.gguf": odd})
    listing = client().listing(REPOSITORY)
    of(listing, "Q8_0")
    sent(loopback_hub)
    header = of(listing, "Q5_K")
    assert header == read_header(odd)
    assert sent(loopback_hub) > header.data_offset


def test_llama_cpp_plans_with_the_file_of_a_header(hub: Hub, files: dict[str, Path]) -> None:
    listing = hub.listing(REPOSITORY)
    for kind in ("Q4_K", "F16"):
        file = listing.file(f"m-{kind}.gguf")
        path = hub.header_file(listing, file)
        assert path.stat().st_size == file.bytes
        if sys.platform.startswith("linux"):
            assert path.stat().st_blocks * 512 < file.bytes / 2
        header = read_header(path)
        assert header == read_header(files[file.path])
        model = LlamaModel(path, gpu_layers=0, allocate=False)
        try:
            assert model.layers == DIMENSIONS.layers
            assert model.bytes == header.weight_bytes
        finally:
            model.close()


def test_the_shipped_model(loopback_hub: LoopbackHub, tiny_path: Path) -> None:
    loopback_hub.add(REPOSITORY, {"tiny-Q8_0.gguf": tiny_path.read_bytes()})
    listing = client().listing(REPOSITORY)
    path = client().header_file(listing, listing.files[0])
    assert read_header(path) == read_header(tiny_path)
    model = LlamaModel(path, gpu_layers=0, allocate=False)
    try:
        assert model.parameters == sum(
            tensor_elements(tensor.shape) for tensor in read_header(path).tensors
        )
    finally:
        model.close()


def tensor_elements(shape: tuple[int, ...]) -> int:
    count = 1
    for extent in shape:
        count *= extent
    return count


def split_model(folder: Path) -> dict[str, Path]:
    """A model in two parts, as llama-gguf-split makes them: the first has all the metadata."""
    import gguf
    import numpy as np

    whole = write_header_file(folder / "w.gguf", "Q8_0", made_up_vocabulary(), DIMENSIONS)
    reader = gguf.GGUFReader(whole)
    tensors = list(reader.tensors)
    halves = tensors[: len(tensors) // 2], tensors[len(tensors) // 2 :]
    paths = {}
    for number, half in enumerate(halves):
        name = f"w-Q8_0-{number + 1:05}-of-00002.gguf"
        writer = gguf.GGUFWriter(folder / name, "llama")
        if number == 0:
            for key, field in reader.fields.items():
                if key.startswith("GGUF.") or key == "general.architecture":
                    continue
                kind = field.types[0]
                writer.add_key_value(
                    key, field.contents(), kind, field.types[-1] if len(field.types) > 1 else None
                )
        writer.add_uint16("split.no", number)
        writer.add_uint16("split.count", 2)
        writer.add_int32("split.tensors.count", len(tensors))
        for tensor in half:
            writer.add_tensor_info(
                tensor.name,
                tuple(reversed(tensor.shape.tolist())),
                np.dtype(np.float32),
                int(tensor.n_bytes),
                raw_dtype=tensor.tensor_type,
            )
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        assert writer.fout is not None
        end = -(-writer.fout[0].tell() // 32) * 32
        writer.close()
        end += sum(-(-int(tensor.n_bytes) // 32) * 32 for tensor in half)
        os.truncate(folder / name, end)
        paths[name] = folder / name
    return paths


def test_a_split_model(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    paths = split_model(tmp_path)
    publish(loopback_hub, paths)
    listing = client().listing(REPOSITORY)
    first, second = (listing.file(name) for name in paths)
    header = header_of(client(), listing, first)
    assert header == read_whole_header(next(iter(paths.values())))
    assert (
        header_of(client(), listing, second).tensors == header.tensors[-len(header.tensors) // 2 :]
    )
    assert sent(loopback_hub) < header.data_offset + (2 << 20) + (128 << 10)
    path = client().header_file(listing, first)
    model = LlamaModel(path, gpu_layers=0, allocate=False)
    try:
        assert model.bytes == header.weight_bytes
    finally:
        model.close()


def test_the_token_stays_with_the_hub(
    loopback_hub: LoopbackHub, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(loopback_hub, files, gated=True)
    listing = client().listing(REPOSITORY)
    with pytest.raises(AccessDenied, match="gated"):
        of(listing, "Q8_0")
    monkeypatch.setenv("HF_TOKEN", "hf_member")
    assert of(listing, "Q8_0").architecture == "llama"
    assert loopback_hub.seen("resolve", "HEAD")[-1].headers["authorization"] == "Bearer hf_member"
    assert all("authorization" not in request.headers for request in loopback_hub.seen("cdn"))


def test_offline_nothing_is_fetched(hub: Hub, loopback_hub: LoopbackHub) -> None:
    listing = hub.listing(REPOSITORY)
    loopback_hub.requests.clear()
    with pytest.raises(OfflineError):
        header_of(client(offline=True), listing, listing.files[0])
    assert loopback_hub.requests == []


@pytest.mark.parametrize("kind", ["status", "portal", "cut", "reset", "stall", "wrong_start"])
def test_a_passing_fault_is_waited_out(
    hub: Hub, loopback_hub: LoopbackHub, files: dict[str, Path], kind: str
) -> None:
    listing = hub.listing(REPOSITORY)
    loopback_hub.fault("cdn", kind, at=1000)  # type: ignore[arg-type]
    hub = client(timeout=0.5 if kind == "stall" else 5)
    assert header_of(hub, listing, listing.files[0]) == read_header(files[listing.files[0].path])


def test_a_server_without_ranges_is_left_early(
    hub: Hub, loopback_hub: LoopbackHub, files: dict[str, Path]
) -> None:
    loopback_hub.ranges = False
    listing = hub.listing(REPOSITORY)
    for file in listing.files:
        assert header_of(hub, listing, file) == read_header(files[file.path])


def test_a_lasting_fault_ends(hub: Hub, loopback_hub: LoopbackHub) -> None:
    listing = hub.listing(REPOSITORY)
    loopback_hub.fault("cdn", "status", status=503, times=1000)
    with pytest.raises(NetworkError, match="503"):
        hub.headers(listing, listing.files)


def test_another_file_than_was_listed(hub: Hub, loopback_hub: LoopbackHub) -> None:
    listing = hub.listing(REPOSITORY)
    loopback_hub.fault("resolve", "other_etag")
    with pytest.raises(IntegrityError, match="has changed on the Hub"):
        header_of(hub, listing, listing.files[0])


@pytest.mark.parametrize("content", [b"<html>" * 100_000, b"GGUF" + bytes([255]) * 100_000, b""])
def test_what_is_no_model_is_refused(loopback_hub: LoopbackHub, content: bytes) -> None:
    loopback_hub.add(REPOSITORY, {"m-Q8_0.gguf": content})
    listing = client().listing(REPOSITORY)
    with pytest.raises(BadModelFile):
        of(listing, "Q8_0")


def test_what_is_no_model_does_not_keep_others_from_being_read(
    loopback_hub: LoopbackHub, files: dict[str, Path], tmp_path: Path
) -> None:
    junk = tmp_path / "m-Q3_K.gguf"
    junk.write_bytes(b"GGUF" + bytes(1000))
    publish(loopback_hub, {"m-Q3_K.gguf": junk, "m-Q8_0.gguf": files["m-Q8_0.gguf"]})
    hub, said = client(), list[str]()
    hub.remark = said.append
    listing = hub.listing(REPOSITORY)
    headers = hub.headers(listing, listing.files)
    assert [file.path for file in headers] == ["m-Q8_0.gguf"]
    (line,) = said
    assert line.startswith("m-Q3_K.gguf is left out: ")


def test_a_header_without_end_is_given_up(
    loopback_hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import struct

    monkeypatch.setattr("runner.hub.headers.LARGEST", 4 << 20)
    path = tmp_path / "endless.gguf"
    # One key whose array of texts fills the file: 2**40 empty ones.
    start = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1) + b"k"
    path.write_bytes(start + struct.pack("<IIQ", 9, 8, 2**40))
    os.truncate(path, 1 << 30)
    publish(loopback_hub, {"m-Q8_0.gguf": path})
    listing = client().listing(REPOSITORY)
    with pytest.raises(BadModelFile, match="has no end"):
        of(listing, "Q8_0")
    assert sent(loopback_hub) <= 8 << 20


def test_a_disk_that_refuses_costs_only_time(
    hub: Hub, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("runner.hub.header_cache.write_sparse", refuse)
    listing = hub.listing(REPOSITORY)
    assert hub.headers(listing, listing.files) == {
        file: read_header(files[file.path]) for file in listing.files
    }
