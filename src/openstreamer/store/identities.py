"""Numbers of the embedded event log that never change: of names (sensors, policies), and reserved ones.

Functions over the database of a `sqlite.SqliteStore`; what a name or a number stands for means nothing here.
See `interface.Store.identify` and `interface.Store.reserve`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from sqlite3 import Connection

from openstreamer.database import Database
from openstreamer.errors import StoreError

Numbers = dict[tuple[str, str], int]
"""(kind, name) -> number."""


def find(database: Database, kind: str, names: Sequence[str]) -> Numbers:
    """The numbers of those names that have one."""
    with database.reading() as connection:
        return _look_up(connection, kind, names)


def give(database: Database, kind: str, names: Sequence[str]) -> Numbers:
    """The numbers of all these names, counted on for names that have none."""
    with database.writing() as connection:
        found = _look_up(connection, kind, names)
        (last,) = connection.execute(
            "SELECT coalesce(max(number), 0) FROM identity WHERE kind = ?", (kind,)
        ).fetchone()
        for name in names:
            if (kind, name) not in found:
                last += 1
                connection.execute("INSERT INTO identity VALUES (?, ?, ?)", (kind, _bytes(name), last))
                found[kind, name] = last
    return found


def every(database: Database, kind: str) -> dict[str, int]:
    """All names of a kind, by number."""
    with database.single() as connection:
        rows = connection.execute(
            "SELECT name, number FROM identity WHERE kind = ? ORDER BY number", (kind,)
        ).fetchall()
    return {name.decode("utf-8", "surrogatepass"): number for name, number in rows}


def reserve(database: Database, counter: str, count: int) -> int:
    """The first of so many numbers of a counter that nobody else gets."""
    if count < 0:
        raise StoreError(f"cannot reserve {count} numbers")
    with database.writing() as connection:
        row = connection.execute("SELECT next FROM counter WHERE name = ?", (counter,)).fetchone()
        first = 1 if row is None else int(row[0])
        connection.execute("INSERT OR REPLACE INTO counter VALUES (?, ?)", (counter, first + count))
    return first


def _look_up(connection: Connection, kind: str, names: Iterable[str]) -> Numbers:
    found = {}
    for name in names:
        row = connection.execute(
            "SELECT number FROM identity WHERE kind = ? AND name = ?", (kind, _bytes(name))
        ).fetchone()
        if row is not None:
            found[kind, name] = int(row[0])
    return found


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")
