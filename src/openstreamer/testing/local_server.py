"""A real server inside the process of a test: started, filled, cut off, revoked, restarted at will.

The service runs in a thread with an event loop of its own; everything here may be called from the thread of
the test. What a method does has happened when it returns. Certificates are made once for a process, because
keys take a moment; each server has its own copy, its own register of clients and its own event log.

Not here: an imitation. What differs from `openstreamer serve` is only that it is started from Python.
"""

from __future__ import annotations

import asyncio
import functools
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

import msgspec

from openstreamer.authority import Authority, read_pkcs12
from openstreamer.errors import InputError, OpenStreamerError, UsageError
from openstreamer.inputs.uri import make_input
from openstreamer.layouts.records import EVENT_CLASSES
from openstreamer.outputs.batch import DeliveredEvent
from openstreamer.protocol.records import Event, Record, decode_record, json_line
from openstreamer.server.intake import Intake
from openstreamer.server.service import Service
from openstreamer.server.settings import Settings
from openstreamer.server.state import create, find
from openstreamer.store import open_store

EventLike: TypeAlias = "str | bytes | Mapping[str, Any] | Record | Event | DeliveredEvent"
"""An event in any form: a line of JSON (or several), the same as a mapping, a record as on the wire, or an
event that a client received."""

PASSWORD = "testing"
CLIENT = "localhost"
_ADDRESSES = ("127.0.0.1", "::1")
_SECONDS = 30.0

_Value = TypeVar("_Value")


class _Template:
    """A state directory with a client in it, from which each server gets a copy."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="openstreamer-testing-")
        self.state = Path(self._folder.name) / "state"
        create(find(self.state))
        with Authority(self.state) as authority:
            authority.create(names=[CLIENT, *_ADDRESSES])
            self.pkcs12 = authority.issue(CLIENT, _ADDRESSES, password=PASSWORD)
        open_store(find(self.state).store).close()


@functools.cache
def _template() -> _Template:
    return _Template()


class LocalServer:
    """A server on the loopback. Use it as a context manager, or call `start` and `close`.

    Attributes:
        host: where it listens. port: chosen by the system, kept over a restart.
        pkcs12: path of the file for the client. password: the password of that file.
        certificate, ca: paths of the same as PEM: the client's certificate with its key, the authority.
        directory: where all of it lies.
    """

    def __init__(
        self,
        directory: str | Path | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        events: Iterable[str] = EVENT_CLASSES,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Prepare a server; nothing is started yet.

        Args:
            directory: an empty or new directory to work in; without one a temporary one, removed by `close`.
            host: "127.0.0.1" or "::1". port: 0 lets the system choose one.
            events: the event types that are switched on; all by default.
            settings: settings of the server, `{"section": {"key": value}}` as in its settings file.

        Raises:
            UsageError: a setting or an event type does not exist.
        """
        self._temporary = (
            tempfile.TemporaryDirectory(prefix="openstreamer-testing-") if directory is None else None
        )
        self.directory = Path(self._temporary.name if self._temporary is not None else directory or ".")
        self.host = host
        self.port = port
        self.password = PASSWORD
        self.pkcs12 = self.directory / "client.pkcs12"
        self.certificate = self.directory / "client.pem"
        self.ca = self.directory / "ca.pem"
        try:
            self._settings = msgspec.convert(dict(settings or {}), Settings)
        except msgspec.ValidationError as error:
            raise UsageError(f"settings of the server: {error}") from error
        self._events = list(events)
        self._state = find(self.directory / "state")
        self._service: Service | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._sent = 0
        self._prepared = False

    # --- start and end ------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def address(self) -> str:
        """ "host:port", as commands take it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def running(self) -> bool:
        """Whether it listens."""
        return self._service is not None

    def start(self) -> None:
        """Begin to listen; again after `stop`, on the same port, with the same events and clients.

        Raises:
            OpenStreamerError: it cannot listen there.
        """
        if self._service is not None:
            return
        self._prepare()
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=self._loop.run_forever, name="openstreamer-testing", daemon=True
            )
            self._thread.start()
        service = Service(self._state, self._settings, listen=[self.address])
        self._call(service.start)
        self._service = service
        self.port = int(service.addresses[0].rpartition(":")[2])

    def _prepare(self) -> None:
        if self._prepared:
            return
        template = _template()
        self.directory.mkdir(parents=True, exist_ok=True)
        shutil.copytree(template.state, self._state.path)
        self.pkcs12.write_bytes(template.pkcs12)
        credentials = read_pkcs12(template.pkcs12, PASSWORD)
        self.certificate.write_bytes(credentials.certificate_pem + credentials.private_key_pem)
        self.ca.write_bytes(credentials.ca_pem)
        for path in (self.pkcs12, self.certificate):
            path.chmod(0o600)
        self._prepared = True
        self.switch_on(*self._events, only=True)

    def stop(self) -> None:
        """Deliver what is stored to clients that take it, end their sessions, and listen no more."""
        service, self._service = self._service, None
        if service is not None:
            self._call(service.stop)

    def restart(self) -> None:
        """Stop and start: clients lose their connection and find the same server again."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop, and give everything back; a temporary directory is removed."""
        try:
            self.stop()
        finally:
            if self._loop is not None and self._thread is not None:
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join(_SECONDS)
                self._loop.close()
                self._loop = self._thread = None
            if self._temporary is not None:
                self._temporary.cleanup()

    def _call(self, function: Callable[[], Any]) -> Any:
        assert self._loop is not None

        async def run() -> Any:
            result = function()
            return await result if asyncio.iscoroutine(result) else result

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(_SECONDS)

    # --- events -------------------------------------------------------------------------------------------

    def send(self, *events: EventLike, archive_time: int | None = None) -> int:
        """Store events: every client gets them that asks for them. Works while the server is stopped, too.

        Args:
            events: each in any form of `EventLike`. In JSON, `record_type` and `data.block_type` may be left
                out (the newest), and so may any field. Metadata (rules, devices, …) gives names to events.
            archive_time: UNIX seconds at which they are stored, not before that of what is stored already;
                now by default.

        Returns:
            How many events were stored. Those of a type that is switched off, and metadata, do not count.

        Raises:
            InputError: one of them is no event; the others are stored.
        """
        if not self._prepared:
            self._prepare()
        self._sent += 1
        path = self.directory / f"sent-{self._sent}.jsonl"
        path.write_bytes(b"".join(_lines(event) for event in events))
        return self._take_in("json", path, archive_time)

    def send_sample(self) -> int:
        """Store ten minutes of a small network: alerts, packets, connections, files. Returns how many."""
        if not self._prepared:
            self._prepare()
        self._sent += 1
        path = self.directory / f"sent-{self._sent}.eve.json"
        path.write_bytes((resources.files("openstreamer.samples") / "sample.eve.json").read_bytes())
        return self._take_in("eve", path, None)

    def _take_in(self, kind: str, path: Path, archive_time: int | None) -> int:
        with (
            Authority(self._state.path).load() as authority,
            open_store(self._state.store, synchronous="OFF") as store,
        ):
            enabled = authority.registry.server_events()
            intake = Intake(
                store,
                make_input(kind, {"path": str(path), "again": True}),
                enabled=lambda: enabled,
                stop=threading.Event(),
                report=lambda level, sentence: None,
                clock=time.time if archive_time is None else lambda: float(archive_time),
            )
            intake.run()
        service = self._service
        if service is not None:
            self._call(service.source.look)
        if intake.totals.broken_lines:
            raise InputError(str(intake.totals.broken_lines[0]))
        return intake.totals.events.total()

    # --- clients ------------------------------------------------------------------------------------------

    def switch_on(self, *events: str, only: bool = False) -> None:
        """Switch event types on; with `only`, all others off. Raises UsageError for what is none."""
        self._switch(events, on=True, only=only)

    def switch_off(self, *events: str) -> None:
        """Switch event types off: they are neither stored nor sent. Raises UsageError for what is none."""
        self._switch(events, on=False, only=False)

    def _switch(self, events: tuple[str, ...], *, on: bool, only: bool) -> None:
        for name in events:
            if name not in EVENT_CLASSES:
                raise UsageError(f"there are no events {name!r}; there are {', '.join(EVENT_CLASSES)}")
        if not self._prepared:
            self._prepare()
        with Authority(self._state.path).load() as authority:
            if on:
                others = set(EVENT_CLASSES) - set(events) if only else ()
                authority.registry.set_server_events(enable=events, disable=others)
            else:
                authority.registry.set_server_events(disable=events)
        self._notice()

    def revoke(self) -> None:
        """Revoke the client: its sessions end, and it is not let in again."""
        with Authority(self._state.path).load() as authority:
            authority.revoke(CLIENT, reason="the test said so")
        self._notice()
        self._wait(lambda: not self.connections, "the sessions of the revoked client to end")

    def admit(self) -> None:
        """Let a revoked client in again, with a new certificate: `pkcs12` and `certificate` are replaced."""
        with Authority(self._state.path).load() as authority:
            content = authority.issue(CLIENT, _ADDRESSES, password=PASSWORD)
        credentials = read_pkcs12(content, PASSWORD)
        self.pkcs12.write_bytes(content)
        self.certificate.write_bytes(credentials.certificate_pem + credentials.private_key_pem)
        self._notice()

    def _notice(self) -> None:
        """Let a running service look at the register now."""
        service = self._service
        if service is not None:
            self._call(lambda: service.reload(self._settings))

    @property
    def connections(self) -> int:
        """How many sessions of clients there are."""
        service = self._service
        return 0 if service is None else int(self._call(lambda: len(service.sessions)))

    def disconnect(self) -> int:
        """Break all connections, as a network that fails does; clients may come again. Returns how many."""
        service = self._service
        if service is None:
            return 0

        def end() -> int:
            sessions = list(service.sessions)
            for session in sessions:
                session.end("the test said so")
            return len(sessions)

        count = int(self._call(end))
        self._wait(lambda: not self.connections, "the connections to end")
        return count

    def wait_for_client(self, seconds: float = _SECONDS) -> None:
        """Wait until a client has asked for events.

        Raises:
            OpenStreamerError: none has within that time.
        """
        service = self._running()
        self._wait(
            lambda: self._call(lambda: any(each.selection is not None for each in service.sessions)),
            "a client to ask for events",
            seconds,
        )

    def wait_until_delivered(self, seconds: float = _SECONDS) -> None:
        """Wait until a client has acknowledged everything that is stored.

        Raises:
            OpenStreamerError: none has within that time.
        """
        service = self._running()

        def delivered() -> bool:
            service.source.look()
            newest = service.source.newest
            return any(
                each.acknowledged is not None and each.acknowledged >= newest for each in service.sessions
            )

        self._wait(lambda: self._call(delivered), "a client to acknowledge everything", seconds)

    def _running(self) -> Service:
        if self._service is None:
            raise UsageError("the server is not running")
        return self._service

    def _wait(self, condition: Callable[[], Any], what: str, seconds: float = _SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise OpenStreamerError(f"waited {seconds:g} s for {what}")
            time.sleep(0.01)


def _lines(event: EventLike) -> bytes:
    if isinstance(event, Mapping):
        return msgspec.json.encode(event) + b"\n"
    if isinstance(event, DeliveredEvent):
        return event.to_json().rstrip(b"\n") + b"\n"
    if isinstance(event, Record):
        return json_line(decode_record(event))
    if isinstance(event, Event):
        return json_line(event)
    text = event.encode() if isinstance(event, str) else event
    return text.rstrip(b"\n") + b"\n"
