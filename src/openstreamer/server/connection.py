"""One client's TLS connection as the session sees it: bytes in, bytes out, flow control, the end.

An asyncio protocol of few lines, because streams copy more and hide `is_closing`. Nothing is read from the
peer before `start` is called, and nothing here knows what the bytes mean.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import cast

WRITE_HIGH = 256 * 1024
"""Bytes in the write buffer above which `drained` waits."""

READ_STOP = 1024 * 1024
"""Bytes of answers in the write buffer above which nothing more is read from a peer that takes nothing."""


class Connection(asyncio.Protocol):
    """The transport side of a session.

    `host` is the peer's address as text, `peer` the same with its port. `lost` becomes true when the
    connection has ended, whoever ended it; `ended` waits for that. `received` is when the peer last sent
    something, `progress` when it last sent or took something (monotonic).
    """

    def __init__(self, host: str, peer: str) -> None:
        self.host = host
        self.peer = peer
        self.lost = False
        self.bytes_received = 0
        self.bytes_sent = 0
        self.progress = time.monotonic()
        self.received = self.progress
        self._pending_at_progress = 0
        self._transport: asyncio.Transport | None = None
        self._receive: Callable[[bytes], None] | None = None
        self._on_end: Callable[[], None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._ended = asyncio.Event()
        self._reading = False
        self._held = False

    # called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, and read nothing until `start`."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_HIGH)
        self._transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        """Hand on what came, and stop reading from a peer that asks much and takes nothing."""
        self.bytes_received += len(data)
        self.progress = self.received = time.monotonic()
        if self._receive is not None and not self.closing:
            self._receive(data)
            if self.pending > READ_STOP and self._reading and self._transport is not None:
                self._transport.pause_reading()
                self._reading = False

    def eof_received(self) -> bool:
        """The peer closed: close too."""
        return False

    def pause_writing(self) -> None:
        """The write buffer is full."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The write buffer has room again."""
        self._writable.set()
        self.progress = time.monotonic()
        self._read_on()

    def _read_on(self) -> None:
        if self._receive is None or self._reading or self._held or self.closing or not self.writable:
            return
        assert self._transport is not None
        self._transport.resume_reading()
        self._reading = True

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self.lost = True
        self._writable.set()
        self._ended.set()
        if self._on_end is not None:
            self._on_end()

    # called by the session

    def start(self, receive: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        """Begin to read: `receive` gets what comes in, `on_end` is called once the connection has ended."""
        self._receive = receive
        self._on_end = on_end
        if self.lost or self._transport is None:
            on_end()
            return
        self._reading = True
        self._transport.resume_reading()

    def hold(self) -> None:
        """Read nothing more until `release`."""
        self._held = True
        if self._reading and self._transport is not None and not self.closing:
            self._transport.pause_reading()
            self._reading = False

    def release(self) -> None:
        """Undo `hold`."""
        if self._held:
            self._held = False
            self._read_on()

    @property
    def closing(self) -> bool:
        """Whether nothing more can be sent."""
        return self.lost or self._transport is None or self._transport.is_closing()

    @property
    def pending(self) -> int:
        """Bytes written that the system has not taken yet."""
        return 0 if self._transport is None or self.lost else self._transport.get_write_buffer_size()

    def certificate(self) -> bytes | None:
        """The peer's certificate, DER."""
        secured = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        return cast("bytes | None", secured.getpeercert(True)) if secured is not None else None

    def chosen_protocol(self) -> str | None:
        """What both sides agreed on in the handshake (ALPN); None for nothing, as with most clients."""
        secured = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        return cast("str | None", secured.selected_alpn_protocol()) if secured is not None else None

    def tls(self) -> str:
        """Version and cipher, for the log."""
        secured = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        if secured is None:
            return "no TLS"
        cipher = secured.cipher()
        return f"{secured.version()} {cipher[0] if cipher else ''}".rstrip()

    def write(self, data: bytes) -> None:
        """Give bytes to the write buffer; ignored when the connection is closing."""
        if self._transport is not None and not self.closing:
            self.bytes_sent += len(data)
            self._transport.write(data)

    @property
    def writable(self) -> bool:
        """Whether the write buffer has room."""
        return self._writable.is_set()

    async def drained(self) -> None:
        """Wait until the write buffer has room, or the connection has ended."""
        await self._writable.wait()

    def stalled_since(self, now: float) -> float:
        """Seconds in which the peer neither took a pending byte nor sent one; 0 if nothing is pending."""
        pending = self.pending
        if pending == 0 or pending < self._pending_at_progress:
            self.progress = now
        self._pending_at_progress = pending
        return now - self.progress

    def close(self) -> None:
        """Send what is pending, then close TLS and the connection."""
        if self._transport is not None and not self.closing:
            self._transport.close()

    def abort(self) -> None:
        """End the connection at once; what is pending is dropped."""
        if self._transport is not None and not self.lost:
            self._transport.abort()

    async def ended(self) -> None:
        """Wait until the connection has ended."""
        await self._ended.wait()
