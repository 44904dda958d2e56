"""The tables of the embedded event log, as the steps that made them what they are.

A step, once released, is never changed: a newer program appends one, and `database` applies what a file
lacks.
"""

from __future__ import annotations

from openstreamer.database import Schema

_FIRST: tuple[str, ...] = (
    # Always one row. Chunk numbers and archive times are given out from here, so that they cannot go back
    # when chunks are trimmed.
    """
    CREATE TABLE state (
        one               INTEGER PRIMARY KEY CHECK (one = 1),
        first_number      INTEGER NOT NULL,  -- oldest chunk kept; last_number + 1 when there is none
        last_number       INTEGER NOT NULL,  -- newest chunk ever appended
        last_archive_time INTEGER NOT NULL,
        records           INTEGER NOT NULL,  -- records kept
        bytes             INTEGER NOT NULL,  -- bytes of chunk data kept
        records_appended  INTEGER NOT NULL,  -- records ever appended
        metadata_revision INTEGER NOT NULL
    )
    """,
    "INSERT INTO state VALUES (1, 1, 0, 0, 0, 0, 0, 0)",
    # data comes last: SQLite then finds the other columns without walking through the pages it overflows
    # into.
    """
    CREATE TABLE chunk (
        number       INTEGER PRIMARY KEY,
        archive_time INTEGER NOT NULL,
        ordinal      INTEGER NOT NULL,  -- records ever appended before this chunk
        count        INTEGER NOT NULL,  -- records in it
        size         INTEGER NOT NULL,  -- bytes of data
        checksum     BLOB NOT NULL,     -- of all other columns, see chunks.py
        labels       BLOB NOT NULL,     -- record types and references, see chunks.py
        data         BLOB NOT NULL
    )
    """,
    "CREATE INDEX chunk_by_time ON chunk (archive_time)",
    "CREATE TABLE tally (record_type INTEGER PRIMARY KEY, records INTEGER NOT NULL)",
    """
    CREATE TABLE metadata (
        key         BLOB PRIMARY KEY,
        record_type INTEGER NOT NULL,
        netmap      INTEGER NOT NULL,
        revision    INTEGER NOT NULL,
        checksum    BLOB NOT NULL,
        data        BLOB NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX metadata_by_revision ON metadata (revision)",
    """
    CREATE TABLE place (
        source  TEXT PRIMARY KEY,
        value   BLOB NOT NULL,
        changed INTEGER NOT NULL  -- archive time
    ) WITHOUT ROWID
    """,
    # Names are bytes: text from a sensor need not be valid Unicode.
    """
    CREATE TABLE identity (
        kind   TEXT NOT NULL,
        name   BLOB NOT NULL,
        number INTEGER NOT NULL,
        PRIMARY KEY (kind, name)
    ) WITHOUT ROWID
    """,
    "CREATE UNIQUE INDEX identity_by_number ON identity (kind, number)",
    "CREATE TABLE counter (name TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID",
)

_HOSTS: tuple[str, ...] = (
    # Numbers of hosts are given out once only, so that an address never points at another host's profile.
    """
    CREATE TABLE host (
        number   INTEGER PRIMARY KEY AUTOINCREMENT,
        checksum BLOB NOT NULL,  -- of addresses and data, see hosts.py
        data     BLOB NOT NULL   -- the profile
    )
    """,
    """
    CREATE TABLE host_address (
        address BLOB PRIMARY KEY,  -- 16 bytes, IPv4 mapped
        host    INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE INDEX host_address_by_host ON host_address (host, address)",
)

_TRIMMED: tuple[str, ...] = (
    # The latest chunks that were trimmed, so that a reader that comes too late can be told what it missed.
    """
    CREATE TABLE trimmed (
        number       INTEGER PRIMARY KEY,
        archive_time INTEGER NOT NULL,
        ordinal      INTEGER NOT NULL  -- records ever appended before this chunk
    )
    """,
    "CREATE INDEX trimmed_by_time ON trimmed (archive_time)",
)

SCHEMA = Schema(what="event log", application_id=0x4F534576, migrations=(_FIRST, _HOSTS, _TRIMMED))
