"""`runner catalog refresh`: what the Hub says, written into a catalogue that stays as it was."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from runner.catalog import models_directory, read_catalog, user_catalog
from tests.catalog.test_malformed import VALID
from tests.cli.conftest import Runner
from tests.loopback import LoopbackHub

REPOSITORY = "org/family-GGUF"
FILES = {
    "family.Q8_0.gguf": b"eight bits",
    "family.Q4_K_M.gguf": b"four",
    "BF16/family.BF16-00001-of-00002.gguf": b"sixteen",
    "BF16/family.BF16-00002-of-00002.gguf": b" bits",
    "family.IQ3_M.gguf": b"3",
    "mmproj-F16.gguf": b"eyes",
    "README.md": b"# Family",
}
TEXT = (
    VALID.replace(
        'sha256 = "0000000000000000000000000000000000000000000000000000000000000000"\n', ""
    )
    .replace("bytes = 1_000", "# seen on its page\nbytes = 1_000  # about")
    .replace("exact", "published")
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "catalog.toml"
    path.write_text(TEXT + "\n# the end\n", encoding="utf-8")
    return path


@pytest.fixture
def commit(loopback_hub: LoopbackHub) -> str:
    return loopback_hub.add(REPOSITORY, FILES)


def refreshed(runner: Runner, file: Path, *more: str) -> dict[str, Any]:
    said = runner("catalog", "refresh", "--file", str(file), "--json", *more)
    assert said.code == 0
    facts: dict[str, Any] = json.loads(said.out)
    return facts


def test_sizes_hashes_and_commits_become_exact(runner: Runner, file: Path, commit: str) -> None:
    assert refreshed(runner, file)["written"] is True
    entry = read_catalog(file).find("family:1b")
    assert entry is not None
    first = entry.quantization()
    sha256 = hashlib.sha256(b"eight bits").hexdigest()
    assert (first.name, first.sha256, first.revision) == ("Q8_0", sha256, commit)
    assert (first.bytes, first.bytes_are) == (10, "exact")


def test_all_that_is_offered_is_listed_after_what_was(
    runner: Runner, file: Path, commit: str
) -> None:
    refreshed(runner, file)
    entry = read_catalog(file).find("family:1b")
    assert entry is not None
    assert [known.name for known in entry.quantizations] == ["Q8_0", "IQ3_M", "Q4_K_M", "BF16"]
    split = entry.quantizations[-1]
    assert (split.file, split.bytes) == ("BF16/family.BF16-00001-of-00002.gguf", 12)


def test_comments_order_and_the_rest_stay(runner: Runner, file: Path, commit: str) -> None:
    before = file.read_text(encoding="utf-8").splitlines()
    refreshed(runner, file)
    after = file.read_text(encoding="utf-8").splitlines()
    gone = [line for line in before if line not in after]
    assert [line.partition(" ")[0] for line in gone] == ["revision", "bytes", "bytes_are"]
    assert "# seen on its page" in after and after[-1] == "# the end"
    assert "bytes = 10  # about" in after
    assert (
        after[: after.index("[model.quantizations.Q8_0]")]
        == before[: before.index("[model.quantizations.Q8_0]")]
    )


def test_a_second_time_there_is_nothing_to_do(runner: Runner, file: Path, commit: str) -> None:
    refreshed(runner, file)
    text = file.read_text(encoding="utf-8")
    assert refreshed(runner, file) == {
        "file": str(file), "written": False, "changes": [], "problems": [],
    }  # fmt: skip
    assert file.read_text(encoding="utf-8") == text


def test_a_dry_run_shows_a_diff_and_writes_nothing(runner: Runner, file: Path, commit: str) -> None:
    before = file.read_text(encoding="utf-8")
    said = runner("catalog", "refresh", "family:1b", "--file", str(file), "--dry-run")
    assert said.code == 0
    lines = said.out.splitlines()
    assert "-bytes = 1_000  # about" in lines and "+bytes = 10  # about" in lines
    assert "+[model.quantizations.BF16]" in lines
    assert "would change" in said.err
    assert file.read_text(encoding="utf-8") == before


def test_what_is_gone_is_told_and_left(
    runner: Runner, file: Path, loopback_hub: LoopbackHub
) -> None:
    loopback_hub.add(REPOSITORY, {"family.Q4_0.gguf": b"4"}, gated=True)
    facts = refreshed(runner, file, "--dry-run")
    assert facts["problems"] == [
        f"family:1b: {REPOSITORY} is gated",
        f"family:1b: {REPOSITORY} has no family.Q8_0.gguf any more",
    ]
    assert {change["quantization"] for change in facts["changes"]} == {"Q4_0"}
    del loopback_hub.repositories[REPOSITORY]
    facts = refreshed(runner, file)
    assert len(facts["problems"]) == 1 and not facts["changes"]


def test_a_users_own_catalogue(runner: Runner, tmp_path: Path, commit: str) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[sources]\ncard = "x"\n' + TEXT[TEXT.rindex("[[model]]") :], encoding="utf-8")
    assert {change["model"] for change in refreshed(runner, own)["changes"]} == {"family:1b"}
    assert runner("catalog", "refresh", "qwen3:4b", "--file", str(own)).code == 4


def test_commands_say_where_an_entry_comes_from(runner: Runner) -> None:
    path = user_catalog()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('[sources]\ncard = "x"\n' + TEXT[TEXT.rindex("[[model]]") :], encoding="utf-8")
    listed = runner("list", "--catalogue")
    assert "family:1b " in listed.out
    assert listed.err == f"your own, from {path}: family:1b\n"
    assert f"your own, in {path}" in runner("show", "family:1b").out


def test_the_shipped_catalogue_can_be_edited(runner: Runner, loopback_hub: LoopbackHub) -> None:
    """Its layout is what the editor expects, entry by entry; nothing is written here."""
    catalog = read_catalog(models_directory() / "catalog.toml")
    files: dict[str, dict[str, bytes]] = {}
    for entry in catalog.entries:
        for known in entry.quantizations:
            files.setdefault(known.repository, {})[known.file] = known.file.encode()
    for repository, content in files.items():
        loopback_hub.add(repository, content | {"other-TQ1_0.gguf": b"one bit"})
    said = runner("catalog", "refresh", "--dry-run", "--json")
    facts = json.loads(said.out)
    assert (said.code, facts["problems"], facts["written"]) == (0, [], False)
    changed = {(change["model"], change["quantization"]) for change in facts["changes"]}
    for entry in catalog.entries:
        for known in entry.quantizations:
            assert (entry.name, known.name) in changed
        assert not entry.quantizations or (entry.name, "TQ1_0") in changed


def test_what_is_no_catalogue(runner: Runner, tmp_path: Path) -> None:
    assert runner("catalog", "refresh", "--file", str(tmp_path / "absent.toml")).code == 2
    inline = tmp_path / "inline.toml"
    inline.write_text(TEXT.replace("[model.quantizations.Q8_0]", "[model.quantizations]"))
    assert runner("catalog", "refresh", "--file", str(inline)).code == 2
