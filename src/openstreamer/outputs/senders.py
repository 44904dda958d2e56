"""Connections that carry messages to a log server: UDP, TCP, TLS, a local socket.

A sender connects when it has something to send and again after it lost the connection. Whatever hinders it is
`OutputFull`: the caller comes back with growing pauses and offers the same messages again. `flush` of TCP and
TLS returns when the other machine has acknowledged every byte; what its log server then does with them no
protocol of these says. A log server never speaks first, so a connection that has something to read has been
closed from there: it is mended before anything is sent into the void. TLS is closed with its own goodbye,
without which some servers throw the last messages away.

Rules: RFC 5425 (TLS), 5426 (UDP), 6587 (TCP). Not here: what is in a message (syslog.py).
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from openstreamer.errors import OutputError, UsageError
from openstreamer.outputs.interface import OutputFull

if TYPE_CHECKING:
    import ssl

CONNECT_SECONDS = 10.0
SEND_SECONDS = 30.0
LOCAL = "/dev/log"
_PORTS = {"udp": 514, "tcp": 601, "tls": 6514}
_CHUNK = 256 * 1024

Transport = Literal["udp", "tcp", "tls", "local"]


class Address(msgspec.Struct, frozen=True):
    """Where a log server listens; `host` is the path of a local one."""

    transport: Transport
    host: str
    port: int = 0

    def __str__(self) -> str:
        if self.transport == "local":
            return self.host
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.transport}://{host}:{self.port}"


def parse_address(text: str) -> Address:
    """`udp://host:514`, `tcp://[::1]`, `tls://host`, `/path`, `local`, or a host alone (UDP).

    Raises:
        UsageError: it is none of these.
    """
    if text in ("-", "", "local"):
        return Address("local", LOCAL)
    if text.startswith(("/", "local:", "unix:")):
        return Address("local", text.removeprefix("local:").removeprefix("unix:").removeprefix("//"))
    scheme, found, rest = text.partition("://")
    if not found:
        scheme, rest = "udp", text
    if scheme not in _PORTS:
        raise UsageError(f"{text!r}: write udp://HOST:PORT, tcp://HOST:PORT, tls://HOST:PORT or a path")
    host, port = rest, ""
    if rest.startswith("["):
        host, _, port = rest[1:].partition("]")
        port = port.removeprefix(":")
    elif rest.count(":") == 1:
        host, _, port = rest.partition(":")
    if not host or (port and not (port.isdecimal() and 0 < int(port) < 65536)):
        raise UsageError(f"{text!r} is no address; write {scheme}://HOST:PORT")
    transport: Transport = "tls" if scheme == "tls" else "tcp" if scheme == "tcp" else "udp"
    return Address(transport, host, int(port) if port else _PORTS[scheme])


class Sender(Protocol):
    """What carries messages."""

    def send(self, messages: Sequence[bytes]) -> None:
        """Send all of them, in order.

        Raises:
            OutputFull: not now; some may have been sent, and all are to be offered again.
            OutputError: never, with these settings.
        """
        ...

    def flush(self) -> None:
        """Return when everything sent has left this machine. Same errors."""
        ...

    def close(self) -> None:
        """Say goodbye; harmless when called twice."""
        ...


def _trouble(address: Address, error: OSError, what: str) -> OutputFull:
    return OutputFull(f"{what} ({error.strerror or error})", target=str(address))


class DatagramSender:
    """UDP, or the socket of the local log service: one datagram a message."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._socket: socket.socket | None = None

    def _connect(self) -> socket.socket:
        try:
            if self._address.transport == "local":
                opened = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                try:
                    opened.connect(self._address.host)
                except OSError:
                    opened.close()
                    raise
            else:
                found = socket.getaddrinfo(self._address.host, self._address.port, type=socket.SOCK_DGRAM)
                family, kind, protocol, _, place = found[0]
                opened = socket.socket(family, kind, protocol)
                opened.connect(place)
        except OSError as error:
            raise _trouble(self._address, error, "cannot be reached") from error
        opened.settimeout(SEND_SECONDS)
        self._socket = opened
        return opened

    def send(self, messages: Sequence[bytes]) -> None:
        opened = self._socket or self._connect()
        try:
            for message in messages:
                self._send_one(opened, message)
        except OSError as error:
            self.close()
            raise _trouble(self._address, error, "does not take messages") from error

    def _send_one(self, opened: socket.socket, message: bytes) -> None:
        while True:
            try:
                opened.send(message)
                return
            except OSError as error:
                if error.errno == errno.ENOBUFS:
                    time.sleep(0.01)
                elif error.errno == errno.EMSGSIZE and len(message) > 480:
                    message = shortened(message, len(message) // 2)
                else:
                    raise

    def flush(self) -> None:
        """Where nobody listens the other machine says so, if it says anything: that is heard here."""
        if self._socket is None:
            return
        number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            self.close()
            raise OutputFull(f"nobody listens there ({os.strerror(number)})", target=str(self._address))

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class StreamSender:
    """TCP or TLS: messages one after the other in one connection, framed already."""

    def __init__(self, address: Address, context: ssl.SSLContext | None, server_name: str) -> None:
        self._address = address
        self._context = context
        self._server_name = server_name
        self._socket: socket.socket | None = None

    def _connect(self) -> socket.socket:
        opened: socket.socket | None = None
        try:
            if self._address.transport == "local":
                opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                opened.settimeout(CONNECT_SECONDS)
                opened.connect(self._address.host)
            else:
                opened = socket.create_connection((self._address.host, self._address.port), CONNECT_SECONDS)
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                if self._context is not None:
                    opened = self._context.wrap_socket(opened, server_hostname=self._server_name)
        except OSError as error:  # ssl.SSLError is one
            if opened is not None:
                opened.close()
            raise _trouble(self._address, error, "cannot be connected") from error
        opened.settimeout(SEND_SECONDS)
        self._socket = opened
        return opened

    def _closed_from_there(self, opened: socket.socket) -> bool:
        readable, _, _ = select.select([opened], [], [], 0)
        if not readable:
            return False
        opened.settimeout(0)
        try:
            return not opened.recv(4096)
        except OSError as error:
            # a TLS session ticket is no application data: nothing to read yet
            return not isinstance(error, BlockingIOError) and type(error).__name__ != "SSLWantReadError"
        finally:
            opened.settimeout(SEND_SECONDS)

    def send(self, messages: Sequence[bytes]) -> None:
        opened = self._socket
        if opened is not None and self._closed_from_there(opened):
            self._drop()
            opened = None
        opened = opened or self._connect()
        try:
            part: list[bytes] = []
            size = 0
            for message in messages:
                part.append(message)
                size += len(message)
                if size >= _CHUNK:
                    opened.sendall(b"".join(part))
                    part, size = [], 0
            if part:
                opened.sendall(b"".join(part))
        except OSError as error:
            self._drop()
            raise _trouble(self._address, error, "the connection was lost") from error

    def flush(self) -> None:
        """Wait until the other machine has acknowledged all bytes."""
        opened = self._socket
        if opened is None or self._address.transport == "local":
            return
        deadline = time.monotonic() + SEND_SECONDS
        pause = 0.0005
        while (waiting := _unacknowledged(opened)) > 0:
            if time.monotonic() > deadline:
                self._drop()
                raise OutputFull(f"{waiting} bytes were not acknowledged", target=str(self._address))
            time.sleep(pause)
            pause = min(2 * pause, 0.05)
        number = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number or waiting < 0:
            self._drop()
            raise OutputFull("the connection was lost", target=str(self._address))

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def close(self) -> None:
        opened = self._socket
        if opened is None:
            return
        with contextlib.suppress(OSError, ValueError):
            if self._context is not None:
                opened.settimeout(5.0)
                opened = opened.unwrap()  # type: ignore[attr-defined]
            opened.shutdown(socket.SHUT_WR)
            # the end of the other side says that it has read everything
            opened.settimeout(2.0)
            while opened.recv(4096):
                pass
        opened.close()
        self._drop()


def _unacknowledged(opened: socket.socket) -> int:
    """Bytes that the other machine has not acknowledged; 0 where the system does not tell, -1 if broken."""
    import fcntl
    import termios

    try:
        answer = fcntl.ioctl(opened.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
    except OSError as error:
        return -1 if error.errno in (errno.EBADF, errno.ENOTCONN) else 0
    return int.from_bytes(answer, "little")


def shortened(message: bytes, limit: int) -> bytes:
    """The message, no longer than `limit` bytes, cut between characters."""
    if len(message) <= limit:
        return message
    return message[:limit].decode("utf-8", "ignore").encode()


class TlsFiles(msgspec.Struct, frozen=True):
    """What TLS needs; empty texts mean the system's authorities, no certificate of one's own."""

    authority: str = ""
    certificate: str = ""
    key: str = ""
    verify: bool = True


def make_context(files: TlsFiles) -> ssl.SSLContext:
    """A context for a connection to a log server.

    Raises:
        OutputError: a file cannot be used.
    """
    import ssl

    try:
        context = ssl.create_default_context(cafile=files.authority or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if files.certificate:
            context.load_cert_chain(files.certificate, files.key or None)
    except OSError as error:
        names = ", ".join(name for name in (files.authority, files.certificate, files.key) if name)
        raise OutputError(f"cannot be used for TLS: {error.strerror or error}", target=names) from error
    if not files.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def make_sender(address: Address, files: TlsFiles, server_name: str = "") -> Sender:
    """The sender for an address; nothing is connected yet.

    Raises:
        OutputError: a file for TLS cannot be used.
    """
    if address.transport == "udp":
        return DatagramSender(address)
    if address.transport == "local":
        return _LocalSender(address)
    context = make_context(files) if address.transport == "tls" else None
    return StreamSender(address, context, server_name or address.host)


class _LocalSender:
    """The local log service: datagrams mostly, a stream of messages that end in zero on some systems."""

    def __init__(self, address: Address) -> None:
        self._datagrams = DatagramSender(address)
        self._stream = StreamSender(address, None, "")
        self._is_stream = False

    def send(self, messages: Sequence[bytes]) -> None:
        if not self._is_stream:
            try:
                self._datagrams.send(messages)
                return
            except OutputFull as error:
                cause = error.__cause__
                if not isinstance(cause, OSError) or cause.errno != errno.EPROTOTYPE:
                    raise
                self._is_stream = True
        self._stream.send([message + b"\0" for message in messages])

    def flush(self) -> None:
        self._datagrams.flush()

    def close(self) -> None:
        self._datagrams.close()
        self._stream.close()
