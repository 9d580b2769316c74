from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.catalog import Quantization, Shape, load_catalog
from runner.fit.speed import Speed, predicted
from runner.fit.work import BITS, Work, nearest, work_of, work_of_shape
from runner.gguf import Header, Tensor, read_header
from runner.machine.rates import CPU, DeviceRates, Rates
from runner.machine.synthetic import NUMBERS, Form, write_model

SLOW = DeviceRates(
    "a processor", 5e-5, {"Q4_K": 2e10, "Q8_0": 3e10}, {"Q4_K": 3e11, "Q8_0": 2e11}, 2e10, 5e10
)
FAST = DeviceRates("a GPU", 1e-5, {"Q4_K": 5e11, "Q8_0": 6e11}, {"Q4_K": 5e13}, 1e12, 1e13)
RATES = Rates(2, 3.5e10, {CPU: SLOW, "CUDA0": FAST}, datetime(2026, 11, 26, tzinfo=UTC))

QWEN3_4B = Shape(36, 2560, 32, 8, 128, 9728, 151_936, tied_embeddings=True)
Q4_K_M = Quantization("Q4_K_M", "someone/model", "model.gguf")


def tensor(name: str, *shape: int, kind: str = "Q4_K") -> Tensor:
    count = 1
    for extent in shape:
        count *= extent
    _, block, size = NUMBERS[kind]
    return Tensor(name, shape, kind, 0, count // block * size)


def header(*more: Tensor, layers: int = 2, **keys: object) -> Header:
    said: dict[str, object] = {
        "block_count": layers,
        "embedding_length": 1024,
        "attention.head_count": 8,
        "attention.head_count_kv": 2,
    }
    said |= {key.replace("__", "."): value for key, value in keys.items()}
    tensors = [tensor("token_embd.weight", 1024, 32000)]
    for layer in range(layers):
        tensors.append(tensor(f"blk.{layer}.attn_q.weight", 1024, 1024))
        tensors.append(tensor(f"blk.{layer}.attn_k.weight", 1024, 256))
    metadata = {"general.architecture": "any"} | {f"any.{k}": v for k, v in said.items()}
    return Header(metadata, (*tensors, *more), 0, 0)


OUTPUT = tensor("output.weight", 1024, 32000, kind="Q8_0")


def speed(work: Work, **where: object) -> Speed:
    found = predicted(work, RATES, **where)  # type: ignore[arg-type]
    assert found is not None
    return found


def bytes_read(work: Work) -> float:
    """Of weights, for one token."""
    return sum(matrix.bytes for matrix in work.matrices)


def test_nothing_is_predicted_from_nothing() -> None:
    work = work_of(header(OUTPUT))
    assert predicted(work, None) is None
    assert predicted(work, RATES, layers_on={"Vulkan0": 3}) is None


def test_embeddings_are_looked_up_unless_they_are_the_output_too() -> None:
    layers = 2 * (1024 * 1024 + 1024 * 256) * BITS["Q4_K"] / 8
    assert bytes_read(work_of(header(OUTPUT))) == layers + (OUTPUT.bytes or 0)
    assert bytes_read(work_of(header())) == layers + 1024 * 32000 * BITS["Q4_K"] / 8


def test_a_prompt_computes_the_output_once() -> None:
    small, large = work_of(header()), work_of(header(OUTPUT))
    assert speed(small).prefill == speed(large).prefill
    assert speed(small).decode > speed(large).decode


def test_of_experts_only_those_used_are_read() -> None:
    experts = [tensor(f"blk.{n}.ffn_up_exps.weight", 1024, 512, 32) for n in range(2)]
    whole = work_of(header(OUTPUT, *experts, expert_count=32, expert_used_count=32))
    some = work_of(header(OUTPUT, *experts, expert_count=32, expert_used_count=4))
    without = work_of(header(OUTPUT))
    all_bytes = bytes_read(whole) - bytes_read(without)
    assert bytes_read(some) - bytes_read(without) == all_bytes / 8
    assert speed(whole).decode < speed(some).decode < speed(without).decode


def test_layers_on_a_device_have_its_rates() -> None:
    work = work_of(header(OUTPUT, layers=8))
    speeds = [
        speed(work, layers_on={"CUDA0": count, "CPU": 9 - count}).decode for count in range(10)
    ]
    assert speeds == sorted(speeds)
    assert speeds[-1] > 5 * speeds[0]


def test_experts_left_on_the_cpu_have_its_rates() -> None:
    experts = [tensor(f"blk.{n}.ffn_up_exps.weight", 1024, 512, 32) for n in range(2)]
    work = work_of(header(OUTPUT, *experts, expert_count=32, expert_used_count=4))
    on_gpu = speed(work, layers_on={"CUDA0": 3}).decode
    assert speed(work).decode < speed(work, layers_on={"CUDA0": 3}, experts_on_cpu=True).decode
    assert speed(work, layers_on={"CUDA0": 3}, experts_on_cpu=True).decode < on_gpu


@given(st.integers(0, 100_000), st.integers(1, 100_000))
def test_deeper_is_slower(depth: int, more: int) -> None:
    work = work_of(header(OUTPUT))
    here, deeper = speed(work, context_depth=depth), speed(work, context_depth=depth + more)
    assert deeper.decode < here.decode
    assert deeper.prefill < here.prefill


@given(st.integers(256, 8192), st.integers(1, 8192))
def test_more_bytes_are_slower(height: int, more: int) -> None:
    def of(rows: int) -> Speed:
        return speed(work_of(header(OUTPUT, tensor("blk.0.ffn_up.weight", 1024, rows))))

    assert of(height + more).decode < of(height).decode
    assert of(height + more).prefill < of(height).prefill


def test_a_sliding_window_bounds_what_depth_costs() -> None:
    sliding = header(
        OUTPUT, attention__sliding_window=512, attention__sliding_window_pattern=[True, True]
    )
    work = work_of(sliding)
    assert speed(work, context_depth=600) == speed(work, context_depth=60_000)


def test_layers_that_guess_ahead_are_not_computed() -> None:
    plain, with_more = header(OUTPUT, layers=2), header(OUTPUT, layers=3, nextn_predict_layers=1)
    assert work_of(with_more) == work_of(plain)


def test_other_types_count_as_the_nearest() -> None:
    measured = ("Q4_K", "Q6_K", "Q8_0", "F16")
    assert nearest("Q6_K", measured) == "Q6_K"
    assert nearest("IQ4_XS", measured) == "Q4_K"
    assert nearest("BF16", measured) == "F16"
    assert nearest("Q4_K_XL", measured) == "Q4_K"
    assert nearest("SOMETHING", measured) == "Q4_K"


def test_a_shape_and_a_header_agree(tmp_path: Path) -> None:
    path = tmp_path / "synthetic.gguf"
    write_model(path, Form("Q8_0", layers=3, width=512, feed_forward=1024, heads=4, kv_heads=2))
    shape = Shape(3, 512, 4, 2, 128, 1024, 32, tied_embeddings=True)
    rough = work_of_shape(shape, Quantization("Q8_0", "someone/model", "model.gguf"))
    exact = work_of(read_header(path))
    assert bytes_read(rough) == pytest.approx(bytes_read(exact), rel=0.02)
    assert rough.attention == exact.attention
    assert speed(rough, context_depth=500).decode == pytest.approx(
        speed(exact, context_depth=500).decode, rel=0.02
    )


def test_a_mixed_quantization_is_split_by_its_size() -> None:
    unknown = work_of_shape(QWEN3_4B, Q4_K_M)
    exact = replace(Q4_K_M, bytes=2_497_280_256, bytes_are="exact")
    known = work_of_shape(QWEN3_4B, exact)
    assert bytes_read(known) == pytest.approx(bytes_read(unknown), rel=0.03)
    assert bytes_read(known) == pytest.approx(2_497_280_256, rel=0.01)
    assert {matrix.type for matrix in known.matrices} == {"Q4_K", "Q6_K"}


def test_every_entry_of_the_catalogue_has_a_speed() -> None:
    for entry in load_catalog().entries:
        if entry.shape is None:
            continue
        for quantization in entry.quantizations:
            found = speed(work_of_shape(entry.shape, quantization))
            assert 0.01 < found.decode < 1e4, entry.name
            assert 0.01 < found.prefill < 1e5, entry.name
