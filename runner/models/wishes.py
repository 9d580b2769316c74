"""What the settings ask of a model's place."""

from runner.errors import OfflineError
from runner.fit import Wishes
from runner.settings import Settings


def wishes_of(settings: Settings) -> Wishes:
    """Raises OfflineError where they name other machines and forbid connections."""
    if settings.rpc and settings.offline:
        raise OfflineError(
            f"--offline forbids a connection to {settings.rpc}",
            remedy="Leave --rpc or --offline out.",
        )
    return Wishes(
        context=settings.ctx,
        gpu_layers=settings.gpu_layers,
        device=settings.device,
        require_gpu=bool(settings.require_gpu),
        kv_type=settings.kv,
        threads=settings.threads,
        rpc=settings.rpc,
        tensor_split=settings.tensor_split,
        experts_on_cpu=bool(settings.cpu_moe),
        flash_attention=settings.flash_attention,
    )
