"""The steps of a check that ask for events: what the server offers, what of it arrives, and how old it is.

First all classes are asked for at once, from the beginning. If the server has nothing more to send, what did
not come by then is not there: it is switched off for this client, or nothing of it is stored; the protocol
does not tell which. If it was still sending (much is stored), each class that has not come is asked for
alone. For the newest event the last hour is asked for, then the last day, and so on.

Rules: messages, sections 1.2 (the two modes of a request) and 1.5 (archive time). Records are only looked at:
no position is moved by this.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from openstreamer.client.connection import Connection, LostConnection
from openstreamer.client.credentials import make_context
from openstreamer.client.diagnosis_finding import DiagnosisSettings, Finding
from openstreamer.client.request import NEWEST, Request, make_request
from openstreamer.errors import DecodeError, OpenStreamerError, PeerError, RemoteProtocolError
from openstreamer.layouts.records import EVENT_CLASSES, RECORDS
from openstreamer.protocol.records import Record, decode_record
from openstreamer.protocol.session_client import ClientSession, Records

if TYPE_CHECKING:
    from openstreamer.protocol.services import Service

QUIET_SECONDS = 1.5
"""A server that has sent records and then says nothing for so long has sent what it has."""

CLOCK_SECONDS = 5
"""Archive times so far ahead of our clock mean that one of the clocks is wrong."""

_AGO = (3600, 86_400, 30 * 86_400)

Ending = Literal["complete", "drained", "flowing", "silent"]


class Arrived(msgspec.Struct):
    """What came of one class."""

    count: int = 0
    first: Record | None = None
    newest: int = 0
    refused: str = ""

    def add(self, record: Record) -> None:
        """Count a record."""
        self.count += 1
        self.newest = max(self.newest, record.archive_time or 0)
        if self.first is None:
            self.first = record


class Talk:
    """One session: asks, listens for a while, and counts by class."""

    def __init__(
        self, connection: Connection, request: Request, since: int, arrived: dict[str, Arrived]
    ) -> None:
        self._connection = connection
        self._session = ClientSession(
            since, request.flags, request.event_types if request.extended else None, dead_after=None
        )
        self._extended = request.extended
        self._arrived = arrived
        self.heard = False
        self.newest = 0
        self.records = 0
        self.malformed = 0
        connection.send(self._session.start())

    @property
    def services(self) -> tuple[Service, ...]:
        """What the server offered."""
        return self._session.services

    def answered(self, seconds: float) -> bool:
        """Wait for the server's first word; whether it came. Raises as `listen` does."""
        until = time.monotonic() + seconds
        while not self.heard and (left := until - time.monotonic()) > 0:
            self._hear(left)
        return self.heard

    def listen(self, seconds: float, wanted: frozenset[str]) -> Ending:
        """Listen until all wanted classes have come, the server has no more, or the time is over.

        Raises:
            PeerError: the server sent an Error message.
            RemoteProtocolError: it broke the protocol. LostConnection, RefusedError: it closed.
        """
        until = time.monotonic() + seconds
        last = time.monotonic()
        while (now := time.monotonic()) < until:
            if wanted and all(self._arrived[name].count for name in wanted):
                return "complete"
            if self.records and now - last >= QUIET_SECONDS:
                return "drained"
            step = until - now
            if self._hear(min(step, QUIET_SECONDS / 3)):
                last = time.monotonic()
        if not self.records:
            return "silent"
        return "drained" if time.monotonic() - last >= QUIET_SECONDS else "flowing"

    def _hear(self, seconds: float) -> bool:
        data = self._connection.receive(seconds)
        if data is None:
            return False
        self.heard = True
        moved = False
        for event in self._session.receive(data, time.monotonic()):
            if isinstance(event, Records):
                moved = True
                self._count(event.records)
        self.malformed = self._session.malformed
        error = self._session.error
        self._connection.send(self._session.acknowledge())
        if error is not None:
            raise error
        return moved

    def _count(self, records: list[Record]) -> None:
        self.records += len(records)
        for record in records:
            row = RECORDS.get(record.record_type)
            name = row.event_class if row is not None else None
            if name is None or name not in self._arrived:
                continue
            self._arrived[name].add(record)
            self.newest = max(self.newest, record.archive_time or 0)


class EventCheck:
    """Asks for the classes of a check, over a connection that is open already and further ones."""

    def __init__(self, settings: DiagnosisSettings, connection: Connection) -> None:
        names = settings.events
        self._settings = settings
        self._connection: Connection | None = connection
        self._asked = EVENT_CLASSES if "all" in names else tuple(n.partition("@")[0] for n in names)
        self._versions = {n.partition("@")[0]: n for n in names}
        self._arrived = {name: Arrived() for name in self._asked}
        self._talk: Talk | None = None
        self._newest = 0
        self._broke_off = False
        self.over = False

    def reconnect(self) -> None:
        """Connect anew, in place of the connection before. Raises as `Connection.open` does."""
        self.close()
        settings = self._settings
        assert settings.credentials is not None
        self._connection = Connection.open(
            settings.host,
            settings.port,
            make_context(settings.credentials),
            ipv6=settings.ipv6,
            timeout=settings.timeout,
        )

    def close(self) -> None:
        """Leave the server."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _request(self, names: tuple[str, ...]) -> Request:
        # Packets and extra data belong to alerts; servers may send them with those only.
        extended = self._settings.extended
        if not extended:
            names = tuple(name for name in names if name not in ("file", "malware"))
        if {"packet", "extra-data"} & set(names) and "intrusion" not in names:
            names = (*names, "intrusion")
        return make_request([self._versions.get(name, name) for name in names], extended=extended)

    def _begin_talk(self, names: tuple[str, ...], since: int) -> Talk:
        if self._connection is None:
            self.reconnect()
        assert self._connection is not None
        talk = Talk(self._connection, self._request(names), since, self._arrived)
        self._talk = talk
        return talk

    def begin(self) -> Iterator[Finding]:
        """Send the request and hear what the server says first.

        Raises:
            RefusedError, LostConnection: it does not let us in.
        """
        settings = self._settings
        if not settings.extended:
            late = [name for name in self._asked if name in ("file", "malware")]
            for name in late:
                self._arrived[name].refused = "requests by flag bits alone cannot name this class"
        talk = self._begin_talk(self._asked, 0)
        try:
            answered = talk.answered(settings.seconds)
        except PeerError as error:
            self.over = True
            yield self._let_in()
            yield self._error(error)
            return
        if answered:
            yield self._let_in()
        if not settings.extended:
            if not answered:
                yield self._let_in(silent=True)
            return
        if not answered:
            self.over = True
            yield self._let_in(silent=True)
            yield Finding(
                step="request",
                mark="failed",
                status=4,
                text=f"the server does not answer the extended request within {settings.seconds:g} s",
                cause="it is a server of before 5.0, which knows requests by flag bits alone, or it is busy",
                advice="try --no-extended, or wait longer with --seconds",
            )
            return
        if talk.services:
            offered = ", ".join(str(service.type) for service in talk.services)
            listed = [pair for service in talk.services for pair in service.event_types]
            yield Finding(
                step="request",
                mark="ok",
                text=f"the server offers service {offered}"
                + (" (event streaming)" if any(s.type == 6667 for s in talk.services) else "")
                + (f" with {len(listed)} event types" if listed else ""),
                details={"services": [service.type for service in talk.services]},
            )

    def _let_in(self, *, silent: bool = False) -> Finding:
        assert self._connection is not None
        return Finding(
            step="admission",
            mark="ok",
            text="the server keeps the connection open: it lets this client in"
            if silent
            else f"the server lets this client in ({self._connection.describe()})",
        )

    def _error(self, error: PeerError) -> Finding:
        return Finding(
            step="request",
            mark="failed",
            status=4,
            text=f"the server answers the request with error {error.code}"
            + (f": {error.text}" if error.text else ""),
            cause="it does not accept what was asked for, in this form",
            advice=f"'openstreamer explain error {error.code}' says what the number means; try --no-extended,"
            " or older versions with --events NAME@VERSION",
        )

    def classes(self) -> Iterator[Finding]:
        """Listen, and say of each class what came."""
        ending = yield from self._listen_to_all()
        if ending in ("flowing", "refused"):
            yield from self._one_by_one()
        self.close()
        for name in self._asked:
            yield self._about(name)
        if ending == "flowing":
            self._look_for_newest()
        yield self._clock()

    def _listen_to_all(self) -> Generator[Finding, None, Ending | Literal["refused"]]:
        """What the session that `begin` began brings; an Error message is a finding if nothing else helps."""
        talk = self._talk
        assert talk is not None
        wanted = frozenset(name for name in self._asked if not self._arrived[name].refused)
        try:
            ending = talk.listen(self._settings.seconds, wanted)
        except PeerError as error:
            if len(self._asked) == 1:
                yield self._error(error)
                self._arrived[self._asked[0]].refused = str(error)
            self.close()
            return "refused"
        except (RemoteProtocolError, LostConnection) as error:
            yield self._broken(error)
            self.close()
            return "silent"
        self._newest = talk.newest
        if talk.malformed:
            yield Finding(
                step="events",
                mark="warning",
                text=f"{talk.malformed} pieces of the stream are no records",
                cause="the server breaks the protocol, or uses a form that this client does not know",
                advice="record the stream and look at it: 'openstreamer decode'",
            )
        # All classes came at once, and there may be more behind them.
        return "flowing" if ending == "complete" and self._still_coming(talk) else ending

    def _still_coming(self, talk: Talk) -> bool:
        return talk.listen(QUIET_SECONDS + 0.5, frozenset()) != "drained"

    def _broken(self, error: OpenStreamerError) -> Finding:
        self._broke_off = True
        return Finding(
            step="events",
            mark="failed",
            status=error.exit_status,
            text=str(error),
            cause="the session ended in the middle",
            advice="look into the server's log; 'openstreamer stream' goes on after such an end by itself",
        )

    def _one_by_one(self) -> Iterator[Finding]:
        for name in self._asked:
            arrived = self._arrived[name]
            if arrived.count or arrived.refused or len(self._asked) == 1:
                continue
            self.close()
            try:
                talk = self._begin_talk((name,), 0)
                talk.listen(self._settings.seconds, frozenset({name}))
            except PeerError as error:
                arrived.refused = str(error)
            except OpenStreamerError as error:
                yield self._broken(error)
                return

    def _about(self, name: str) -> Finding:
        arrived = self._arrived[name]
        asked = self._versions.get(name, name)
        if "@" not in asked and self._settings.extended and name in NEWEST:
            asked = f"{name}@{NEWEST[name]}"
        if arrived.refused:
            return Finding(
                step="events",
                mark="warning" if self._settings.extended else "note",
                text=f"{name}: refused" if self._settings.extended else f"{name}: not asked for",
                cause=arrived.refused,
                advice=f"ask for an older version: --events {name}@VERSION"
                if self._settings.extended
                else "ask in an extended request: leave out --no-extended",
                details={"class": name, "state": "refused"},
            )
        if arrived.first is None and self._broke_off:
            return Finding(
                step="events",
                mark="note",
                text=f"{name}: not known, the session ended before",
                details={"class": name, "state": "unknown", "asked": asked},
            )
        if arrived.first is None:
            return Finding(
                step="events",
                mark="note",
                text=f"{name}: nothing arrives",
                cause="nothing of it is stored there, or the event type is off (the protocol does not tell)",
                advice="on the server: 'openstreamer events', 'openstreamer clients show HOST' (or the boxes"
                f" of System > Integration > eStreamer); asked for as {asked}",
                details={"class": name, "state": "nothing", "asked": asked},
            )
        form = f"record {arrived.first.record_type}"
        details = {
            "class": name,
            "state": "arrives",
            "asked": asked,
            "record_type": arrived.first.record_type,
            "seen": arrived.count,
            "first_archive_time": arrived.first.archive_time,
        }
        try:
            event = decode_record(arrived.first)
        except DecodeError as error:
            return Finding(
                step="events",
                mark="warning",
                text=f"{name}: arrives, but its first record cannot be decoded: {error}",
                cause="the server writes it in a form that is not known here",
                advice=f"ask for an older form: --events {name}@VERSION",
                details=details,
            )
        block = getattr(event.data, "block_type", None)
        if isinstance(block, int):
            form += f", block {block}"
            details["block_type"] = block
        since = f", the first of {_time(arrived.first.archive_time)}" if arrived.first.archive_time else ""
        return Finding(step="events", mark="ok", text=f"{name}: arrives ({form}{since})", details=details)

    def _look_for_newest(self) -> None:
        """Ask for the last hour, day, month, until something comes; failures leave the newest as it is."""
        now = int(time.time())
        for ago in _AGO:
            self.close()
            try:
                talk = self._begin_talk(self._asked, now - ago)
                ending = talk.listen(self._settings.seconds, frozenset())
            except OpenStreamerError:
                return
            self._newest = max(self._newest, talk.newest)
            if talk.newest or ending == "flowing":
                return

    def _clock(self) -> Finding:
        if not self._newest:
            return Finding(
                step="clock", mark="note", text="no event with an archive time came, so no age can be told"
            )
        age = int(time.time()) - self._newest
        details = {"newest": self._newest, "age_seconds": age}
        if age < -CLOCK_SECONDS:
            return Finding(
                step="clock",
                mark="warning",
                text=f"the newest event was stored {-age} s in the future ({_time(self._newest)})",
                cause="the server's clock is ahead of this machine's",
                advice="let both machines follow a time server (NTP); --since TIME is by the server's clock",
                details=details,
            )
        return Finding(
            step="clock",
            mark="ok",
            text=f"the newest event seen was stored {_duration(age)} ago ({_time(self._newest)})",
            details=details,
        )


def _time(seconds: int | None) -> str:
    return f"{datetime.fromtimestamp(seconds or 0, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _duration(seconds: int) -> str:
    seconds = max(0, seconds)
    for size, name in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {name}"
    return f"{seconds} s"
