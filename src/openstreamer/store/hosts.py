"""The host table of the embedded event log: the newest profile of each host, found by any of its addresses.

A host is its addresses: a profile takes the place of all profiles that hold one of them, as far as they
share it. So a host keeps one profile however often it is told of, an address belongs to the host that was
told of last, and a host that has lost all its addresses to others is forgotten. Functions over the database
of a `sqlite.SqliteStore`; the bytes of a profile mean nothing here. See `interface.Store.hosts`.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from sqlite3 import Connection

from openstreamer.database import Database
from openstreamer.errors import StoreError

from .chunks import CHECKSUM_BYTES
from .interface import Host

ADDRESS_BYTES = 16
_HEAD = struct.Struct(">I")

_SELECT = """
SELECT a.address, h.number, h.checksum, h.data FROM host_address a JOIN host h ON h.number = a.host
WHERE a.address BETWEEN ?1 AND ?2 AND NOT EXISTS (
    SELECT 1 FROM host_address b WHERE b.host = a.host AND b.address >= ?3 AND b.address < a.address
)
ORDER BY a.address LIMIT ?4
"""


def host_checksum(addresses: Iterable[bytes], data: bytes) -> bytes:
    """Checksum over a host's addresses and its profile (64-bit BLAKE2b)."""
    ordered = sorted(addresses)
    digest = hashlib.blake2b(_HEAD.pack(len(ordered)), digest_size=CHECKSUM_BYTES)
    digest.update(b"".join(ordered))
    digest.update(data)
    return digest.digest()


def put(connection: Connection, hosts: Iterable[tuple[Iterable[bytes], bytes]]) -> int:
    """See `interface.Store.put_hosts`; within a write transaction."""
    count = 0
    for addresses, data in hosts:
        keys = sorted(set(addresses))
        if not keys or any(len(key) != ADDRESS_BYTES for key in keys):
            raise StoreError("a host needs at least one address, and each has 16 bytes")
        former = {
            row[0]
            for key in keys
            for row in connection.execute("SELECT host FROM host_address WHERE address = ?", (key,))
        }
        cursor = connection.execute(
            "INSERT INTO host (checksum, data) VALUES (?, ?)", (host_checksum(keys, data), data)
        )
        connection.executemany(
            "INSERT OR REPLACE INTO host_address VALUES (?, ?)", [(key, cursor.lastrowid) for key in keys]
        )
        for number in former:
            _after_loss(connection, number)
        count += 1
    return count


def _after_loss(connection: Connection, number: int) -> None:
    """A host has lost addresses: forget it if none is left, else seal it anew."""
    left = [
        row[0] for row in connection.execute("SELECT address FROM host_address WHERE host = ?", (number,))
    ]
    if not left:
        connection.execute("DELETE FROM host WHERE number = ?", (number,))
        return
    (data,) = connection.execute("SELECT data FROM host WHERE number = ?", (number,)).fetchone()
    connection.execute("UPDATE host SET checksum = ? WHERE number = ?", (host_checksum(left, data), number))


def read(
    database: Database, start: bytes, end: bytes, *, after: bytes | None, limit: int, limit_bytes: int
) -> list[Host]:
    """See `interface.Store.hosts`."""
    found: list[Host] = []
    size = 0
    first = start if after is None else _next(after)
    if first is None:
        return found
    with database.reading() as connection:
        for address, number, checksum, data in connection.execute(_SELECT, (first, end, start, limit)):
            found.append(Host(address, data, _is_sound(connection, number, checksum, data)))
            size += len(data)
            if size >= limit_bytes:
                break
    return found


def _next(address: bytes) -> bytes | None:
    """The address behind this one; None if it is the last of all."""
    value = int.from_bytes(address, "big") + 1
    return value.to_bytes(ADDRESS_BYTES, "big") if value >> 8 * ADDRESS_BYTES == 0 else None


def _is_sound(connection: Connection, number: int, checksum: bytes, data: bytes) -> bool:
    rows = connection.execute("SELECT address FROM host_address WHERE host = ?", (number,))
    try:
        return host_checksum([row[0] for row in rows], data) == checksum
    except TypeError:  # a damaged row may hold other types than the ones that were put in
        return False


def count(database: Database) -> int:
    """See `interface.Store.host_count`."""
    with database.single() as connection:
        row: tuple[int] = connection.execute("SELECT count(*) FROM host").fetchone()
        return row[0]


def check(database: Database) -> list[str]:
    """Read and verify all hosts; a sentence for what is wrong."""
    damaged = 0
    with database.reading() as connection:
        for number, checksum, data in connection.execute("SELECT number, checksum, data FROM host"):
            damaged += not _is_sound(connection, number, checksum, data)
    return [f"{damaged} host profiles fail their checksum"] if damaged else []
