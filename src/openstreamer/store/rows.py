"""Rows of the embedded event log: written with a checksum, and never handed out without verifying it.

Functions over an SQLite connection inside a transaction; `sqlite` opens and ends those.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Mapping
from typing import NamedTuple

from openstreamer.database import Trouble, classify
from openstreamer.errors import StoreConflict, StoreCorrupt

from .chunks import chunk_checksum, decode_references, decode_types, encode_labels, metadata_checksum
from .interface import Chunk, Metadata, Pending, Position


class State(NamedTuple):
    """The row of the table `state`, which every method begins with."""

    first_number: int
    last_number: int
    last_archive_time: int
    records: int
    bytes: int
    records_appended: int
    metadata_revision: int


SELECT_STATE = f"SELECT {', '.join(State._fields)} FROM state"
UPDATE_STATE = f"UPDATE state SET {', '.join(f'{name} = ?' for name in State._fields)}"
SELECT_METADATA = "SELECT key, record_type, netmap, revision, checksum, data FROM metadata"
SELECT_CHUNK = "SELECT number, archive_time, ordinal, count, checksum, labels, data FROM chunk"


def read_state(connection: sqlite3.Connection) -> State:
    """Read the state; StoreCorrupt if it is not what was put there."""
    row = connection.execute(SELECT_STATE).fetchone()
    if row is None or not all(type(value) is int and value >= 0 for value in row):
        raise StoreCorrupt("the event log has lost its state: restore the file from a backup")
    return State._make(row)


def search(connection: sqlite3.Connection, state: State, timestamp: int) -> Position:
    """Find the position of a time without the index, by halves; a damaged chunk counts as later."""
    low, high = state.first_number, state.last_number + 1
    while low < high:
        middle = (low + high) // 2
        try:
            row = connection.execute("SELECT archive_time FROM chunk WHERE number = ?", (middle,)).fetchone()
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            row = None
        if row is not None and row[0] < timestamp:
            low = middle + 1
        else:
            high = middle
    return low - 1


def compare_places(connection: sqlite3.Connection, expected: Mapping[str, bytes | None]) -> None:
    """Raise StoreConflict if a source's place is not the one expected."""
    for source, value in expected.items():
        row = connection.execute("SELECT value FROM place WHERE source = ?", (source,)).fetchone()
        if (None if row is None else row[0]) != value:
            raise StoreConflict(f"another process is reading {source} too: let only one of them do it")


def insert_chunk(
    connection: sqlite3.Connection,
    pending: Pending,
    number: int,
    archive_time: int,
    ordinal: int,
    data: bytes,
) -> None:
    """Write a chunk and count its records by type."""
    labels, counts = encode_labels(
        pending.record_types, getattr(pending, "record_counts", None), pending.references, pending.count
    )
    checksum = chunk_checksum(number, archive_time, ordinal, pending.count, labels, data)
    try:
        connection.execute(
            "INSERT INTO chunk (number, archive_time, ordinal, count, size, checksum, labels, data) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (number, archive_time, ordinal, pending.count, len(data), checksum, labels, data),
        )
    except sqlite3.IntegrityError as error:
        raise StoreCorrupt(
            f"the event log contradicts itself: it has a chunk {number} already, restore it from a backup"
        ) from error
    connection.executemany(
        "INSERT INTO tally VALUES (?, ?) "
        "ON CONFLICT (record_type) DO UPDATE SET records = records + excluded.records",
        counts.items(),
    )


def read_one(connection: sqlite3.Connection, number: int) -> Chunk:
    """Read the chunk of this number, or raise StoreCorrupt."""
    try:
        row = connection.execute(f"{SELECT_CHUNK} WHERE number = ?", (number,)).fetchone()
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        raise damaged(number, f"cannot be read ({error})") from error
    if row is None:
        raise damaged(number, "is missing")
    return make_chunk(row, number)


def damaged(number: int, how: str) -> StoreCorrupt:
    """Make the error for a damaged chunk."""
    return StoreCorrupt(
        f"chunk {number} of the event log {how}: its records are lost unless a backup has them", chunk=number
    )


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether a row cannot be read because of the file, and not because of how or when it was asked for."""
    return not isinstance(error, sqlite3.ProgrammingError) and classify(error) is not Trouble.BUSY


def make_chunk(row: tuple[int, int, int, int, bytes, bytes, bytes], expected: int) -> Chunk:
    """Make a chunk of a row, or raise StoreCorrupt."""
    try:
        number, archive_time, ordinal, count, checksum, labels, data = row
        sound = (
            number == expected
            and chunk_checksum(number, archive_time, ordinal, count, labels, data) == checksum
        )
        if sound:
            counts, start = decode_types(labels)
            references = decode_references(labels, start)
            return Chunk(number, archive_time, count, frozenset(counts), references, data, ordinal)
    except (struct.error, TypeError):
        # A damaged row may hold other types than the ones that were put in.
        pass
    raise damaged(expected, "fails its checksum")


def read_metadata(connection: sqlite3.Connection, key: bytes) -> Metadata | None:
    """Read the metadata record of a key, None if there is none; or raise StoreCorrupt."""
    try:
        row = connection.execute(f"{SELECT_METADATA} WHERE key = ?", (key,)).fetchone()
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        raise StoreCorrupt(f"the metadata record {key!r} of the event log cannot be read: {error}") from error
    return None if row is None else make_metadata(row)


def make_metadata(row: tuple[bytes, int, int, int, bytes, bytes]) -> Metadata:
    """Make a metadata record of a row, or raise StoreCorrupt."""
    key, record_type, netmap, revision, checksum, data = row
    try:
        sound = metadata_checksum(key, record_type, netmap, revision, data) == checksum
    except (struct.error, TypeError):
        sound = False
    if not sound:
        raise StoreCorrupt(f"the metadata record {key!r} of the event log fails its checksum")
    return Metadata(key, record_type, netmap, data, revision)
