"""How fast the event log takes batches and gives them back, beside bare SQLite in the same run.

    python bench/store.py [seconds per measurement] [directory]

A record is 900 bytes, about a connection event. "Bare" is the same bytes, one row a batch, in a table of two
columns with the same settings and one commit a batch: what no store on SQLite can beat by much. Give a
directory on the disk that matters: with FULL synchronisation the disk decides.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from openstreamer.store import open_store

RECORD = bytes(range(225)) * 4
SIZES = (1, 10, 100, 1000)


class Batch:
    """Records ready for the wire, with some references."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.record_types = frozenset((71, 400))
        self.record_counts = {71: count, 400: 0}
        self.references = tuple((71, b"reference %d" % number) for number in range(min(count, 20)))
        self._data = RECORD * count

    def seal(self, archive_time: int) -> bytes:
        """Nothing to write in: that is the protocol's business."""
        return self._data


@contextlib.contextmanager
def store_appends(path: Path, synchronous: str, count: int) -> Iterator[Callable[[], None]]:
    """One call is one batch."""
    metadata = [(b"reference %d" % number, 66, 0, b"metadata " * 5) for number in range(20)]
    number = 0
    with open_store(path, synchronous=synchronous) as store:

        def append() -> None:
            nonlocal number
            number += 1
            place = {"eve:file": b"%d" % number}
            store.append(Batch(count), now=int(time.time()), metadata=metadata, places=place)

        yield append


@contextlib.contextmanager
def bare_appends(path: Path, synchronous: str, count: int) -> Iterator[Callable[[], None]]:
    """The same for bare SQLite."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("CREATE TABLE chunk (number INTEGER PRIMARY KEY, data BLOB)")
    data = RECORD * count

    def append() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO chunk (data) VALUES (?)", (data,))
        connection.execute("COMMIT")

    yield append
    connection.close()


def rate(action: Callable[[], None], seconds: float) -> float:
    """Calls a second."""
    for _ in range(3):
        action()
    calls, begin = 0, time.perf_counter()
    while (passed := time.perf_counter() - begin) < seconds:
        action()
        calls += 1
    return calls / passed


def read_rate(path: Path) -> tuple[float, float]:
    """Records and megabytes a second, read from the beginning to the end."""
    with open_store(path) as store:
        position, records, size, begin = 0, 0, 0, time.perf_counter()
        while chunks := store.read(position):
            position = chunks[-1].number
            records += sum(chunk.count for chunk in chunks)
            size += sum(len(chunk.data) for chunk in chunks)
        passed = time.perf_counter() - begin
    return records / passed, size / passed / 1e6


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    directory = Path(tempfile.mkdtemp(dir=sys.argv[2] if len(sys.argv) > 2 else None))
    print(f"{'':25}{'event log':>24}{'bare SQLite':>24}{'':>8}{'read':>12}")
    print(f"{'synchronous':12}{'records':>12}" + f"{'appends/s':>12}{'records/s':>13}" * 2, end="")
    print(f"{'share':>8}{'records/s':>12}{'MB/s':>8}")
    try:
        for synchronous in ("FULL", "NORMAL"):
            for count in SIZES:
                path = directory / f"{synchronous}-{count}.db"
                with store_appends(path, synchronous, count) as append:
                    ours = rate(append, seconds)
                with bare_appends(directory / "bare.db", synchronous, count) as append:
                    bare = rate(append, seconds)
                read, megabytes = read_rate(path)
                print(f"{synchronous:12}{count:12}{ours:12,.0f}{ours * count:13,.0f}", end="")
                print(f"{bare:12,.0f}{bare * count:13,.0f}{ours / bare:8.0%}{read:12,.0f}{megabytes:8,.0f}")
                for file in directory.iterdir():
                    file.unlink()
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
