"""Personas: what their files may say, which of them is meant, and that names and files stay where
they belong."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.chat.personas import add, find, folder, listed, make, remove
from runner.chat.personas.persona import ALLOWED
from runner.errors import ConfigurationError, DiskError
from runner.settings import BY_NAME, load

SHIPPED = ["code-reviewer", "commit-message", "proofreader", "summariser", "translator", "tutor"]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_those_that_ship_are_whole() -> None:
    found = listed()
    assert [one.name for one in found] == SHIPPED
    for one in found:
        assert one.shipped and one.description and one.settings["system"]
        assert one.model is None  # no code and no persona of Runner's names a model
        assert "\n\n\n" not in one.settings["system"]
    assert find("tutor").settings["think"] == "show"


def test_ones_own_goes_before_a_shipped_one() -> None:
    write(folder() / "tutor.toml", 'system = "Sing."\nmodel = "tiny"\ntop_k = 3\n')
    tutor = find("tutor")
    assert not tutor.shipped
    assert (tutor.model, tutor.settings) == ("tiny", {"system": "Sing.", "top_k": 3})
    assert [one.name for one in listed()] == SHIPPED


def test_paths_begin_at_its_folder(tmp_path: Path) -> None:
    path = write(
        tmp_path / "judge.toml",
        'file = ["rules.md", "more/cases.md"]\njson_schema = "verdict.json"\ngrammar = "a.gbnf"\n',
    )
    settings = find(str(path)).settings
    assert settings["file"] == (str(tmp_path / "rules.md"), str(tmp_path / "more" / "cases.md"))
    assert settings["json_schema"] == str(tmp_path / "verdict.json")
    assert settings["grammar"] == str(tmp_path / "a.gbnf")


def test_a_schema_may_stand_in_it(tmp_path: Path) -> None:
    path = write(tmp_path / "yes.toml", 'json_schema = \'{"type": "boolean"}\'\n')
    assert find(str(path)).settings["json_schema"] == '{"type": "boolean"}'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("temperature = -1", "temperature is -1; it must be 0 or more"),
        ("colour = 3", "'colour' is no option"),
        ('mcp = ["rm -rf /"]', "'mcp' cannot be set by a persona"),
        ('tool = ["evil.py"]', "'tool' cannot be set by a persona"),
        ('allow_tool = ["*"]', "'allow_tool' cannot be set by a persona"),
        ('rpc = "elsewhere:1"', "'rpc' cannot be set by a persona"),
        ('persona = "tutor"', "'persona' cannot be set by a persona"),
        ("save = false", "'save' cannot be set by a persona"),
        ("model = 3", "model must be text"),
        ("system = [", "is not TOML"),
        ("\udcff", "is not TOML"),
        ("a = " + "[" * 5000, "is not TOML"),
    ],
)
def test_what_makes_no_sense_is_told_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigurationError) as told:
        find(str(path))
    assert str(path) in told.value.message and says in told.value.message


def test_a_persona_sets_nothing_that_runs_or_reaches_out() -> None:
    assert not {"tool", "mcp", "allow_tool", "rpc", "offline", "lora", "template"} & set(ALLOWED)


@pytest.mark.parametrize("named", ["../secret", "/etc/hostname", "~/.netrc", "sub/../../secret"])
@pytest.mark.parametrize("key", ["file", "json_schema", "grammar"])
def test_one_from_elsewhere_attaches_only_what_lies_beside_it(
    tmp_path: Path, named: str, key: str
) -> None:
    value = f'["{named}"]' if key == "file" else f'"{named}"'
    path = write(tmp_path / "shared" / "x.toml", f"{key} = {value}\n")
    with pytest.raises(ConfigurationError, match="outside the persona's folder"):
        find(str(path))
    with pytest.raises(ConfigurationError, match="outside the persona's folder"):
        add(path)
    own = write(folder() / "own.toml", f"{key} = {value}\n")
    assert find("own").path == own  # in one's own folder it is one's own wish


def test_a_link_that_leads_out_is_no_way_around(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret", "secret")
    path = write(tmp_path / "shared" / "x.toml", 'file = ["harmless.md"]\n')
    try:
        (path.parent / "harmless.md").symlink_to(secret)
    except OSError:
        pytest.skip("this system makes no links")
    with pytest.raises(ConfigurationError, match="outside the persona's folder"):
        add(path)


def test_adding_brings_the_files_beside_it(tmp_path: Path) -> None:
    path = write(tmp_path / "judge.toml", 'file = ["more/rules.md"]\nsystem = "Judge."\n')
    write(tmp_path / "more" / "rules.md", "Be just.")
    added = add(path, "magistrate")
    assert added.name == "magistrate" and added.path == folder() / "magistrate.toml"
    assert Path(added.settings["file"][0]).read_text("utf-8") == "Be just."
    with pytest.raises(ConfigurationError, match="already"):
        add(path, "magistrate")
    with pytest.raises(ConfigurationError, match="would bring its own"):
        add(path, "other")
    assert not (folder() / "other.toml").exists()


def test_adding_one_whose_file_is_missing(tmp_path: Path) -> None:
    path = write(tmp_path / "judge.toml", 'file = ["rules.md"]\n')
    with pytest.raises(DiskError, match=r"judge\.toml's files"):
        add(path)
    assert not folder().exists() or not list(folder().glob("*.toml"))


@given(st.text(max_size=12) | st.sampled_from(["../x", "..", "a/b", "a\\b", "/x", "C:x", "", "x."]))
def test_a_name_stays_inside_the_folder(name: str) -> None:
    try:
        path = make(name)
    except ConfigurationError:
        return
    assert path.parent == folder()
    assert path.resolve().parent == folder().resolve()
    assert find(name).path == path
    assert remove(name) == path
    assert not path.exists()


def test_a_new_one_makes_sense_as_it_is() -> None:
    make("mine")
    assert find("mine").settings == {"system": "You are a helpful assistant."}
    make("mine-too", like=find("translator"))
    assert find("mine-too").settings == find("translator").settings


def test_what_ships_is_not_removed() -> None:
    with pytest.raises(ConfigurationError, match="ships with Runner"):
        remove("tutor")
    with pytest.raises(ConfigurationError, match="no persona"):
        remove("nobody")
    assert find("tutor").shipped


def test_a_broken_one_hides_no_other() -> None:
    write(folder() / "broken.toml", "nonsense = 1\n")
    told: list[ConfigurationError] = []
    assert [one.name for one in listed(told.append)] == SHIPPED
    assert "broken.toml" in told[0].message


def test_it_wins_over_the_environment_and_loses_to_the_command_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RUNNER_TOP_K", "1")
    monkeypatch.setenv("RUNNER_TOP_P", "0.5")
    settings = load({"min_p": 0.1, "seed": None}, {"top_k": 2, "min_p": 0.2, "seed": 7}, "persona")
    assert (settings.top_k, settings.origin("top_k")) == (2, "persona")
    assert (settings.top_p, settings.origin("top_p")) == (0.5, "environment (RUNNER_TOP_P)")
    assert (settings.min_p, settings.origin("min_p")) == (0.1, "command line")
    assert (settings.seed, settings.origin("seed")) == (7, "persona")


def test_all_that_it_may_set_are_options() -> None:
    assert set(ALLOWED) <= set(BY_NAME)
