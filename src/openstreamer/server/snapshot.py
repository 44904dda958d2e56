"""The service in numbers, at one moment: what the status page, the metrics and `manage status` show.

`take` collects what lies in memory in the event loop and asks the event log and the registry in a thread.
The result is plain data and can be written as JSON. Nothing here decides or changes anything. Rules:
`docs/web.md`, "Metrics".
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from openstreamer.authority import Client
from openstreamer.errors import OpenStreamerError
from openstreamer.layouts.records import RECORDS
from openstreamer.server.roles import role_events
from openstreamer.store import Position, Store
from openstreamer.version import __version__

if TYPE_CHECKING:
    from openstreamer.server.intake import Intake
    from openstreamer.server.service import Service
    from openstreamer.server.session import Session

UNKNOWN = "unknown"
"""Event type of records that belong to none of the switches."""

_CLASS_BY_FAMILY = {row.id: row.event_class for row in RECORDS.values() if row.event_class}

ByType = dict[str, int]


class InputSnapshot(msgspec.Struct):
    """One input. Counters begin with the service."""

    name: str
    state: str
    """"reading", "waiting" (the event log is full), "failed" (tried again) or "ended"."""
    problem: str
    note: str
    """What it said last: that a file is not there yet, was rotated."""
    lines: int
    """Lines or records read."""
    bytes: int
    stored: ByType
    """Event records stored, by event type."""
    dropped: ByType
    """Event records left out because their type is switched off."""
    broken: int
    """Lines or records that could not be read."""
    broken_lines: list[str]
    """The last of them."""
    skipped: int
    """Lines or records that carry no event."""


class PlaceSnapshot(msgspec.Struct):
    """How far a client or session is. None where it has no position yet."""

    position: int | None
    lag_records: int | None
    lag_seconds: int | None
    missed_chunks: int
    """Chunks after its position that were deleted before it got them."""


class SessionSnapshot(msgspec.Struct):
    """One connection of a client."""

    client: str
    peer: str
    began: float
    tls: str
    asks: str
    """The request in words; empty before there is one."""
    records: int
    metadata: int
    filtered: int
    bytes_sent: int
    place: PlaceSnapshot


class ClientSnapshot(msgspec.Struct):
    """One client of the registry. Counters begin with the service."""

    host: str
    last_seen: int | None
    expires: int
    sessions: int
    place: PlaceSnapshot
    sent: ByType
    filtered: ByType
    lost: ByType
    """Records that could not be put into the version asked for."""
    metadata: int
    hosts: int
    """Host profiles sent."""
    hosts_lost: dict[str, int]
    """Host profiles that could not be put into the block asked for, by reason."""
    missed_records: int = 0
    """Records that were deleted before a session that wanted them got to them."""


class RefusalSnapshot(msgspec.Struct):
    """A connection that did not pass the checks."""

    time: float
    peer: str
    cause: str
    details: str


class StoreSnapshot(msgspec.Struct):
    """The event log."""

    records: int
    chunks: int
    bytes: int
    """Of events: what the limit of the retention counts."""
    file_bytes: int
    first_archive_time: int | None
    last_archive_time: int
    by_type: ByType
    metadata: int
    corrupt_chunks: int
    trimmed_records: int


class RotationSnapshot(msgspec.Struct):
    """One CA takes over from another. Times are epoch seconds."""

    began: int
    until: int
    """When the old one's clients are refused."""
    not_renewed: list[str]
    """Clients that have no certificate of the new one yet."""


class Snapshot(msgspec.Struct):
    """Everything."""

    time: float
    started: float
    version: str
    listen: list[str]
    web: str
    host_check: bool
    certificate_expires: int | None
    """When the server's certificate ends."""
    authority_expires: int | None
    """When the certificate ends of the authority that issues."""
    event_types: dict[str, bool]
    accepted: int
    refused: dict[str, int]
    last_refused: list[RefusalSnapshot]
    """The last of them, newest first."""
    ended: dict[str, int]
    inputs: list[InputSnapshot]
    clients: list[ClientSnapshot]
    sessions: list[SessionSnapshot]
    store: StoreSnapshot
    authority_rotation: RotationSnapshot | None = None
    """A change of CA that is under way."""
    role: str = "management-center"
    """What the server is; event types it does not have are not in `event_types`."""


class _Counted(NamedTuple):
    """What was counted of one client."""

    sent: ByType
    filtered: ByType
    lost: ByType
    metadata: int
    hosts: int
    hosts_lost: dict[str, int]
    missed_records: int = 0


def event_type(record_type: int) -> str:
    """The event type switch of a record type; `UNKNOWN` for none."""
    row = RECORDS.get(record_type & 0xFFFF)
    return (row.event_class if row is not None else None) or UNKNOWN


def by_event_type(counts: Mapping[int, int]) -> ByType:
    """Counts by record type as counts by event type."""
    found: Counter[str] = Counter()
    for record_type, count in counts.items():
        found[event_type(record_type)] += count
    return dict(found)


async def take(service: Service) -> Snapshot:
    """The numbers of a running service. Raises OpenStreamerError if the event log cannot be asked."""
    sessions = [(_about_session(session), _position(session)) for session in list(service.sessions)]
    inputs = [_about_input(intake) for intake in service.intakes]
    statistics = service.statistics
    counted = {
        host: _Counted(
            by_event_type(item.sent),
            by_event_type(item.filtered),
            _lost(item.lost),
            item.metadata,
            item.hosts,
            dict(item.hosts_lost),
            item.missed_records,
        )
        for host, item in list(statistics.clients.items())
    }
    last_refused = [
        RefusalSnapshot(item.time, item.peer, item.cause, item.details)
        for item in reversed(statistics.last_refused)
    ]
    refused, ended = dict(statistics.refused), dict(statistics.ended)

    def ask() -> tuple[list[Client], frozenset[str], StoreSnapshot, tuple[int | None, int | None]]:
        registry = service.authority.registry
        for about, position in sessions:
            about.place = _place(service.store, position)
        numbers = service.store.statistics()
        store = StoreSnapshot(
            records=numbers.records,
            chunks=numbers.chunks,
            bytes=numbers.bytes,
            file_bytes=numbers.file_bytes,
            first_archive_time=numbers.first_archive_time,
            last_archive_time=numbers.last_archive_time,
            by_type=by_event_type(numbers.by_record_type),
            metadata=numbers.metadata,
            corrupt_chunks=service.source.corrupt_chunks,
            trimmed_records=statistics.trimmed_records,
        )
        return registry.list(), registry.server_events(), store, _certificate_ends(service)

    registered, enabled, store, ends = await service.run_aside(ask)
    changing = await service.run_aside(lambda: _rotation(service))
    places = await service.run_aside(lambda: _client_places(service.store, registered, sessions))
    connected = Counter(about.client for about, _ in sessions)
    clients = []
    for client in registered:
        numbers = counted.get(client.host, _Counted({}, {}, {}, 0, 0, {}))
        clients.append(
            ClientSnapshot(
                host=client.host,
                last_seen=int(time.time()) if connected[client.host] else client.last_seen,
                expires=client.expires,
                sessions=connected[client.host],
                place=places[client.host],
                sent=numbers.sent,
                filtered=numbers.filtered,
                lost=numbers.lost,
                metadata=numbers.metadata,
                hosts=numbers.hosts,
                hosts_lost=numbers.hosts_lost,
                missed_records=numbers.missed_records,
            )
        )
    return Snapshot(
        time=time.time(),
        started=service.started,
        version=__version__,
        listen=service.addresses,
        web=service.web_address,
        host_check=service.host_check,
        certificate_expires=ends[0],
        authority_expires=ends[1],
        event_types={name: name in enabled for name in role_events(service.settings)},
        role=service.settings.server.role,
        accepted=statistics.accepted,
        refused=refused,
        last_refused=last_refused,
        ended=ended,
        inputs=inputs,
        clients=clients,
        sessions=[about for about, _ in sessions],
        store=store,
        authority_rotation=changing,
    )


def _position(session: Session) -> Position | None:
    return session.acknowledged if session.acknowledged is not None else session.position


def _about_session(session: Session) -> SessionSnapshot:
    selection = session.selection
    statistics = session.statistics
    return SessionSnapshot(
        client=session.client.host,
        peer=str(session.connection.peer),
        began=session.began,
        tls=session.connection.tls(),
        asks=selection.describe() if selection is not None else "",
        records=statistics.records,
        metadata=statistics.metadata,
        filtered=statistics.filtered,
        bytes_sent=session.connection.bytes_sent,
        place=PlaceSnapshot(None, None, None, 0),
    )


def _about_input(intake: Intake) -> InputSnapshot:
    totals = intake.totals
    problem = intake.problem or intake.source.trouble()
    state = "failed" if problem else "reading" if intake.reading else "ended"
    stored: Counter[str] = Counter()
    for family, count in list(totals.events.items()):
        stored[_CLASS_BY_FAMILY.get(family) or UNKNOWN] += count
    return InputSnapshot(
        name=intake.source.name,
        state="waiting" if intake.waiting else state,
        problem=problem,
        note=intake.note,
        lines=totals.lines,
        bytes=totals.bytes,
        stored=dict(stored),
        dropped={name: count for name, count in list(totals.dropped.items()) if count},
        broken=totals.broken,
        broken_lines=[str(line) for line in totals.broken_lines[-5:]],
        skipped=sum(list(totals.skipped.values())),
    )


def _lost(lost: Mapping[str, int]) -> ByType:
    """Counts by reason ("record 400: ...") as counts by event type."""
    found: Counter[int] = Counter()
    for reason, count in lost.items():
        number = reason.removeprefix("record ").partition(":")[0]
        found[int(number) if number.isdecimal() else 0] += count
    return by_event_type(found)


def _place(store: Store, position: Position | None) -> PlaceSnapshot:
    if position is None:
        return PlaceSnapshot(None, None, None, 0)
    try:
        lag = store.lag(position)
    except OpenStreamerError:  # the chunk it would read next is damaged
        return PlaceSnapshot(position, None, None, 0)
    return PlaceSnapshot(position, lag.records, lag.seconds, lag.missed_chunks)


def _client_places(
    store: Store, clients: Iterable[Client], sessions: Iterable[tuple[SessionSnapshot, Position | None]]
) -> dict[str, PlaceSnapshot]:
    """Each client's place: that of its session that is furthest, else the one noted in the registry."""
    positions: dict[str, Position | None] = {}
    for about, position in sessions:
        known = positions.get(about.client)
        positions[about.client] = position if known is None else max(known, position or 0)
    return {
        client.host: _place(
            store, positions[client.host] if positions.get(client.host) is not None else client.position
        )
        for client in clients
    }


def _certificate_ends(service: Service) -> tuple[int | None, int | None]:
    """When the server's certificate ends, and that of the CA that issues; None if it cannot be read."""
    from openstreamer.authority.certificates import load_certificates

    files = service.authority.files
    ends: list[int | None] = []
    for file in (files.server_file, files.ca_file):
        try:
            certificate = load_certificates(file.read_bytes(), str(file))[0]
            ends.append(int(certificate.not_valid_after_utc.timestamp()))
        except (OSError, OpenStreamerError):
            ends.append(None)
    return ends[0], ends[1]


def _rotation(service: Service) -> RotationSnapshot | None:
    from openstreamer.authority import rotation

    try:
        begun = rotation.under_way(service.authority)
        if begun is None:
            return None
        return RotationSnapshot(begun.began, begun.until, list(rotation.show(service.authority).not_renewed))
    except OpenStreamerError:  # a file that cannot be read, which the log tells of
        return None
