"""A client of the server's tests that knows nothing of the program: a TLS socket and hand-written bytes."""

from __future__ import annotations

import socket
import ssl
import struct
import time
from pathlib import Path
from types import TracebackType

X2 = bytes.fromhex("00010002 00000008 ffffffff 48900061")
"""Event Stream Request from "now", as the deployed Python client sends it (example X2)."""

X3 = bytes.fromhex("00010002 00000008 00000000 0000007f")
"""Event Stream Request of the oldest flags, without bit 30 (example X3)."""

X6 = bytes.fromhex(
    "00010801 00000038 00001a0b 00000038 48900061 ffffffff 000b000c 00040015"
    "0009001f 000b003d 00110047 0007005b 00080065 0007006f 00020083 00000000"
)
"""Streaming Request with nine pairs (example X6)."""

NULL = bytes.fromhex("00010000 00000000")


def request(timestamp: int, flags: int) -> bytes:
    """An Event Stream Request."""
    return struct.pack(">HHIII", 1, 2, 8, timestamp, flags)


def streaming_request(timestamp: int, flags: int, pairs: list[tuple[int, int]]) -> bytes:
    """A Streaming Request of (event type, version) pairs, with the inclusive length."""
    listed = b"".join(struct.pack(">HH", version, kind) for kind, version in [*pairs, (0, 0)])
    body = struct.pack(">IIII", 6667, 16 + len(listed), flags, timestamp) + listed
    return struct.pack(">HHI", 1, 2049, len(body)) + body


class Closed(Exception):
    """The server closed the connection."""


class RawClient:
    """A TLS connection. `certificate` is a PEM file with certificate and key, None for none."""

    def __init__(
        self,
        address: tuple[str, int],
        certificate: Path | None,
        *,
        maximum: ssl.TLSVersion | None = None,
        receive_buffer: int | None = None,
    ) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if maximum is not None:
            context.maximum_version = maximum
        if certificate is not None:
            context.load_cert_chain(certificate)
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        raw = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        raw.settimeout(10)
        try:
            raw.connect(address)
            self.socket = context.wrap_socket(raw, do_handshake_on_connect=True)
        except BaseException:
            raw.close()
            raise
        self._buffer = b""

    def __enter__(self) -> RawClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def message(self, timeout: float = 5.0) -> tuple[int, bytes]:
        """The next message as (type, body). Raises Closed at the end, TimeoutError if none comes."""
        deadline = time.monotonic() + timeout
        while True:
            if len(self._buffer) >= 8:
                version, kind, length = struct.unpack_from(">HHI", self._buffer)
                assert version == 1
                if len(self._buffer) >= 8 + length:
                    body = self._buffer[8 : 8 + length]
                    self._buffer = self._buffer[8 + length :]
                    return kind, body
            self.socket.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                data = self.socket.recv(1 << 20)
            except (ConnectionError, ssl.SSLError) as error:
                if isinstance(error, TimeoutError):
                    raise
                raise Closed(str(error)) from error
            if not data:
                assert not self._buffer, "the server closed in the middle of a message"
                raise Closed
            self._buffer += data

    def closed(self, timeout: float = 5.0) -> list[tuple[int, bytes]]:
        """Everything that comes until the server closes. Raises TimeoutError if it does not."""
        got = []
        deadline = time.monotonic() + timeout
        while True:
            try:
                got.append(self.message(max(0.001, deadline - time.monotonic())))
            except Closed:
                return got

    def records(self, count: int, timeout: float = 10.0, *, acknowledge: bool = True) -> list[Item]:
        """The next `count` event or metadata records, out of type 4 messages or bundles."""
        found: list[Item] = []
        deadline = time.monotonic() + timeout
        while len(found) < count:
            kind, body = self.message(max(0.001, deadline - time.monotonic()))
            if kind == 4:
                found.append(Item(body))
            elif kind == 4002:
                found += bundle_items(body)
            elif kind == 0:
                continue
            else:
                raise AssertionError(f"message {kind} in the stream: {body!r}")
            if acknowledge:
                self.send(NULL)
        return found

    def silence(self, seconds: float) -> None:
        """Make sure that no event comes for a while."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                kind, body = self.message(left)
            except TimeoutError:
                return
            assert kind == 0, (kind, body)


class Item:
    """A record as it came: `type`, `archive_time` (None in the short header), `data`."""

    def __init__(self, body: bytes) -> None:
        word, length = struct.unpack_from(">II", body)
        self.type = word & 0xFFFF
        self.archive_time: int | None = None
        start = len(body) - length
        assert start in (8, 16), body
        if start == 16:
            self.archive_time = struct.unpack_from(">I", body, 8)[0]
        self.data = body[start:]

    def __repr__(self) -> str:
        return f"Item({self.type}, {self.archive_time}, {self.data!r})"


def bundle_items(body: bytes) -> list[Item]:
    """The records of a bundle."""
    found = []
    position = 8
    while position < len(body):
        kind, length = struct.unpack_from(">II", body, position)
        assert kind == 4, kind
        found.append(Item(body[position + 8 : position + 8 + length]))
        position += 8 + length
    return found
