"""The library's SQLite file: opened, brought up to date, and set aside where it is damaged.

A database that cannot be read or written stops no model from running.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from runner.errors import DiskError

WAIT = 10.0  # seconds for another process to finish writing

MIGRATIONS = (
    """
    CREATE TABLE models (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        repository TEXT NOT NULL,
        commit_id TEXT NOT NULL,
        quantization TEXT,
        context INTEGER,
        licence TEXT,
        licence_link TEXT,
        fetched_at TEXT NOT NULL,
        used_at TEXT,
        expected_sha256 TEXT,
        made_from TEXT,
        adopted INTEGER NOT NULL
    );
    CREATE TABLE files (
        model INTEGER NOT NULL REFERENCES models ON DELETE CASCADE,
        number INTEGER NOT NULL,
        path TEXT NOT NULL,
        file TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        PRIMARY KEY (model, number)
    );
    CREATE UNIQUE INDEX one_model_at_a_path ON files (path);
    CREATE TABLE pieces (
        sha256 TEXT PRIMARY KEY,
        size INTEGER NOT NULL,
        digests BLOB NOT NULL
    );
    CREATE TABLE blobs (
        path TEXT PRIMARY KEY,
        repository TEXT NOT NULL,
        file TEXT NOT NULL,
        bytes INTEGER NOT NULL
    );
    CREATE TABLE contexts (
        path TEXT PRIMARY KEY,
        stamp TEXT NOT NULL,
        context INTEGER
    )
    """,
    """
    ALTER TABLE models ADD COLUMN published_licence TEXT;
    UPDATE models SET published_licence = licence WHERE name LIKE 'hf.co/%'
    """,
)
"""What each version adds to the one before. `blobs` are those that Runner fetched or began to;
`contexts` are read from the headers of files that have no record."""


class Unreadable(Exception):
    """The database cannot be read; the message says why."""


class Database:
    """The database at `path`, which need not exist."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to read by; an empty database where there is none. Raises Unreadable."""
        if not self.path.exists():
            with closing(sqlite3.connect(":memory:")) as connection:
                _update(connection)
                yield connection
            return
        try:
            connection = self._connected()
        except sqlite3.Error as error:
            raise Unreadable(str(error)) from error
        with closing(connection):
            try:
                yield connection
            except sqlite3.Error as error:
                raise Unreadable(str(error)) from error

    def _connected(self) -> sqlite3.Connection:
        """Open for reading and writing, or, where nothing can be written, as it is."""
        try:
            return _opened(self.path)
        except sqlite3.OperationalError:
            address = f"{self.path.absolute().as_uri()}?immutable=1"
            connection = sqlite3.connect(address, uri=True)
            try:
                _require_version(connection, exactly=True)
            except BaseException:
                connection.close()
                raise
            return connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction. A damaged database is set aside and begun anew. Raises DiskError."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                connection = _opened(self.path)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                self._set_aside()
                connection = _opened(self.path)
            with closing(connection):
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                except BaseException:
                    connection.rollback()
                    raise
                connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            if type(error) is sqlite3.DatabaseError:  # damage that opening it did not meet
                self._set_aside()
            raise DiskError(
                f"{self.path} cannot be written: {error}",
                remedy="Models run without it; what was fetched is found again by `runner pull`.",
            ) from error

    def _set_aside(self) -> None:
        """Move a damaged database away, so that nothing of it is lost."""
        for ending in ("", "-wal", "-shm"):
            with suppress(OSError):
                path = self.path.with_name(self.path.name + ending)
                path.replace(path.with_name(path.name + ".damaged"))


def _opened(path: Path) -> sqlite3.Connection:
    # Transactions are begun by hand (isolation_level None), those of migrations too.
    connection = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        version = _require_version(connection)
        if version < len(MIGRATIONS):
            connection.execute("PRAGMA journal_mode = WAL")
            _update(connection)
        connection.execute("SELECT count(*) FROM models").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _update(connection: sqlite3.Connection) -> None:
    """Bring the tables up to date, in one transaction."""
    connection.isolation_level = None
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Asked again: another process may have done it while this one waited.
        for number in range(_require_version(connection), len(MIGRATIONS)):
            for statement in MIGRATIONS[number].split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def _require_version(connection: sqlite3.Connection, *, exactly: bool = False) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise sqlite3.OperationalError("a later version of Runner wrote it")
    if exactly and version < len(MIGRATIONS):
        raise sqlite3.OperationalError("an earlier version of Runner wrote it, and it is read-only")
    return version
