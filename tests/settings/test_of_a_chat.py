"""Which options may be set in a chat, and which of them are believed of a file."""

from runner.chat.importing import BELIEVED
from runner.cli.talk.setting import SETTABLE
from runner.settings import OPTIONS

OUTWARD = ("FILE", "MODEL", "HOST", "FOLDER", "URL")


def test_what_names_a_file_or_another_machine_is_not_believed() -> None:
    """Also of options that are still to come. A schema may be its own text; only that is taken."""
    named = {
        one.name
        for one in OPTIONS
        if one.in_chat and any(word in (one.metavar or "") for word in OUTWARD)
    }
    assert named >= {"draft", "lora", "control_vector", "grammar", "json_schema"}
    assert named & BELIEVED == {"json_schema"}


def test_what_is_believed_may_be_set() -> None:
    assert set(SETTABLE) >= BELIEVED
    assert {"temperature", "ctx", "think", "when_full", "choice", "kv"} <= BELIEVED
    assert not {"rpc", "model_folders", "kv_store", "tool", "mcp", "file", "save"} & {*SETTABLE}
