"""Accepts browsers under HTTPS and runs their handshakes, bounded in time and number; uvicorn has the rest.

Left to asyncio, a peer that connects and says nothing would stand for a minute, and uvicorn, which counts
connections after the handshake, would not see it. The places are shared out as on the clients' port
(`turns`): no address has more than a quarter of them. Not here: plain HTTP, which has no handshake.
Rules: `docs/web.md`, "Security".
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any

from openstreamer.server.listener import SHUTDOWN_SECONDS, handshake_failure, peer_host, show_address
from openstreamer.server.turns import LineFull, Turns

log = logging.getLogger("openstreamer.server")

LONGEST_LINE = 128
"""Connections of one address that are in a handshake or wait for one; a browser opens six."""

_ACCEPT_PAUSE = 0.5


class Gate:
    """The accepting side of an HTTPS server.

    `protocol` makes one for each connection, and gets it after its handshake; `seconds` is asked for the time
    of each handshake; beyond `most` connections, those counted by `others` and those in their handshakes, new
    ones are closed at once.
    """

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        *,
        context: ssl.SSLContext,
        protocol: Callable[[], asyncio.Protocol],
        seconds: Callable[[], float],
        others: Callable[[], int],
        most: int,
    ) -> None:
        self._sockets = sockets
        self._context = context
        self._protocol = protocol
        self._seconds = seconds
        self._others = others
        self._most = most
        self._turns = Turns(LONGEST_LINE)
        self._accepting: list[asyncio.Task[None]] = []
        self._handshakes: set[asyncio.Task[None]] = set()

    @property
    def handshakes(self) -> int:
        """Peers that are in a handshake or wait for one."""
        return len(self._handshakes)

    def start(self) -> None:
        """Begin to accept."""
        self._accepting = [asyncio.create_task(self._accept(listening)) for listening in self._sockets]

    async def stop(self) -> None:
        """Accept no more, and drop those in their handshakes; established connections go on."""
        for task in (*self._accepting, *self._handshakes):
            task.cancel()
        await asyncio.gather(*self._accepting, *self._handshakes, return_exceptions=True)

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        listening.setblocking(False)
        while True:
            try:
                accepted, address = await loop.sock_accept(listening)
            except OSError as error:
                if error.errno != errno.ECONNABORTED:  # such as no file descriptors left
                    log.error("web pages: cannot accept a connection: %s", error.strerror)
                    await asyncio.sleep(_ACCEPT_PAUSE)
                continue
            if self._others() + len(self._handshakes) >= self._most:
                accepted.close()
                continue
            task = loop.create_task(self._admit(accepted, address))
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)

    async def _admit(self, accepted: socket.socket, address: Any) -> None:
        try:
            seconds = self._seconds()
            async with self._turns.turn(peer_host(address), seconds):
                accepted.setblocking(False)
                await asyncio.get_running_loop().connect_accepted_socket(
                    self._protocol,
                    accepted,
                    ssl=self._context,
                    ssl_handshake_timeout=seconds,
                    ssl_shutdown_timeout=SHUTDOWN_SECONDS,
                )
        except LineFull:
            accepted.close()
        except (OSError, EOFError) as error:
            accepted.close()
            log.debug("web pages: %s: %s", show_address(address), handshake_failure(error))
        except asyncio.CancelledError:
            accepted.close()
            raise
