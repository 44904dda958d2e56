"""A service that runs inside the test process, in a thread with an event loop of its own.

Tests talk to it as strangers do, over TLS on loopback with blocking sockets, and may also look inside.
"""

from __future__ import annotations

import asyncio
import shutil
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from openstreamer.authority import Authority, read_pkcs12
from openstreamer.layouts.intrusion import IntrusionEvent
from openstreamer.protocol.items import PendingChunk
from openstreamer.protocol.metadata import metadata_key
from openstreamer.server.service import Service
from openstreamer.server.settings import Settings
from openstreamer.server.state import StateDirectory, create, find
from openstreamer.store import Store, open_store
from openstreamer.wire import encoder
from support.raw_client import RawClient

_Value = TypeVar("_Value")

SECOND = 1_700_000_000
HOST = "127.0.0.1"


def wait_until(condition: Callable[[], Any], seconds: float = 5.0, what: str = "it to happen") -> None:
    """Wait for something that a thread or another process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}"
        time.sleep(0.01)


# --- records ----------------------------------------------------------------------------------------------


@cache
def _intrusion_encoder() -> Callable[[Any], bytes]:
    return encoder(IntrusionEvent, 85)


def intrusion(number: int) -> bytes:
    """Data of an intrusion event of the newest form; its event id is `number`."""
    return _intrusion_encoder()(
        IntrusionEvent(
            block_type=85,
            device_id=1,
            event_id=number,
            event_second=SECOND,
            signature_id=1000,
            generator_id=1,
            signature_revision=3,
            source_ip="192.0.2.1",
            destination_ip="198.51.100.2",
        )
    )


def packet(number: int, size: int = 60) -> bytes:
    """Data of a packet record that belongs to the intrusion event of that number."""
    return struct.pack(">7I", 1, number, SECOND, SECOND, 0, 1, size) + bytes(size)


def rule_message(signature: int, text: str) -> bytes:
    """Data of a metadata record 66."""
    raw = text.encode()
    return struct.pack(">IIIIH", 1, signature, 3, signature, len(raw)) + bytes(32) + raw


def event_number(data: bytes) -> int:
    """Event id of an intrusion event (400, block 85) or of a packet (2)."""
    offset = 4 if len(data) < 200 and struct.unpack_from(">I", data)[0] != 85 else 12
    return int(struct.unpack_from(">I", data, offset)[0])


def append(
    store: Store,
    records: Iterable[tuple[int, bytes]],
    *,
    now: int | None = None,
    metadata: Iterable[tuple[int, bytes]] = (),
) -> int:
    """Store one chunk of (record type, data); each of them refers to all of the metadata. Its number."""
    listed = list(records)
    keyed = [(metadata_key(kind, data), kind, 0, data) for kind, data in metadata]
    references = {(kind, key) for kind, _ in listed for key, _, _, _ in keyed}
    pending = PendingChunk([(kind, 0, data) for kind, data in listed], references)
    return store.append(pending, now=int(time.time()) if now is None else now, metadata=keyed).number


# --- the service ------------------------------------------------------------------------------------------


class Template:
    """A state directory with the clients that tests need, made once and copied for each test."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        directory = find(self.state)
        create(directory)
        with Authority(self.state) as authority:
            authority.create()
            self.certificates = {}
            for name in ("one", "two"):
                data = authority.issue(f"{name}.invalid", [HOST, "::1"])
                self.certificates[name] = _pem(folder / f"{name}.pem", data)
            data = authority.issue("192.0.2.99")
            self.certificates["elsewhere"] = _pem(folder / "elsewhere.pem", data)
            data = authority.issue("nowhere.invalid")
            self.certificates["nowhere"] = _pem(folder / "nowhere.pem", data)
            data = authority.issue("anywhere.invalid", hostcheck=False)
            self.certificates["anywhere"] = _pem(folder / "anywhere.pem", data)
        foreign = folder / "foreign"
        create(find(foreign))
        with Authority(foreign) as authority:
            authority.create()
            self.certificates["foreign"] = _pem(
                folder / "foreign.pem", authority.issue("one.invalid", [HOST])
            )
        open_store(directory.store).close()


def _pem(path: Path, pkcs12: bytes) -> Path:
    credentials = read_pkcs12(pkcs12)
    path.write_bytes(credentials.certificate_pem + credentials.private_key_pem)
    path.chmod(0o600)
    return path


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """See Template."""
    return Template(tmp_path_factory.mktemp("template"))


class LiveService:
    """A running service. `call` runs something in its event loop."""

    def __init__(self, state: StateDirectory, certificates: dict[str, Path], service: Service) -> None:
        self.state = state
        self.certificates = certificates
        self.service = service
        self.store: Store = open_store(state.store)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._stopped = False

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()
        try:
            self.call(self.service.start)
        except BaseException:
            self._stopped = True
            raise

    def call(self, function: Callable[[], Any]) -> Any:
        """Run a function or coroutine function in the event loop and give its result."""

        async def run() -> Any:
            result = function()
            return await result if asyncio.iscoroutine(result) else result

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(30)

    def stop(self) -> None:
        """Stop in an orderly way."""
        if not self._stopped:
            self._stopped = True
            self.call(self.service.stop)

    def close(self) -> None:
        """Stop, and end the thread."""
        try:
            self.stop()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop.close()
            self.store.close()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.service.addresses[0].rpartition(":")[2])

    def client(self, name: str | None = "one", host: str = HOST, **options: Any) -> RawClient:
        """Connect with the certificate of that name (None: with none)."""
        certificate = self.certificates[name] if name is not None else None
        return RawClient((host, self.port), certificate, **options)


Start = Callable[..., LiveService]


@contextmanager
def starter(template: Template, folder: Path) -> Iterator[Start]:
    """Gives a function that starts services, and stops them at the end."""
    running: list[LiveService] = []

    def start(**options: Any) -> LiveService:
        state = find(folder / f"state{len(running)}")
        shutil.copytree(template.state, state.path)
        settings = change(options.pop("settings", {}))
        options.setdefault("listen", [f"{HOST}:0"])
        live = LiveService(state, template.certificates, Service(state, settings, **options))
        running.append(live)
        live.start()
        return live

    try:
        yield start
    finally:
        for live in running:
            live.close()


@pytest.fixture
def start(template: Template, tmp_path: Path) -> Iterator[Start]:
    """Starts a service on a copy of the template; keywords are those of Service, `settings` as below."""
    with starter(template, tmp_path) as function:
        yield function


def change(values: dict[str, dict[str, Any]]) -> Settings:
    """Settings of `{"section": {"key": value}}`."""
    return msgspec.convert(values, Settings)
