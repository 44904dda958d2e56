"""What the server knows of a client, and whether a peer address is that client's.

No files and no certificates here, and the only name resolution is `resolve_host`, which callers may replace.
Rules: sections 1.2 and 10 of the protocol docs (host check against the names in the certificate).
"""

from __future__ import annotations

from dataclasses import dataclass

EVENT_CLASSES = (
    "intrusion",
    "packet",
    "extra-data",
    "discovery",
    "correlation",
    "impact-alert",
    "user",
    "malware",
    "file",
    "connection",
)
"""The event type switches, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A client certificate that this authority issued. Times are epoch seconds."""

    serial: str
    """Serial number, lower-case hex without leading zeros."""
    fingerprint: str
    """SHA-256 of the certificate, lower-case hex."""
    host: str
    issued: int
    expires: int
    revoked: int | None
    """When it was revoked; None while it is valid."""
    reason: str
    """Why it was revoked; empty while it is valid."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client as the registry has it. Times are epoch seconds."""

    host: str
    """The name or address it was added under; the common name of its certificate."""
    names: tuple[str, ...]
    """All host names, `host` included if it is one."""
    addresses: tuple[str, ...]
    """All addresses, `host` included if it is one."""
    networks: tuple[str, ...]
    """Address ranges (CIDR) it may come from; not in the certificate."""
    hostcheck: bool
    """False: its address is not compared with anything."""
    events: frozenset[str]
    """Event classes that are ticked for this client."""
    added: int
    revoked: int | None
    """When the client was revoked; None while it may connect."""
    expires: int
    """When its newest certificate expires."""
    serial: str
    fingerprint: str
    last_seen: int | None
    last_address: str
    position: int | None
    """Number of the last chunk it acknowledged, as the service noted it."""
