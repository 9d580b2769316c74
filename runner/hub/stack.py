"""The one door to huggingface_hub and its HTTP client: imported late, with its side trips off.

Xet transfers do not resume and have no fallback. Telemetry is a request to the Hub that nobody
asked for, before the first call of each process. Both are read when huggingface_hub is imported;
who has set them keeps what they set.
"""

import os
from typing import TYPE_CHECKING

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_DISABLE_XET", "1")

from huggingface_hub import (
    HfApi,
    ModelInfo,
    errors,
    get_session,
    hf_hub_url,
    hf_raise_for_status,
)

if TYPE_CHECKING:  # huggingface_hub.utils re-exports these in a way that mypy cannot see
    import httpx2 as httpx
    from huggingface_hub.utils._headers import build_hf_headers
    from huggingface_hub.utils._http import parse_ratelimit_headers
else:
    from huggingface_hub.utils import build_hf_headers, httpx, parse_ratelimit_headers

__all__ = [
    "HfApi",
    "ModelInfo",
    "build_hf_headers",
    "errors",
    "get_session",
    "hf_hub_url",
    "hf_raise_for_status",
    "httpx",
    "parse_ratelimit_headers",
]
