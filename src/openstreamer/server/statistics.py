"""What the service counts: plain numbers, added up once a chunk or once a connection, never once an event.

Read by the log, by `manage status` and by the metrics page; nothing here decides anything.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field

REFUSALS = 50
"""Refused connections that are remembered one by one."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A connection that did not pass the checks."""

    time: float
    peer: str
    cause: str
    """One of the fixed causes."""
    details: str
    """What else is known; empty if nothing."""


@dataclass(slots=True)
class SessionStatistics:
    """What one session did."""

    records: int = 0
    """Event records sent."""
    metadata: int = 0
    """Metadata records sent."""
    filtered: int = 0
    """Stored records that this session did not ask for or may not get."""
    inexpressible: int = 0
    """Records that the version asked for has no form for."""
    hosts: int = 0
    """Host profiles sent."""
    chunks: int = 0
    """Chunks read to the end."""
    messages_received: int = 0
    """Messages of the client, acknowledgements included."""


@dataclass(slots=True)
class ClientStatistics:
    """What all sessions of one client did since the service started."""

    sent: Counter[int] = field(default_factory=Counter)
    """Event records, by record type as sent."""
    filtered: Counter[int] = field(default_factory=Counter)
    """Stored records that it did not ask for or may not get, by record type."""
    lost: Counter[str] = field(default_factory=Counter)
    """Records that could not be put into the version asked for: "record 400: reason"."""
    hosts: int = 0
    """Host profiles sent."""
    hosts_lost: Counter[str] = field(default_factory=Counter)
    """Host profiles that could not be put into the block asked for, by reason."""
    metadata: int = 0
    """Metadata records sent."""
    missed_records: int = 0
    """Records that were deleted before a session that wanted them got to them."""


@dataclass(slots=True)
class ServiceStatistics:
    """What the service did since it started."""

    accepted: int = 0
    """Connections that passed all checks."""
    refused: Counter[str] = field(default_factory=Counter)
    """Connections that did not, by cause."""
    last_refused: deque[Refusal] = field(default_factory=lambda: deque(maxlen=REFUSALS))
    """The last of them, oldest first."""
    ended: Counter[str] = field(default_factory=Counter)
    """Sessions that ended, by cause."""
    records_by_type: Counter[int] = field(default_factory=Counter)
    """Event records sent to clients, by record type as stored."""
    metadata: int = 0
    """Metadata records sent to clients."""
    clients: defaultdict[str, ClientStatistics] = field(default_factory=lambda: defaultdict(ClientStatistics))
    """The same by client, as far as there were sessions of it."""
    bytes_sent: int = 0
    """Bytes of messages sent in sessions that have ended."""
    trimmed_chunks: int = 0
    trimmed_records: int = 0
