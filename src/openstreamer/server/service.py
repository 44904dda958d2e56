"""The service as a whole: opens store and authority, listens, admits clients, runs inputs, and stops cleanly.

One asyncio loop serves all clients; threads do what would hold it up (reading the store, resolving names,
inputs). Changes that another process makes (a client revoked, an event type switched off, events stored by
`feed`) are noticed by polling, within a quarter of a second. Rules: `docs/server.md`; guide: "Establishing
an authenticated connection". Not here: what is said in a session (`session`), and the process around the
service: signals and logging (`run`).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import ssl
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from openstreamer.authority import Authority, Client
from openstreamer.authority.tls import server_context
from openstreamer.errors import AuthorityError, OpenStreamerError
from openstreamer.log_forms import Peer
from openstreamer.protocol.messages import ALPN_NAME
from openstreamer.server.activation import PassedSockets
from openstreamer.server.audit import SERVICE, AuditLog
from openstreamer.server.certificates import CertificateWatch
from openstreamer.server.connection import Connection
from openstreamer.server.door import Door
from openstreamer.server.feeder import Feeder
from openstreamer.server.intake import Intake
from openstreamer.server.listener import Listener, open_sockets
from openstreamer.server.options import options_for, session_options
from openstreamer.server.periodic import every
from openstreamer.server.retention import trim
from openstreamer.server.roles import role_events
from openstreamer.server.seen import Seen
from openstreamer.server.session import Session
from openstreamer.server.settings import DEFAULT_PORT, Settings, parse_address, restart_needed
from openstreamer.server.source import Source
from openstreamer.server.state import ServiceLock, StateDirectory
from openstreamer.server.statistics import ServiceStatistics
from openstreamer.server.web import open_web
from openstreamer.store import Store, open_store

if TYPE_CHECKING:
    from openstreamer.server.web.server import WebServer

log = logging.getLogger("openstreamer.server")

STORE_POLL_SECONDS = 0.05
REGISTRY_POLL_SECONDS = 0.2
HOUSEKEEPING_SECONDS = 0.5
CERTIFICATE_SECONDS = 600.0
"""How often certificates are looked at."""

SEEN_SECONDS = 10.0
"""How often the registry is told how far clients are."""

FEEDER_SECONDS = 10.0
"""Time that inputs get to store their last batch."""

_Value = TypeVar("_Value")


class Service:
    """One running service. Use as `async with Service(...).running(): ...`."""

    def __init__(
        self,
        state: StateDirectory,
        settings: Settings,
        *,
        listen: Sequence[str] = (),
        inputs: Sequence[str] = (),
        host_check: bool | None = None,
        web: str = "off",
        passed: PassedSockets | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`listen`, `inputs` and `host_check` stand for the settings of the same name, where given.

        Inputs of the settings run as well. `web` is where the web pages are, HOST:PORT or "off". Sockets
        that were `passed` by a service manager are listened on in place of `listen` and `web`. `clock` tells
        the time (epoch seconds) by which certificates are judged.
        """
        self.state = state
        self.settings = settings
        self.statistics = ServiceStatistics()
        self.started = time.time()
        self.sessions: set[Session] = set()
        self._listen = list(listen) or settings.server.listen
        self._given_host_check = host_check
        self._clock = clock
        self._certificates = CertificateWatch(self._note_change)
        self._recheck_at = float("inf")
        self._host_check = settings.server.host_check if host_check is None else host_check
        self._input_uris = [*settings.server.inputs, *inputs]
        self._web_address = web
        self._passed = passed or PassedSockets()
        self._web: WebServer | None = None
        self._options = session_options(settings.sessions, settings.protocol)
        self._connection_ids = itertools.count(1)
        self._lock = ServiceLock(state)
        self._store: Store
        self._authority: Authority
        self._context: ssl.SSLContext
        self._source: Source
        self._listener: Listener
        self._feeder: Feeder
        self._server_events: frozenset[str] = frozenset()
        self._tasks: list[asyncio.Task[None]] = []
        self._seen = Seen()
        self._readers = ThreadPoolExecutor(4, thread_name_prefix="store")
        self._makers = ThreadPoolExecutor(2, thread_name_prefix="transcode")
        self._side_threads = ThreadPoolExecutor(4, thread_name_prefix="side")
        self._door = Door(self.statistics, clock)

    @property
    def addresses(self) -> list[str]:
        """Where the service listens, with the real ports."""
        return self._listener.addresses

    @property
    def web_address(self) -> str:
        """URL of the web pages; empty without them."""
        return self._web.url if self._web is not None else ""

    @property
    def store(self) -> Store:
        """The event log; only to be used in threads (`run_aside`)."""
        return self._store

    @property
    def authority(self) -> Authority:
        """Certificates and the registry of clients; only to be used in threads (`run_aside`)."""
        return self._authority

    @property
    def source(self) -> Source:
        """What the sessions read from."""
        return self._source

    @property
    def intakes(self) -> Sequence[Intake]:
        """The inputs."""
        return self._feeder.intakes

    @property
    def host_check(self) -> bool:
        """Whether clients' addresses are compared with their certificates."""
        return self._host_check

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Service]:
        """Start, and stop in an orderly way at the end."""
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    async def start(self) -> None:
        """Open everything and begin to accept. Raises OpenStreamerError; nothing stays open then."""
        self._lock.acquire()
        with contextlib.ExitStack() as undo:
            undo.callback(self._lock.release)
            self._authority = Authority(self.state.path).load()
            undo.callback(self._authority.close)
            self._authority.revocation_list_url = lambda: self.settings.certificates.revocation_list_url
            self._store = open_store(self.state.store, synchronous=self.settings.store.synchronous)
            undo.callback(self._store.close)
            # Before the listener reads it: one that has expired meanwhile is renewed first.
            self._certificates.look(self._authority, self.settings.certificates, now=self._clock())
            self._authority.replaced()
            self.renew_context()
            self._authority.changed()
            self._server_events = self._read_events()
            self._source = Source(self._store, readers=self._readers, makers=self._makers)
            self._feeder = Feeder(
                self._store,
                self._input_uris,
                batch_records=self.settings.store.batch_records,
                enabled=lambda: self._server_events,
                stored=self._source.poke,
            )
            sockets = list(self._passed.clients)
            for opened in (*self._passed.clients, *self._passed.web):
                undo.callback(opened.close)
            for text in [] if sockets else self._listen:
                host, port = parse_address(text, default_port=DEFAULT_PORT)
                for opened in open_sockets(host, port):
                    undo.callback(opened.close)
                    sockets.append(opened)
            self._web = open_web(self, self._web_address, self._passed.web)
            if self._web is not None:
                undo.callback(self._web.close)
            limits = self.settings.sessions
            self._listener = Listener(
                sockets,
                context=lambda: self._context,
                on_peer=self._serve,
                refused=self._door.refused,
                handshake_seconds=limits.handshake_seconds,
                handshakes_per_second=limits.handshakes_per_second,
                stalled_seconds=limits.stalled_seconds,
                connections=limits.connections,
            )
            undo.pop_all()
        self._listener.start()
        self._feeder.start()
        self._lock.write({"listen": self.addresses, "web": self.web_address})
        self._tasks = [
            asyncio.create_task(every(STORE_POLL_SECONDS, self._poll_store)),
            asyncio.create_task(every(REGISTRY_POLL_SECONDS, self._poll_registry)),
            asyncio.create_task(every(HOUSEKEEPING_SECONDS, self._housekeeping)),
            asyncio.create_task(every(SEEN_SECONDS, self._note_seen)),
            asyncio.create_task(every(lambda: self.settings.retention.check_seconds, self._trim)),
            asyncio.create_task(every(CERTIFICATE_SECONDS, self.look_after_certificates)),
        ]
        for address in self.addresses:
            log.info("listening on %s", address)
        if self._web is not None:
            await self._web.start()
        if not self._host_check:
            log.warning("the host check is off: a client's certificate is valid from any address")

    async def stop(self) -> None:
        """Stop inputs, deliver what is stored to clients that take it, close everything.

        Takes about `server.stop_seconds` at most, after the inputs have stored their last batch.
        """
        log.info("stopping")
        if self._web is not None:
            await self._web.stop()
        await self._listener.stop_accepting()
        if not await self._aside(lambda: self._feeder.stop(FEEDER_SECONDS)):
            log.error("an input does not stop; what it read last is read again at the next start")
        self._source.look()
        for session in list(self.sessions):
            session.finish()
        try:
            await asyncio.wait_for(self._listener.ended(), self.settings.server.stop_seconds)
        except TimeoutError:
            left = [session for session in self.sessions if not session.delivered]
            if left:
                log.warning(
                    "%d clients did not take everything in time; they go on from their position later",
                    len(left),
                )
        await self._close()
        log.info("stopped")

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(OpenStreamerError):
            await self._note_seen()
        for session in list(self.sessions):
            session.end("the service stops")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._listener.ended(), 1.0)
        await self._listener.cancel()
        for threads in (self._readers, self._makers, self._side_threads):
            threads.shutdown(wait=True, cancel_futures=True)
        self._door.close()
        self._store.close()
        self._authority.close()
        self._lock.release()

    def renew_context(self) -> None:
        """Read the server's certificate and the authority's anew; later handshakes use them."""
        self._context = server_context(
            self._authority.server_context_files(), minimum=self.settings.protocol.minimum_tls
        )
        self._context.set_alpn_protocols([ALPN_NAME])
        if self._web is not None:
            self._web.renew_context()

    async def reload(self, settings: Settings) -> list[str]:
        """Take over settings, clients, event types and certificates; sessions still allowed go on.

        What a session was begun with (window, keep-alive) stays until its end. Returns the settings that
        changed but need a restart, as "section.key". Raises OpenStreamerError if a certificate cannot be
        used; all then stays as it was.
        """
        before, self.settings, context = self.settings, settings, self._context
        try:
            self.renew_context()  # first, because it finds out whether the files can be used
            await self._aside(self._authority.load)
        except (OpenStreamerError, OSError) as error:
            self.settings, self._context = before, context
            raise AuthorityError(f"nothing was reloaded: {error}") from error
        self._options = session_options(settings.sessions, settings.protocol)
        limits = settings.sessions
        self._listener.set_limits(
            limits.handshake_seconds, limits.stalled_seconds, limits.handshakes_per_second
        )
        if self._given_host_check is None:
            self._host_check = settings.server.host_check
        self._server_events = await self._aside(self._read_events)
        await self._recheck(list(self.sessions))
        return restart_needed(before, settings)

    # admission

    async def _serve(self, connection: Connection) -> None:
        client = await self._door.admit(connection, self._authority, host_check=self._host_check)
        if client is not None and self._has_enough(client):
            self._door.refused(connection.peer, "too many connections of this client")
            client = None
        if client is None:
            await self._door.turn_away(connection)
            return
        session = Session(
            connection,
            client,
            certificate=connection.certificate() or b"",
            source=self._source,
            limits=self.settings.sessions,
            options=options_for(connection, self._options),
            statistics=self.statistics,
            allowed=client.events & self._server_events,
            connection_id=next(self._connection_ids),
        )
        self.sessions.add(session)
        try:
            # Whoever was revoked while names were being resolved is not found by the poll, hence once more.
            await self._recheck([session])
            self.statistics.accepted += 1
            connection.peer = Peer(connection.peer, client.host)
            log.info("%s: client %s connected (%s)", connection.peer, client.host, connection.tls())
            await session.run()
        except Exception:
            log.exception("%s: the session ended by a fault of the program", connection.peer)
            session.end("fault of the program")
        finally:
            self.sessions.discard(session)
            self.statistics.bytes_sent += connection.bytes_sent
            with contextlib.suppress(OpenStreamerError, RuntimeError):
                await self._aside(lambda: self._seen.note(self._authority, [session]))

    def _has_enough(self, client: Client) -> bool:
        """Whether a client has as many connections as it may have."""
        count = sum(session.client.host == client.host for session in self.sessions)
        return count >= self.settings.sessions.connections_per_client

    # changes made elsewhere, and time

    async def _poll_store(self) -> None:
        self._source.poll()

    async def _poll_registry(self) -> None:
        if self._authority.changed():
            self._recheck_at = 0.0
        if self._clock() < self._recheck_at:
            return
        try:
            self._server_events = await self._aside(self._read_events)
            self._take_over_certificates()
            self._recheck_at = float("inf")
            await self._recheck(list(self.sessions))
        except BaseException:
            self._recheck_at = 0.0  # what could not be looked at now must not be passed over
            raise

    async def look_after_certificates(self) -> None:
        """Do now what is due about certificates; happens by itself every few minutes."""
        now = self._clock()
        await self._aside(
            lambda: self._certificates.look(self._authority, self.settings.certificates, now=now)
        )
        self._take_over_certificates()

    def _take_over_certificates(self) -> None:
        """Let later handshakes use certificates that were replaced; sessions go on."""
        if self._authority.replaced():
            try:
                self.renew_context()
                log.info("certificates were replaced; new connections get them")
            except OpenStreamerError as error:
                log.error("certificates were replaced, but the former ones stay in use: %s", error)

    def _note_change(self, action: str, details: dict[str, Any]) -> None:
        AuditLog(self.state.audit).write(SERVICE, action, **details)

    async def end_revoked(self) -> None:
        """End the sessions of clients that may no longer connect, without waiting for the next look."""
        await self._recheck(list(self.sessions))

    async def _recheck(self, sessions: Sequence[Session]) -> None:
        """End the sessions of clients that may no longer connect, and tell the others their event types."""
        now = self._clock()

        certificates = {session.certificate for session in sessions}
        results = await self._aside(lambda: self._authority.identify_each(certificates, now=now))
        for session in sessions:
            result = results[session.certificate]
            if isinstance(result, OpenStreamerError):
                session.end(str(getattr(result, "cause", result)))
            else:
                self._recheck_at = min(self._recheck_at, result.ends)
                session.allow(result.client.events & self._server_events)

    async def _housekeeping(self) -> None:
        now = time.monotonic()
        for session in list(self.sessions):
            session.tick(now)

    async def _note_seen(self) -> None:
        sessions = list(self.sessions)
        if sessions:
            await self._aside(lambda: self._seen.note(self._authority, sessions))

    async def _trim(self) -> None:
        await trim(self._store, self._source, self.settings.retention, self.statistics)

    def _read_events(self) -> frozenset[str]:
        """The event types that are switched on, of those that the server's role has."""
        return self._authority.registry.server_events().intersection(role_events(self.settings))

    async def run_aside(self, function: Callable[[], _Value]) -> _Value:
        """Run something short that touches the disk in a thread."""
        return await self._aside(function)

    async def _aside(self, function: Callable[[], _Value]) -> _Value:
        """Run something that touches the disk in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._side_threads, function)
