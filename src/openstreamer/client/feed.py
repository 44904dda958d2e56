"""A stream of deliveries that goes on for ever: connect, receive, lose the connection, try again.

`Feed.deliveries()` is a generator for the calling thread. It yields a `Delivery` as soon as one is there,
and None when nothing came for a while, so that the caller can save, show progress or give up. The caller
calls `taken` for each delivery when its outputs have it; only then does the position move and the server
get its acknowledgement. After a lost connection the stream goes on at the position, so nothing is lost and
nothing comes twice.

Not here: outputs and position files (stream.py), the asyncio variant (openstreamer.aio).
"""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Callable, Iterator

import msgspec

from openstreamer.client.connection import Connection, SilentPeer
from openstreamer.client.credentials import ClientCredentials, KnownServers, make_context
from openstreamer.client.names import NameCache
from openstreamer.client.position import FROM_NOW, PositionTracker
from openstreamer.client.receiver import Counts, Delivery, Receiver, Wanted
from openstreamer.client.reconnect import ReconnectPolicy
from openstreamer.client.request import Request
from openstreamer.client.stop import Stop
from openstreamer.errors import OpenStreamerError

TROUBLES_TOLD = 10
"""How many broken records are told one by one; the others are only counted."""

TICK = 0.25
"""Seconds without anything after which the caller gets a turn."""


class FeedSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What to connect to, as whom, and for what.

    Attributes:
        host, port: the server. credentials: certificate, key, trust. request: what to ask for. wanted: what
        of it to deliver. ipv6: connect over IPv6 only. count: end after that many events. connect_timeout:
        seconds for connection and handshake. read_deadline: seconds without any message after which the
        link is taken for dead; servers send something
            every minute. answer_all: answer every message with a Null, as the reference client does.
    """

    host: str
    port: int = 8302
    credentials: ClientCredentials = ClientCredentials()
    request: Request
    wanted: Wanted = Wanted()
    ipv6: bool = False
    count: int | None = None
    connect_timeout: float = 20.0
    read_deadline: float = 300.0
    answer_all: bool = False
    turns: bool = False

    @property
    def server(self) -> str:
        """How the server is called in events, positions and messages."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


Notice = Callable[[str], None]


def _say_nothing(text: str) -> None:
    pass


class Feed:
    """The events of one server."""

    def __init__(
        self,
        settings: FeedSettings,
        tracker: PositionTracker,
        *,
        names: NameCache | None = None,
        known_servers: KnownServers | None = None,
        policy: ReconnectPolicy | None = None,
        stop: Stop | None = None,
        notice: Notice = _say_nothing,
    ) -> None:
        self.settings = settings
        self.tracker = tracker
        self.names = names if names is not None else NameCache()
        self.counts = Counts()
        self.sessions = 0
        self.heard = False
        self.finished = False
        self.connected = False
        self._troubled = False
        self._left_out = 0
        self.last_error: OpenStreamerError | None = None
        self._known = known_servers or KnownServers(None)
        self._policy = policy or ReconnectPolicy()
        self._stop = stop or Stop()
        self._notice = notice
        self._context: ssl.SSLContext | None = None
        self._receiver: Receiver | None = None
        self._connection: Connection | None = None

    def deliveries(self) -> Iterator[Delivery | None]:
        """Everything that comes, in order; None when nothing does. Ends when `Stop` says so or all is there.

        Raises:
            RefusedError: one side does not accept the other.
            UsageError: the credentials cannot be used.
            PeerError, RemoteProtocolError, TransportError: what a new try would not mend.
        """
        self._context = make_context(self.settings.credentials)
        while not self._stop.requested and not self.finished:
            self._policy.connecting()
            try:
                connection = self._open()
                if connection is None:
                    return
                self._connection = connection
                self.sessions += 1
                self.connected = True
                yield from self._session(connection)
            except OpenStreamerError as error:
                self._last_words()
                self.last_error = error
                delay = self._policy.ended(error)
                self._notice(f"{error}; trying again in {delay:.0f} s")
                self._troubled = True
                self._let_go()
                yield from self._pause(delay)
            finally:
                self._let_go()

    def _last_words(self) -> None:
        """Tell the server why, where it broke the protocol; it may not listen any more."""
        if self._receiver is not None and self._connection is not None:
            words = self._receiver.last_words()
            if words:
                with contextlib.suppress(OpenStreamerError):
                    self._connection.send(words)

    def trouble(self, text: str) -> None:
        """Something is left out: tell it, unless very much is."""
        self._left_out += 1
        if self._left_out <= TROUBLES_TOLD:
            self._notice(text)
        elif self._left_out == TROUBLES_TOLD + 1:
            self._notice("more of the stream is left out; it is counted from now on")

    def _let_go(self) -> None:
        self.connected = False
        self._receiver = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> Connection | None:
        settings = self.settings
        assert self._context is not None
        try:
            with self._stop.interruptible():
                connection = Connection.open(
                    settings.host,
                    settings.port,
                    self._context,
                    ipv6=settings.ipv6,
                    timeout=settings.connect_timeout,
                )
        except KeyboardInterrupt:
            if self._stop.requested:
                return None
            raise
        if self._context.verify_mode is ssl.CERT_NONE:
            try:
                certificate = connection.peer_certificate()
                if self._known.check(settings.server, certificate):
                    self._notice(
                        f"{settings.server} is not known yet and no authority is given: its certificate"
                        " is trusted from now on"
                    )
            except BaseException:
                connection.close()
                raise
        return connection

    def _pause(self, seconds: float) -> Iterator[None]:
        until = time.monotonic() + seconds
        while not self._stop.requested and (left := until - time.monotonic()) > 0:
            self._stop.wait(min(left, TICK))
            yield None

    def _session(self, connection: Connection) -> Iterator[Delivery | None]:
        settings = self.settings
        limit = None if settings.count is None else settings.count - self.counts.delivered
        receiver = Receiver(
            settings.request,
            self.tracker,
            self.names,
            self.counts,
            settings.wanted,
            settings.server,
            limit=limit,
            answer_all=settings.answer_all,
        )
        self._receiver = receiver
        connection.send(receiver.start())
        last = time.monotonic()
        while not self._stop.requested:
            data = connection.receive(TICK, self._stop)
            now = time.monotonic()
            if data is None:
                if now - last > settings.read_deadline:
                    raise SilentPeer(
                        f"{settings.server} has said nothing for {now - last:.0f} s, so the link is dead"
                    )
                yield None
                continue
            last = now
            self._policy.heard()
            self.heard = True
            self._began()
            if self._troubled:
                self._troubled = False
                self._notice(f"connected to {settings.server} again")
            for delivery in receiver.receive(data, now):
                self._policy.record_came()
                yield delivery
                if self._stop.requested:
                    return
            # while the caller was busy with it nobody listened, so silence counts from now
            last = time.monotonic()
            for reason in receiver.problems:
                self.trouble(f"something in the stream is no record and is left out: {reason}")
            receiver.problems.clear()
            for text in receiver.notices:
                self._notice(text)
            receiver.notices.clear()
            if receiver.finished:
                self.finished = True
                return
            if settings.turns:
                yield None
            connection.send(receiver.outgoing())

    def _began(self) -> None:
        """From the first word of the server on, "now" is a time that can be gone back to."""
        if self.tracker.start == FROM_NOW:
            self.tracker.start = int(time.time())

    def close(self) -> None:
        """Close the connection, if there is one; for callers that stop iterating."""
        self._let_go()

    def taken(self, delivery: Delivery) -> None:
        """The outputs have this delivery: move the position behind it."""
        self.tracker.taken(delivery.taken)
