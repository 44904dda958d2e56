"""Listening sockets, accepting, and the TLS handshake, with the cause in words where it fails.

A peer that gets through the handshake is handed on with its certificate; whether that certificate is still
valid and belongs to the peer's address is `admission`'s question. Handshakes are bounded in time and number,
so that peers which only connect cannot keep others out. Guide: "Establishing an authenticated connection";
rules in `docs/server.md`.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

from openstreamer.errors import StateError
from openstreamer.log_forms import Peer
from openstreamer.server.alerts import Alerting, over
from openstreamer.server.connection import Connection
from openstreamer.server.rate import HandshakeRate
from openstreamer.server.turns import LineFull, Turns

log = logging.getLogger("openstreamer.server")

SHUTDOWN_SECONDS = 3.0
"""How long a closing connection waits for the peer's answer to the TLS close."""

TOO_FAST = "too many handshakes"
"""Cause of refusing an address that connects more often than is allowed, or has too many in line."""

_ACCEPT_PAUSE = 0.5

_BY_VERIFY_CODE = {
    9: "certificate not yet valid",
    10: "certificate expired",
    18: "unknown CA",
    19: "unknown CA",
    20: "unknown CA",
    21: "unknown CA",
    23: "certificate revoked",
    26: "not a client certificate",
    66: "certificate too weak",
    67: "certificate too weak",
    68: "certificate too weak",
}

_BY_REASON = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "no certificate",
    "HTTP_REQUEST": "not TLS",
    "HTTPS_PROXY_REQUEST": "not TLS",
    "WRONG_VERSION_NUMBER": "not TLS",
    "UNKNOWN_PROTOCOL": "not TLS",
    "UNEXPECTED_MESSAGE": "not TLS",
    "RECORD_LAYER_FAILURE": "not TLS",
    "PACKET_LENGTH_TOO_LONG": "not TLS",
    "UNSUPPORTED_PROTOCOL": "TLS version too old",
    "VERSION_TOO_LOW": "TLS version too old",
    "NO_SHARED_CIPHER": "no common cipher",
    "TLSV1_ALERT_UNKNOWN_CA": "the client does not trust our certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "the client does not trust our certificate",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the client does not trust our certificate",
    "EE_KEY_TOO_SMALL": "certificate too weak",
    "CA_MD_TOO_WEAK": "certificate too weak",
}


def handshake_failure(error: BaseException) -> str:
    """Why a handshake failed, in a few words that are the same for the same cause."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _BY_VERIFY_CODE.get(error.verify_code, f"certificate refused: {error.verify_message}")
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        reason = getattr(error, "reason", None) or ""
        return _BY_REASON.get(reason, f"TLS failed: {reason.lower().replace('_', ' ') or error}")
    if isinstance(error, TimeoutError) or "taking longer" in str(error):
        return "handshake too slow"
    if isinstance(error, OSError | EOFError):
        return "left during the handshake"
    return f"TLS failed: {error}"


def peer_host(address: Any) -> str:
    """Address of a peer as text: IPv4 in its own form also where it came in over an IPv6 socket."""
    host = str(address[0]).partition("%")[0]
    return host[7:] if host.startswith("::ffff:") and "." in host else host


def show_address(address: Any) -> str:
    """HOST:PORT, or [IPV6]:PORT."""
    host, port = peer_host(address), address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def open_sockets(host: str, port: int) -> list[socket.socket]:
    """Listening sockets for one configured address; the empty host and "::" take IPv6 and IPv4.

    Raises StateError if the address cannot be taken.
    """
    shown = f"[{host}]:{port}" if ":" in host else f"{host or '*'}:{port}"
    if host in ("", "*", "::"):
        try:
            return [_listen(socket.AF_INET6, ("::", port), dual=True)]
        except OSError as error:
            if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                raise StateError(f"cannot listen on {shown}: {error.strerror}") from error
        host = "0.0.0.0"  # a machine without IPv6
    attempts = 5 if port == 0 else 1
    while True:
        attempts -= 1
        try:
            return _listen_on_all(host, port)
        except OSError as error:
            if not (attempts and error.errno == errno.EADDRINUSE):
                raise StateError(f"cannot listen on {shown}: {error.strerror or error}") from error


def _listen_on_all(host: str, port: int) -> list[socket.socket]:
    """One socket for each address of a host; all get the same port, also where the system chooses it."""
    sockets: list[socket.socket] = []
    try:
        for family, _, _, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            if sockets:
                port = sockets[0].getsockname()[1]
            sockets.append(_listen(family, (address[0], port, *address[2:]), dual=False))
    except OSError:
        for opened in sockets:
            opened.close()
        raise
    return sockets


def _listen(family: int, address: Any, *, dual: bool) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if dual else 1)
        listening.bind(address)
        listening.listen(256)
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    return listening


class Listener:
    """Accepts on some sockets and runs handshakes.

    `context` is asked for each handshake, so that a renewed certificate counts at once. `on_peer` is awaited
    with each connection whose handshake succeeded and must return when that connection has ended; `refused`
    is called with the peer and the cause of each that failed.
    """

    def __init__(
        self,
        sockets: list[socket.socket],
        *,
        context: Callable[[], ssl.SSLContext],
        on_peer: Callable[[Connection], Awaitable[None]],
        refused: Callable[[str, str], None],
        handshake_seconds: float,
        handshakes_per_second: float,
        stalled_seconds: float,
        connections: int,
    ) -> None:
        self._sockets = sockets
        self._context = context
        self._on_peer = on_peer
        self._refused = refused
        self._handshake_seconds = handshake_seconds
        self._stalled_seconds = stalled_seconds
        self._rate = HandshakeRate(handshakes_per_second)
        self._connections = asyncio.Semaphore(connections)
        self._turns = Turns(connections // 4)
        self._accepting: list[asyncio.Task[None]] = []
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def addresses(self) -> list[str]:
        """Where it listens, with the real ports."""
        return [show_address(listening.getsockname()) for listening in self._sockets]

    def set_limits(
        self, handshake_seconds: float, stalled_seconds: float, handshakes_per_second: float
    ) -> None:
        """Change the limits for connections to come."""
        self._rate.per_second = handshakes_per_second
        self._handshake_seconds = handshake_seconds
        self._stalled_seconds = stalled_seconds

    def start(self) -> None:
        """Begin to accept."""
        self._accepting = [asyncio.create_task(self._accept(listening)) for listening in self._sockets]

    async def stop_accepting(self) -> None:
        """Close the listening sockets; connections go on."""
        for task in self._accepting:
            task.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)
        for listening in self._sockets:
            listening.close()

    async def ended(self) -> None:
        """Wait until every connection has ended."""
        while self._serving:
            await asyncio.wait(self._serving)

    async def cancel(self) -> None:
        """End whatever still runs."""
        for task in list(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._connections.acquire()
            try:
                accepted, address = await loop.sock_accept(listening)
            except BaseException as error:
                self._connections.release()
                if not isinstance(error, OSError):
                    raise
                if error.errno != errno.ECONNABORTED:  # such as no file descriptors left
                    log.error("cannot accept a connection: %s", error.strerror)
                    await asyncio.sleep(_ACCEPT_PAUSE)
                continue
            if not self._rate.admit(peer_host(address), loop.time()):
                accepted.close()
                self._connections.release()
                self._refused(Peer(show_address(address)), TOO_FAST)
                continue
            task = loop.create_task(self._serve(accepted, address))
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)

    async def _serve(self, accepted: socket.socket, address: Any) -> None:
        peer = Peer(show_address(address))
        connection = Connection(peer_host(address), peer)
        try:
            try:
                log.debug("%s: accepted", peer)
                async with self._turns.turn(connection.host, self._handshake_seconds):
                    await self._handshake(accepted, connection)
            except LineFull:
                accepted.close()
                self._refused(peer, TOO_FAST)
                return
            except (OSError, EOFError) as error:
                accepted.close()
                self._refused(peer, handshake_failure(error))
                return
            try:
                await self._on_peer(connection)
            finally:
                connection.abort()
        finally:
            self._connections.release()

    async def _handshake(self, accepted: socket.socket, connection: Connection) -> None:
        accepted.setblocking(False)
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # A host that vanished is noticed by the system; twice, because our own rule names the cause.
            accepted.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self._stalled_seconds * 2000)
            )
        context = self._context()
        context.sslobject_class = Alerting
        with over(accepted):
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: connection,
                accepted,
                ssl=context,
                ssl_handshake_timeout=self._handshake_seconds,
                ssl_shutdown_timeout=SHUTDOWN_SECONDS,
            )
