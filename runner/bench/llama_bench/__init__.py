"""llama-bench's results: records from them, and they from records.

The fields are those of the pinned llama.cpp's `llama-bench -o json`, in its order.
"""

from runner.bench.llama_bench.fields import rows_of
from runner.bench.llama_bench.reading import is_row, records_of

__all__ = ["is_row", "records_of", "rows_of"]
