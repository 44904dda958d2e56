"""Who is let in after the TLS handshake, and what becomes of those who are not.

The decision is the authority's (`Authority.check_peer`); here it is asked in a thread, because names may take
long to resolve, and bounded in time. Whoever is refused, here or in the handshake, is logged with the cause
and counted. Rules: `docs/server.md`, "Who may connect". Not here: handshakes (`listener`), how many
connections a client may have and what is said in a session (`service`, `session`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from openstreamer.authority import Authority, Client
from openstreamer.errors import OpenStreamerError, RefusedError
from openstreamer.server.connection import Connection
from openstreamer.server.listener import TOO_FAST
from openstreamer.server.statistics import Refusal, ServiceStatistics

log = logging.getLogger("openstreamer.server")

ADMISSION_SECONDS = 10.0
"""Time for the certificate and host check, name resolution included."""

TURN_AWAY_SECONDS = 0.5
"""How long a client that is not let in may take to send its request, and then to close."""

TOO_FAST_SECONDS = 5.0
"""How often the log says that an address connects too often."""

RESOLVER_THREADS = "resolve"
"""Name of the threads that may wait long for a name server."""


class Door:
    """Checks connections and tells of refusals. `clock` gives the time by which certificates are judged."""

    def __init__(self, statistics: ServiceStatistics, clock: Callable[[], float]) -> None:
        self._statistics = statistics
        self._clock = clock
        self._quiet_until = 0.0
        self._resolvers = ThreadPoolExecutor(16, thread_name_prefix=RESOLVER_THREADS)

    async def admit(self, connection: Connection, authority: Authority, *, host_check: bool) -> Client | None:
        """The client that a connection belongs to; None if it is refused, which is logged with its cause."""
        certificate = connection.certificate()
        if certificate is None:
            self.refused(connection.peer, "no certificate")
            return None
        try:
            return await asyncio.wait_for(
                asyncio.get_running_loop().run_in_executor(
                    self._resolvers,
                    lambda: authority.check_peer(
                        certificate, connection.host, hostcheck=host_check, now=self._clock()
                    ),
                ),
                ADMISSION_SECONDS,
            )
        except TimeoutError:
            self.refused(connection.peer, "name resolution too slow")
        except RefusedError as error:
            self.refused(connection.peer, str(getattr(error, "cause", error)), str(error))
        except OpenStreamerError as error:
            log.error("%s: cannot check the client: %s", connection.peer, error)
            self.refused(connection.peer, "the check failed")
        return None

    async def turn_away(self, connection: Connection) -> None:
        """Take leave of a client that is not let in, so that it can tell this from a crash.

        While its request is on its way, TLS cannot be closed in order; so that is heard first.
        """
        connection.start(lambda data: None, lambda: None)
        deadline = time.monotonic() + TURN_AWAY_SECONDS
        while not (connection.bytes_received or connection.lost) and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        connection.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(connection.ended(), TURN_AWAY_SECONDS)

    def refused(self, peer: str, cause: str, details: str = "") -> None:
        """Log and count that a peer was refused; `details` is a sentence where there is more to say."""
        self._statistics.refused[cause] += 1
        if cause == TOO_FAST:
            now = time.monotonic()
            if now < self._quiet_until:  # counted, but a flood must not fill the log too
                return
            self._quiet_until = now + TOO_FAST_SECONDS
        if details == cause:
            details = ""
        log.warning("%s: refused: %s%s", peer, cause, f" ({details})" if details else "")
        self._statistics.last_refused.append(Refusal(time.time(), str(peer), cause, details))

    def close(self) -> None:
        """Let go of the threads; one may still be waiting for a name server."""
        self._resolvers.shutdown(wait=False, cancel_futures=True)
