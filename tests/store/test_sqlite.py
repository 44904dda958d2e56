"""The five verbs, and what is stored beside the chunks."""

from __future__ import annotations

import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from openstreamer.errors import StoreConflict, StoreError
from openstreamer.store import BEGINNING, LAST_TIME, NOW, SqliteStore, Store, open_store
from support.store_batches import Batch, numbered


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with open_store(tmp_path / "store" / "events.db", synchronous="OFF") as opened:
        yield opened


def is_a_store(store: SqliteStore) -> Store:
    """For the type checkers: the class keeps to the interface."""
    return store


def fill(store: Store, times: list[int]) -> None:
    for number, when in enumerate(times, 1):
        store.append(Batch(numbered(number)), now=when)


# Append and read


def test_what_was_appended_is_read(store: SqliteStore) -> None:
    batch = Batch(b"bytes", count=3, record_types={2, 400}, references=[(400, b"rule"), (2, b"device")])
    info = store.append(batch, now=1000)
    assert (info.number, info.archive_time, info.count, info.size) == (1, 1000, 3, 5)
    assert batch.sealed == [1000]
    (chunk,) = store.read(BEGINNING)
    assert (chunk.number, chunk.archive_time, chunk.count, chunk.data) == (1, 1000, 3, b"bytes")
    assert chunk.record_types == {2, 400}
    assert chunk.references == ((400, b"rule"), (2, b"device"))
    assert chunk.ordinal == 0


def test_archive_times_never_decrease(store: SqliteStore) -> None:
    fill(store, [100, 105, 90, 104, 106])
    assert [chunk.archive_time for chunk in store.read(0)] == [100, 105, 105, 105, 106]


def test_archive_times_do_not_decrease_after_everything_was_trimmed(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with open_store(path) as store:
        fill(store, [100, 200])
        assert store.trim(max_bytes=0).chunks == 2
    with open_store(path) as store:
        info = store.append(Batch(), now=50)
    assert (info.number, info.archive_time) == (3, 200)


@pytest.mark.parametrize("now", [-1, NOW, 1 << 40])
def test_a_time_that_does_not_fit_is_refused(store: SqliteStore, now: int) -> None:
    with pytest.raises(StoreError, match="clock"):
        store.append(Batch(), now=now)
    assert store.newest() == 0


def test_the_last_time_fits(store: SqliteStore) -> None:
    assert store.append(Batch(), now=LAST_TIME).archive_time == LAST_TIME
    assert store.seek(LAST_TIME) == 0


def test_ordinals_count_records(store: SqliteStore) -> None:
    for count in (3, 5, 1):
        store.append(Batch(count=count), now=1)
    assert [chunk.ordinal for chunk in store.read(0)] == [0, 3, 8]


def test_reading_stops_at_the_limit_and_gives_at_least_one(store: SqliteStore) -> None:
    for _ in range(10):
        store.append(Batch(b"x" * 1000), now=1)
    assert [chunk.number for chunk in store.read(0, limit_bytes=2500)] == [1, 2, 3]
    assert [chunk.number for chunk in store.read(3, limit_bytes=1)] == [4]
    assert [chunk.number for chunk in store.read(9)] == [10]
    assert store.read(10) == []
    assert store.read(10_000) == []


def test_a_failing_seal_leaves_nothing(store: SqliteStore) -> None:
    class Broken(Batch):
        def seal(self, archive_time: int) -> bytes:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.append(Broken(), now=5, metadata=[(b"k", 66, 0, b"v")], places={"file": b"7"})
    assert store.newest() == 0
    assert store.place("file") is None
    assert store.metadata([b"k"]) == {}
    assert store.append(Batch(), now=5, metadata=[(b"k", 66, 0, b"v")]).number == 1
    assert store.metadata([b"k"])[b"k"].revision == 1


def test_a_batch_without_records_stores_places_and_metadata_only(store: SqliteStore) -> None:
    store.append(Batch(), now=10)
    info = store.append(Batch(count=0), now=20, metadata=[(b"k", 66, 0, b"v")], places={"file": b"7"})
    assert (info.number, info.count, info.size) == (1, 0, 0)
    assert store.newest() == 1
    assert store.place("file") == b"7"
    assert list(store.metadata([b"k"])) == [b"k"]
    assert store.append(Batch(), now=15).archive_time == 15


# Seek


def test_seek(store: SqliteStore) -> None:
    fill(store, [100, 100, 105, 110, 110])
    assert store.seek(BEGINNING) == 0
    assert store.seek(1) == 0
    assert store.seek(100) == 0
    assert store.seek(101) == 2
    assert store.seek(105) == 2
    assert store.seek(106) == 3
    assert store.seek(110) == 3
    assert store.seek(111) == 5
    assert store.seek(NOW) == 5


def test_seek_in_an_empty_and_in_an_emptied_log(store: SqliteStore) -> None:
    assert store.seek(BEGINNING) == store.seek(5) == store.seek(NOW) == 0
    fill(store, [100, 101])
    store.trim(max_bytes=0)
    assert store.seek(NOW) == store.seek(101) == store.seek(100) == 2
    assert store.read(store.seek(BEGINNING)) == []


# Wait and changes


def test_waiting_ends_when_something_is_appended(store: SqliteStore) -> None:
    assert store.wait(0, 0) is False
    thread = threading.Timer(0.1, lambda: store.append(Batch(), now=1))
    begin = time.monotonic()
    thread.start()
    assert store.wait(0, 10) is True
    assert time.monotonic() - begin < 5
    thread.join()
    assert store.wait(0, 0) is True
    assert store.wait(1, 0.05) is False


def test_waiting_sees_what_another_opening_of_the_file_appends(store: SqliteStore, tmp_path: Path) -> None:
    with open_store(tmp_path / "store" / "events.db") as other:
        thread = threading.Timer(0.1, lambda: other.append(Batch(), now=1))
        thread.start()
        assert store.wait(0, 10) is True
        thread.join()
    assert store.newest() == 1


def test_changed(store: SqliteStore, tmp_path: Path) -> None:
    assert store.changed() is False
    store.append(Batch(), now=1)
    assert store.changed() is True
    assert store.changed() is False
    with open_store(tmp_path / "store" / "events.db") as other:
        other.append(Batch(count=0), now=1, metadata=[(b"k", 66, 0, b"v")])
    assert store.changed() is True
    assert store.changed() is False


def test_many_threads_append_and_read(store: SqliteStore) -> None:
    def append(source: str) -> None:
        for number in range(1, 31):
            store.append(Batch(), now=number, places={source: b"%d" % number})

    threads = [threading.Thread(target=append, args=(f"thread {name}",)) for name in range(4)]
    for thread in threads:
        thread.start()
    read, position = 0, 0
    deadline = time.monotonic() + 60
    while read < 120 and time.monotonic() < deadline:
        store.wait(position, 1)
        for chunk in store.read(position):
            assert chunk.number == position + 1
            position = chunk.number
            read += 1
    for thread in threads:
        thread.join()
    assert read == 120
    assert set(store.places().values()) == {b"30"}


# Trimming


def test_trim_by_age_and_by_bytes(store: SqliteStore) -> None:
    for number in range(1, 11):
        store.append(Batch(b"x" * 100, count=2), now=number)
    assert store.trim(before=4).chunks == 3
    assert [chunk.number for chunk in store.read(0)] == list(range(4, 11))
    result = store.trim(max_bytes=450)
    assert (result.chunks, result.records, result.bytes) == (3, 6, 300)
    assert store.statistics().bytes == 400
    assert store.trim(before=4, max_bytes=450).chunks == 0
    assert store.trim().chunks == 0
    assert store.seek(1) == 6
    assert store.append(Batch(), now=1).number == 11


def test_trim_takes_more_than_one_transaction(store: SqliteStore) -> None:
    for _ in range(600):
        store.append(Batch(b"x"), now=1)
    store.append(Batch(b"y"), now=2)
    assert store.trim(before=2).chunks == 600
    assert [chunk.data for chunk in store.read(0)] == [b"y"]


def test_the_file_does_not_grow_for_ever(store: SqliteStore, tmp_path: Path) -> None:
    path = tmp_path / "store" / "events.db"
    sizes = []
    for round_ in range(6):
        for _ in range(40):
            store.append(Batch(b"x" * 50_000), now=round_)
        store.trim(max_bytes=1_000_000)
        sizes.append(path.stat().st_size + path.with_name("events.db-wal").stat().st_size)
    assert sizes[-1] <= sizes[1] * 1.2


def test_the_file_shrinks_when_much_is_deleted(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with open_store(path, synchronous="OFF") as store:
        for _ in range(60):
            store.append(Batch(b"x" * 1_000_000), now=1)
        store.append(Batch(b"x"), now=2)
        store.trim(before=2)
        assert store.check().problems == ()
    assert path.stat().st_size < 20_000_000


# Lag and statistics


def test_lag(store: SqliteStore) -> None:
    for number in range(1, 6):
        store.append(Batch(count=10), now=100 * number)
    lag = store.lag(2)
    assert (lag.chunks, lag.records, lag.seconds, lag.missed_chunks) == (3, 30, 200, 0)
    store.trim(before=400)
    lag = store.lag(1)
    assert (lag.chunks, lag.records, lag.seconds, lag.missed_chunks) == (2, 20, 100, 2)
    lag = store.lag(5)
    assert (lag.chunks, lag.records, lag.seconds, lag.missed_chunks) == (0, 0, 0, 0)


def test_statistics(store: SqliteStore) -> None:
    empty = store.statistics()
    assert (empty.chunks, empty.records, empty.first_archive_time, empty.last_archive_time) == (0, 0, None, 0)
    store.append(Batch(b"12345", count=3), now=10)
    store.append(Batch(b"1", count=5, record_types={400, 2}, record_counts={400: 3, 2: 2}), now=20)
    store.append(Batch(b"1", count=5, record_types={400, 2}), now=30)
    now = store.statistics()
    assert (now.chunks, now.records, now.bytes, now.records_appended) == (3, 13, 7, 13)
    assert (now.first_number, now.last_number) == (1, 3)
    assert (now.first_archive_time, now.last_archive_time) == (10, 30)
    assert now.by_record_type == {400: 6, 2: 2}
    assert now.file_bytes > 10_000
    store.trim(before=20)
    now = store.statistics()
    assert (now.chunks, now.records, now.bytes, now.records_appended) == (2, 10, 2, 13)
    assert now.by_record_type == {400: 3, 2: 2}
    store.trim(max_bytes=0)
    assert store.statistics().by_record_type == {}
    assert store.check().problems == ()


# Metadata


def test_metadata_changes_only_when_its_content_does(store: SqliteStore) -> None:
    def add(*metadata: tuple[bytes, int, int, bytes]) -> None:
        store.append(Batch(), now=1, metadata=metadata)

    add((b"a", 66, 0, b"one"), (b"b", 67, 5, b"two"))
    assert store.metadata_revision() == 2
    add((b"a", 66, 0, b"one"), (b"b", 67, 5, b"two"))
    assert store.metadata_revision() == 2
    add((b"a", 66, 0, b"new"))
    found = store.metadata([b"a", b"b", b"c"])
    assert set(found) == {b"a", b"b"}
    assert (found[b"a"].data, found[b"a"].record_type, found[b"a"].revision) == (b"new", 66, 3)
    assert (found[b"b"].data, found[b"b"].netmap, found[b"b"].revision) == (b"two", 5, 2)
    assert [entry.key for entry in store.metadata_since(0)] == [b"b", b"a"]
    assert [entry.key for entry in store.metadata_since(2)] == [b"a"]
    assert store.metadata_since(3) == []


def test_metadata_changed_by_another_process_is_changed_back(store: SqliteStore, tmp_path: Path) -> None:
    store.append(Batch(), now=1, metadata=[(b"a", 66, 0, b"mine")])
    with open_store(tmp_path / "store" / "events.db") as other:
        other.append(Batch(), now=1, metadata=[(b"a", 66, 0, b"theirs")])
    store.append(Batch(), now=1, metadata=[(b"a", 66, 0, b"mine")])
    assert store.metadata([b"a"])[b"a"].data == b"mine"
    assert store.metadata_revision() == 3


def test_the_same_key_twice_in_a_batch(store: SqliteStore) -> None:
    store.append(Batch(), now=1, metadata=[(b"a", 66, 0, b"1"), (b"a", 66, 0, b"2"), (b"a", 66, 0, b"1")])
    assert store.metadata([b"a"])[b"a"].data == b"1"
    store.append(Batch(), now=1, metadata=[(b"a", 66, 0, b"2")])
    assert store.metadata([b"a"])[b"a"].data == b"2"


# Places, numbers


def test_places(store: SqliteStore) -> None:
    store.append(Batch(), now=1, places={"eve:a": b"1", "eve:b": b"2", "json:c": b""})
    store.append(Batch(), now=1, places={"eve:a": b"10"})
    assert store.place("eve:a") == b"10"
    assert store.place("json:c") == b""
    assert store.place("eve:z") is None
    assert store.places("eve:") == {"eve:a": b"10", "eve:b": b"2"}
    assert len(store.places()) == 3


def test_a_place_that_another_process_moved_is_noticed(store: SqliteStore) -> None:
    store.append(Batch(), now=1, places={"file": b"1"}, expected={"file": None})
    store.append(Batch(), now=1, places={"file": b"2"}, expected={"file": b"1"})
    for expected in (None, b"1"):
        with pytest.raises(StoreConflict, match="file"):
            store.append(Batch(), now=1, places={"file": b"3"}, expected={"file": expected})
    assert store.newest() == 2
    assert store.place("file") == b"2"


def test_identities_are_small_numbers_that_stay(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with open_store(path) as store, open_store(path) as other:
        assert store.identify("sensor", ["a", "b", "a"]) == [1, 2, 1]
        assert other.identify("sensor", ["c", "a"]) == [3, 1]
        assert store.identify("sensor", ["d", "c", "b"]) == [4, 3, 2]
        assert store.identify("interface", ["a"]) == [1]
        assert store.identify("sensor", []) == []
        odd = ["", "naïve", "\udcff broken", "nul\0"]
        assert store.identify("odd", odd) == [1, 2, 3, 4]
    with open_store(path) as store:
        assert store.identify("odd", odd) == [1, 2, 3, 4]
        assert store.identities("odd") == dict(zip(odd, [1, 2, 3, 4], strict=True))
        assert store.identities("sensor") == {"a": 1, "b": 2, "c": 3, "d": 4}


def test_reserved_numbers_are_never_given_twice(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with open_store(path) as store:
        assert store.reserve("event", 10) == 1
        assert store.reserve("event", 0) == 11
        assert store.reserve("event", 1) == 11
        assert store.reserve("connection", 5) == 1
        with pytest.raises(StoreError):
            store.reserve("event", -1)
    with open_store(path) as store:
        assert store.reserve("event", 1) == 12


# Files


def test_files_are_private(store: SqliteStore, tmp_path: Path) -> None:
    store.append(Batch(), now=1)
    directory = tmp_path / "store"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    assert modes == {"events.db": 0o600, "events.db-wal": 0o600, "events.db-shm": 0o600}


def test_a_closed_store_says_so(store: SqliteStore) -> None:
    store.close()
    store.close()
    for action in (store.newest, lambda: store.read(0), lambda: store.append(Batch(), now=1)):
        with pytest.raises(StoreError, match="closed"):
            action()
