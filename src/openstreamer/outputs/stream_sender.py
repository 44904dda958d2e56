"""One TCP or TLS connection to a log server, or a stream to the local service.

`flush` returns when the other machine has acknowledged every byte; what its log server then does with them no
protocol of these says. A log server that is slow, or rests for a while, keeps its connection as long as its
machine gives a sign of life: what is under way is then not sent a second time. A log server never speaks
first, so a connection that has something to read has been closed from there: it is mended before anything is
sent into the void. TLS is closed with its own goodbye, without which some servers throw the last messages
away. Not here: what is in a message (syslog.py), datagrams and settings (senders.py).
"""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from openstreamer.outputs.interface import OutputFull
from openstreamer.outputs.log_addresses import Address, trouble

if TYPE_CHECKING:
    import ssl

CONNECT_SECONDS = 10.0
SEND_SECONDS = 10.0
"""How long nothing may move before the caller is told."""
DEAD_SECONDS = 150.0
"""A machine whose log server rests answers the questions of ours, at least every two minutes."""
_PIECE = 16 * 1024
"""What is given to a connection at once: one record of TLS, which has to be offered unchanged if it waits."""
_LAST_ANSWER = 56
"""Where struct tcp_info has the milliseconds since the last acknowledgement."""


class StreamSender:
    """TCP or TLS: messages one after the other in one connection, framed already."""

    def __init__(self, address: Address, context: ssl.SSLContext | None, server_name: str) -> None:
        self._address = address
        self._context = context
        self._server_name = server_name
        self._socket: socket.socket | None = None
        self._under_way: bytes | None = None
        self._rest = memoryview(b"")

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
            raise trouble(self._address, error, "cannot be connected") from error
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
        data = b"".join(messages)
        again = data == self._under_way
        self._push(opened)  # what was begun is brought to its end, whoever comes next
        if not again:
            self._under_way, self._rest = data, memoryview(data)
            self._push(opened)

    def _push(self, opened: socket.socket) -> None:
        try:
            while self._rest:
                self._rest = self._rest[opened.send(self._rest[:_PIECE]) :]
        except TimeoutError as error:
            self._rests(opened, error)
        except OSError as error:
            self._drop()
            raise trouble(self._address, error, "the connection was lost") from error

    def _rests(self, opened: socket.socket, cause: Exception | None) -> NoReturn:
        """Nothing moves: wait on if the other machine lives, else try another connection."""
        silent = _seconds_since_answer(opened)
        if silent > DEAD_SECONDS:
            self._drop()
            raise OutputFull(f"no answer for {silent:.0f} seconds", target=str(self._address)) from cause
        raise OutputFull("does not read what is sent", target=str(self._address)) from cause

    def flush(self) -> None:
        """Wait until the other machine has acknowledged all bytes."""
        opened = self._socket
        if opened is None:
            return
        if self._address.transport != "local":
            self._wait_for_acknowledgement(opened)
        self._under_way = None

    def _wait_for_acknowledgement(self, opened: socket.socket) -> None:
        moved = time.monotonic()
        pause = 0.0005
        before = 0
        while (waiting := _unacknowledged(opened)) > 0:
            now = time.monotonic()
            if waiting != before:
                moved, before = now, waiting
            elif now - moved > SEND_SECONDS:
                self._rests(opened, None)
            time.sleep(pause)
            pause = min(2 * pause, 0.05)
        number = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number or waiting < 0:
            self._drop()
            raise OutputFull("the connection was lost", target=str(self._address))

    def _drop(self) -> None:
        self._under_way, self._rest = None, memoryview(b"")
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


def _seconds_since_answer(opened: socket.socket) -> float:
    """Since the other machine acknowledged anything; 0 where the system does not tell."""
    option = getattr(socket, "TCP_INFO", None)
    if option is None or opened.family == socket.AF_UNIX:
        return 0.0
    try:
        information = opened.getsockopt(socket.IPPROTO_TCP, option, _LAST_ANSWER + 4)
    except OSError:
        return 0.0
    return int.from_bytes(information[_LAST_ANSWER : _LAST_ANSWER + 4], sys.byteorder) / 1000
