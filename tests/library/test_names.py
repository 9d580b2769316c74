"""No name from a repository leads outside the library, or to a file no system can have."""

from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from runner.errors import UnknownModel
from runner.library import safe_path


@pytest.mark.parametrize(
    "file",
    [
        "../x.gguf", "a/../../x.gguf", "/etc/x.gguf", "//host/share/x.gguf", "./x.gguf",
        "a//x.gguf", "C:x.gguf", "C:/x.gguf", "a\\..\\x.gguf", "x.gguf:stream.gguf",
        "CON.gguf", "a/nul.tar.gguf", "com1.gguf", "LPT9/x.gguf", "COM¹.gguf", "con /x.gguf",
        "a./x.gguf", "a /x.gguf", "x\n.gguf", "x\x00.gguf", "x\x1b[31m.gguf", "x\u202egguf.gguf",
        "x\u2028.gguf", "\ud800.gguf", "a*.gguf", 'a".gguf', "a?.gguf", "<a>.gguf", "a|b.gguf",
        "x" * 240 + ".gguf", "", ".", "..", "x.gguf/", "x.gguf.json", "x.gguf.part", "x",
    ],
)  # fmt: skip
def test_an_unsafe_file_name_is_refused(file: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        safe_path("org/repo", file)
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("repository", ["", "..", "../..", "org/..", "/org", "C:/repo", "org/aux"])
def test_an_unsafe_repository_name_is_refused(repository: str) -> None:
    with pytest.raises(UnknownModel):
        safe_path(repository, "x.gguf")


@pytest.mark.parametrize(
    "file",
    ["DeepSeek-R1-Distill-Qwen-1.5B-Q4_K_M.gguf", "Q8_0/m-00001-of-00002.gguf", "modèle.GGUF",
     "console.gguf", "com10.gguf", "..x.gguf", "a b.gguf", "模型.gguf"],
)  # fmt: skip
def test_an_ordinary_name_is_kept(file: str) -> None:
    assert safe_path("org/repo", file) == PurePosixPath("org/repo") / file


@given(st.text(max_size=30), st.text(max_size=30).map(lambda text: text + ".gguf"))
def test_every_accepted_name_stays_inside_on_every_system(repository: str, file: str) -> None:
    try:
        path = safe_path(repository, file)
    except UnknownModel as error:
        assert error.message.isprintable()
        return
    assert str(path) == f"{repository}/{file}"
    windows = PureWindowsPath("C:/library") / path
    assert windows.parts == ("C:\\", "library", *path.parts)
    assert not PureWindowsPath(path).drive and not PureWindowsPath(path).root
    assert not path.is_absolute() and ".." not in path.parts
    str(path).encode("utf-8")


@given(st.lists(st.sampled_from(["..", ".", "a", "", "b.gguf", "\\", "C:"]), min_size=1))
def test_no_sequence_of_steps_climbs_out(steps: list[str]) -> None:
    file = "/".join(steps)
    assume(file)
    try:
        path = Path("/library") / safe_path("org/repo", file)
    except UnknownModel:
        return
    assert path.resolve().is_relative_to(Path("/library/org/repo").resolve())
