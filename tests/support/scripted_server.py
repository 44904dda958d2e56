"""A TLS server that says what a test tells it to, over real sockets on the loopback.

It is no eStreamer server: it knows message headers and nothing else. A test gives a function that holds one
conversation; it is called in a thread of its own for each connection.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from support import hand_made
from support.certificates import Authority, authority


class Gone(Exception):
    """The client has closed."""


class Conversation:
    """The server's end of one connection."""

    def __init__(self, connection: ssl.SSLSocket, number: int) -> None:
        self._connection = connection
        self.number = number
        self.received: list[tuple[int, bytes]] = []

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self._connection.recv(count - len(data))
            if not part:
                raise Gone
            data += part
        return data

    def receive(self) -> tuple[int, bytes]:
        """The next message: type and body."""
        version, message_type, length = struct.unpack(">HHI", self._exactly(8))
        assert version == 1
        message = (message_type, self._exactly(length))
        self.received.append(message)
        return message

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def greet(self) -> tuple[int, int]:
        """Take the first request, offer the service, take the list; gives timestamp and flags."""
        message_type, body = self.receive()
        assert message_type == 2
        timestamp, flags = struct.unpack(">II", body)
        if flags & 1 << 30:
            self.send(hand_made.streaming_information())
            assert self.receive()[0] == 2049
        return timestamp, flags

    def bundles(self, records: list[bytes], size: int = 4) -> None:
        """Send records in bundles of `size`, waiting for the acknowledgement of each."""
        for number, start in enumerate(range(0, len(records), size), 1):
            self.send(hand_made.bundle(number, records[start : start + size]))
            assert self.receive() == (0, b"")

    def wait_for_end(self) -> None:
        """Until the client closes."""
        with contextlib.suppress(Gone, OSError):
            while True:
                self.receive()

    def close(self) -> None:
        """Take leave in TLS."""
        with contextlib.suppress(OSError):
            self._connection.unwrap()
        self._connection.close()

    def cut(self) -> None:
        """Close TCP in order and TLS not at all, as a process that is killed does."""
        socket.socket.shutdown(self._connection, socket.SHUT_RDWR)
        self._connection.close()

    def reset(self) -> None:
        """Break the connection as a crash does."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()


Script = Callable[[Conversation], None]


class ScriptedServer:
    """Listens on a port of the system's choice; `script` is run for each connection."""

    def __init__(
        self,
        script: Script,
        folder: Path,
        *,
        own: Authority | None = None,
        clients: Authority | None = None,
        address: str = "127.0.0.1",
        tls: ssl.TLSVersion | None = None,
        days: int = 30,
    ) -> None:
        self.own = own or authority()
        self._script = script
        certificate, key = self.own.pem_files(folder, "server", server=True, days=days)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._context.load_verify_locations(cadata=(clients or authority()).pem.decode())
        if tls is not None:
            self._context.maximum_version = tls
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.create_server((address, 0), family=family)
        self.port: int = self._listener.getsockname()[1]
        self.conversations: list[Conversation] = []
        self.failures: list[BaseException] = []
        self._threads: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept, daemon=True)

    def _accept(self) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            raw.settimeout(30)
            thread = threading.Thread(target=self._hold, args=(raw, len(self.conversations)), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _hold(self, raw: socket.socket, number: int) -> None:
        try:
            connection = self._context.wrap_socket(raw, server_side=True)
        except (OSError, ssl.SSLError):
            raw.close()
            return
        conversation = Conversation(connection, number)
        self.conversations.append(conversation)
        try:
            self._script(conversation)
        except (Gone, OSError):
            pass
        except BaseException as failure:
            self.failures.append(failure)
        finally:
            connection.close()

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(5)
        for thread in self._threads:
            thread.join(5)
        if kind is None and self.failures:
            raise self.failures[0]


@contextlib.contextmanager
def serving(script: Script, folder: Path, **options: object) -> Iterator[ScriptedServer]:
    """The server while the block runs; a failed assertion in the script fails the test."""
    with ScriptedServer(script, folder, **options) as server:  # type: ignore[arg-type]
        yield server
