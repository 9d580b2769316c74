"""`runner worker`: this machine's devices, for a Runner on another one."""

import os
import socket
import sys
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from runner.cli import options
from runner.errors import DeviceError
from runner.settings import WORKER_PORT

if TYPE_CHECKING:
    from runner.llama.devices import Device

UNPROTECTED = (
    "warning: whoever reaches this port can use this machine's devices and memory, and could take "
    "it over: the protocol knows neither passwords nor encryption. Keep it to a network that you "
    "trust, or to a tunnel (ssh -L)."
)


def worker(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address of this machine to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="NUMBER", help="Port; 0 takes a free one.")
    ] = WORKER_PORT,
    device: options.Device = None,
    threads: options.Threads = None,
    quiet: options.Quiet = None,
    verbose: options.Verbose = None,
) -> None:
    """Serve this machine's devices to a Runner elsewhere, which names it with --rpc.

    Its GPUs, or its processor where it has none; one program at a time, until Ctrl-C.
    """
    settings = options.settings(locals())

    from runner import machine
    from runner.cli.output import note, remark
    from runner.cli.words import memory
    from runner.fit.workers import require_rpc
    from runner.llama import rpc
    from runner.llama.relay import watch_clients

    require_rpc()
    address, port = rpc.bindable(host, port)
    handles, served = _served(settings.device)
    threads = settings.threads or machine.processors().usable
    _keep_stdout(settings.verbose)
    serving = threading.Thread(
        target=rpc.serve, args=(address, port, handles, threads), daemon=True
    )
    serving.start()
    if not rpc.await_worker(address, port, serving.is_alive):
        raise DeviceError(f"llama.cpp cannot serve on {address}:{port}")
    watch_clients(address, port)
    for one in served:
        print(f"{one.name}: {one.description}, {memory(one.memory_total)}")
    if not rpc.is_loopback(address):
        note(UNPROTECTED)
    remark(_how_to_use(address, port), settings)
    print(f"serving on {address}:{port}; Ctrl-C ends it", flush=True)
    while serving.is_alive():
        serving.join(1)  # in C nothing hears Ctrl-C, nor does Windows in an endless wait
    raise DeviceError(f"llama.cpp stopped serving on {address}:{port}")


def _keep_stdout(verbose: bool | None) -> None:
    """Keep llama.cpp's prints off stdout: it tells of every connection, many of them for a model.
    They go to stderr where `verbose`, else nowhere."""
    sys.stdout.flush()
    ours = os.dup(1)
    os.dup2(2 if verbose else os.open(os.devnull, os.O_WRONLY), 1)
    encoding = sys.stdout.encoding
    sys.stdout = open(ours, "w", encoding=encoding, errors="replace")  # noqa: SIM115, PTH123


def _served(names: str | None) -> "tuple[list[int], list[Device]]":
    """The devices to serve, as handles and as what they are: those named; else the GPUs; else the
    processor."""
    from runner.llama.devices import device_handles, device_of, named

    there = {device_of(handle): handle for handle in device_handles()}
    if names is not None:
        chosen = named(names.split(","), list(there))
    else:
        chosen = [device for device in there if device.kind in ("gpu", "igpu")]
        chosen = chosen or [device for device in there if device.kind == "cpu"]
    return [there[device] for device in chosen], chosen


def _how_to_use(address: str, port: int) -> str:
    """What to type elsewhere."""
    from runner.llama.rpc import is_loopback

    name = socket.gethostname()
    if is_loopback(address):
        tunnel = f"ssh -L {port}:{address}:{port} {name}"
        return f"here, or elsewhere beside `{tunnel}`: runner chat MODEL --rpc {address}:{port}"
    known_as = name if address == "0.0.0.0" else address
    return f"on the other machine: runner chat MODEL --rpc {known_as}:{port}"
