"""What an output is given: a batch of records, decoded as far as somebody asks for it.

Records arrive raw. `Batch.events()` decodes all of them, once, whoever asks first; an output that needs
less (packets alone, a few columns) takes `Batch.records` and decodes what it wants. A record that cannot be
decoded is left out of `events()` and stands in `problems` instead: it costs that one record.

Iterating over a batch gives `DeliveredEvent`, the comfortable form for small outputs and library users.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from openstreamer.errors import DecodeError
from openstreamer.protocol.identity import stable_id
from openstreamer.protocol.records import Event, Record, decode_record, encode_event, json_line

if TYPE_CHECKING:
    from openstreamer.layouts.discovery_header import DiscoveryHeader

_PART = 64
_NO_NAMES: Mapping[str, str] = {}


class NameSource(Protocol):
    """Whoever knows what metadata says of the numbers in an event.

    Attributes:
        generation: changes whenever an answer of `names_from` has become stale.
    """

    generation: int

    def names_of(self, event: Event) -> Mapping[str, str]:
        """The names that belong to this event, by the keys of `names` in the JSON form; may be empty."""
        ...

    def names_json(self, event: Event) -> msgspec.Raw | msgspec.UnsetType:
        """The same as JSON, UNSET where there are none."""
        ...

    def names_from(
        self, record_type: int, wanted: Set[str]
    ) -> tuple[tuple[str, ...], Callable[[tuple[Any, ...]], Mapping[str, str]]]:
        """The columns that these names of such records depend on, and what makes names of their values."""
        ...


class DeliveredEvent:
    """One event as the client hands it on: the record decoded, its numbers named, its server known.

    Attributes:
        event: the decoded record as the protocol layer knows it.
        server: "host:port" it came from.
    """

    __slots__ = ("_names", "_source", "event", "server")

    def __init__(self, event: Event, server: str, source: NameSource | None) -> None:
        self.event = event
        self.server = server
        self._source = source
        self._names: Mapping[str, str] | None = None

    @property
    def id(self) -> str:
        """The family of the record: "intrusion_event", "packet", …; "unknown_record" for a strange one."""
        return self.event.event

    @property
    def record_type(self) -> int:
        """The number of the record type, 400 for instance."""
        return self.event.record_type

    @property
    def archive_time(self) -> int | None:
        """When the server stored it, UNIX seconds; None where the server did not say."""
        return self.event.archive_time

    @property
    def netmap_id(self) -> int:
        """The domain it was seen on; 0 where there is one domain only."""
        return self.event.netmap_id

    @property
    def header(self) -> DiscoveryHeader | None:
        """The discovery event header, where the record has one."""
        header = self.event.header
        return None if isinstance(header, msgspec.UnsetType) else header

    @property
    def data(self) -> Any:
        """The record's fields as attributes, by the names of the JSON form."""
        return self.event.data

    @property
    def names(self) -> Mapping[str, str]:
        """What metadata says of its numbers: "rule", "classification", "device", …"""
        if self._names is None:
            self._names = _NO_NAMES if self._source is None else self._source.names_of(self.event)
        return self._names

    @property
    def stable_id(self) -> str:
        """The same 24 hexadecimal digits for the same event in every run and every output, from both servers
        of a pair: what to look for where an event may come twice.
        """
        return stable_id(encode_event(self.event))

    def to_json(self) -> bytes:
        """One JSON line, without the line feed, as `-o json` writes it."""
        return json_line(self.event, self.server, dict(self.names)).rstrip(b"\n")

    def __repr__(self) -> str:
        return f"<{self.id} record {self.record_type} at {self.archive_time} from {self.server}>"


class Batch:
    """A run of records from one server, in the order in which they came.

    Attributes:
        records: the raw records; events only, unless metadata is wanted as lines of its own.
        server: "host:port" they came from.
        names: where names come from, None if nobody wants names.
        shared: whether more than one output gets it, so that what is decoded once is worth keeping.
        problems: the records that could not be decoded, with the reason; filled as outputs decode.
    """

    __slots__ = ("_events", "names", "problems", "records", "server", "shared")

    def __init__(self, records: list[Record], server: str, names: NameSource | None = None) -> None:
        self.records = records
        self.server = server
        self.names = names
        self.shared = False
        self.problems: list[tuple[Record, DecodeError]] = []
        self._events: list[Event] | None = None

    def __len__(self) -> int:
        return len(self.records)

    def events(self) -> list[Event]:
        """All records that can be decoded, decoded."""
        if self._events is None:
            try:
                self._events = [decode_record(record) for record in self.records]
            except DecodeError:
                self._events = self._one_by_one(self.records)
        return self._events

    def keep(self, events: list[Event]) -> None:
        """Take these as what all the records decode to; for who had to decode them before."""
        self._events = events
        self.shared = True

    def parts(self) -> Iterator[list[Event]]:
        """The same events, some at a time, for outputs that let go of them at once: decoding just before use
        finds everything still in the processor's cache.
        """
        if self._events is not None or self.shared:
            yield self.events()
            return
        records = self.records
        for start in range(0, len(records), _PART):
            part = records[start : start + _PART]
            try:
                yield [decode_record(record) for record in part]
            except DecodeError:
                yield self._one_by_one(part)

    def _one_by_one(self, records: list[Record]) -> list[Event]:
        events = []
        for record in records:
            try:
                events.append(decode_record(record))
            except DecodeError as error:
                self.report(record, error)
        return events

    def each(self) -> Iterator[Event | None]:
        """For every record its event, decoded as it is asked for; None where it cannot be decoded."""
        for record in self.records:
            try:
                yield decode_record(record)
            except DecodeError as error:
                self.report(record, error)
                yield None

    def report(self, record: Record, error: DecodeError) -> None:
        """Note that this record cannot be decoded; the same record counts once, whoever says so."""
        if not any(known is record for known, _ in self.problems):
            self.problems.append((record, error))

    def of_types(self, record_types: Iterable[int]) -> list[Record]:
        """The raw records of these types."""
        wanted = frozenset(record_types)
        return [record for record in self.records if record.record_type in wanted]

    def names_function(self) -> Callable[[Event], Mapping[str, str]] | None:
        """The function that names an event, None where names are not wanted."""
        return None if self.names is None else self.names.names_of

    def __iter__(self) -> Iterator[DeliveredEvent]:
        server = self.server
        names = self.names
        for event in self.events():
            yield DeliveredEvent(event, server, names)
