"""Events out of the event log, newest first, for reading by people.

A search goes back chunk by chunk. What a chunk says of itself (record types, metadata it refers to) and the
raw bytes rule most of them out before anything is decoded. It stops after some time and says how far it came;
the next one goes on from there. Everything here blocks and belongs in a thread; an `EventReader` may be used
by several. Not here: what a page makes of it (`pages_events`, `details`).
"""

from __future__ import annotations

import ipaddress
import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from openstreamer.client.names import NameCache, Names
from openstreamer.errors import DecodeError, StoreCorrupt, UsageError
from openstreamer.layouts.records import RECORDS
from openstreamer.outputs.batch import Batch
from openstreamer.outputs.columns import RowMaker, column
from openstreamer.protocol.items import NETMAP_MASK, TYPE_MASK, iter_items
from openstreamer.protocol.records import Event, Record, decode_record
from openstreamer.server.snapshot import event_type
from openstreamer.store import Chunk, Store

COLUMNS: tuple[str, ...] = (
    "time", "event", "record_type", "priority", "message", "classification", "source_ip", "source_port",
    "destination_ip", "destination_port", "protocol", "device", "generator_id", "signature_id",
    "signature_revision", "blocked", "application", "user", "url", "file_name", "sha256", "file_size",
    "bytes_sent", "bytes_received", "event_id", "data.packet_length", "names.extra_data_type", "data.type",
    "data.data",
)  # fmt: skip

_TEXT_LIMIT = 200
"""Longest text that may be searched for."""


class Cursor(NamedTuple):
    """A place in the event log: chunk number, and number of a record in it from 0."""

    number: int
    record: int

    def __str__(self) -> str:
        return f"{self.number}.{self.record}"


class Query(msgspec.Struct, frozen=True):
    """What to look for; all of it must hold. Empty parts hold always."""

    classes: frozenset[str] = frozenset()
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None = None
    text: str = ""
    """In the name of a rule, another name of the event or a text in it, or the number of a rule."""

    @classmethod
    def parse(cls, classes: Iterable[str], address: str, text: str) -> Query:
        """A query as it was typed. Raises UsageError if the address is none."""
        network = None
        if address.strip():
            try:
                network = ipaddress.ip_network(address.strip(), strict=False)
            except ValueError:
                raise UsageError(
                    f"'{address.strip()}' is no address and no network such as 10.0.0.0/8"
                ) from None
        return cls(frozenset(classes), network, text.strip()[:_TEXT_LIMIT])


class Found(msgspec.Struct):
    """One event: where it lies, and what a line shows of it."""

    cursor: Cursor
    event_class: str
    archive_time: int
    row: dict[str, Any]
    """Values by column name (`COLUMNS`); None for what the record does not have."""
    names: Mapping[str, str]
    problem: str = ""
    """Why it cannot be decoded; empty if it can."""


class Page(msgspec.Struct):
    """A part of an answer, newest first. `after` is where to go on; None if there is nothing more."""

    found: list[Found]
    after: Cursor | None
    reached: int | None
    """Archive time that the search came to, if it stopped for want of time."""
    newest: int = 0
    """Number of the newest chunk at the time."""


class EventReader:
    """Reads events of one store, with their names."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names = NameCache()
        self._revision = 0
        self._labels: dict[bytes, str] = {}
        self._lock = threading.Lock()

    # names

    def learn(self) -> None:
        """Take in metadata that is new since last time."""
        if self._store.metadata_revision() == self._revision:
            return
        for item in self._store.metadata_since(self._revision):
            with self._lock:
                record = Record(item.record_type, item.data, None, item.netmap)
                try:
                    self._names.learn(record)
                except DecodeError:
                    pass
                self._revision = max(self._revision, item.revision)
                self._labels[item.key] = _text_in(item.data)

    def names_of(self, event: Event) -> Names:
        """What metadata says of the numbers in an event."""
        with self._lock:
            return self._names.names_of(event)

    def _keys_of(self, text: str) -> frozenset[bytes]:
        """Metadata in which a text occurs."""
        folded = text.casefold()
        with self._lock:
            labels = list(self._labels.items())
        return frozenset(key for key, label in labels if folded in label)

    # one event

    def record(self, cursor: Cursor) -> Record | None:
        """The record at that place; None if it was deleted or never was. Raises StoreError."""
        chunk = self._chunk(cursor.number)
        if chunk is None:
            return None
        for index, (record, _, _) in enumerate(_records(chunk)):
            if index == cursor.record:
                return record
        return None

    def neighbours(self, cursor: Cursor, record_types: Iterable[int], around: int = 1) -> Iterator[Record]:
        """Records of these types in the chunk and the ones next to it."""
        wanted = frozenset(record_types)
        for number in range(cursor.number - around, cursor.number + around + 1):
            chunk = self._chunk(number) if number > 0 else None
            if chunk is not None and wanted & {word & TYPE_MASK for word in chunk.record_types}:
                for record, _, _ in _records(chunk):
                    if record.record_type in wanted:
                        yield record

    def _chunk(self, number: int) -> Chunk | None:
        """That chunk; None if it is damaged or gone."""
        try:
            chunks = self._store.read(number - 1, limit_bytes=1)
        except StoreCorrupt:
            return None
        return chunks[0] if chunks and chunks[0].number == number else None

    def line(self, cursor: Cursor, record: Record) -> Found:
        """What a line shows of one record."""
        return self._line(cursor, record, RowMaker([column(name) for name in COLUMNS]))

    # many events

    def search(self, query: Query, before: Cursor | None, *, limit: int, seconds: float) -> Page:
        """The newest events that were stored before a place (None: before now). Raises StoreError."""
        self.learn()
        deadline = time.monotonic() + seconds
        finder = _Finder(self, query, self._keys_of(query.text) if query.text else frozenset())
        numbers = self._store.statistics()
        number = numbers.last_number
        if before is not None:
            number = min(number, before.number if before.record else before.number - 1)
        maker = RowMaker([column(name) for name in COLUMNS])
        found: list[Found] = []
        reached: int | None = None
        while number >= numbers.first_number:
            chunk = self._chunk(number)
            if chunk is not None and finder.may_hold(chunk):
                reached = chunk.archive_time
                for index, record in finder.matches(chunk, before):
                    found.append(self._line(Cursor(number, index), record, maker))
                    if len(found) == limit:
                        return Page(found, found[-1].cursor, None, numbers.last_number)
            number -= 1
            if time.monotonic() > deadline and number >= numbers.first_number:
                if chunk is not None:
                    reached = chunk.archive_time
                return Page(found, Cursor(number + 1, 0), reached, numbers.last_number)
        return Page(found, None, None, numbers.last_number)

    def newer(self, chunk: Chunk, query: Query, limit: int) -> tuple[list[Found], int]:
        """The last `limit` events of a chunk that match, newest first, and how many more there are."""
        self.learn()
        finder = _Finder(self, query, self._keys_of(query.text) if query.text else frozenset())
        if not finder.may_hold(chunk):
            return [], 0
        maker = RowMaker([column(name) for name in COLUMNS])
        found: list[Found] = []
        more = 0
        for index, record in finder.matches(chunk, None):
            if len(found) < limit:
                found.append(self._line(Cursor(chunk.number, index), record, maker))
            else:
                more += 1
        return found, more

    def _line(self, cursor: Cursor, record: Record, maker: RowMaker) -> Found:
        event_class = event_type(record.record_type)
        archive_time = record.archive_time or 0
        with self._lock:
            batch = Batch([record], "", self._names)
            rows = list(maker.rows(batch))
            names: Mapping[str, str] = {}
            if rows:
                try:
                    names = self._names.names_of(decode_record(record))
                except DecodeError as error:
                    batch.report(record, error)
        if not rows or batch.problems:
            known = RECORDS.get(record.record_type)
            row = {"time": archive_time, "event": known.id if known else "unknown_record"}
            row["record_type"] = record.record_type
            problem = str(batch.problems[0][1]) if batch.problems else "cannot be decoded"
            return Found(cursor, event_class, archive_time, row, {}, problem)
        values = dict(zip(COLUMNS, rows[0], strict=True))
        return Found(cursor, event_class, archive_time, values, names)


class _Finder:
    """Decides which chunks and records match a query, cheap questions first."""

    def __init__(self, reader: EventReader, query: Query, keys: frozenset[bytes]) -> None:
        self._reader = reader
        self._query = query
        self._keys = keys
        self._needles: tuple[bytes, ...] = ()
        if query.network is not None:
            whole = query.network.network_address.packed[: query.network.prefixlen // 8]
            self._needles = (whole, whole[::-1]) if whole else ()
        self._pattern = re.compile(re.escape(query.text.encode()), re.IGNORECASE) if query.text else None
        self._folded = query.text.casefold()
        self._rule = int(query.text) if query.text.isascii() and query.text.isdecimal() else None
        self._number = (self._rule or 0).to_bytes(4, "big") if (self._rule or 1 << 32) < 1 << 32 else b""

    def may_hold(self, chunk: Chunk) -> bool:
        query = self._query
        if query.classes and not any(event_type(word) in query.classes for word in chunk.record_types):
            return False
        if self._needles and not any(needle in chunk.data for needle in self._needles):
            return False
        if self._pattern is None or (self._number and self._number in chunk.data):
            return True
        if self._keys and any(key in self._keys for _, key in chunk.references):
            return True
        return self._pattern.search(chunk.data) is not None

    def matches(self, chunk: Chunk, before: Cursor | None) -> Iterator[tuple[int, Record]]:
        """Records that match, last first, with their index."""
        query = self._query
        plain = query.network is None and not query.text
        pieces = list(enumerate(_records(chunk)))
        for index, (record, start, end) in reversed(pieces):
            if before is not None and (chunk.number, index) >= before:
                continue
            if query.classes and event_type(record.record_type) not in query.classes:
                continue
            if plain or self._holds(record, chunk.data, start, end):
                yield index, record

    def _holds(self, record: Record, data: bytes, start: int, end: int) -> bool:
        if self._needles and all(data.find(needle, start, end) < 0 for needle in self._needles):
            return False
        if self._pattern is not None and not self._keys:
            numbered = self._number and data.find(self._number, start, end) >= 0
            if not numbered and not self._pattern.search(data, start, end):
                return False
        try:
            event = decode_record(record)
        except DecodeError:
            return False
        network = self._query.network
        if network is not None and not any(
            _lies_in(text, network) for part in (event.header, event.data) for text in _texts(part)
        ):
            return False
        if not self._query.text:
            return True
        if self._rule is not None and getattr(event.data, "signature_id", None) == self._rule:
            return True
        if any(self._folded in name.casefold() for name in self._reader.names_of(event).values()):
            return True
        return any(
            self._folded in text.casefold() for part in (event.header, event.data) for text in _texts(part)
        )


def _records(chunk: Chunk) -> Iterator[tuple[Record, int, int]]:
    """The records of a chunk with the bounds of their data."""
    data = chunk.data
    for _, word, start, end in iter_items(data):
        record = Record(word & TYPE_MASK, data[start:end], chunk.archive_time, word >> 16 & NETMAP_MASK)
        yield record, start, end


def _texts(value: Any) -> Iterator[str]:
    """All texts in an event, addresses among them; those of nested blocks too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _texts(getattr(value, name))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _lies_in(text: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    if not text or not (text[0].isalnum() or text[0] == ":") or len(text) > 45:
        return False
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.version == network.version and address in network


def _text_in(data: bytes) -> str:
    """Metadata as text that can be searched; its numbers become noise that nobody types."""
    return data.decode("utf-8", "ignore").casefold()
