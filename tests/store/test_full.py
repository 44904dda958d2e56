"""No room: an append fails, nothing accepted is lost, and work goes on when there is room again."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from openstreamer.errors import StoreFull
from openstreamer.store import SqliteStore, open_store
from support.store_batches import Batch, numbered


def fill_up(store: SqliteStore, most: int = 2000) -> int:
    """Append until there is no room; return the number of batches that were accepted."""
    number = store.newest()
    for _ in range(most):
        number += 1
        try:
            store.append(Batch(numbered(number)), now=number, places={"file": b"%d" % number})
        except StoreFull as error:
            sentence = str(error)
            break
    else:
        raise AssertionError("there is no end to the room")
    assert "room" in sentence
    return number - 1


def assert_holds(store: SqliteStore, number: int) -> None:
    """Every batch up to this number is there, once, and nothing else."""
    position, numbers = 0, []
    while chunks := store.read(position):
        for chunk in chunks:
            assert chunk.data == numbered(chunk.number)
            numbers.append(chunk.number)
        position = chunk.number
    assert numbers == list(range(1, number + 1))
    assert store.place("file") == (b"%d" % number if number else None)
    assert store.newest() == number


def test_a_limit_on_the_pages_of_the_file(tmp_path: Path) -> None:
    with open_store(tmp_path / "events.db", synchronous="OFF") as store:
        connection = store._database.connection()
        connection.execute("PRAGMA max_page_count = 100")
        accepted = fill_up(store)
        assert accepted > 50
        assert_holds(store, accepted)
        assert fill_up(store) == accepted
        connection.execute("PRAGMA max_page_count = 200")
        more = fill_up(store)
        assert more > accepted + 50
        assert_holds(store, more)
        # Trimming makes room too.
        assert store.trim(max_bytes=100_000).chunks > 30
        store.append(Batch(), now=1)
        assert store.check().problems == ()


@contextlib.contextmanager
def small_disk(directory: Path) -> Iterator[bool]:
    """A file system of 4 MB, where the system lets us have one."""
    directory.mkdir()
    mounted = (
        os.geteuid() == 0
        and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", directory], capture_output=True
        ).returncode
        == 0
    )
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", directory], check=True)


def test_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as mounted:
        if not mounted:
            # What a limit on file size does is tested below on every machine; this is the real thing on top.
            return
        other = tmp_path / "disk" / "other"
        other.write_bytes(b"x" * 1_000_000)
        with open_store(tmp_path / "disk" / "store" / "events.db") as store:
            accepted = fill_up(store)
            assert accepted > 20
            assert_holds(store, accepted)
            assert fill_up(store) == accepted
            other.unlink()
            more = fill_up(store)
            assert more > accepted + 10
            assert_holds(store, more)
        with open_store(tmp_path / "disk" / "store" / "events.db") as store:
            assert_holds(store, more)
            assert store.check().problems == ()


LIMITED = """
import resource, sys
from openstreamer.errors import StoreFull
from openstreamer.store import open_store
from support.store_batches import Batch, numbered
store = open_store(sys.argv[1], synchronous="OFF")
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
number = 0
try:
    while number < 2000:
        store.append(Batch(numbered(number + 1)), now=1, places={"file": b"%d" % (number + 1)})
        number += 1
except StoreFull as error:
    print(number, error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
for _ in range(100):
    store.append(Batch(numbered(number + 1)), now=1, places={"file": b"%d" % (number + 1)})
    number += 1
print(number)
"""


def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, tmp_path / "events.db"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    first, last = done.stdout.splitlines()
    assert 20 < int(first.split()[0]) < 2000
    assert "room" in first
    with open_store(tmp_path / "events.db") as store:
        assert_holds(store, int(last))
        assert store.check().problems == ()
