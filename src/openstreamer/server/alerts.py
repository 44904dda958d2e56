"""A handshake that fails tells the peer why: the alert leaves before the connection is closed.

TLS says in an alert that a certificate is of an unknown authority, has expired, or is missing. The engine
writes it, but asyncio drops the connection without sending it, so that a client would see a crash. `Alerting`
sends it over the socket itself, which the listener names with `over`.

Rules: RFC 8446, section 6.2. Not here: causes that TLS has no alert for (host check, revocation), which are
decided after the handshake.
"""

from __future__ import annotations

import contextlib
import contextvars
import socket
import ssl
from collections.abc import Iterator
from typing import Any

_SOCKET: contextvars.ContextVar[socket.socket | None] = contextvars.ContextVar("accepted", default=None)


@contextlib.contextmanager
def over(accepted: socket.socket) -> Iterator[None]:
    """Handshakes that are begun within this block are over this socket."""
    token = _SOCKET.set(accepted)
    try:
        yield
    finally:
        _SOCKET.reset(token)


class Alerting(ssl.SSLObject):
    """A TLS engine that sends its last word itself; to be a context's `sslobject_class`."""

    _accepted: socket.socket | None = None
    _outgoing: ssl.MemoryBIO | None = None

    @classmethod
    def _create(cls, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *args: Any, **named: Any) -> Alerting:
        made: Alerting = super()._create(incoming, outgoing, *args, **named)  # type: ignore[misc]
        made._accepted = _SOCKET.get()
        made._outgoing = outgoing
        return made

    def do_handshake(self) -> None:
        """As of the base; if it fails for good, the peer is told."""
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError:
            if self._accepted is not None and self._outgoing is not None and self._outgoing.pending:
                with contextlib.suppress(OSError, ValueError):
                    self._accepted.send(self._outgoing.read())
            raise
