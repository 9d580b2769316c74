"""What would make llama.cpp fail or abort is refused before it is called."""

import subprocess
import sys
from pathlib import Path

import gguf
import numpy as np
import pytest

from runner.engine.model import Model
from runner.engine.options import Options
from runner.errors import ConfigurationError, DoesNotFit
from runner.fit import Placement, Wishes, place
from runner.fit.limits import check_kv_type
from runner.gguf import read_header
from runner.llama.context import LlamaContext
from runner.llama.model import LlamaModel

POSITIONS = 100  # not a multiple of 256, to which llama.cpp rounds a context


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model of GPT-2's shape: 1 layer, 2 heads of 16, and 100 learned positions."""
    path = tmp_path_factory.mktemp("gpt2") / "gpt2.gguf"
    width, words = 32, 260
    writer = gguf.GGUFWriter(path, "gpt2")
    writer.add_context_length(POSITIONS)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(4 * width)
    writer.add_head_count(2)
    writer.add_layer_norm_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([f"<{number}>" for number in range(words)])
    writer.add_token_merges(["< 1"])
    writer.add_eos_token_id(0)
    noise = np.random.default_rng(1)
    shapes = {
        "token_embd.weight": (words, width), "position_embd.weight": (POSITIONS, width),
        "output_norm.weight": (width,), "output_norm.bias": (width,),
        "blk.0.attn_norm.weight": (width,), "blk.0.attn_norm.bias": (width,),
        "blk.0.attn_qkv.weight": (3 * width, width), "blk.0.attn_qkv.bias": (3 * width,),
        "blk.0.attn_output.weight": (width, width), "blk.0.attn_output.bias": (width,),
        "blk.0.ffn_norm.weight": (width,), "blk.0.ffn_norm.bias": (width,),
        "blk.0.ffn_up.weight": (4 * width, width), "blk.0.ffn_up.bias": (4 * width,),
        "blk.0.ffn_down.weight": (width, 4 * width), "blk.0.ffn_down.bias": (width,),
    }  # fmt: skip
    for name, shape in shapes.items():
        writer.add_tensor(name, noise.normal(0, 0.1, shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_no_context_beyond_learned_positions(gpt2: Path) -> None:
    with pytest.raises(ConfigurationError, match="learned 100 positions") as refused:
        place(gpt2, Wishes(context=POSITIONS + 1))
    assert "--ctx 100" in refused.value.remedy


def test_a_reply_ends_with_the_last_learned_position(gpt2: Path) -> None:
    with Model.open(gpt2, place(gpt2, Wishes(threads=1))) as model:
        assert model.context_length == POSITIONS
        finish = model.generate([1, 2, 3], Options(ignore_end=True)).drain()
    assert finish.reason == "context"
    assert finish.timings.prompt_tokens + finish.timings.reply_tokens >= POSITIONS


@pytest.mark.parametrize("kv_type", ["q8_0", "q4_0"])
def test_blocks_that_do_not_divide_the_heads(gpt2: Path, kv_type: str) -> None:
    with pytest.raises(ConfigurationError, match=r"blocks of 32 .* have 16"):
        place(gpt2, Wishes(kv_type=kv_type))


@pytest.mark.parametrize(
    "name",
    ["qwen3-dense", "gemma3-dense", "gpt-oss-moe", "lfm2-dense", "qwen35-dense", "mamba2-dense",
     "nemotron_h-dense", "deepseek2-moe"],
)  # fmt: skip
def test_what_is_refused_is_what_llama_cpp_refuses(shared: Path, name: str) -> None:
    path = shared / "models" / "archs" / f"{name}.gguf"
    refused = failed = False
    try:
        check_kv_type(read_header(path), "q8_0", "auto")
    except ConfigurationError:
        refused = True
    model = LlamaModel(path, gpu_layers=0)
    try:
        LlamaContext(model, context=256, batch=64, threads=1, kv_type="q8_0").close()
    except DoesNotFit:
        failed = True
    model.close()
    assert refused == failed


@pytest.mark.parametrize("kv_type", ["q8_0", "q4_0"])
def test_small_kv_types_need_flash_attention(tiny_path: Path, kv_type: str) -> None:
    with pytest.raises(ConfigurationError, match="needs flash attention, which is off"):
        place(tiny_path, Wishes(kv_type=kv_type, flash_attention="off"))
    placement = place(tiny_path, Wishes(kv_type=kv_type, threads=1, context=256))
    with Model.open(tiny_path, placement) as model:
        assert model.generate([1, 2, 3], Options(max_tokens=2)).drain().timings.reply_tokens


@pytest.mark.parametrize("flash_attention", ["on", "off"])
def test_flash_attention_is_as_it_was_asked_for(tiny_path: Path, flash_attention: str) -> None:
    from runner.llama import library

    wishes = Wishes(flash_attention=flash_attention, threads=1, context=256)
    Model.open(tiny_path, place(tiny_path, wishes)).close()
    wanted = {"on": "enabled", "off": "disabled"}[flash_attention]
    assert any("flash_attn " in line and wanted in line for line in library.recent_log)


LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
from runner.errors import DoesNotFit
from runner.llama.context import LlamaContext
from runner.llama.model import LlamaModel

model = LlamaModel(Path(sys.argv[1]), gpu_layers=0)
resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
try:
    LlamaContext(model, context=2**20, batch=64, threads=1)
except DoesNotFit as error:
    print(error.message, error.remedy)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="macOS and Windows limit no memory so")
def test_a_context_that_cannot_be_allocated(tiny_path: Path) -> None:
    command = [sys.executable, "-c", LITTLE_MEMORY, str(tiny_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "cannot make a context of 1048576 tokens" in said
    assert "--ctx" in said


def test_a_placement_without_devices_is_the_cpus(tiny_path: Path) -> None:
    with Model.open(tiny_path, Placement(256, 0, None, 1, "f16")) as model:
        assert set(model.weights.layers_on) == {"CPU"}
        assert model.weights.layers_on["CPU"] == model.weights.layers + 1
