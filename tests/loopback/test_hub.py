"""The stand-in behaves to the real huggingface_hub client as the Hub does."""

from pathlib import Path

import pytest

from tests.loopback import LoopbackHub


@pytest.fixture
def hub(loopback_hub: LoopbackHub) -> LoopbackHub:
    import runner.hub.stack  # noqa: F401  huggingface_hub with its side trips off

    loopback_hub.add("org/open", {"m-Q8_0.gguf": b"weights" * 1000, "README.md": b"# Card\n"})
    loopback_hub.add("org/gated", {"m-Q8_0.gguf": b"secret"}, gated=True)
    return loopback_hub


def download(
    hub: LoopbackHub, repository: str, file: str, folder: Path, token: str | None = None
) -> bytes:
    from huggingface_hub import hf_hub_download

    path = hf_hub_download(repository, file, local_dir=folder, endpoint=hub.endpoint, token=token)
    return Path(path).read_bytes()


def test_the_clients_own_download_works(hub: LoopbackHub, tmp_path: Path) -> None:
    assert download(hub, "org/open", "m-Q8_0.gguf", tmp_path, token="hf_member") == (
        b"weights" * 1000
    )
    assert download(hub, "org/open", "README.md", tmp_path) == b"# Card\n"
    assert hub.seen("resolve", "HEAD")[0].headers["authorization"] == "Bearer hf_member"
    assert all("authorization" not in request.headers for request in hub.seen("cdn"))


def test_the_client_sees_the_hubs_errors(hub: LoopbackHub, tmp_path: Path) -> None:
    from huggingface_hub import HfApi, errors

    import runner.hub.stack  # noqa: F401

    api = HfApi(endpoint=hub.endpoint)
    with pytest.raises(errors.RepositoryNotFoundError):
        api.model_info("org/absent")
    with pytest.raises(errors.RevisionNotFoundError):
        api.model_info("org/open", revision="v2")
    with pytest.raises(errors.RemoteEntryNotFoundError):
        download(hub, "org/open", "absent.gguf", tmp_path)
    with pytest.raises(errors.GatedRepoError):
        download(hub, "org/gated", "m-Q8_0.gguf", tmp_path)
    with pytest.raises(errors.HfHubHTTPError, match="401"):
        api.model_info("org/open", token="hf_unknown")
    assert download(hub, "org/gated", "m-Q8_0.gguf", tmp_path, token="hf_member") == b"secret"


def test_a_new_commit_replaces_the_old(hub: LoopbackHub) -> None:
    old = hub.repositories["org/open"].commit
    new = hub.add("org/open", {"m-Q8_0.gguf": b"better"})
    assert new != old
    assert hub.repositories["org/open"].describe()["sha"] == new
