"""One session, from bytes to deliveries: what is new, what is metadata, what is wanted.

Sits between the protocol's `ClientSession` and whoever connects: bytes go in, `Delivery` objects come out,
and what is to be sent is asked for with `outgoing`. Does no I/O, so the blocking and the asyncio client
share it. A delivery counts as taken only when the caller says so, after its outputs took it.

Rules: messages, sections 1.3 (acknowledge after safe-keeping) and 1.7 (states of a client).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from openstreamer.client.connection import end_of_session
from openstreamer.client.names import METADATA_RECORDS, NameCache
from openstreamer.client.position import PositionTracker
from openstreamer.client.request import Request
from openstreamer.errors import DecodeError
from openstreamer.layouts.references import DOMAIN
from openstreamer.outputs.batch import Batch
from openstreamer.protocol.records import Record
from openstreamer.protocol.session_client import ClientSession, MalformedRecord, Records

TELLS_NO_DOMAINS = 50
"""Events without a domain after which a server is taken to tell none."""


class Delivery(msgspec.Struct):
    """A batch for the outputs, and the records that are taken with it (filtered ones and metadata too)."""

    batch: Batch
    taken: list[Record]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What of a stream is to be delivered.

    Attributes:
        record_types: the record types somebody takes; None for all.
        domain: only events of this domain: its number, or its name in metadata record 350.
        until: no event with a later archive time; UNIX seconds.
        metadata: deliver metadata records as events of their own, too.
        names: give events their names.
    """

    record_types: frozenset[int] | None = None
    domain: int | str | None = None
    until: int | None = None
    metadata: bool = False
    names: bool = True


class Counts(msgspec.Struct):
    """What came, over all sessions.

    Attributes:
        received: records of all kinds.
        delivered: events given to outputs.
        metadata: metadata records.
        filtered: events that nobody wants: record type, domain.
        recognised: events known from before a lost connection.
        undecodable: records that do not fit their layout.
        malformed: what stood in the place of records and was none.
        bytes: all bytes received, after TLS.
        last_archive_time: of the newest event delivered, UNIX seconds.
    """

    received: int = 0
    delivered: int = 0
    metadata: int = 0
    filtered: int = 0
    recognised: int = 0
    undecodable: int = 0
    malformed: int = 0
    bytes: int = 0
    last_archive_time: int = 0


class Receiver:
    """One session of a stream; the position, the names and the counts outlive it."""

    def __init__(
        self,
        request: Request,
        tracker: PositionTracker,
        names: NameCache,
        counts: Counts,
        wanted: Wanted,
        server: str,
        *,
        limit: int | None = None,
        answer_all: bool = False,
    ) -> None:
        self._session = ClientSession(
            tracker.initial_timestamp,
            request.flags,
            request.event_types if request.extended else None,
            answer_all=answer_all,
        )
        self._tracker = tracker
        self._names = names
        self._counts = counts
        self._wanted = wanted
        self._server = server
        self._limit = limit
        self._domains: frozenset[int] | None = None
        self.finished = False
        self.problems: list[str] = []
        self.notices: list[str] = []
        self._without_domain = 0 if wanted.domain else None
        tracker.rewind()

    def start(self) -> bytes:
        """The first message."""
        return self._session.start()

    def outgoing(self) -> bytes:
        """What is to be sent now: answers, and acknowledgements of all that was taken."""
        return self._session.acknowledge()

    def last_words(self) -> bytes:
        """What is to be sent before closing: an Error, where the server broke the protocol."""
        return self._session.data_to_send()

    def receive(self, data: bytes, now: float) -> Iterator[Delivery]:
        """Take in bytes; yields what they complete. Names are as of each delivery: use it before the next

        Raises:
            PeerError: the server sent an Error message; what came before it was yielded first.
            RemoteProtocolError: the server broke the protocol; likewise.
        """
        counts = self._counts
        counts.bytes += len(data)
        for event in self._session.receive(data, now):
            if isinstance(event, Records):
                records = event.records
                counts.received += len(records)
                fresh = self._tracker.fresh(records)
                counts.recognised += len(records) - len(fresh)
                yield from self._deliveries(fresh)
            elif isinstance(event, MalformedRecord):
                counts.malformed += 1
                self.problems.append(event.reason)
        if self._session.error is not None and not self.finished:
            raise end_of_session(self._session.error, self._server)

    def _deliveries(self, fresh: list[Record]) -> Iterator[Delivery]:
        wanted = self._wanted
        types = wanted.record_types
        until = wanted.until
        if (
            wanted.domain is None
            and until is None
            and (self._limit is None or self._limit > len(fresh))
            and METADATA_RECORDS.isdisjoint(present := {record.record_type for record in fresh})
            and (types is None or types.issuperset(present))
        ):
            if self._limit is not None:
                self._limit -= len(fresh)
            if fresh:
                yield self._delivery(fresh, fresh)
            return
        if self._without_domain is not None:
            self._look_for_domains(fresh)
        events: list[Record] = []
        first = 0
        kept = 0
        for at, record in enumerate(fresh):
            if record.record_type in METADATA_RECORDS:
                if self._would_change(record) and events:
                    yield self._delivery(events, fresh[first:at])
                    events, first = [], at
                self._learn(record)
                if wanted.metadata:
                    events.append(record)
                continue
            time = record.archive_time
            if until is not None and time and time > until:
                self.finished = True
                fresh = fresh[:at]
                break
            if (types is not None and record.record_type not in types) or (
                wanted.domain is not None and not self._in_domain(record.netmap_id)
            ):
                self._counts.filtered += 1
                continue
            events.append(record)
            kept += 1
            if self._limit is not None and kept == self._limit:
                self.finished = True
                fresh = fresh[: at + 1]
                break
        if self._limit is not None:
            self._limit -= kept
        if fresh[first:]:
            yield self._delivery(events, fresh[first:])

    def _delivery(self, events: list[Record], taken: list[Record]) -> Delivery:
        counts = self._counts
        counts.delivered += len(events)
        for record in reversed(taken):
            if record.archive_time:
                counts.last_archive_time = max(counts.last_archive_time, record.archive_time)
                break
        return Delivery(Batch(events, self._server, self._names if self._wanted.names else None), taken)

    def _would_change(self, record: Record) -> bool:
        try:
            return self._names.would_change(record)
        except DecodeError:
            return False

    def _learn(self, record: Record) -> None:
        self._counts.metadata += 1
        try:
            self._names.learn(record)
        except DecodeError as error:
            self._counts.undecodable += 1
            self.problems.append(str(error))
        if record.record_type == DOMAIN.record_type:
            self._domains = None

    def _look_for_domains(self, records: list[Record]) -> None:
        """Say once that a server seems to tell no domains, where only the events of one are wanted."""
        assert self._without_domain is not None
        if any(record.netmap_id for record in records):
            self._without_domain = None
            return
        self._without_domain += len(records)
        if self._without_domain >= TELLS_NO_DOMAINS:
            self.notices.append(
                f"none of the first {self._without_domain} records names a domain, so --domain"
                f" {self._wanted.domain} may let nothing through: the server may tell no domains"
            )
            self._without_domain = None

    def _in_domain(self, netmap_id: int) -> bool:
        domain = self._wanted.domain
        if isinstance(domain, int):
            return netmap_id == domain
        if self._domains is None:
            self._domains = frozenset(key[0] for key in self._names.find(DOMAIN.record_type, str(domain)))
        return netmap_id in self._domains
