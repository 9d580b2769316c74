"""Which files of a repository are meant: names from real repositories, and properties."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import UnknownModel
from runner.hub import Listing, RemoteFile, choose, parts_of, quantization_of, variants

TAGS = [
    "Q2_K", "Q3_K_S", "Q3_K_M", "Q3_K_L", "Q4_0", "Q4_1", "Q4_K_S", "Q4_K_M", "Q5_0", "Q5_K_S",
    "Q5_K_M", "Q6_K", "Q8_0", "IQ1_S", "IQ2_XXS", "IQ3_M", "IQ4_XS", "IQ4_NL", "TQ1_0", "BF16",
    "F16", "F32", "MXFP4", "UD-Q4_K_XL", "UD-IQ2_M",
]  # fmt: skip


def listing(*paths: str) -> Listing:
    """A repository of these files, each larger than the one before."""
    files = tuple(RemoteFile(path, 1000 + n, "0" * 64) for n, path in enumerate(paths))
    return Listing("org/model-GGUF", "c" * 40, False, None, files)


def chosen(names: Listing, quantization: str | None = None) -> list[str]:
    return [file.path for file in choose(names, quantization)]


@pytest.mark.parametrize(
    ("path", "tag"),
    [
        ("DeepSeek-R1-Distill-Qwen-1.5B-Q4_K_M.gguf", "Q4_K_M"),
        ("qwen2.5-0.5b-instruct-q4_k_m.gguf", "Q4_K_M"),
        ("supernova-lite-v1.Q4_K_M.gguf", "Q4_K_M"),
        ("gpt-oss-20b-mxfp4.gguf", "MXFP4"),
        ("gemma-3-270m-it-qat-Q4_0.gguf", "Q4_0"),
        ("Qwen3-4B-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
        ("model.i1-IQ3_XXS.gguf", "IQ3_XXS"),
        ("BF16/Model-BF16-00001-of-00002.gguf", "BF16"),
        ("Q8_0/model-00001-of-00002.gguf", "Q8_0"),
        ("ggml-model-fp16.gguf", "F16"),
        ("stories260K-F32.gguf", "F32"),
        ("model-F16-Q4_0.gguf", "Q4_0"),
        ("Model-Q4_0_4_4.gguf", "Q4_0_4_4"),
        ("model_Q5_K_M_imat.gguf", "Q5_K_M"),
        ("model.gguf", None),
        ("Q4K_M.gguf", None),
        ("XQ8_0.gguf", None),
        ("model-Q8_01.gguf", None),
    ],
)
def test_a_tag_is_read_from_a_real_name(path: str, tag: str | None) -> None:
    assert quantization_of(path) == tag


def test_q4_k_m_is_the_default() -> None:
    names = listing(*(f"m-{tag}.gguf" for tag in TAGS))
    assert chosen(names) == ["m-Q4_K_M.gguf"]


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        (["Q8_0", "UD-Q4_K_XL", "Q5_K_M"], "UD-Q4_K_XL"),
        (["Q8_0", "IQ4_XS", "Q4_0"], "IQ4_XS"),
        (["F16", "Q8_0", "Q2_K"], "Q8_0"),
        (["F16", "Q3_K_M"], "Q3_K_M"),
        (["F32", "BF16", "IQ1_S"], "BF16"),
        (["MXFP4"], "MXFP4"),
        (["IQ1_S", "IQ2_XXS", "Q2_K"], "Q2_K"),
    ],
)
def test_the_nearest_is_taken_where_the_default_is_not(there: list[str], taken: str) -> None:
    assert chosen(listing(*(f"m-{tag}.gguf" for tag in there))) == [f"m-{taken}.gguf"]


@given(st.sampled_from(TAGS), st.permutations(TAGS), st.sampled_from("-._"), st.booleans())
def test_a_named_quantization_is_found_among_all(
    wanted: str, tags: list[str], mark: str, shout: bool
) -> None:
    names = listing(*(f"org_Some-7B-it{mark}{tag.lower()}.gguf" for tag in tags))
    typed = wanted.upper() if shout else wanted.lower()
    assert chosen(names, typed) == [f"org_Some-7B-it{mark}{wanted.lower()}.gguf"]


@given(st.sampled_from(TAGS), st.integers(2, 12), st.randoms(use_true_random=False))
def test_all_parts_of_a_split_are_chosen_in_order(
    tag: str, count: int, shuffle: random.Random
) -> None:
    parts = [f"{tag}/m-{tag}-{n:05}-of-{count:05}.gguf" for n in range(1, count + 1)]
    others = [f"m-{other}.gguf" for other in TAGS if other != tag]
    names = [*parts, *others]
    shuffle.shuffle(names)
    assert chosen(listing(*names), tag) == parts


@given(st.lists(st.text("Qq4_KkMm8.-/0Fgu", max_size=12).map(lambda s: f"{s}.gguf"), unique=True))
def test_a_choice_is_one_whole_variant_or_an_explained_refusal(paths: list[str]) -> None:
    names = listing(*paths)
    try:
        files = choose(names)
    except UnknownModel as error:
        assert error.remedy
    else:
        assert files in [variant.files for variant in variants(names)]


def test_a_split_that_lacks_a_part_is_not_offered() -> None:
    names = listing("m-Q8_0-00001-of-00003.gguf", "m-Q8_0-00003-of-00003.gguf", "m-F16.gguf")
    assert [variant.name for variant in variants(names)] == ["F16"]
    with pytest.raises(UnknownModel, match="no quantization Q8_0") as caught:
        choose(names, "Q8_0")
    assert caught.value.remedy == "It has F16."


def test_a_named_file_brings_its_other_parts() -> None:
    parts = ["m-Q8_0-00001-of-00002.gguf", "m-Q8_0-00002-of-00002.gguf"]
    names = listing(parts[1], "m-F16.gguf", parts[0], "n-Q8_0-00001-of-00002.gguf")
    assert [file.path for file in parts_of(names, parts[0])] == parts
    assert [file.path for file in parts_of(names, "m-F16.gguf")] == ["m-F16.gguf"]
    with pytest.raises(UnknownModel, match="lacks other parts"):
        parts_of(names, "n-Q8_0-00001-of-00002.gguf")
    with pytest.raises(UnknownModel, match="has no file"):
        parts_of(names, "absent.gguf")


def test_companions_are_never_models() -> None:
    names = listing(
        "mmproj-F16.gguf", "m.mmproj-Q8_0.gguf", "imatrix.gguf", "imatrix_unsloth.gguf",
        "mtp-m-Q4_K_M.gguf", "m-draft-Q4_K_M.gguf", "m-Q6_K.gguf", "README.md",
    )  # fmt: skip
    assert chosen(names) == ["m-Q6_K.gguf"]
    with pytest.raises(UnknownModel):
        choose(names, "F16")


def test_a_repository_of_drafters_offers_them() -> None:
    assert chosen(listing("m-draft-Q4_K_M.gguf", "m-draft-Q8_0.gguf")) == ["m-draft-Q4_K_M.gguf"]


def test_an_unsloth_tag_answers_to_its_plain_name() -> None:
    names = listing("m-UD-Q4_K_XL.gguf", "m-Q4_K_M.gguf")
    assert chosen(names, "Q4_K_XL") == ["m-UD-Q4_K_XL.gguf"]


def test_a_shorter_tag_is_not_its_longer_neighbour() -> None:
    with pytest.raises(UnknownModel, match="no quantization Q4_K"):
        choose(listing("m-Q4_K_M.gguf", "m_Q4_K_S.gguf"), "Q4_K")


def test_the_only_model_needs_no_tag() -> None:
    assert chosen(listing("model.gguf")) == ["model.gguf"]


def test_models_that_tags_do_not_tell_apart_are_named() -> None:
    names = listing("alpha-Q4_K_M.gguf", "beta-Q4_K_M.gguf", "beta-Q8_0.gguf")
    for quantization in (None, "Q4_K_M"):
        with pytest.raises(UnknownModel, match="more than one") as caught:
            choose(names, quantization)
        assert "alpha-Q4_K_M, beta-Q4_K_M" in caught.value.remedy
    assert chosen(names, "beta-Q4_K_M") == ["beta-Q4_K_M.gguf"]
    assert chosen(names, "Alpha") == ["alpha-Q4_K_M.gguf"]


def test_untagged_models_are_named() -> None:
    names = listing("one.gguf", "two.gguf")
    with pytest.raises(UnknownModel, match="more than one"):
        choose(names)
    assert chosen(names, "two") == ["two.gguf"]


def test_a_repository_without_gguf() -> None:
    with pytest.raises(UnknownModel, match="holds no GGUF model") as caught:
        choose(listing("model.safetensors", "mmproj-F16.gguf"))
    assert "-GGUF" in caught.value.remedy
