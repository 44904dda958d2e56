"""Handshakes in progress: a number for all together, a smaller one for each address, and a line for the rest.

Whoever connects and then says nothing holds a place until the time for a handshake is over. Were there one
number only, a single address could hold all places; so no address gets more than a quarter of them, and its
further connections wait in a line of their own, in which others do not stand. All addresses of one IPv6 /64
count as one, since one machine may have them all. Not here: how often an address may come (`rate`), what a
handshake is (`listener`). Rules: `docs/server.md`, "Limits".
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import AsyncIterator

AT_ONCE = 256
"""Handshakes at the same time."""

OF_ONE = 64
"""Those of one address."""


class LineFull(Exception):
    """So many connections of this address wait that this one is not taken."""


class Turns:
    """Says whose turn it is. `longest` is how many of one address may be in a handshake or wait for one."""

    def __init__(self, longest: int, *, at_once: int = AT_ONCE, of_one: int = OF_ONE) -> None:
        self._longest = max(longest, of_one)
        self._of_one = of_one
        self._all = asyncio.Semaphore(at_once)
        self._lines: dict[str, _Line] = {}

    @contextlib.asynccontextmanager
    async def turn(self, host: str, seconds: float) -> AsyncIterator[None]:
        """Wait for a turn, at most so long, and have it within the block.

        Raises:
            LineFull: too many of this address wait already.
            TimeoutError: the turn did not come in time.
        """
        name = network_of(host)
        line = self._lines.setdefault(name, _Line(self._of_one))
        if line.length >= self._longest:
            raise LineFull
        line.length += 1
        try:
            async with contextlib.AsyncExitStack() as turns:
                async with asyncio.timeout(seconds):
                    await turns.enter_async_context(line.places)
                    await turns.enter_async_context(self._all)
                yield
        finally:
            line.length -= 1
            if not line.length:
                del self._lines[name]

    def __len__(self) -> int:
        """Addresses of which somebody is in a handshake or waits."""
        return len(self._lines)


class _Line:
    def __init__(self, places: int) -> None:
        self.places = asyncio.Semaphore(places)
        self.length = 0


def network_of(host: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 network of an IPv6 one."""
    if ":" not in host:
        return host
    try:
        return str(ipaddress.IPv6Network((host, 64), strict=False))
    except ValueError:
        return host
