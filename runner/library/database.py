"""The library's tables. A library that cannot be read or written stops no model from running."""

from pathlib import Path

from runner.database import Database

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


def library_database(path: Path) -> Database:
    """The library's database at `path`."""
    return Database(
        path,
        MIGRATIONS,
        remedy="Models run without it; what was fetched is found again by `runner pull`.",
    )
