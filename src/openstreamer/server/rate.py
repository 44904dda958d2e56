"""How many connections one address may begin, so that nobody keeps the machine busy with handshakes.

A bucket of tokens for each address: it fills at the rate of the setting and holds ten seconds' worth, so that
many clients behind one address can come back together after a restart. All addresses of one IPv6 /64 share a
bucket, since one machine may have them all. There is no limit for all addresses together: it would let one
keep out the others. Memory is bounded; time is an argument. Rules: `docs/server.md`, "Limits".
"""

from __future__ import annotations

from collections import OrderedDict

from openstreamer.server.turns import network_of

BURST_SECONDS = 10.0
"""How long nothing must have come for the bucket to be full."""

MOST_ADDRESSES = 10_000
"""Addresses of which something is remembered; the one that was quiet longest is forgotten."""


class HandshakeRate:
    """Says who may begin a handshake. `per_second` may be changed at any time."""

    def __init__(self, per_second: float) -> None:
        self.per_second = per_second
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def admit(self, host: str, now: float) -> bool:
        """Whether a connection from this address may begin a handshake; `now` in seconds (monotonic)."""
        name = network_of(host)
        spent, since = self._spent.pop(name, (0.0, now))
        spent = max(0.0, spent - (now - since) * self.per_second)
        admitted = spent + 1.0 <= max(1.0, self.per_second * BURST_SECONDS)
        self._spent[name] = (spent + 1.0 if admitted else spent), now
        if len(self._spent) > MOST_ADDRESSES:
            self._spent.popitem(last=False)
        return admitted

    def __len__(self) -> int:
        """Addresses that are remembered."""
        return len(self._spent)
