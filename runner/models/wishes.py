"""What the settings ask of a model's place."""

from runner.errors import ConfigurationError, OfflineError
from runner.fit import Wishes
from runner.settings import Settings


def wishes_of(settings: Settings) -> Wishes:
    """Raises OfflineError where they name other machines and forbid connections, and
    ConfigurationError where they contradict each other."""
    if settings.rpc and settings.offline:
        raise OfflineError(
            f"--offline forbids a connection to {settings.rpc}",
            remedy="Leave --rpc or --offline out.",
        )
    batch, micro = settings.batch, settings.micro_batch
    if batch is not None and micro is not None and micro > batch:
        raise ConfigurationError(
            f"--micro-batch {micro} is more than --batch {batch}, of which it is a part",
            remedy=f"Use --batch {micro} too, or a smaller --micro-batch.",
        )
    return Wishes(
        context=settings.ctx,
        gpu_layers=settings.gpu_layers,
        device=settings.device,
        require_gpu=bool(settings.require_gpu),
        kv_type=settings.kv,
        threads=settings.threads,
        threads_batch=settings.threads_batch,
        batch=batch,
        micro_batch=micro,
        mmap=settings.mmap is not False,
        repack=settings.repack is not False,
        rpc=settings.rpc,
        tensor_split=settings.tensor_split,
        experts_on_cpu=bool(settings.cpu_moe),
        flash_attention=settings.flash_attention,
    )
