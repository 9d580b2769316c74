"""SQLite files of Runner's own: opened, brought up to date, and set aside where they are damaged.

A file written by a later version is left alone, and one that cannot be written is still read.
"""

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from runner.errors import DiskError

WAIT = 10.0  # seconds for another process to finish writing
ENDINGS = ("", "-wal", "-shm")  # of the files that are one database
OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Unreadable(Exception):
    """The database cannot be read; the message says why."""


class Busy(DiskError):
    """Another process has been writing for longer than this one waits."""


class Database:
    """The database at `path`, which need not exist. `migrations` are scripts, each of which adds
    to what those before it made; `remedy` goes with the errors of writing, and `remark` is told of
    a damaged file that was set aside."""

    def __init__(
        self,
        path: Path,
        migrations: Sequence[str],
        *,
        remedy: str = "",
        remark: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.path = path
        self._migrations = migrations
        self._remedy = remedy
        self._remark = remark
        self.aside: Path | None = None
        """Where a damaged file was moved."""

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to read by; an empty database where there is none. Raises Unreadable."""
        if not self.path.exists():
            with closing(self.in_memory()) as connection:
                yield connection
            return
        try:
            connection = self._readable()
        except sqlite3.Error as error:
            raise Unreadable(str(error)) from error
        with closing(connection):
            try:
                yield connection
            except sqlite3.Error as error:
                raise Unreadable(str(error)) from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction. A damaged database is set aside and begun anew. Raises DiskError."""
        with closing(self.connect()) as connection, self.transaction(connection):
            yield connection

    def connect(self) -> sqlite3.Connection:
        """A connection to keep, for any thread, one at a time; where nothing can be written, to
        read by. A damaged database is set aside and begun anew. Raises DiskError."""
        with self.explained():
            self._prepare()
            try:
                return self._readable()
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                self._set_aside()
                self._prepare()
                return self._opened()

    def in_memory(self) -> sqlite3.Connection:
        """An empty database of the same tables that leaves nothing on the disk."""
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA foreign_keys = ON")
        self._update(connection)
        return connection

    @contextmanager
    def transaction(self, connection: sqlite3.Connection) -> Iterator[None]:
        """All of what is written within, or nothing. Raises DiskError."""
        with self.explained():
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                connection.execute("COMMIT")
            except BaseException:
                # Some errors, such as a full disk, have rolled it back already.
                if connection.in_transaction:
                    connection.rollback()
                raise

    @contextmanager
    def explained(self, done: str = "written") -> Iterator[None]:
        """Errors of SQLite within are raised as DiskError: it cannot be `done`."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if type(error) is sqlite3.DatabaseError:  # damage that opening it did not meet
                self._set_aside()
            locked = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
            raise (Busy if locked else DiskError)(
                f"{self.path} cannot be {done}: {error}", remedy=self._remedy
            ) from error

    def _prepare(self) -> None:
        """See that there is a file, which only its owner can read; SQLite gives those that it makes
        beside it the same permissions."""
        if not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
        for ending in ENDINGS:
            with suppress(OSError):  # it is not there, or somebody else's
                file = self.path.with_name(self.path.name + ending)
                mode = stat.S_IMODE(file.stat().st_mode)
                if mode & OTHERS:
                    file.chmod(mode & ~OTHERS)

    def _readable(self) -> sqlite3.Connection:
        """Open for reading and writing, or, where nothing can be written, as it is."""
        try:
            return self._opened()
        except sqlite3.OperationalError:
            address = f"{self.path.absolute().as_uri()}?immutable=1"
            connection = sqlite3.connect(
                address, uri=True, isolation_level=None, check_same_thread=False
            )
            try:
                self._require_version(connection, exactly=True)
            except BaseException:
                connection.close()
                raise
            return connection

    def _opened(self) -> sqlite3.Connection:
        # Transactions are begun by hand (isolation_level None), those of migrations too.
        connection = sqlite3.connect(
            self.path, timeout=WAIT, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = NORMAL")
            version = self._require_version(connection)
            if version == 0:  # so that what is deleted makes the file smaller
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            if version < len(self._migrations):
                # Of several processes that begin it at once, all but one are refused this; and
                # whatever else is wrong stops the update, too.
                with suppress(sqlite3.OperationalError):
                    connection.execute("PRAGMA journal_mode = WAL")
                self._update(connection)
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection

    def _update(self, connection: sqlite3.Connection) -> None:
        """Bring the tables up to date, in one transaction."""
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Asked again: another process may have done it while this one waited.
            for number in range(self._require_version(connection), len(self._migrations)):
                for statement in statements(self._migrations[number]):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number + 1}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.rollback()
            raise

    def _require_version(self, connection: sqlite3.Connection, *, exactly: bool = False) -> int:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > len(self._migrations):
            raise sqlite3.OperationalError("a later version of Runner wrote it")
        if exactly and version < len(self._migrations):
            raise sqlite3.OperationalError(
                "an earlier version of Runner wrote it, and it is read-only"
            )
        return version

    def _set_aside(self) -> None:
        """Move a damaged database away, so that nothing of it is lost."""
        name, number = self.path.name, 1
        aside = f"{name}.damaged"
        while self.path.with_name(aside).exists():
            number += 1
            aside = f"{name}.damaged-{number}"
        with suppress(OSError):
            self.path.replace(self.path.with_name(aside))
            self.aside = self.path.with_name(aside)
            self._remark(f"{self.path} is damaged: it was set aside as {aside}")
            for ending in ENDINGS[1:]:
                with suppress(OSError):
                    self.path.with_name(name + ending).replace(self.path.with_name(aside + ending))


def statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one: `executescript` would end the transaction."""
    statement = ""
    for part in script.split(";"):
        statement += part + ";"
        if sqlite3.complete_statement(statement):
            if statement.strip(" \n;"):
                yield statement
            statement = ""
