import sys
from pathlib import Path

from runner import machine
from runner.machine.sources import output, sysctl, text


def python(code: str, seconds: float = 60) -> str | None:
    return output([sys.executable, "-c", code], seconds=seconds)


def test_output_is_what_a_program_writes() -> None:
    assert python("print('hé')") in ("hé\n", "hé\r\n")


def test_no_output_where_there_is_no_program_or_it_fails_or_hangs() -> None:
    assert output(["no-such-program-anywhere"], seconds=1) is None
    assert python("raise SystemExit(3)") is None
    assert python("import time; time.sleep(60)", seconds=0.2) is None


def test_sysctl_of_a_key_that_is_not_there_is_empty() -> None:
    assert sysctl("-n", "no.such.key") == ""  # nor is there a sysctl everywhere


def test_text_of_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert text(tmp_path / "absent") == ""
    assert text(tmp_path) == ""
    (tmp_path / "bytes").write_bytes(b"\xff ok\n")
    assert text(tmp_path / "bytes").endswith("ok")


def test_free_disk_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert machine.free_disk(tmp_path / "not" / "yet") > 0
