"""The sha256 of a file that arrives in any order: read from its start on, as far as it is there."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

BLOCK = 1 << 20
TICK = 0.1


class Follower(threading.Thread):
    """Reads the file at `path`, of `size` bytes. `await_bytes(position)` says where the bytes end
    that can be read from there on, once there are any, or 0 to give up."""

    def __init__(self, path: Path, size: int, await_bytes: Callable[[int], int]) -> None:
        super().__init__(daemon=True)
        self._path = path
        self._size = size
        self._await_bytes = await_bytes
        self._digest = hashlib.sha256()
        self._failure: OSError | None = None

    def run(self) -> None:
        """Follow what arrives, to the end."""
        buffer, position = memoryview(bytearray(BLOCK)), 0
        try:
            with self._path.open("rb", buffering=0) as stream:
                while position < self._size and (end := self._await_bytes(position)):
                    read = stream.readinto(buffer[: end - position])
                    if not read:
                        raise OSError("someone cut it short")
                    self._digest.update(buffer[:read])
                    position += read
        except OSError as error:
            self._failure = error

    def found(self) -> str:
        """The sha256, once the file is whole. Raises OSError."""
        while self.is_alive():
            self.join(TICK)  # with an end, so that Ctrl-C is heard on Windows too
        if self._failure:
            raise self._failure
        return self._digest.hexdigest()

    def again(self) -> Iterator[int]:
        """Hash what is on the disk now, whole; yields the bytes read. Raises OSError."""
        self._digest = hashlib.sha256()
        with self._path.open("rb", buffering=0) as stream:
            while block := stream.read(BLOCK):
                self._digest.update(block)
                yield len(block)
