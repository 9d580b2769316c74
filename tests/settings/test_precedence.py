"""Which of several settings wins, as properties over all options and sources."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from runner.errors import ConfigurationError
from runner.option import Option
from runner.paths import config_file
from runner.settings import BY_NAME, OPTIONS, Settings, load

SHARES_FIXTURES = hypothesis(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)


def values(option: Option) -> st.SearchStrategy[Any]:
    """Allowed values of an option, as they are in the settings."""
    if option.many:
        return st.lists(single(option), min_size=1, max_size=3).map(tuple)
    return single(option)


def single(option: Option) -> st.SearchStrategy[Any]:
    if option.choices:
        return st.sampled_from(option.choices)
    if option.type is bool:
        return st.booleans()
    if option.type is str:
        return st.text("abcXYZ äß世\"'\\=#", min_size=1).filter(lambda text: text == text.strip())
    if option.type is int:
        most = option.maximum if option.maximum is not None else 2**40
        return st.integers(int(option.minimum or 0), int(most))
    most = option.maximum if option.maximum is not None else 1e6
    return st.floats(option.minimum, most)


SOURCES = st.fixed_dictionaries({}, optional={option.name: values(option) for option in OPTIONS})


def write_toml(path: Path, table: dict[str, Any]) -> None:
    def text(value: Any) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, tuple):
            return f"[{', '.join(map(text, value))}]"
        if isinstance(value, str):
            escaped = "".join(f"\\U{ord(character):08x}" for character in value)
            return f'"{escaped}"'
        return repr(value)

    content = "".join(f"{name} = {text(value)}\n" for name, value in table.items())
    read = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in tomllib.loads(content).items()
    }
    assert read == table
    path.write_text(content, "utf-8")


@given(file=SOURCES, environment=SOURCES, persona=SOURCES, command_line=SOURCES)
@SHARES_FIXTURES
def test_command_line_over_persona_over_environment_over_file(
    file: dict[str, Any],
    environment: dict[str, Any],
    persona: dict[str, Any],
    command_line: dict[str, Any],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        write_toml(config_file(), file)
        for name, value in environment.items():
            many = isinstance(value, tuple)
            patch.setenv(BY_NAME[name].variable, json.dumps(value) if many else str(value))
        settings = load(command_line, persona, "persona (judge)")
    for option in OPTIONS:
        name = option.name
        value, origin = settings.get(name), settings.origin(name)
        if name in command_line:
            assert (value, origin) == (command_line[name], "command line")
        elif name in persona:
            assert (value, origin) == (persona[name], "persona (judge)")
        elif name in environment:
            assert (value, origin) == (environment[name], f"environment ({option.variable})")
        elif name in file:
            assert (value, origin) == (file[name], f"file ({config_file()})")
        else:
            assert (value, origin) == (None, "default")
        for one in value if option.many and value else [value]:
            assert one is None or type(one) is option.type


@given(st.sampled_from(OPTIONS), st.booleans())
@SHARES_FIXTURES
def test_none_on_the_command_line_is_not_given(option: Option, in_environment: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if in_environment:
            least = option.minimum or 0
            texts = {
                bool: "yes",
                str: "cpu",
                int: f"{max(2, least):.0f}",
                float: f"{least or 0.5:g}",
            }
            text = texts[option.type]
            patch.setenv(option.variable, option.choices[0] if option.choices else text)
        settings = load({option.name: None})
    assert (settings.get(option.name) is not None) == in_environment


def test_the_table_and_the_class_name_the_same_options() -> None:
    fields = [name for name in Settings.__slots__ if name not in ("model", "origins")]
    assert fields == [option.name for option in OPTIONS]


@pytest.mark.parametrize("text", ["1", "true", "YES", "on", "0", "False", "no", "OFF"])
def test_switches_in_the_environment(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNNER_QUIET", text)
    assert load({}).quiet is (text.lower() in ("1", "true", "yes", "on"))


def test_huggingface_hub_s_own_variable_means_offline_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for text, offline in (("1", True), ("yes", True), ("0", None), ("", None)):
        monkeypatch.setenv("HF_HUB_OFFLINE", text)
        assert load({}).offline is offline
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert load({}).origin("offline") == "environment (HF_HUB_OFFLINE)"
    assert load({"offline": False}).offline is False
    monkeypatch.setenv("RUNNER_OFFLINE", "0")
    assert load({}).offline is False


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNNER_CTX", " ")
    assert load({}).ctx is None


@pytest.mark.parametrize(
    ("text", "stop"),
    [
        ("User:", ("User:",)),
        ('["\\n\\n", "User:"]', ("\n\n", "User:")),
        ("[END]", ("[END]",)),
        ("[]", ()),
    ],
)
def test_several_values_in_the_environment(
    text: str, stop: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNNER_STOP", text)
    assert load({}).stop == stop


def test_one_of_several_values() -> None:
    assert load({"stop": "User:"}).stop == ("User:",)
    assert load({"stop": ["a", "b"]}).stop == ("a", "b")
    assert load({"stop": []}).stop is None


def test_a_whole_number_is_a_number() -> None:
    temperature = load({"temperature": 1}).temperature
    assert temperature == 1.0
    assert type(temperature) is float


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("top_p = 1.5", "top_p is 1.5; it must be from 0 to 1"),
        ("top_p = nan", "top_p is nan; it must be from 0 to 1"),
        ("temperature = inf", "temperature is inf; it must be 0 or more"),
        ("top_k = 2.5", "top_k is 2.5; it must be a whole number"),
        ("top_k = true", "top_k is True; it must be a whole number"),
        ("temperature = true", "temperature is True; it must be a number"),
        ("quiet = 1", "quiet is 1; it must be true or false"),
        ("device = 0", "device is 0; it must be text"),
        ("think = 'loud'", "think is 'loud'; it must be show, fold, hide, on or off"),
        ("kv = []", "kv is []; it must be f32, f16, bf16, q8_0, q5_1, q5_0, q4_1 or q4_0"),
        ("gpu_layers = -2", "gpu_layers is -2; it must be from -1 to 2147483647"),
        ("seed = 4294967295", "seed is 4294967295; it must be from 0 to 4294967294"),
        ("stop = ['a', '']", "stop is ''; it must be text that is not empty"),
        ("stop = [1]", "stop is 1; it must be text"),
        ("repeat_penalty = 0", "repeat_penalty is 0; it must be 0.01 or more"),
        ("frequency_penalty = nan", "frequency_penalty is nan; it must be from -100 to 100"),
        ("mirostat = 3", "mirostat is 3; it must be from 0 to 2"),
        ("ctx = 0", "ctx is 0; it must be from 1 to 2147483647"),
        ("max_tokens = 0", "max_tokens is 0; it must be 1 or more"),
        (f"temperature = 1{'0' * 400}", f"temperature is 1{'0' * 400}; it must be 0 or more"),
    ],
)
def test_the_file_is_named_with_the_key(line: str, said: str) -> None:
    config_file().write_text(line, "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load({})
    assert caught.value.message == f"{config_file()}: {said}"


@pytest.mark.parametrize(
    ("key", "nearest"), [("top-p", "top_p"), ("temp", "temperature"), ("CTX", "ctx")]
)
def test_an_unknown_key_gets_the_nearest_one(key: str, nearest: str) -> None:
    config_file().write_text(f"{key} = 1", "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load({})
    assert caught.value.message == f"{config_file()}: there is no option {key!r}"
    assert caught.value.remedy == f"The nearest is {nearest!r}."


def test_a_table_in_the_file_is_an_unknown_key() -> None:
    config_file().write_text("[sampling]\ntop_p = 0.5", "utf-8")
    with pytest.raises(ConfigurationError, match="no option 'sampling'"):
        load({})


def test_variables_and_options_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"^--min-p is 2; it must be from 0 to 1$"):
        load({"min_p": 2})
    monkeypatch.setenv("RUNNER_THREADS", "many")
    with pytest.raises(ConfigurationError, match=r"^RUNNER_THREADS is 'many'; it must be a whole"):
        load({})


def test_an_unknown_option_of_the_library() -> None:
    with pytest.raises(ConfigurationError, match="no option 'top'") as caught:
        load({"top": 1})
    assert caught.value.remedy


def test_a_file_that_is_not_toml() -> None:
    config_file().write_text("top_p: 0.5", "utf-8")
    with pytest.raises(ConfigurationError, match="is not TOML"):
        load({})


def test_a_file_that_is_not_utf8() -> None:
    config_file().write_bytes(b'system = "caf\xe9"')
    with pytest.raises(ConfigurationError, match="is not TOML"):
        load({})


def test_a_file_from_a_windows_editor() -> None:
    config_file().write_bytes(b"\xef\xbb\xbfctx = 4096\r\n")
    assert load({}).ctx == 4096


def test_a_folder_in_place_of_the_file() -> None:
    config_file().mkdir()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load({})


def test_no_file_sets_nothing() -> None:
    assert not config_file().exists()
    assert load({}) == Settings()
