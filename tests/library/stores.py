"""What other programs leave on a disk, made as they make it."""

import hashlib
import json
from pathlib import Path
from typing import Any

MODEL = "application/vnd.ollama.image.model"


def ollama(
    root: Path,
    data: bytes,
    place: str = "registry.ollama.ai/library/small/8b",
    *,
    file_type: str = "Q4_K_M",
    layers: tuple[tuple[str, bytes], ...] = (),
) -> Path:
    """A model in Ollama's store; the path of its blob."""
    config = json.dumps({"model_format": "gguf", "file_type": file_type}).encode()
    about = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": _blob(root, "application/vnd.docker.container.image.v1+json", config),
        "layers": [
            _blob(root, kind, content)
            for kind, content in (
                (MODEL, data),
                ("application/vnd.ollama.image.template", b"{{ .Prompt }}"),
                *layers,
            )
        ],
    }
    manifest = root / "manifests" / place
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(json.dumps(about))
    return root / "blobs" / f"sha256-{hashlib.sha256(data).hexdigest()}"


def _blob(root: Path, kind: str, data: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(data).hexdigest()
    path = root / "blobs" / f"sha256-{digest}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)}


def lm_studio(home: Path, place: str, data: bytes) -> Path:
    """A file `publisher/repository/file` in LM Studio's folder."""
    path = home / ".lmstudio" / "models" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
