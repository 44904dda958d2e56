"""Batches of inputs reach the store together with their places, or not at all."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest

from openstreamer.errors import InputError, StoreFull
from openstreamer.inputs.interface import Batch, Input, InputContext, NewRecord
from openstreamer.inputs.uri import make_input
from openstreamer.layouts.records import EVENT_CLASSES
from openstreamer.protocol.items import iter_items
from openstreamer.protocol.records import Record, decode_record
from openstreamer.server import intake as intake_module
from openstreamer.server.intake import Intake
from openstreamer.store import SqliteStore, open_store
from support.eve_lines import alerts, fileinfo, flow, text

ALL = frozenset(EVENT_CLASSES)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = open_store(tmp_path / "events.db", synchronous="NORMAL")
    yield opened
    opened.close()


def stored(store: SqliteStore) -> list[tuple[int, bytes]]:
    """All records of the store: (type, data)."""
    found: list[tuple[int, bytes]] = []
    position = 0
    while chunks := store.read(position):
        for chunk in chunks:
            items = [(word & 0xFFFF, chunk.data[start:end]) for _, word, start, end in iter_items(chunk.data)]
            assert chunk.count == len(items)
            found += items
        position = chunks[-1].number
    return found


def rules(store: SqliteStore) -> list[int]:
    return [
        decode_record(Record(record_type, data)).data.signature_id - 2_000_000
        for record_type, data in stored(store)
        if record_type == 400
    ]


class Driver:
    """An intake with what it said."""

    def __init__(
        self,
        store: SqliteStore,
        source: Input,
        *,
        enabled: Callable[[], Collection[str]] = lambda: ALL,
        **options: float,
    ) -> None:
        self.stop = threading.Event()
        self.said: list[tuple[int, str]] = []
        self.batches = 0
        self.intake = Intake(
            store,
            source,
            enabled=enabled,
            stop=self.stop,
            stored=self.count,
            report=lambda level, sentence: self.said.append((level, sentence)),
            **options,  # type: ignore[arg-type]
        )

    def count(self) -> None:
        self.batches += 1


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "eve.json"


def eve(path: Path, **settings: object) -> Input:
    return make_input("eve", {"path": str(path), **settings})


def test_everything_is_stored_with_its_metadata(store: SqliteStore, path: Path) -> None:
    path.write_bytes(alerts(1, 300) + text(flow(1), fileinfo(1)))
    driver = Driver(store, eve(path), batch_records=100)
    assert driver.intake.run()
    assert rules(store) == list(range(1, 301))
    assert driver.intake.totals.events == {
        "intrusion_event": 300,
        "packet": 300,
        "connection_statistics": 1,
        "file_event": 1,
    }
    assert driver.intake.totals.lines == 302
    assert driver.batches > 3
    referred = {key for chunk in store.read(0) for _, key in chunk.references}
    assert set(store.metadata(referred)) == referred
    assert store.statistics().by_record_type == {400: 300, 2: 300, 71: 1, 500: 1}
    assert Driver(store, eve(path)).intake.run()
    assert len(rules(store)) == 300


def test_what_is_switched_off_is_left_out_and_its_lines_are_done_with(store: SqliteStore, path: Path) -> None:
    path.write_bytes(alerts(1, 20) + text(flow(1), fileinfo(1)))
    driver = Driver(store, eve(path), enabled=lambda: ALL - {"packet", "connection"})
    driver.intake.run()
    assert store.statistics().by_record_type == {400: 20, 500: 1}
    assert +driver.intake.totals.dropped == {"packet": 20, "connection": 1}
    again = Driver(store, eve(path))
    again.intake.run()
    assert again.intake.totals.lines == 0


def test_a_file_without_events_is_done_with_too(store: SqliteStore, path: Path) -> None:
    path.write_bytes(b'{"event_type":"stats"}\n' * 100)
    driver = Driver(store, eve(path))
    driver.intake.run()
    assert driver.intake.totals.skipped == {"stats": 100}
    assert store.newest() == 0
    again = Driver(store, eve(path))
    again.intake.run()
    assert again.intake.totals.lines == 0


def test_broken_lines_are_reported_a_few_times_and_counted_always(store: SqliteStore, path: Path) -> None:
    path.write_bytes(alerts(1, 1) + b"broken\n" * 500 + alerts(2, 2))
    driver = Driver(store, eve(path))
    driver.intake.run()
    assert driver.intake.totals.broken == 500
    assert rules(store) == [1, 2]
    warnings = [sentence for level, sentence in driver.said if level == logging.WARNING]
    assert len(warnings) == intake_module.REPORTED_LINES + 1
    assert warnings[0].startswith(f"{path}:2: ")
    assert warnings[-1].endswith("only counted for a while")


class FullNow:
    """A store that has no room for a while."""

    def __init__(self, store: SqliteStore, times: int) -> None:
        self._store = store
        self.left = times

    def __getattr__(self, name: str) -> object:
        found = getattr(self._store, name)
        if name not in ("append", "identify", "reserve"):
            return found

        def limited(*arguments: object, **named: object) -> object:
            if self.left:
                self.left -= 1
                raise StoreFull("no space left")
            return found(*arguments, **named)

        return limited


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_module, "FULL_SECONDS", (0.01, 0.02))


@pytest.mark.usefixtures("short_pauses")
def test_a_full_store_is_waited_for_and_nothing_is_lost(store: SqliteStore, path: Path) -> None:
    path.write_bytes(alerts(1, 50))
    full = FullNow(store, 10)
    driver = Driver(full, eve(path), batch_records=20)  # type: ignore[arg-type]
    assert driver.intake.run()
    assert rules(store) == list(range(1, 51))
    sentences = [sentence for _, sentence in driver.said]
    assert "no space left" in sentences[0]
    assert "nothing is lost" in sentences[0]
    assert "there is room again" in sentences[1]
    assert len(sentences) == 2
    assert not driver.intake.waiting


@pytest.mark.usefixtures("short_pauses")
def test_a_stop_while_the_store_is_full_leaves_the_place_where_it_was(store: SqliteStore, path: Path) -> None:
    path.write_bytes(alerts(1, 50))
    driver = Driver(FullNow(store, 1 << 30), eve(path))  # type: ignore[arg-type]
    threading.Timer(0.1, driver.stop.set).start()
    assert not driver.intake.run()
    assert driver.intake.waiting
    assert Driver(store, eve(path)).intake.run()
    assert rules(store) == list(range(1, 51))


@pytest.mark.usefixtures("short_pauses")
def test_waiting_may_have_an_end(store: SqliteStore, path: Path) -> None:
    path.write_bytes(alerts(1, 5))
    driver = Driver(FullNow(store, 1 << 30), eve(path), full_seconds=0.05)  # type: ignore[arg-type]
    with pytest.raises(StoreFull):
        driver.intake.run()


def test_two_intakes_of_one_file_store_each_line_once(tmp_path: Path, path: Path) -> None:
    path.write_bytes(alerts(1, 400))
    stores = [open_store(tmp_path / "events.db", synchronous="NORMAL") for _ in range(2)]
    drivers = [Driver(store, eve(path), batch_records=40) for store in stores]
    threads = [threading.Thread(target=driver.intake.run) for driver in drivers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(rules(stores[0])) == list(range(1, 401))
    for store in stores:
        store.close()


def test_a_stop_ends_a_followed_input_with_its_last_batch_stored(store: SqliteStore, path: Path) -> None:
    path.write_bytes(alerts(1, 10))
    driver = Driver(store, eve(path, follow=True))
    thread = threading.Thread(target=driver.intake.run)
    thread.start()
    for number in range(11, 21):
        with path.open("ab") as file:
            file.write(alerts(number, number))
    deadline = threading.Event()
    while len(rules(store)) < 20:
        deadline.wait(0.02)
    driver.stop.set()
    thread.join(5)
    assert not thread.is_alive()
    assert rules(store) == list(range(1, 21))


class Failing(Input):
    """Fails a few times, then brings one record and ends."""

    def __init__(self) -> None:
        self.opened = 0

    @property
    def name(self) -> str:
        return "failing"

    def open(self, context: InputContext) -> None:
        self.opened += 1
        if self.opened < 3:
            raise InputError("not yet", path="failing")
        self.left = 1

    def read(self, max_records: int, timeout: float) -> Batch | None:
        if not self.left:
            return None
        self.left = 0
        return Batch(records=[NewRecord(9999, b"x", "")], lines=1)


def test_an_input_of_a_service_is_tried_again(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_module, "RETRY_SECONDS", 0.01)
    driver = Driver(store, Failing())
    driver.intake.keep_running()
    assert stored(store) == [(9999, b"x")]
    assert [level for level, _ in driver.said] == [logging.ERROR] * 2
    with pytest.raises(InputError):
        Driver(store, Failing()).intake.run()


HOSTS = b"".join(
    b'{"event":"full_host_profile","data":{"block_type":92,"ip_address":"192.0.2.%d","hops":%d}}\n' % pair
    for pair in ((1, 1), (2, 2), (1, 3))
)


def test_hosts_reach_the_host_table_once(store: SqliteStore, tmp_path: Path) -> None:
    path = tmp_path / "hosts.json"
    path.write_bytes(HOSTS)
    for lines in (3, 0):
        driver = Driver(store, make_input("json", {"path": str(path)}))
        assert driver.intake.run()
        assert driver.intake.totals.lines == lines
        assert driver.intake.totals.hosts == lines
    hosts = store.hosts(bytes(16), b"\xff" * 16)
    assert [(host.address[12:], host.data[12]) for host in hosts] == [
        (bytes([192, 0, 2, 1]), 3),
        (bytes([192, 0, 2, 2]), 2),
    ]


def test_hosts_are_left_out_with_their_event_type(store: SqliteStore, tmp_path: Path) -> None:
    path = tmp_path / "hosts.json"
    path.write_bytes(HOSTS)
    driver = Driver(store, make_input("json", {"path": str(path)}), enabled=lambda: {"intrusion"})
    assert driver.intake.run()
    assert (driver.intake.totals.hosts, driver.intake.totals.dropped) == (0, {"discovery": 3})
    assert store.host_count() == 0
