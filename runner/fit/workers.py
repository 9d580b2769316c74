"""Other machines that take part: the workers a user names, made devices of this process."""

from typing import TYPE_CHECKING

from runner.errors import BuildError

if TYPE_CHECKING:
    from runner.llama.devices import Device


def require_rpc() -> None:
    """Raise BuildError, with the line that mends it, where llama.cpp cannot use other machines."""
    from runner import machine
    from runner.llama import rpc
    from runner.llama.devices import devices

    if not rpc.supported():
        names = (device.name for device in devices())
        raise BuildError(
            "this llama.cpp was built without its RPC backend, which other machines need",
            remedy=machine.rpc_remedy(names, machine.platform_facts().system),
        )


def devices_with(workers: str | None) -> "list[Device]":
    """The devices of this machine, and those of the `workers` in `host:port[,…]`.

    Raises ConfigurationError, BuildError, and DeviceError where a worker does not answer.
    """
    from runner.llama import rpc
    from runner.llama.devices import devices

    relays = []
    if workers:
        require_rpc()
        relays = [rpc.join(host, port) for host, port in rpc.addresses(workers)]
    found = devices()
    for relay in relays:
        relay.check()
    # A worker that an earlier model was loaded on is still a device, but not of this one.
    joined = [None, *(relay.worker for relay in relays)]
    return [device for device in found if device.worker in joined]
