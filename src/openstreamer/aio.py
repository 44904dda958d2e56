"""The client for asyncio: the same as `openstreamer.connect`, with `async`.

    async with openstreamer.aio.connect("fmc.example.com", pkcs12="client.pkcs12") as events:
        async for event in events:
            print(event.id, event.data, event.names)

Same arguments, same events, same rules of delivery and errors. One stream belongs to one task. Nothing is
read from the network while the user of an event takes their time, so the server keeps what is not wanted
yet.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable
from types import TracebackType
from typing import Self

from openstreamer.client.api import PathLike, Plan, Progress, Time
from openstreamer.client.connection import LostConnection, SilentPeer, handshake_error, lost_error, resolve
from openstreamer.client.credentials import make_context
from openstreamer.client.feed import TICK, Feed
from openstreamer.client.position import FROM_NOW, Position
from openstreamer.client.receiver import Counts, Delivery, Receiver
from openstreamer.client.stop import Stop
from openstreamer.client.stream import begin
from openstreamer.errors import OpenStreamerError, TransportError
from openstreamer.outputs.batch import DeliveredEvent

__all__ = ["AsyncEventStream", "connect"]

_READ = 256 * 1024


def _say_nothing(text: str) -> None:
    pass


class AsyncEventStream:
    """The events of one server: `async for` over it, inside an `async with` block.

    Made by `openstreamer.aio.connect`.
    """

    def __init__(self, plan: Plan, *, idle_exit: float | None = None) -> None:
        self._plan = plan
        self._idle_exit = idle_exit
        self._file = plan.file
        if self._file is not None:
            self._file.acquire()
        try:
            tracker, _ = begin(plan.since, self._file, plan.settings.server, plan.notice)
        except BaseException:
            self._release()
            raise
        # the feed holds position, names and counts; its own connection is never opened
        self._stop = Stop()
        self._feed = Feed(
            plan.settings,
            tracker,
            names=plan.names,
            policy=plan.policy,
            stop=self._stop,
            notice=plan.notice,
        )
        self._progress = Progress(self._feed, self._file)
        self._events: AsyncIterator[DeliveredEvent] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._finished = False
        self._closed = False

    @property
    def server(self) -> str:
        """ "host:port" of the server."""
        return self._plan.settings.server

    @property
    def counts(self) -> Counts:
        """What came so far, over all connections."""
        return self._feed.counts

    @property
    def position(self) -> Position:
        """Where the stream stands: behind the last event that counts as taken."""
        return self._feed.tracker.position

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.leave(finished=kind is None)
        await self.close()

    def __aiter__(self) -> Self:
        """The stream is its own iterator."""
        return self

    async def __anext__(self) -> DeliveredEvent:
        """The next event; the same rules and errors as `openstreamer.EventStream`."""
        if self._events is None:
            self._events = self._iterate()
        return await anext(self._events)

    async def _iterate(self) -> AsyncIterator[DeliveredEvent]:
        server, names = self.server, self._plan.names if self._plan.settings.wanted.names else None
        async for delivery in self._deliveries():
            for record, event in zip(delivery.batch.records, delivery.batch.each(), strict=True):
                if event is not None:
                    self._progress.handed_out(delivery, record)
                    yield DeliveredEvent(event, server, names)
            self.counts.undecodable += len(delivery.batch.problems)
            self._progress.all_taken(delivery)

    async def _deliveries(self) -> AsyncIterator[Delivery]:
        plan, policy = self._plan, self._plan.policy
        context = make_context(plan.settings.credentials)
        last = time.monotonic()
        while not self._finished:
            policy.connecting()
            try:
                reader = await self._open(context)
                async for delivery in self._session(reader):
                    if delivery is not None:
                        yield delivery
                        last = time.monotonic()
                    elif self._resting(time.monotonic() - last):
                        return
            except OpenStreamerError as error:
                delay = policy.ended(error)
                plan.notice(f"{error}; trying again in {delay:.0f} s")
                idle = self._idle_exit
                if idle is not None and time.monotonic() - last + delay >= idle:
                    await asyncio.sleep(max(0.0, idle - (time.monotonic() - last)))
                    if not self._feed.heard:
                        raise
                    return
                await asyncio.sleep(delay)
            finally:
                await self._let_go()

    def _resting(self, seconds: float) -> bool:
        """Nothing came for so long: save, and say whether that is the end."""
        self._progress.save()
        if self._idle_exit is not None and seconds >= self._idle_exit:
            return True
        until = self._plan.until
        return until is not None and time.time() > until + 5 and seconds >= 2

    async def _open(self, context: ssl.SSLContext) -> asyncio.StreamReader:
        settings = self._plan.settings
        loop = asyncio.get_running_loop()
        addresses = await loop.run_in_executor(
            None, lambda: resolve(settings.host, settings.port, ipv6=settings.ipv6)
        )
        failures = []
        for family, address in addresses:
            try:
                async with asyncio.timeout(settings.connect_timeout):
                    reader, self._writer = await asyncio.open_connection(
                        address[0], settings.port, family=family, ssl=context, server_hostname="", limit=_READ
                    )
            except ssl.SSLError as error:
                raise handshake_error(error, settings.server) from error
            except (OSError, TimeoutError) as error:
                reason = "no answer" if isinstance(error, TimeoutError) else (error.strerror or str(error))
                failures.append(f"{address[0]}: {reason}")
                continue
            if context.verify_mode is ssl.CERT_NONE:
                engine = self._writer.get_extra_info("ssl_object")
                self._plan.known_servers.check(settings.server, engine.getpeercert(binary_form=True) or b"")
            return reader
        raise TransportError(
            f"cannot connect to port {settings.port} of {settings.host} ({'; '.join(failures)})"
        )

    async def _session(self, reader: asyncio.StreamReader) -> AsyncIterator[Delivery | None]:
        settings, feed = self._plan.settings, self._feed
        limit = None if settings.count is None else settings.count - feed.counts.delivered
        receiver = Receiver(
            settings.request,
            feed.tracker,
            feed.names,
            feed.counts,
            settings.wanted,
            settings.server,
            limit=limit,
        )
        await self._send(receiver.start())
        last = time.monotonic()
        while True:
            data = await self._receive(reader)
            now = time.monotonic()
            if data is None:
                if now - last > settings.read_deadline:
                    raise SilentPeer(
                        f"{settings.server} has said nothing for {now - last:.0f} s, so the link is dead"
                    )
                yield None
                continue
            last = now
            self._plan.policy.heard()
            feed.heard = True
            if feed.tracker.start == FROM_NOW:
                feed.tracker.start = int(time.time())
            for delivery in receiver.receive(data, now):
                self._plan.policy.record_came()
                yield delivery
            for reason in receiver.problems:
                feed.trouble(f"something in the stream is no record and is left out: {reason}")
            receiver.problems.clear()
            if receiver.finished:
                self._finished = True
                return
            await self._send(receiver.outgoing())

    async def _receive(self, reader: asyncio.StreamReader) -> bytes | None:
        try:
            async with asyncio.timeout(TICK):
                data = await reader.read(_READ)
        except TimeoutError:
            return None
        except ssl.SSLError as error:
            raise handshake_error(error, self.server) from error
        except OSError as error:
            raise lost_error(error, self.server) from error
        if not data:
            leave = self._took_leave()
            what = "closed the connection" if leave else "is gone: the connection is lost"
            raise LostConnection(f"{self.server} {what}", on_purpose=leave)
        return data

    def _took_leave(self) -> bool:
        """Whether the server closed TLS before it closed the connection, which a crash does not."""
        engine = None if self._writer is None else self._writer.get_extra_info("ssl_object")
        try:
            return engine is not None and not engine.read(1)
        except ssl.SSLZeroReturnError:
            return True
        except (ssl.SSLError, ValueError):
            return False

    async def _send(self, data: bytes) -> None:
        if not data or self._writer is None:
            return
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise lost_error(error, self.server) from error

    async def _let_go(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
            try:
                async with asyncio.timeout(2):
                    await writer.wait_closed()
            except (OSError, TimeoutError):
                pass

    def save(self) -> None:
        """Save the position now. Nothing happens without `position=FILE`; otherwise it is saved every second.

        Raises:
            OutputError: the disk did not take it.
        """
        self._progress.save()

    async def close(self) -> None:
        """Save the position and close the connection."""
        if self._closed:
            return
        self._closed = True
        try:
            self._progress.save()
            self._plan.names.save()
        finally:
            await self._let_go()
            self._feed.close()
            self._stop.close()
            self._release()

    def _release(self) -> None:
        if self._file is not None:
            self._file.release()


def connect(
    host: str,
    *,
    port: int = 8302,
    pkcs12: PathLike | None = None,
    password: str | None = None,
    cert: PathLike | None = None,
    key: PathLike | None = None,
    ca: PathLike | None = None,
    events: str | Iterable[str] = "all",
    flags: int | None = None,
    extended: bool = True,
    since: Time = "resume",
    until: Time | None = None,
    count: int | None = None,
    idle_exit: float | None = None,
    domain: int | str | None = None,
    metadata: bool = False,
    names: bool = True,
    position: PathLike | None = None,
    ipv6: bool = False,
    reconnect: bool = True,
    read_deadline: float = 300.0,
    notice: Callable[[str], None] = _say_nothing,
) -> AsyncEventStream:
    """The events of a server, for `async with` and `async for`.

        async with aio.connect("fmc.example.com", pkcs12="client.pkcs12") as events:
            async for event in events:
                print(event.id, event.data, event.names)

    Arguments, errors and rules are those of `openstreamer.connect`; `help(openstreamer.connect)` lists them.
    """
    plan = Plan(
        host,
        port=port,
        pkcs12=pkcs12,
        password=password,
        cert=cert,
        key=key,
        ca=ca,
        events=events,
        flags=flags,
        extended=extended,
        since=since,
        until=until,
        count=count,
        domain=domain,
        metadata=metadata,
        names=names,
        position=position,
        ipv6=ipv6,
        reconnect=reconnect,
        read_deadline=read_deadline,
        notice=notice,
    )
    return AsyncEventStream(plan, idle_exit=idle_exit)
