"""Keeping models and proving them: models of other programs, verify, prune, lock files, offline."""

import json
from pathlib import Path

import pytest

from runner import models
from runner.cli.terminal.checking import CheckProgress
from runner.cli.words import size
from runner.hub import Hub
from runner.library import Library, uses
from runner.settings import Settings
from tests.cli.conftest import FETCHABLE, FETCHABLE_FILE, Runner
from tests.library.conftest import home as home
from tests.library.making import pieces_of
from tests.library.stores import lm_studio, ollama
from tests.loopback import LoopbackHub

NAME = f"hf.co/{FETCHABLE}"


def silent(*_: object) -> None:
    """No progress wanted."""


@pytest.fixture
def fetched(hub_with_model: LoopbackHub) -> models.Located:
    """A model that was fetched."""
    located = models.pull(FETCHABLE, hub=Hub(), progress=silent)
    hub_with_model.requests.clear()
    return located


def test_models_of_other_programs_are_listed_by_what_to_type(
    runner: Runner, home: Path, tiny_path: Path, tmp_path: Path, fetched: models.Located
) -> None:
    data = tiny_path.read_bytes()
    blob = ollama(home / "ollama", data)
    lm_studio(home, "org/Model-GGUF/m-Q5_0.gguf", data)
    mine = tmp_path / "mine" / "own-Q4_0.gguf"
    mine.parent.mkdir()
    mine.write_bytes(data)
    lm_studio(home, "org/Model-GGUF/\x1b[31mred.gguf", data)
    much = size(len(data)).split()

    said = runner("list", "--all", "--model-folders", str(mine.parent))
    assert (said.code, said.err) == (0, "")
    rows = [line.split() for line in said.out.splitlines()[3:]]
    assert rows == [
        ["folder:own-Q4_0", "Q4_0", *much, "2048", str(mine.parent)],
        ["lmstudio:org/Model-GGUF/m-Q5_0", "Q5_0", *much, "2048", "LM", "Studio"],
        ["ollama:small:8b", "Q4_K_M", *much, "2048", "Ollama"],
    ]
    assert runner("list").out.count("\n") == 3, "without --all only Runner's own are listed"

    facts = json.loads(runner("list", "--all", "--json").out)["models"]
    (shown,) = (fact for fact in facts if fact["source"] == "Ollama")
    assert (shown["path"], shown["context"]) == (str(blob), 2048)
    for name in ("ollama:small:8b", "lmstudio:org/model-gguf/m-q5_0", "org/Model-GGUF:Q5_0"):
        ran = runner("run", name, "hello", "--max-tokens", "2")
        assert ran.code == 0, ran.err
    folder = f"--model-folders={mine.parent}"
    assert runner("run", "folder:own-Q4_0", "hi", "--max-tokens", "2", folder).code == 0
    assert runner("run", "folder:own-Q4_0", "hi", "--max-tokens", "2").code == 4

    refused = runner("rm", "ollama:small:8b", "--yes")
    assert (refused.code, refused.out) == (4, "")
    assert refused.err == (
        "error: ollama:small:8b was not fetched by Runner but is in Ollama\n"
        f"Delete {blob} yourself.\n"
    )
    assert blob.exists()


def test_verify_and_repair(
    runner: Runner, fetched: models.Located, tiny_path: Path, hub_with_model: LoopbackHub
) -> None:
    data, record = tiny_path.read_bytes(), fetched.record
    assert record is not None
    much = size(len(data))
    whole = runner("verify")
    assert (whole.code, whole.out, whole.err) == (0, f"whole    {NAME}   {much}\n", "")

    Library().keep_pieces(record.sha256, pieces_of(data, 10_000))
    rotten = bytearray(data)
    rotten[25_000] ^= 1
    fetched.path.resolve().write_bytes(rotten)
    bad = runner("verify", FETCHABLE)
    assert bad.code == 11
    assert bad.out == (f"damaged  {NAME}   10 kB of {much}, bytes 20000-29999: {fetched.path}\n")
    assert bad.err == (
        f"error: 1 of 1 files are not what was fetched: {NAME}\n"
        "runner verify --repair fetches what is damaged again.\n"
    )
    facts = json.loads(runner("verify", "--json").out)["files"]
    assert [(fact["state"], fact["wrong"]) for fact in facts] == [("damaged", [[20000, 30000]])]
    assert hub_with_model.requests == [], "verify makes no connection"
    assert runner("verify", "--repair", "--offline").code == 8

    mended = runner("verify", "--repair")
    assert (mended.code, mended.out) == (0, f"mended   {NAME}   10 kB of {much} fetched again\n")
    assert fetched.path.read_bytes() == data
    assert runner("verify", "--quiet").code == 0


def test_repair_says_what_may_not_be_mended_and_goes_on(
    runner: Runner, fetched: models.Located, tmp_path: Path
) -> None:
    made = tmp_path / "made.gguf"
    assert runner("quantize", "tiny", "Q4_0", "--requantize", f"--out={made}", "--quiet").code == 0
    for path in (made, fetched.path):
        with path.open("rb+") as stream:
            stream.write(b"rot!")
    said = runner("verify", "--repair", "--json")
    assert said.code == 11
    assert "was made on this machine\nMake it again from its original.\n" in said.err
    states = {fact["path"]: fact["state"] for fact in json.loads(said.out)["files"]}
    assert states == {str(made): "damaged", str(fetched.path): "mended"}


def test_nothing_is_removed_where_one_of_several_is_in_use(
    runner: Runner, fetched: models.Located, tmp_path: Path
) -> None:
    made = tmp_path / "made.gguf"
    assert runner("quantize", "tiny", "Q4_0", "--requantize", f"--out={made}", "--quiet").code == 0
    release = uses.mark([fetched.path])
    said = runner("rm", str(made), FETCHABLE, "--yes")
    release()
    assert (said.code, said.out) == (10, "")
    assert "is in use by process" in said.err
    assert made.exists() and fetched.path.exists()


def test_verify_of_what_nobody_recorded(runner: Runner, home: Path) -> None:
    ollama(home / "ollama", b"GGUF")
    said = runner("verify", "ollama:small:8b")
    assert (said.code, said.out) == (4, "")
    assert "nobody recorded" in said.err


def test_prune(runner: Runner, fetched: models.Located) -> None:
    blob = fetched.path.resolve()
    fetched.path.unlink()
    much = size(blob.stat().st_size)
    dry = runner("prune", "--dry-run", "--quiet")
    assert (dry.code, dry.err) == (0, "")
    assert dry.out.splitlines()[-1] == f"{much} would be freed"
    assert str(blob) in dry.out and blob.exists()
    done = runner("prune", "--json")
    facts = json.loads(done.out)
    assert (facts["bytes"], facts["dry_run"]) == (models.shipped().path.stat().st_size, False)
    assert not blob.exists()
    assert runner("prune").out == "0 B freed\n"


def test_a_lock_file_brings_the_same_model_to_another_machine(
    runner: Runner,
    fetched: models.Located,
    hub_with_model: LoopbackHub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lock = tmp_path / "models.lock"
    said = runner("export", str(lock))
    assert (said.code, said.out, said.err) == (0, f"{lock}   1 model\n", "")

    monkeypatch.setenv("RUNNER_HOME", str(tmp_path / "other machine"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "other cache"))
    pulled = runner("pull", "--from", str(lock), "--quiet")
    assert (pulled.code, pulled.err) == (0, "")
    located = models.locate(FETCHABLE)
    assert pulled.out.endswith(f"   {located.path}\n")
    assert located.path.read_bytes() == fetched.path.read_bytes()
    again = runner("pull", "--from", str(lock), "--json", "--offline")
    assert json.loads(again.out)["models"][0]["sha256"] == fetched.record.sha256  # type: ignore[union-attr]
    assert again.err == f"{NAME} is already here: {located.path}\n"

    lock.write_text(lock.read_text().replace("version = 1", "version = 9"))
    bad = runner("pull", "--from", str(lock))
    assert (bad.code, bad.out) == (2, "")


@pytest.mark.parametrize("arguments", [("pull",), ("pull", "tiny", "--from", "x.lock")])
def test_pull_takes_a_model_or_a_lock(runner: Runner, arguments: tuple[str, ...]) -> None:
    said = runner(*arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: pull takes either a MODEL or --from LOCK\n")


def test_what_is_exported(runner: Runner, fetched: models.Located, tmp_path: Path) -> None:
    lock = tmp_path / "models.lock"
    assert runner("export", str(lock), "tiny").code == 4
    assert not lock.exists()
    facts = json.loads(runner("export", str(lock), FETCHABLE, "--json").out)
    assert facts == {"path": str(lock), "models": [NAME]}
    assert runner("export", str(tmp_path / "absent" / "x.lock")).code == 10


def test_rm_of_a_model_in_use(runner: Runner, fetched: models.Located) -> None:
    with models.ready(fetched, Settings(ctx=256, threads=1)):
        said = runner("rm", FETCHABLE, "--yes")
        assert (said.code, said.out) == (10, "")
        assert f"{NAME} is in use by process " in said.err
    assert fetched.path.exists()
    assert runner("rm", FETCHABLE, "--yes").code == 0
    assert not fetched.path.exists()


@pytest.mark.parametrize("name", ["RUNNER_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_by_any_name(
    runner: Runner,
    fetched: models.Located,
    hub_with_model: LoopbackHub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setenv(name, "1")
    for command in (
        ("list", "--all"),
        ("list", "--catalogue"),
        ("show", FETCHABLE),
        ("pull", FETCHABLE),
        ("verify",),
        ("export", str(tmp_path / "x.lock")),
        ("pull", "--from", str(tmp_path / "x.lock")),
        ("prune", "--dry-run"),
        ("run", FETCHABLE, "hello", "--max-tokens", "2"),
        ("rm", FETCHABLE, "--yes"),
    ):
        said = runner(*command)
        assert said.code == 0, (command, said.err)
    assert runner("pull", FETCHABLE).code == 8
    assert hub_with_model.requests == []


def test_the_licence_is_told_once(runner: Runner, hub_with_model: LoopbackHub) -> None:
    licence = f"licence: mit, {hub_with_model.endpoint}/{FETCHABLE}\n"
    assert licence in runner("pull", FETCHABLE).err
    assert "licence" not in runner("pull", FETCHABLE).err
    shown = runner("show", FETCHABLE).out
    assert f"mit ({hub_with_model.endpoint}/{FETCHABLE})" in shown
    facts = json.loads(runner("list", "--json").out)["models"][1]
    assert (facts["licence"], facts["adopted"]) == ("mit", False)


def test_checking_says_where_it_is(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.cli.terminal.checking.APART", 0.0)
    with CheckProgress(Settings()) as progress:
        progress(FETCHABLE_FILE, 500, 1000)
    with CheckProgress(Settings(quiet=True)) as progress:
        progress(FETCHABLE_FILE, 600, 1000)
    assert capfd.readouterr().err == f"checking {FETCHABLE_FILE}: 500 B of 1 kB\n"
