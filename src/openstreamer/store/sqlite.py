"""The embedded event log: one SQLite file in write-ahead mode, shared by any number of processes.

This module appends and reads; deleting, counting and verifying are in `upkeep`, hosts in `hosts`, numbers of
names in `identities`. The tables are in `schema`,
their rows in `rows`, the bytes of a row in `chunks`. See `interface` for what each method promises.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike

from openstreamer.database import Database, Trouble
from openstreamer.errors import OpenStreamerError, StoreCorrupt, StoreError, StoreFull

from . import hosts, identities, upkeep
from .chunks import metadata_checksum
from .interface import (
    LAST_TIME,
    CheckResult,
    Chunk,
    ChunkInfo,
    Host,
    Lag,
    Metadata,
    Missed,
    Pending,
    Position,
    Statistics,
    Tally,
    TrimResult,
)
from .rows import (
    SELECT_CHUNK,
    SELECT_METADATA,
    UPDATE_STATE,
    compare_places,
    damaged,
    insert_chunk,
    is_damage,
    make_chunk,
    make_metadata,
    read_metadata,
    read_one,
    read_state,
    search,
)
from .schema import SCHEMA

log = logging.getLogger("openstreamer.store")

_POLL_SECONDS = 0.1
"""How often `wait` looks for chunks that other processes appended."""

_WAL_LIMIT = 64 << 20
"""Size in bytes of the write-ahead log above which an append stops to empty it."""

_CACHE_ENTRIES = 1 << 16


def open_store(
    path: str | PathLike[str], *, synchronous: str = "FULL", busy_timeout: float = 30.0
) -> SqliteStore:
    """Open the event log in this file, making it (0600, its directory 0700) where there is none.

    Args:
        synchronous: "FULL": what was appended survives a power cut; "NORMAL": a power cut may cost the last
            moments and nothing else. Either survives the end of the process.
        busy_timeout: seconds to wait for another process that is writing.

    Raises:
        StateError: the file is not an event log, or a newer program made it.
        StoreError: it cannot be used otherwise.
    """
    return SqliteStore(Database(path, SCHEMA, _failure, synchronous=synchronous, busy_timeout=busy_timeout))


def _failure(trouble: Trouble, sentence: str) -> OpenStreamerError:
    if trouble is Trouble.FULL:
        return StoreFull(sentence)
    if trouble is Trouble.CORRUPT:
        return StoreCorrupt(sentence)
    return StoreError(sentence)


class SqliteStore:
    """An event log in an SQLite file; implements `interface.Store`. Make one with `open_store`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Threads of one process take turns here rather than in SQLite, which would let them sleep and retry.
        self._append_lock = threading.Lock()
        self._appended = threading.Condition()
        self._changed_lock = threading.Lock()
        # Digests of metadata known to be stored, valid as long as nobody else has changed any.
        self._known: dict[bytes, bytes] = {}
        self._known_revision = 0
        self._numbers: dict[tuple[str, str], int] = {}
        self._damaged_keys: set[bytes] = set()
        self._last_seen = self._newest_revisions()

    # Writing

    def append(
        self,
        pending: Pending,
        *,
        now: int,
        metadata: Iterable[tuple[bytes, int, int, bytes]] = (),
        places: Mapping[str, bytes] | None = None,
        expected: Mapping[str, bytes | None] | None = None,
    ) -> ChunkInfo:
        """See `Store.append`."""
        now = int(now)
        if not 0 <= now <= LAST_TIME:
            raise StoreError(f"the archive time {now} does not fit: is the clock set?")
        with self._append_lock:
            stored: dict[bytes, bytes] = {}
            with self._database.writing() as connection:
                state = read_state(connection)
                if expected:
                    compare_places(connection, expected)
                archive_time = max(now, state.last_archive_time)
                revision = self._store_metadata(connection, metadata, state.metadata_revision, stored)
                if places:
                    connection.executemany(
                        "INSERT OR REPLACE INTO place VALUES (?, ?, ?)",
                        [(source, value, archive_time) for source, value in places.items()],
                    )
                number, size = state.last_number, 0
                if pending.count:
                    number += 1
                    data = pending.seal(archive_time)
                    size = len(data)
                    insert_chunk(connection, pending, number, archive_time, state.records_appended, data)
                after = state._replace(
                    last_number=number,
                    last_archive_time=archive_time if pending.count else state.last_archive_time,
                    records=state.records + pending.count,
                    bytes=state.bytes + size,
                    records_appended=state.records_appended + pending.count,
                    metadata_revision=revision,
                )
                if after != state:
                    connection.execute(UPDATE_STATE, after)
            # Only what is committed may be taken for known.
            self._known.update(stored)
            self._known_revision = revision
            if number % 64 == 0:
                self._empty_log_if_long()
        if pending.count:
            with self._appended:
                self._appended.notify_all()
        return ChunkInfo(number, archive_time, pending.count, size)

    def _store_metadata(
        self,
        connection: sqlite3.Connection,
        metadata: Iterable[tuple[bytes, int, int, bytes]],
        revision: int,
        stored: dict[bytes, bytes],
    ) -> int:
        """Store what is new or different; return the revision afterwards and fill in `stored` (key ->
        digest)."""
        if revision != self._known_revision or len(self._known) > _CACHE_ENTRIES:
            self._known.clear()
        for key, record_type, netmap, data in metadata:
            digest = metadata_checksum(key, record_type, netmap, 0, data)
            if (stored.get(key) or self._known.get(key)) == digest:
                continue
            present = connection.execute(
                "SELECT record_type, netmap, data FROM metadata WHERE key = ?", (key,)
            ).fetchone()
            if present != (record_type, netmap, data):
                revision += 1
                connection.execute(
                    "INSERT OR REPLACE INTO metadata (key, record_type, netmap, revision, checksum, data) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        key,
                        record_type,
                        netmap,
                        revision,
                        metadata_checksum(key, record_type, netmap, revision, data),
                        data,
                    ),
                )
            stored[key] = digest
        return revision

    def _empty_log_if_long(self) -> None:
        """Empty the write-ahead log where readers that never pause have kept SQLite from doing so."""
        path = self._database.path
        try:
            if path.with_name(path.name + "-wal").stat().st_size < _WAL_LIMIT:
                return
            with self._database.single() as connection:
                connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
        except (OSError, StoreError):
            # What was appended is safe either way; a real problem shows at the next append.
            return

    def trim(self, *, before: int | None = None, max_bytes: int | None = None) -> TrimResult:
        """See `Store.trim`."""
        return upkeep.trim(self._database, before=before, max_bytes=max_bytes)

    # Reading

    def seek(self, timestamp: int) -> Position:
        """See `Store.seek`."""
        if timestamp <= 0:
            return 0
        with self._database.reading() as connection:
            state = read_state(connection)
            if timestamp > state.last_archive_time:
                return state.last_number
            try:
                row = connection.execute(
                    "SELECT number FROM chunk WHERE archive_time >= ? ORDER BY archive_time, number LIMIT 1",
                    (timestamp,),
                ).fetchone()
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                return search(connection, state, timestamp)
            return state.last_number if row is None else int(row[0]) - 1

    def read(self, after: Position, *, limit_bytes: int = 1 << 20) -> list[Chunk]:
        """See `Store.read`."""
        chunks: list[Chunk] = []
        with self._database.reading() as connection:
            state = read_state(connection)
            number = max(after + 1, state.first_number)
            size = 0
            try:
                cursor = connection.execute(f"{SELECT_CHUNK} WHERE number >= ? ORDER BY number", (number,))
                for row in cursor:
                    chunk = make_chunk(row, number)
                    chunks.append(chunk)
                    number += 1
                    size += len(chunk.data)
                    if size >= limit_bytes:
                        break
                cursor.close()
            except StoreCorrupt:
                pass
            except sqlite3.DatabaseError as error:
                # The driver looks one row ahead, so it isn't certain yet which chunk cannot be read.
                if not is_damage(error):
                    raise
            if number > state.last_number or size >= limit_bytes:
                return chunks
            try:
                chunks.append(read_one(connection, number))
            except StoreCorrupt:
                # What is sound goes out first; the next call comes back to this place.
                if not chunks:
                    raise
        return chunks

    def newest(self) -> Position:
        """See `Store.newest`."""
        with self._database.single() as connection:
            row: tuple[int] = connection.execute("SELECT last_number FROM state").fetchone()
            return row[0]

    def changed(self) -> bool:
        """See `Store.changed`. What `trim` deletes and places on their own do not count."""
        newest = self._newest_revisions()
        with self._changed_lock:
            changed = self._last_seen != newest
            self._last_seen = newest
        return changed

    def _newest_revisions(self) -> tuple[int, int]:
        with self._database.single() as connection:
            row: tuple[int, int] = connection.execute(
                "SELECT last_number, metadata_revision FROM state"
            ).fetchone()
            return row

    def wait(self, after: Position, timeout: float) -> bool:
        """See `Store.wait`. Appends of this process wake it at once, those of others within a tenth of a
        second."""
        deadline = time.monotonic() + timeout
        with self._appended:
            while self.newest() <= after:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return False
                self._appended.wait(min(remaining, _POLL_SECONDS))
        return True

    def lag(self, position: Position) -> Lag:
        """See `Store.lag`."""
        with self._database.reading() as connection:
            state = read_state(connection)
            number = max(position + 1, state.first_number)
            missed = max(0, state.first_number - position - 1)
            if number > state.last_number:
                return Lag(chunks=0, records=0, seconds=0, missed_chunks=missed)
            row = connection.execute(
                "SELECT ordinal, archive_time FROM chunk WHERE number = ?", (number,)
            ).fetchone()
        if row is None:
            raise damaged(number, "is missing")
        return Lag(
            chunks=state.last_number - number + 1,
            records=state.records_appended - row[0],
            seconds=state.last_archive_time - row[1],
            missed_chunks=missed,
        )

    def missed(self, timestamp: int) -> Missed | None:
        """See `Store.missed`."""
        return upkeep.missed(self._database, timestamp)

    def tallies(self, after: Position, *, limit: int = 1000) -> list[Tally]:
        """See `Store.tallies`."""
        return upkeep.tallies(self._database, after, limit)

    def statistics(self) -> Statistics:
        """See `Store.statistics`."""
        return upkeep.statistics(self._database)

    def check(self) -> CheckResult:
        """See `Store.check`."""
        return upkeep.check(self._database, self.read)

    # Hosts

    def put_hosts(self, entries: Iterable[tuple[Iterable[bytes], bytes]]) -> int:
        """See `Store.put_hosts`."""
        with self._append_lock, self._database.writing() as connection:
            return hosts.put(connection, entries)

    def hosts(
        self,
        start: bytes,
        end: bytes,
        *,
        after: bytes | None = None,
        limit: int = 100,
        limit_bytes: int = 1 << 20,
    ) -> list[Host]:
        """See `Store.hosts`."""
        return hosts.read(self._database, start, end, after=after, limit=limit, limit_bytes=limit_bytes)

    def host_count(self) -> int:
        """See `Store.host_count`."""
        return hosts.count(self._database)

    # Metadata, places, numbers

    def metadata(self, keys: Iterable[bytes]) -> dict[bytes, Metadata]:
        """See `Store.metadata`."""
        found = {}
        with self._database.reading() as connection:
            for key in keys:
                try:
                    entry = read_metadata(connection, key)
                except StoreCorrupt as error:
                    # Events matter more than the names in them: who reads them must not be stopped by this.
                    if key not in self._damaged_keys and len(self._damaged_keys) < _CACHE_ENTRIES:
                        self._damaged_keys.add(key)
                        log.error("%s", error)
                    continue
                if entry is not None:
                    found[key] = entry
        return found

    def metadata_since(self, revision: int) -> list[Metadata]:
        """See `Store.metadata_since`."""
        with self._database.reading() as connection:
            rows = connection.execute(
                f"{SELECT_METADATA} WHERE revision > ? ORDER BY revision", (revision,)
            ).fetchall()
        return [make_metadata(row) for row in rows]

    def metadata_revision(self) -> int:
        """See `Store.metadata_revision`."""
        with self._database.single() as connection:
            row: tuple[int] = connection.execute("SELECT metadata_revision FROM state").fetchone()
            return row[0]

    def place(self, source: str) -> bytes | None:
        """See `Store.place`."""
        with self._database.single() as connection:
            row = connection.execute("SELECT value FROM place WHERE source = ?", (source,)).fetchone()
        return None if row is None else bytes(row[0])

    def places(self, prefix: str = "") -> dict[str, bytes]:
        """See `Store.places`."""
        with self._database.single() as connection:
            rows = connection.execute("SELECT source, value FROM place ORDER BY source").fetchall()
        return {source: value for source, value in rows if source.startswith(prefix)}

    def identify(self, kind: str, names: Sequence[str]) -> list[int]:
        """See `Store.identify`."""
        known = self._numbers
        missing = [name for name in dict.fromkeys(names) if (kind, name) not in known]
        found = identities.find(self._database, kind, missing) if missing else {}
        missing = [name for name in missing if (kind, name) not in found]
        if missing:
            with self._append_lock:
                found |= identities.give(self._database, kind, missing)
        numbers = [found[kind, name] if (kind, name) in found else known[kind, name] for name in names]
        # A number never changes, so it may be remembered for good; only the memory is bounded.
        if len(known) + len(found) > _CACHE_ENTRIES:
            self._numbers = found
        else:
            known.update(found)
        return numbers

    def identities(self, kind: str) -> dict[str, int]:
        """See `Store.identities`."""
        return identities.every(self._database, kind)

    def reserve(self, counter: str, count: int) -> int:
        """See `Store.reserve`."""
        with self._append_lock:
            return identities.reserve(self._database, counter, count)

    def close(self) -> None:
        """See `Store.close`."""
        self._database.close()

    def __enter__(self) -> SqliteStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
