"""Keeping the embedded event log in order: deleting what is old, counting, verifying.

These are functions over the database of a `sqlite.SqliteStore`, kept apart because none of them is on the
way of an event.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable

from openstreamer.database import Database
from openstreamer.errors import StoreCorrupt, StoreError

from . import hosts
from .chunks import UNKNOWN_COUNT, decode_types, metadata_checksum
from .interface import REMEMBERED, CheckResult, Chunk, Missed, Position, Statistics, Tally, TrimResult
from .rows import SELECT_METADATA, is_damage, read_state

_TRIM_CHUNKS = 256
_TRIM_BYTES = 32 << 20
"""Most that one transaction deletes: an append that waits for it should not wait long."""

_VACUUM_PAGES = 2048
"""Pages given back to the file system in one transaction."""


def trim(database: Database, *, before: int | None, max_bytes: int | None) -> TrimResult:
    """See `interface.Store.trim`."""
    chunks = records = size = 0
    while before is not None or max_bytes is not None:
        deleted = _trim_some(database, before, max_bytes)
        if not deleted.chunks:
            break
        chunks += deleted.chunks
        records += deleted.records
        size += deleted.bytes
    if chunks:
        _give_back_pages(database)
    return TrimResult(chunks, records, size)


def missed(database: Database, timestamp: int) -> Missed | None:
    """See `interface.Store.missed`."""
    with database.reading() as connection:
        state = read_state(connection)
        row = connection.execute(
            "SELECT number, archive_time, ordinal FROM trimmed WHERE archive_time >= ? "
            "ORDER BY archive_time, number LIMIT 1",
            (timestamp,),
        ).fetchone()
        if row is None:
            return None
        number, first_time, ordinal = row
        oldest, last_time = connection.execute(
            "SELECT MIN(number), (SELECT archive_time FROM trimmed ORDER BY number DESC LIMIT 1) FROM trimmed"
        ).fetchone()
        kept = connection.execute(
            "SELECT ordinal FROM chunk WHERE number >= ? ORDER BY number LIMIT 1", (state.first_number,)
        ).fetchone()
    return Missed(
        records=max(0, (state.records_appended if kept is None else kept[0]) - ordinal),
        first_time=first_time,
        last_time=last_time,
        exact=oldest == 1 or number > oldest,
    )


def _trim_some(database: Database, before: int | None, max_bytes: int | None) -> TrimResult:
    with database.writing() as connection:
        state = read_state(connection)
        number, records, size = state.first_number, 0, 0
        tallies: dict[int, int] = {}
        for chunk_time, count, chunk_size, labels in connection.execute(
            "SELECT archive_time, count, size, labels FROM chunk WHERE number >= ? ORDER BY number LIMIT ?",
            (number, _TRIM_CHUNKS),
        ):
            old = before is not None and chunk_time < before
            surplus = max_bytes is not None and state.bytes - size > max_bytes
            if size >= _TRIM_BYTES or not (old or surplus):
                break
            number += 1
            records += count
            size += chunk_size
            for record_type, known in _known_counts(labels).items():
                tallies[record_type] = tallies.get(record_type, 0) + known
        if number > state.first_number:
            connection.execute(
                "INSERT OR REPLACE INTO trimmed "
                "SELECT number, archive_time, ordinal FROM chunk WHERE number < ?",
                (number,),
            )
            connection.execute("DELETE FROM trimmed WHERE number < ?", (number - REMEMBERED,))
            connection.execute("DELETE FROM chunk WHERE number < ?", (number,))
            connection.execute(
                "UPDATE state SET first_number = ?, records = ?, bytes = ?",
                (number, max(0, state.records - records), max(0, state.bytes - size)),
            )
            connection.executemany(
                "UPDATE tally SET records = max(0, records - ?) WHERE record_type = ?",
                [(known, record_type) for record_type, known in tallies.items()],
            )
            connection.execute("DELETE FROM tally WHERE records = 0")
    return TrimResult(number - state.first_number, records, size)


def _known_counts(labels: bytes) -> dict[int, int]:
    try:
        counts, _ = decode_types(labels)
    except (struct.error, TypeError):
        # A damaged chunk is deleted like any other; only its part of the statistics is lost.
        return {}
    return {record_type: count for record_type, count in counts.items() if count != UNKNOWN_COUNT}


def _give_back_pages(database: Database) -> None:
    """Shrink the file when much of it is free; keep an eighth for the chunks to come."""
    while True:
        with database.single() as connection:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            (free,) = connection.execute("PRAGMA freelist_count").fetchone()
            if free <= max(pages // 4, _VACUUM_PAGES):
                return
            connection.execute(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})").fetchall()
            if connection.execute("PRAGMA freelist_count").fetchone()[0] >= free:
                # A file made without incremental vacuum: its free pages are used again, no more.
                return


def tallies(database: Database, after: Position, limit: int) -> list[Tally]:
    """See `interface.Store.tallies`. A chunk whose labels are damaged is counted as one of unknown types."""
    with database.reading() as connection:
        rows = connection.execute(
            "SELECT number, archive_time, count, labels FROM chunk WHERE number > ? ORDER BY number LIMIT ?",
            (after, limit),
        ).fetchall()
    return [Tally(number, time, count, _known_counts(labels)) for number, time, count, labels in rows]


def statistics(database: Database) -> Statistics:
    """See `interface.Store.statistics`."""
    with database.reading() as connection:
        state = read_state(connection)
        try:
            oldest = connection.execute(
                "SELECT archive_time FROM chunk WHERE number = ?", (state.first_number,)
            ).fetchone()
        except sqlite3.DatabaseError as error:
            # Numbers are wanted most when something is wrong.
            if not is_damage(error):
                raise
            oldest = None
        tallies = connection.execute("SELECT record_type, records FROM tally ORDER BY record_type").fetchall()
        (metadata,) = connection.execute("SELECT count(*) FROM metadata").fetchone()
    return Statistics(
        chunks=state.last_number - state.first_number + 1,
        records=state.records,
        bytes=state.bytes,
        file_bytes=database.file_bytes(),
        first_number=state.first_number,
        last_number=state.last_number,
        first_archive_time=None if oldest is None else oldest[0],
        last_archive_time=state.last_archive_time,
        records_appended=state.records_appended,
        by_record_type=dict(tallies),
        metadata=metadata,
    )


def check(database: Database, read: Callable[[int], list[Chunk]]) -> CheckResult:
    """See `interface.Store.check`; `read` is the store's own, so that what it would hand out is what is
    checked."""
    problems: list[str] = []
    with database.single() as connection:
        try:
            rows = connection.execute("PRAGMA integrity_check(20)").fetchall()
            problems += [f"SQLite finds: {row[0]}" for row in rows if row[0] != "ok"]
        except sqlite3.DatabaseError as error:
            problems.append(f"SQLite cannot read the file: {error}")
    corrupt: list[int] = []
    sound = 0
    previous: Chunk | None = None
    try:
        with database.reading() as connection:
            position = read_state(connection).first_number - 1
        while True:
            try:
                chunks = read(position)
            except StoreCorrupt as error:
                if error.chunk is None:
                    raise
                position = error.chunk
                corrupt.append(position)
                problems.append(str(error))
                continue
            if not chunks:
                break
            for chunk in chunks:
                if previous is not None and chunk.archive_time < previous.archive_time:
                    problems.append(f"chunk {chunk.number} is older than the one before it")
                previous = chunk
            sound += len(chunks)
            position = chunks[-1].number
        problems += _check_metadata(database)
        problems += hosts.check(database)
    except StoreError as error:
        problems.append(str(error))
    return CheckResult(sound, tuple(corrupt), tuple(problems))


def _check_metadata(database: Database) -> list[str]:
    damaged = 0
    with database.reading() as connection:
        for key, record_type, netmap, revision, checksum, data in connection.execute(SELECT_METADATA):
            try:
                damaged += metadata_checksum(key, record_type, netmap, revision, data) != checksum
            except (struct.error, TypeError):
                damaged += 1
    return [f"{damaged} metadata records fail their checksum"] if damaged else []
