"""From a file to a model ready to run: values and where they come from, and what is probed."""

import json
from pathlib import Path

import gguf
import pytest

import runner
from runner import models, settings
from runner.errors import BadModelFile
from runner.gguf import read_header
from runner.paths import data_directory
from runner.prompt import Message


def test_the_library_loads_and_answers() -> None:
    with runner.load("tiny", temperature=0, max_tokens=300) as model:
        stream = model.reply([runner.Message("user", "What is 12 + 30?")])
        said = "".join(event.text for event in stream if event.kind == "answer")
    assert "42" in said
    assert stream.finish.reason == "end"


def test_sampling_comes_from_the_user_then_the_catalogue_then_the_program() -> None:
    with models.ready(models.locate("tiny"), settings.load({"top_k": 7})) as ready:
        assert (ready.sampling.top_k, ready.origins["top_k"]) == (7, "command line")
        assert ready.located.entry is not None
        recommended = ready.located.entry.sampling_for(None)
        assert ready.sampling.temperature == recommended.temperature == 0
        assert ready.origins["temperature"] == "catalogue"
        assert ready.origins["presence_penalty"] == "program"


def with_metadata(
    source: Path, target: Path, template: str | None = None, **values: object
) -> Path:
    """A copy of a GGUF with recommended sampling, or another template, written into its header."""
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, str(reader.fields["general.architecture"].contents()))
    for name, found in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue
        kind, *inner = found.types
        replaced = template if name == "tokenizer.chat_template" else None
        writer.add_key_value(name, replaced or found.contents(), kind, inner[0] if inner else None)
    kinds = {
        float: gguf.GGUFValueType.FLOAT32,
        int: gguf.GGUFValueType.INT32,
        str: gguf.GGUFValueType.STRING,
    }
    for key, value in values.items():
        writer.add_key_value(f"general.sampling.{key}", value, kinds[type(value)])
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target


def test_a_file_recommends_its_own_sampling(tiny_path: Path, tmp_path: Path) -> None:
    path = with_metadata(tiny_path, tmp_path / "advised.gguf", temp=0.25)
    with models.ready(models.locate(str(path)), settings.load({"ctx": 256})) as ready:
        assert ready.sampling.temperature == pytest.approx(0.25)
        assert ready.origins["temperature"] == "model file"
        assert ready.origins["top_p"] == "program"


def test_a_foreign_file_is_probed_once(tiny_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "foreign.gguf"
    path.write_bytes(tiny_path.read_bytes())
    located = models.locate(str(path))
    chosen = settings.load({"ctx": 256})
    memory = data_directory() / "probed.json"
    models.ready(located, chosen).close()
    first = json.loads(memory.read_text())
    assert str(path.resolve()) in first
    models.ready(located, chosen).close()
    assert json.loads(memory.read_text()) == first


def test_a_foreign_draft_is_probed_too(tiny_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "draft.gguf"
    path.write_bytes(tiny_path.read_bytes())
    models.ready(models.locate("tiny"), settings.load({"ctx": 256, "draft": str(path)})).close()
    assert str(path.resolve()) in json.loads((data_directory() / "probed.json").read_text())


def test_a_draft_guesses_unless_it_is_told_not_to(tiny_path: Path) -> None:
    given = {"ctx": 256, "draft": str(tiny_path)}
    remarks: list[str] = []
    with models.ready(models.locate("tiny"), settings.load(given)) as ready:
        assert ready.options.speculate
        ready.adjust(settings.load(given | {"speculate": False}), remarks.append)
        assert not ready.options.speculate and "the draft model" in remarks[0]
        ready.adjust(settings.load(given))
        assert ready.options.speculate


def test_a_bad_file_is_not_remembered_as_good(tiny_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "strange.gguf"
    architecture = read_header(tiny_path).architecture.encode()
    unknown = b"X" + architecture[1:]
    path.write_bytes(tiny_path.read_bytes().replace(architecture, unknown))
    with pytest.raises(BadModelFile, match=unknown.decode()):
        models.ready(models.locate(str(path)), settings.load({}))
    assert not (data_directory() / "probed.json").exists()


def test_a_raw_text_is_continued_without_a_template() -> None:
    with runner.load("tiny", temperature=0, max_tokens=5) as model:
        stream = model.complete("1 2 3")
        kinds = {event.kind for event in stream}
    assert kinds <= {"answer"}
    assert stream.finish.timings.reply_tokens <= 5


def test_messages_of_every_role_are_taken() -> None:
    with runner.load("tiny", temperature=0, max_tokens=5) as model:
        history = [
            Message("system", "Be brief."),
            Message("user", "hi"),
            Message("assistant", "Hello!", reasoning="A greeting."),
            Message("user", "What is 1 + 1?"),
        ]
        assert model.reply(history).drain().timings.prompt_tokens > 10
