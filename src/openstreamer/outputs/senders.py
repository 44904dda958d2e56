"""What carries messages to a log server: datagrams here, TCP and TLS in stream_sender.py.

A sender connects when it has something to send and again after it lost the connection. Whatever hinders it is
`OutputFull`: the caller comes back with growing pauses and offers the same messages again.

Rules: RFC 5425 (TLS), 5426 (UDP), 6587 (TCP). Not here: what is in a message (syslog.py).
"""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from openstreamer.errors import OutputError
from openstreamer.outputs.interface import OutputFull
from openstreamer.outputs.log_addresses import Address, parse_address, trouble
from openstreamer.outputs.stream_sender import StreamSender

if TYPE_CHECKING:
    import ssl

SEND_SECONDS = 10.0

__all__ = ["Address", "DatagramSender", "Sender", "TlsFiles", "make_sender", "parse_address", "shortened"]


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
            raise trouble(self._address, error, "cannot be reached") from error
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
            raise trouble(self._address, error, "does not take messages") from error

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
        self._stream.flush()

    def close(self) -> None:
        self._datagrams.close()
        self._stream.close()
