"""The client as a library: `connect` gives the events of a server as an iterator.

    with openstreamer.connect("fmc.example.com", pkcs12="client.pkcs12") as events:
        for event in events:
            print(event.id, event.data, event.names)

The connection is made when the first event is asked for. Lost connections are mended, and the stream goes
on where it was. An event counts as taken when the next one is asked for, or when the `with` block ends
without an error; with `position=FILE` that survives the process: another run with the same file goes on
there, exactly. `openstreamer.aio` has the same for asyncio. The rules of delivery are in docs/library.md.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from types import TracebackType
from typing import Self

from openstreamer.client.address import check_port
from openstreamer.client.credentials import ClientCredentials, KnownServers
from openstreamer.client.feed import Feed, FeedSettings
from openstreamer.client.names import NameCache
from openstreamer.client.position import Position, PositionFile, SavedState
from openstreamer.client.receiver import Counts, Delivery, Wanted
from openstreamer.client.reconnect import ReconnectPolicy
from openstreamer.client.request import make_request
from openstreamer.client.stop import Stop
from openstreamer.client.stream import SAVE_EVERY, Since, begin
from openstreamer.client.times import parse_since, parse_time
from openstreamer.outputs.batch import DeliveredEvent
from openstreamer.protocol.records import Record

PathLike = str | os.PathLike[str]
Time = str | int | float | datetime


def _say_nothing(text: str) -> None:
    pass


class Plan:
    """Everything `connect` was told, checked: what the blocking and the asyncio front have in common."""

    def __init__(
        self,
        host: str,
        *,
        port: int,
        pkcs12: PathLike | None,
        password: str | None,
        cert: PathLike | None,
        key: PathLike | None,
        ca: PathLike | None,
        events: str | Iterable[str],
        flags: int | None,
        extended: bool,
        since: Time,
        until: Time | None,
        count: int | None,
        domain: int | str | None,
        metadata: bool,
        names: bool,
        position: PathLike | None,
        ipv6: bool,
        reconnect: bool,
        read_deadline: float,
        notice: Callable[[str], None],
    ) -> None:
        def text(path: PathLike | None) -> str | None:
            return None if path is None else os.fspath(path)

        request = make_request(
            events if isinstance(events, str) else list(events), extended=extended, flags=flags
        )
        self.until = None if until is None else parse_time(until)
        self.settings = FeedSettings(
            host=host,
            port=check_port(port),
            credentials=ClientCredentials(
                pkcs12=text(pkcs12),
                password=password,
                certificate=text(cert),
                key=text(key),
                authority=text(ca),
            ),
            request=request,
            wanted=Wanted(domain=domain, until=self.until, metadata=metadata, names=names),
            ipv6=ipv6,
            count=count,
            read_deadline=read_deadline,
        )
        self.since: Since = parse_since(since)
        self.notice = notice
        self.file = None if position is None else PositionFile(position)
        directory = None if self.file is None else os.path.dirname(os.path.abspath(self.file.path))
        self.names = NameCache(None if self.file is None else f"{self.file.path}.names")
        self.known_servers = KnownServers(
            None if directory is None else os.path.join(directory, "known-servers")
        )
        self.policy = ReconnectPolicy(reconnect=reconnect)


class Progress:
    """How far the user of a stream is: which events count as taken, and saving that."""

    def __init__(self, feed: Feed, file: PositionFile | None) -> None:
        self._feed = feed
        self._file = file
        self._delivery: Delivery | None = None
        self._taken = 0
        self._current: Record | None = None
        self._dirty = True
        self._next_save = 0.0

    def handed_out(self, delivery: Delivery, record: Record) -> None:
        """This event is with the user now; those before it are taken."""
        self._delivery = delivery
        self._current = record

    def all_taken(self, delivery: Delivery) -> None:
        """The whole delivery is taken."""
        rest = delivery.taken[self._taken :]
        self._feed.taken(Delivery(delivery.batch, rest) if self._taken else delivery)
        self._delivery = self._current = None
        self._taken = 0
        self._dirty = True
        if time.monotonic() >= self._next_save:
            self.save()

    def leave(self, *, finished: bool) -> None:
        """The user ends within a batch: all before the event at hand is taken, and it too if finished."""
        delivery, current = self._delivery, self._current
        if delivery is None or current is None:
            return
        for at in range(self._taken, len(delivery.taken)):
            if delivery.taken[at] is current:
                end = at + 1 if finished else at
                self._feed.taken(Delivery(delivery.batch, delivery.taken[self._taken : end]))
                self._taken = end
                self._dirty = True
                return

    def save(self) -> None:
        """Write the position, if there is a file and anything moved.

        Raises:
            OutputError: the disk did not take it.
        """
        if self._file is None or not self._dirty:
            return
        self._file.save(
            SavedState(
                server=self._feed.settings.server,
                position=self._feed.tracker.position,
                saved=int(time.time()),
            )
        )
        self._dirty = False
        self._next_save = time.monotonic() + SAVE_EVERY


class EventStream:
    """The events of one server: iterate over it, inside a `with` block.

    Made by `openstreamer.connect`.
    """

    def __init__(self, plan: Plan, *, idle_exit: float | None = None) -> None:
        self._plan = plan
        self._idle_exit = idle_exit
        self._stop = Stop()
        self._file = plan.file
        if self._file is not None:
            self._file.acquire()
        try:
            tracker, _ = begin(plan.since, self._file, plan.settings.server, plan.notice)
        except BaseException:
            self._release()
            raise
        self._feed = Feed(
            plan.settings,
            tracker,
            names=plan.names,
            known_servers=plan.known_servers,
            policy=plan.policy,
            stop=self._stop,
            notice=plan.notice,
        )
        self._progress = Progress(self._feed, self._file)
        self._iterator: Iterator[DeliveredEvent] | None = None
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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.leave(finished=kind is None)
        self.close()

    def __iter__(self) -> Self:
        """The stream is its own iterator."""
        return self

    def __next__(self) -> DeliveredEvent:
        """The next event; waits for it.

        The events come in order, for ever; the iteration ends with `count`, `until`, `idle_exit` or `stop`.

        Raises:
            RefusedError: one side does not accept the other.
            UsageError: the credentials cannot be used.
            PeerError, RemoteProtocolError, TransportError: what a new try would not mend.
        """
        if self._iterator is None:
            self._iterator = self._events()
        return next(self._iterator)

    def _events(self) -> Iterator[DeliveredEvent]:
        server, names = self.server, self._plan.names if self._plan.settings.wanted.names else None
        progress = self._progress
        for delivery in self._deliveries():
            by_event = zip(delivery.batch.records, delivery.batch.each(), strict=True)
            for record, event in by_event:
                if event is not None:
                    progress.handed_out(delivery, record)
                    yield DeliveredEvent(event, server, names)
            self._feed.counts.undecodable += len(delivery.batch.problems)
            progress.all_taken(delivery)

    def batches(self) -> Iterator[list[DeliveredEvent]]:
        """The same, many at a time, as they arrive: a list is taken when the next one is asked for."""
        server, names = self.server, self._plan.names if self._plan.settings.wanted.names else None
        for delivery in self._deliveries():
            events = delivery.batch.events()
            self._feed.counts.undecodable += len(delivery.batch.problems)
            if events:
                self._progress.handed_out(delivery, delivery.taken[-1])
                yield [DeliveredEvent(event, server, names) for event in events]
            self._progress.all_taken(delivery)

    def _deliveries(self) -> Iterator[Delivery]:
        last = time.monotonic()
        for delivery in self._feed.deliveries():
            now = time.monotonic()
            if delivery is not None:
                yield delivery
                last = time.monotonic()
                continue
            self._progress.save()
            if self._idle_exit is not None and now - last >= self._idle_exit:
                if self._feed.last_error is not None and not self._feed.heard:
                    raise self._feed.last_error
                return
            if self._plan.until is not None and time.time() > self._plan.until + 5 and now - last >= 2:
                return

    def save(self) -> None:
        """Save the position now. Nothing happens without `position=FILE`; otherwise it is saved every second.

        Raises:
            OutputError: the disk did not take it.
        """
        self._progress.save()

    def stop(self) -> None:
        """End the iteration soon; may be called from another thread or a signal handler."""
        self._stop.request()

    def close(self) -> None:
        """Save the position and close the connection."""
        if self._closed:
            return
        self._closed = True
        try:
            self._progress.save()
            self._plan.names.save()
        finally:
            self._feed.close()
            self._release()
            self._stop.close()

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
) -> EventStream:
    """The events of a server, one after the other, for as long as you ask for them.

        with openstreamer.connect("fmc.example.com", pkcs12="client.pkcs12") as events:
            for event in events:
                print(event.id, event.data, event.names)

    The connection is made when the first event is asked for, and mended when it is lost. An event counts as
    taken when the next one is asked for, or when the `with` block ends without an exception.

    Args:
        host: name or address of the server.
        port: its port.
        pkcs12: the file that the server's operator made for this client.
        password: the password of that file.
        cert: certificate of this client (PEM), instead of pkcs12.
        key: its key (PEM), if it is not in the same file.
        ca: authority of the server's certificate (PEM); wins over the one in pkcs12.
        events: the classes wanted: "all", or names with commas or in a list, each perhaps with `@VERSION`.
        flags: a request flags word to be sent as it is.
        extended: False asks by flag bits alone, as clients of the 4.x era do.
        since: "resume" (at `position`; the beginning where there is none), "beginning", "now", or a time: an
            epoch second, ISO 8601 text, a datetime.
        until: end before the first event stored after this time.
        count: end after that many events.
        idle_exit: end when nothing came for that many seconds.
        domain: only events of this domain, by number or name.
        metadata: give metadata records as events too.
        names: look up what metadata says of numbers.
        position: file that holds the position between runs.
        ipv6: connect over IPv6 only.
        reconnect: mend lost connections; otherwise they raise TransportError.
        read_deadline: seconds without any message after which the link is taken for dead.
        notice: called with a sentence when something happens that an operator should know.

    Returns:
        An iterator of `openstreamer.Event`, to be used in a `with` block.

    Raises:
        UsageError: an argument is wrong, or the position is in use.
        ConfigurationError: the saved position is damaged, or belongs to another server.
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
    return EventStream(plan, idle_exit=idle_exit)
