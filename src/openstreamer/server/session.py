"""One client's session: the conversation joined to its connection on one side, to the store on the other.

What may be said when is decided in `openstreamer.protocol.session_server`; here its bytes reach the socket,
and stored chunks reach it, in order, as fast as the client takes them:

    source.read -> metadata the client lacks -> chunk in the form asked for -> one bundle after the other

A session waits at three places only: for new chunks, for an acknowledgement (window full), and for room in
the write buffer. It holds one read of the store, which others may share, and what is in the write buffer. A
session whose event types change while it is in the middle of a chunk makes the rest of the chunk anew, so
that nothing leaves that was switched off. Rules: `docs/server.md`, "Sessions".
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Iterable

from openstreamer.authority import EVENT_CLASSES, Client
from openstreamer.errors import OpenStreamerError, PeerError, RemoteProtocolError, StoreError
from openstreamer.protocol.items import Items
from openstreamer.protocol.messages import (
    NOW,
    EventStreamRequest,
    Null,
    UnknownMessage,
)
from openstreamer.protocol.records import Record
from openstreamer.protocol.selection import Selection
from openstreamer.protocol.session_server import ServerOptions, ServerSession
from openstreamer.protocol.transcode import render_records
from openstreamer.server.connection import Connection
from openstreamer.server.hosts import HostAnswers
from openstreamer.server.known_metadata import KnownMetadata
from openstreamer.server.missed import MissedRecords
from openstreamer.server.rendering import Rendered, make_rendered, rest_of
from openstreamer.server.settings import SessionSettings
from openstreamer.server.source import RETRY_SECONDS, Loaded, Source
from openstreamer.server.statistics import ServiceStatistics, SessionStatistics
from openstreamer.server.words import message_words
from openstreamer.store import Chunk, Metadata, Position

log = logging.getLogger("openstreamer.server")

SHORT_RECORDS = 64
"""Chunks of at most so many records are transcoded in the event loop."""

SHORT_PASSING_RECORDS = 5000
"""Likewise of chunks that leave as they are stored and need only be cut into bundles."""

SETTLE_SECONDS = 2.0
QUIET_SECONDS = 0.1
SETTLE_BYTES = 4 * 1024 * 1024
"""Before a connection is closed: how long and how much the client may go on talking at most, and how long it
must be silent."""

MOST_UNKNOWN = 20
"""Unknown types of messages that are named in the log for one session."""

CLOSE_SECONDS = 5.0
"""How long a connection that is being closed may take to get rid of what is pending."""


class Session:
    """One client's session, from the certificate check to the end of the connection."""

    def __init__(
        self,
        connection: Connection,
        client: Client,
        *,
        certificate: bytes,
        source: Source,
        limits: SessionSettings,
        options: ServerOptions,
        statistics: ServiceStatistics,
        allowed: Iterable[str],
        connection_id: int,
    ) -> None:
        self.connection = connection
        self.client = client
        self.certificate = certificate
        self.statistics = SessionStatistics()
        self.began = time.time()
        self.position: Position | None = None
        """Number of the last chunk sent to the end; None before the first read."""
        self.acknowledged: Position | None = None
        """The same, as far as the client has acknowledged."""
        self.reason = ""
        """Why the session ended; empty while it lives."""
        self.delivered = False
        """Whether a session that was told to finish sent everything."""
        self._source = source
        self._limits = limits
        self._service_statistics = statistics
        self._client_statistics = statistics.clients[client.host]
        self._protocol = ServerSession(
            time.monotonic(), connection_id=connection_id, options=options, allowed=allowed
        )
        self._hosts = HostAnswers(
            self._protocol, connection, source, sent=self._count_hosts, done=self._look_again
        )
        self._missed = MissedRecords(client.host, connection.peer, self._client_statistics)
        self._unknown_messages: set[int] = set()
        self._wake = asyncio.Event()
        self._finishing = False
        self._newest_at_request: Position = 0
        self._known = KnownMetadata()
        self._unacknowledged_chunks: deque[tuple[int, Position]] = deque()

    @property
    def selection(self) -> Selection | None:
        """What the client asked for; None before it has."""
        return self._protocol.selection

    @property
    def _is_flat(self) -> bool:
        selection = self._protocol.selection
        return selection is not None and selection.flat

    @property
    def over(self) -> bool:
        """Whether nothing more is sent."""
        return bool(self.reason)

    async def run(self) -> None:
        """Hold the conversation until the connection has ended."""
        self._source.subscribe(self._wake.set)
        self.connection.start(self._received, self._ended)
        hosts = asyncio.create_task(self._hosts.run())
        hosts.add_done_callback(self._hosts_ended)
        try:
            await self._pump()
        finally:
            self._source.unsubscribe(self._wake.set)
            hosts.cancel()
        await self._settle()
        self._stop("the service stops" if self._finishing else "ended")
        self.connection.close()
        try:
            await asyncio.wait_for(self.connection.ended(), CLOSE_SECONDS)
        except TimeoutError:
            self.connection.abort()
        statistics = self.statistics
        self._service_statistics.ended[self.reason] += 1
        log.info(
            "%s: client %s: %s; %d records, %d metadata records and %d hosts sent, %d passed over, "
            "%d not expressible",
            self.connection.peer,
            self.client.host,
            self.reason,
            statistics.records,
            statistics.metadata,
            statistics.hosts,
            statistics.filtered,
            statistics.inexpressible,
        )

    # told by the service

    def allow(self, classes: Iterable[str]) -> None:
        """Set the event types that may be sent from now on."""
        self._protocol.allow(classes)
        self._wake.set()

    def end(self, reason: str) -> None:
        """End the session at once, without an Error message; nothing more leaves."""
        self._stop(reason)
        self.connection.abort()

    def finish(self) -> None:
        """Send what is stored, then close; at once if the client has not asked for events."""
        self._finishing = True
        self._wake.set()

    def tick(self, now: float) -> None:
        """Do what is due: keep-alive, time limits, dropping a peer that takes nothing. `now` is monotonic."""
        if self.over:
            return
        if self.connection.stalled_since(now) > self._limits.stalled_seconds:
            log.warning("%s: takes nothing for %g s", self.connection.peer, self._limits.stalled_seconds)
            self.end("takes nothing")
        elif self.connection.writable:
            self._protocol.handle_timer(now)
            if self._write_answers() and not self.over:
                log.debug("%s: keep-alive", self.connection.peer)

    # called by the connection

    def _received(self, data: bytes) -> None:
        messages = self._protocol.receive(data, time.monotonic())
        self.statistics.messages_received += len(messages)
        debug = log.isEnabledFor(logging.DEBUG)
        for message in messages:
            if isinstance(message, EventStreamRequest):
                self._source.look()
                self._newest_at_request = self._source.newest
            if debug and not (isinstance(message, Null) and self._is_flat):  # there it is one an event
                log.debug("%s: %s", self.connection.peer, message_words(message))
            elif isinstance(message, UnknownMessage):
                self._note_unknown(message)
        self._hosts.look()
        if self._protocol.unacknowledged == 0:
            self._note_acknowledged()
        self._write_answers()
        self._wake.set()

    def _note_unknown(self, message: UnknownMessage) -> None:
        """Log a message of unknown type, once for each type."""
        known = self._unknown_messages
        if message.type not in known and len(known) < MOST_UNKNOWN:
            known.add(message.type)
            log.warning("%s: %s", self.connection.peer, message_words(message))

    def _ended(self) -> None:
        self._stop("left")

    # called by the answers to host data requests

    def _count_hosts(self, sent: int, lost: Counter[str]) -> None:
        self.statistics.hosts += sent
        self.statistics.inexpressible += sum(lost.values())
        self._client_statistics.hosts += sent
        self._client_statistics.hosts_lost.update(lost)
        for reason, count in lost.items():
            log.info("%s: %d hosts left out: %s", self.connection.peer, count, reason)

    def _look_again(self) -> None:
        self._wake.set()

    def _hosts_ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("%s: the session ended by a fault of the program", self.connection.peer, exc_info=error)
            self.end("fault of the program")

    def _write_answers(self) -> bool:
        """Write what the conversation has to say beside records; whether there was anything."""
        answers = self._protocol.data_to_send()
        if answers:
            self.connection.write(answers)
        if self._protocol.closing and not self.over:
            error = self._protocol.error
            if isinstance(error, RemoteProtocolError) and self.selection is None:
                log.warning("%s: bad request: %s", self.connection.peer, error)
            elif error is not None:
                log.warning("%s: %s", self.connection.peer, error)
            self._stop(_end_word(error))
        return bool(answers)

    def _stop(self, reason: str) -> None:
        if not self.reason:
            self.reason = reason
        self._protocol.stop()
        self._wake.set()

    async def _settle(self) -> None:
        """Before a close, let the client take what was sent and hear what it still says.

        A connection that is closed while the peer's bytes are on their way is reset by the system, and what
        the peer has not read yet may be lost with it: the last events, or the Error message.
        """
        connection = self.connection
        deadline = time.monotonic() + SETTLE_SECONDS
        most = connection.bytes_received + SETTLE_BYTES
        while not connection.closing:
            if connection.bytes_received > most:
                connection.abort()
                return
            await asyncio.sleep(QUIET_SECONDS / 4)
            now = time.monotonic()
            taken = not connection.pending and (self.over or not self._protocol.unacknowledged)
            if (taken and now - connection.received > QUIET_SECONDS) or now > deadline:
                return

    # from the store to the client

    async def _pump(self) -> None:
        announced = False
        while not self.over:
            self._wake.clear()
            if self._protocol.streaming and await self._advance():
                await asyncio.sleep(0)  # others want to send too
                continue
            if self._finishing and not self.over and self._protocol.host_question is None:
                self.delivered = True
                return
            if self._protocol.streaming and not announced:
                announced = True
                self._announce()
            await self._wake.wait()

    def _announce(self) -> None:
        selection = self._protocol.selection
        assert selection is not None
        for problem in selection.problems:
            log.warning("%s: %s; left out", self.connection.peer, problem)
        off = [name for name in EVENT_CLASSES if name in selection.asked and name not in selection.allowed]
        if off:
            log.info("%s: event type off: %s; asked for, not sent", self.connection.peer, ", ".join(off))
        log.debug("%s: streams: %s", self.connection.peer, selection.describe())

    async def _advance(self) -> bool:
        """Send the next chunks; false if there are none, or the session is over."""
        try:
            if self.position is None:
                self.position = await self._start()
            loaded = await self._source.read(self.position)
        except StoreError as error:
            self._source.report(error)
            await asyncio.sleep(RETRY_SECONDS)
            return not self.over
        for item in loaded:
            self._missed.got(item.chunk, self._source.damaged)
            if not await self._send_chunk(item):
                return False
            self.position = item.chunk.number
            self.statistics.chunks += 1
            sent = self._protocol.records_sent
            self._unacknowledged_chunks.append((sent, self.position))
            if len(self._unacknowledged_chunks) > 1000:
                self._unacknowledged_chunks.popleft()
            if self._protocol.unacknowledged == 0:
                self._note_acknowledged()
        return bool(loaded)

    async def _start(self) -> Position:
        """The position from which the client wants records."""
        timestamp = self._protocol.initial_timestamp
        if timestamp is None or timestamp == NOW:
            return self._newest_at_request
        if timestamp:
            self._missed.asked(await self._source.ask(lambda store: store.missed(timestamp)))
        return await self._source.seek(timestamp)

    async def _send_chunk(self, loaded: Loaded) -> bool:
        """Send a chunk's metadata and records; false if the session is over before the end of it."""
        chunk = loaded.chunk
        while not self.over:
            selection = self._protocol.selection
            assert selection is not None
            if not await self._send_metadata(loaded, selection):
                return False
            rendered = await self._render(chunk, selection)
            items = rendered.items
            sent = 0
            for part in items.parts:
                if not await self._room():
                    return False
                if self._protocol.selection is not selection:
                    break
                one = Items(items.data, (part,), flat=items.flat)
                self.connection.write(self._protocol.send_items(one, time.monotonic()))
                sent += part.count
            else:
                self.statistics.records += items.count
                self.statistics.filtered += items.filtered
                self.statistics.inexpressible += sum(items.lost.values())
                self._service_statistics.records_by_type.update(rendered.by_type)
                self._client_statistics.sent.update(rendered.by_type)
                self._client_statistics.filtered.update(rendered.filtered)
                self._client_statistics.lost.update(items.lost)
                return True
            self.statistics.records += sent
            chunk = rest_of(chunk, selection, sent)
        return False

    async def _send_metadata(self, loaded: Loaded, selection: Selection) -> bool:
        """Send the metadata that the chunk's records refer to and this client does not have yet."""
        if not selection.metadata_version:
            return True
        known = self._known
        wanted: dict[bytes, Metadata] = {}
        for record_type, metadata in loaded.references:
            if known.lacks(metadata) and selection.wants(record_type):
                wanted[metadata.key] = metadata
        if not wanted:
            return True
        items = render_records(
            [Record(item.record_type, item.data, None, item.netmap) for item in wanted.values()],
            selection,
            bundle_bytes=self._limits.bundle_bytes,
        )
        for part in items.parts:
            if not await self._room():
                return False
            one = Items(items.data, (part,), flat=items.flat)
            self.connection.write(self._protocol.send_items(one, time.monotonic()))
        for metadata in wanted.values():
            known.add(metadata)
        self.statistics.metadata += items.count
        self._service_statistics.metadata += items.count
        self._client_statistics.metadata += items.count
        return True

    async def _render(self, chunk: Chunk, selection: Selection) -> Rendered:
        bundle_bytes = self._limits.bundle_bytes
        passes = selection.passes(chunk.record_types)
        return await self._source.form(
            (chunk.number, len(chunk.data), selection.form),
            lambda: make_rendered(chunk, selection, bundle_bytes),
            size=lambda rendered: rendered.items.size + 1000,
            short=chunk.count <= (SHORT_PASSING_RECORDS if passes else SHORT_RECORDS),
        )

    async def _room(self) -> bool:
        """Wait until the window and the write buffer have room; false if the session is over first."""
        paused = False
        while not self.over:
            if not self.connection.writable:
                await self.connection.drained()
            elif self._protocol.ready:
                return True
            else:
                self._wake.clear()
                if not paused:
                    paused = True
                    log.debug(
                        "%s: paused, %d unacknowledged", self.connection.peer, self._protocol.unacknowledged
                    )
                await self._wake.wait()
        return False

    def _note_acknowledged(self) -> None:
        """All that was sent is acknowledged: so are the chunks that were sent to their end."""
        sent = self._protocol.records_sent
        chunks = self._unacknowledged_chunks
        while chunks and chunks[0][0] <= sent:
            self.acknowledged = chunks.popleft()[1]


def _end_word(error: OpenStreamerError | None) -> str:
    """A session's end by its own conversation, in words that are the same for the same cause."""
    if error is None:
        return "ended"
    return "reported an error" if isinstance(error, PeerError) else "broke the protocol"
