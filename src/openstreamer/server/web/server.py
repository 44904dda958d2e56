"""The HTTP server of the web pages, inside the service's event loop.

It takes its sockets when it is made, so that an address that cannot be had is an error before anything runs.
On loopback it speaks plain HTTP, elsewhere HTTPS with the server's own certificate. The signals belong to the
service: none is handled here. Not here: what is answered (`application`).
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
import ssl
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from openstreamer.errors import AuthorityError
from openstreamer.server.listener import open_sockets, show_address
from openstreamer.server.settings import parse_address
from openstreamer.server.web.application import make_application
from openstreamer.server.web.context import WebContext
from openstreamer.server.web.gate import Gate

if TYPE_CHECKING:
    from openstreamer.server.service import Service

log = logging.getLogger("openstreamer.server")

CONNECTIONS = 256
"""Connections at the same time; further ones are answered with 503, from twice as many on dropped."""

STOP_SECONDS = 2.0
"""How long requests that are being answered may go on when the service stops."""

FIRST_REQUEST_SECONDS = 15.0
"""Time for a whole request head: from the connection on, later from the first byte after an answer."""

HEAD_BYTES = 16 * 1024
"""Longest request head."""


class _Protocol(H11Protocol):
    """Drops connections that say nothing, or only bits of a request, the first one or a later one."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > 2 * CONNECTIONS:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._answering:
            self._wait_no_more()
        elif self._waiting is None:
            # The keep-alive timer of uvicorn ends with the first byte of the next request.
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(FIRST_REQUEST_SECONDS, self._drop_if_silent)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _drop_if_silent(self) -> None:
        self._waiting = None
        if not self._answering and not self.transport.is_closing():
            self.transport.close()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The service handles the signals."""
        yield

    def protocol(self) -> asyncio.Protocol:
        """What answers on one connection."""
        return _Protocol(self.config, self.server_state, self.lifespan.state)

    def connections(self) -> int:
        """How many there are."""
        return len(self.server_state.connections)


class WebServer:
    """The web pages of one service: made, started and stopped with it."""

    def __init__(self, service: Service, address: str, passed: Sequence[socket.socket] = ()) -> None:
        """Take the address, or what was passed. Raises StateError, AuthorityError or ConfigurationError."""
        self._service = service
        self._context: ssl.SSLContext | None = None
        self._sockets = list(passed) or open_sockets(*parse_address(address))
        names = [listening.getsockname() for listening in self._sockets]
        try:
            if not all(ipaddress.ip_address(name[0]).is_loopback for name in names):
                self._context = self._make_context()
        except BaseException:
            self.close()
            raise
        self._task: asyncio.Task[None] | None = None
        shown = show_address(names[0])
        if ipaddress.ip_address(names[0][0]).is_unspecified:
            shown = f"{socket.gethostname()}:{names[0][1]}"
        self.url = f"{'https' if self._context else 'http'}://{shown}/"
        self.context = WebContext(service, port=names[0][1], secure=self._context is not None)
        config = uvicorn.Config(
            make_application(self.context),
            http=_Protocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=CONNECTIONS,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=int(STOP_SECONDS),
            h11_max_incomplete_event_size=HEAD_BYTES,
        )
        # Its messages are about peers that speak something else; ours are in the service's own log.
        logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
        config.load()
        self._server = _Server(config)
        self._gate: Gate | None = None
        if self._context is not None:
            self._gate = Gate(
                self._sockets,
                context=self._context,
                protocol=self._server.protocol,
                seconds=lambda: service.settings.sessions.handshake_seconds,
                others=self._server.connections,
                most=2 * CONNECTIONS,
            )

    async def start(self) -> None:
        """Begin to answer."""
        await self.context.start()
        self._task = asyncio.create_task(self._server.serve(sockets=[] if self._gate else self._sockets))
        while not self._server.started and not self._task.done():
            await asyncio.sleep(0.005)
        if self._gate is not None:
            self._gate.start()
        log.info("web pages on %s", self.url)

    async def stop(self) -> None:
        """Answer what was asked, end live streams, close."""
        self.context.stopping.set()
        if self._gate is not None:
            await self._gate.stop()
        self._server.should_exit = True
        if self._task is not None:
            done, _ = await asyncio.wait([self._task], timeout=STOP_SECONDS + 1)
            if not done:
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.context.stop()
        self.close()

    def close(self) -> None:
        """Let go of the address."""
        for listening in self._sockets:
            listening.close()

    def renew_context(self) -> None:
        """Read the server's certificate anew; later connections get it."""
        if self._context is not None:
            self._load(self._context)
        self.context.renew_names()

    def _make_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL")
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_RENEGOTIATION
        context.set_alpn_protocols(["http/1.1"])
        self._load(context)
        return context

    def _load(self, context: ssl.SSLContext) -> None:
        files = self._service.authority.server_context_files()
        try:
            context.load_cert_chain(files.certificate, files.private_key)
        except (OSError, ssl.SSLError) as error:
            raise AuthorityError(f"cannot use the certificate {files.certificate}: {error}") from error
