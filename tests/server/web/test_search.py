"""Searching the event log, newest first."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from openstreamer.errors import UsageError
from openstreamer.layouts.intrusion import IntrusionEvent
from openstreamer.server.web.search import Cursor, EventReader, Query
from openstreamer.store import Store, open_store
from openstreamer.wire import encoder
from support.live_service import SECOND, append, intrusion, packet, rule_message


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "events.db")
    yield opened
    opened.close()


def alert(number: int, *, source: str = "192.0.2.1", signature: int = 1000, uri: str = "") -> bytes:
    return encoder(IntrusionEvent, 85)(
        IntrusionEvent(
            block_type=85,
            event_id=number,
            event_second=SECOND,
            generator_id=1,
            signature_id=signature,
            source_ip=source,
            destination_ip="198.51.100.2",
            http_uri=uri,
        )
    )


def numbers(reader: EventReader, query: Query, limit: int = 100) -> list[int]:
    """Event ids found, page after page."""
    found: list[int] = []
    before: Cursor | None = None
    while True:
        page = reader.search(query, before, limit=limit, seconds=10)
        found += [item.row["event_id"] for item in page.found]
        if page.after is None:
            return found
        before = page.after


def ask(types: str = "", address: str = "", text: str = "") -> Query:
    return Query.parse(types.split(), address, text)


def test_newest_first_page_by_page(store: Store) -> None:
    for first in (0, 10, 20):
        append(store, [(400, intrusion(number)) for number in range(first, first + 10)], now=SECOND + first)
    reader = EventReader(store)
    for limit in (1, 7, 10, 100):
        assert numbers(reader, Query(), limit) == list(range(29, -1, -1))
    page = reader.search(Query(), None, limit=3, seconds=10)
    assert [str(item.cursor) for item in page.found] == ["3.9", "3.8", "3.7"]
    assert page.found[0].archive_time == SECOND + 20


def test_an_empty_log_has_no_pages(store: Store) -> None:
    page = EventReader(store).search(ask(text="x"), None, limit=3, seconds=10)
    assert (page.found, page.after) == ([], None)


def test_by_event_type(store: Store) -> None:
    append(store, [(400, intrusion(1)), (2, packet(1)), (400, intrusion(2)), (2, packet(2))])
    reader = EventReader(store)
    assert numbers(reader, ask("intrusion")) == [2, 1]
    assert [item.event_class for item in reader.search(ask("packet"), None, limit=9, seconds=9).found] == [
        "packet"
    ] * 2
    assert numbers(reader, ask("file")) == []


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.1", [1]),
        ("192.0.2.0/24", [2, 1]),
        ("192.0.0.0/13", [2, 1]),
        ("0.0.0.0/0", [3, 2, 1]),
        ("2001:db8::/32", [3]),
        ("2001:db8::7", [3]),
        ("198.51.100.2", [3, 2, 1]),
        ("203.0.113.9", []),
    ],
)
def test_by_address(store: Store, address: str, expected: list[int]) -> None:
    append(
        store, [(400, alert(1)), (400, alert(2, source="192.0.2.77")), (400, alert(3, source="2001:db8::7"))]
    )
    assert numbers(EventReader(store), ask(address=address)) == expected


def test_by_rule_text_and_number(store: Store) -> None:
    append(store, [(400, alert(1))], metadata=[(66, rule_message(1000, "Trojan beacon"))])
    append(store, [(400, alert(2, signature=2000))], metadata=[(66, rule_message(2000, "Port scan"))])
    append(store, [(400, alert(3, uri="/evil/TROJAN.exe"))])
    reader = EventReader(store)
    assert numbers(reader, ask(text="trojan")) == [3, 1]
    assert numbers(reader, ask(text="SCAN")) == [2]
    assert numbers(reader, ask(text="2000")) == [2]
    assert numbers(reader, ask(text="evil")) == [3]
    assert numbers(reader, ask(text="nothing of it")) == []
    assert numbers(reader, ask("packet", text="scan")) == []
    line = reader.search(ask(text="scan"), None, limit=1, seconds=9).found[0]
    assert line.row["message"] == "Port scan"
    assert line.names["rule"] == "Port scan"


def test_names_that_come_later_are_learned(store: Store) -> None:
    append(store, [(400, alert(1))], metadata=[(66, rule_message(1000, "First name"))])
    reader = EventReader(store)
    assert numbers(reader, ask(text="first")) == [1]
    append(store, [(400, alert(2))], metadata=[(66, rule_message(1000, "Second name"))])
    assert numbers(reader, ask(text="second")) == [2, 1]


def test_a_search_stops_in_time_and_goes_on(store: Store) -> None:
    for number in range(5):
        append(store, [(400, intrusion(number))], now=SECOND + number)
    reader = EventReader(store)
    before: Cursor | None = None
    found: list[int] = []
    steps = 0
    while True:
        page = reader.search(Query(), before, limit=10, seconds=-1)
        found += [item.row["event_id"] for item in page.found]
        steps += 1
        if page.after is None:
            break
        assert page.reached is not None
        before = page.after
    assert found == [4, 3, 2, 1, 0]
    assert steps == 5


def test_records_that_cannot_be_decoded_are_shown_as_such(store: Store) -> None:
    broken = struct.pack(">II", 85, 4_000_000_000) + bytes(40)
    append(store, [(400, broken), (999, b"anything"), (400, intrusion(1))])
    reader = EventReader(store)
    found = reader.search(Query(), None, limit=10, seconds=9).found
    assert [item.row["event"] for item in found] == ["intrusion_event", "unknown_record", "intrusion_event"]
    assert found[2].problem
    assert not found[0].problem
    assert numbers(reader, ask(address="192.0.2.1")) == [1]
    record = reader.record(Cursor(1, 0))
    assert record is not None
    assert record.data == broken
    assert reader.record(Cursor(1, 9)) is None
    assert reader.record(Cursor(9, 0)) is None


def test_trimmed_events_are_gone(store: Store) -> None:
    append(store, [(400, intrusion(1))], now=SECOND)
    append(store, [(400, intrusion(2))], now=SECOND + 100)
    store.trim(before=SECOND + 50)
    reader = EventReader(store)
    assert numbers(reader, Query()) == [2]
    assert reader.record(Cursor(1, 0)) is None
    assert reader.search(Query(), Cursor(1, 0), limit=5, seconds=9).found == []


def test_new_chunks_are_filtered_too(store: Store) -> None:
    append(store, [(400, alert(number)) for number in range(10)] + [(2, packet(1))])
    (chunk,) = store.read(0)
    reader = EventReader(store)
    found, more = reader.newer(chunk, ask("intrusion"), 4)
    assert [item.row["event_id"] for item in found] == [9, 8, 7, 6]
    assert more == 6
    assert reader.newer(chunk, ask("file"), 4) == ([], 0)


def test_what_is_no_address_is_told() -> None:
    with pytest.raises(UsageError, match="no address"):
        ask(address="10.0.0.0/99")
    with pytest.raises(UsageError, match="no address"):
        ask(address="<script>")
    assert ask(address="10.1.2.3/8").network is not None
