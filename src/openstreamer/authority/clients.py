"""What the server knows of a client, and whether a peer address is that client's.

No files and no certificates here, and the only name resolution is `resolve_host`, which callers may replace.
Rules: sections 1.2 and 10 of the protocol docs (host check against the names in the certificate).
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from openstreamer.errors import RefusedError, UsageError

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

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


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
    issuer: str = ""
    """SHA-256 of the certificate of the CA that issued it; empty: the only CA there has ever been."""
    until: int | None = None
    """It was renewed, and is good until then; None: as long as it says."""
    handed: tuple[str, ...] = ()
    """SHA-256 of the CA certificates that were handed out with it; empty: of the issuer alone."""

    @property
    def ends(self) -> int:
        """When it is no longer good, unless revoked earlier."""
        return self.expires if self.until is None else min(self.expires, self.until)


@dataclass(frozen=True, slots=True)
class Rotation:
    """One CA takes over from another. Times are epoch seconds."""

    leaving: str
    """SHA-256 of the certificate of the CA that leaves."""
    began: int
    until: int
    """When the certificates of the one that leaves cease to be good."""


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
    """Of its newest certificate, like `fingerprint`."""
    fingerprint: str
    last_seen: int | None = None
    last_address: str = ""
    position: int | None = None
    """Number of the last chunk it acknowledged, as the service noted it."""
    issuer: str = ""
    """Of its newest certificate; see `Certificate.issuer`."""


@dataclass(frozen=True, slots=True)
class Names:
    """Names and addresses, sorted by kind, in the order given and without repeats."""

    names: tuple[str, ...]
    addresses: tuple[str, ...]
    networks: tuple[str, ...]


def normalise_address(text: str) -> str | None:
    """Return an address in its one form, None if it is no address.

    Brackets and zone (`%eth0`) fall away, an IPv4 address mapped into IPv6 becomes the IPv4 address.
    """
    text = text.strip().removeprefix("[").removesuffix("]").partition("%")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(address)


def normalise_name(text: str) -> str | None:
    """Return a host name in its one form (lower case, no final dot, IDNA), None if it is no host name."""
    name = text.strip().removesuffix(".").lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        return None
    return name


def parse_names(values: Iterable[str]) -> Names:
    """Sort names, addresses and networks by kind.

    Raises:
        UsageError: a value is none of these; names it.
    """
    names: dict[str, None] = {}
    addresses: dict[str, None] = {}
    networks: dict[str, None] = {}
    for value in values:
        if (address := normalise_address(value)) is not None:
            addresses[address] = None
        elif (network := _network(value)) is not None:
            networks[network] = None
        elif (name := normalise_name(value)) is not None:
            names[name] = None
        else:
            raise UsageError(
                f"{value!r} is neither a host name nor an address nor a network such as 10.0.0.0/8"
            )
    return Names(tuple(names), tuple(addresses), tuple(networks))


def parse_events(values: Iterable[str]) -> frozenset[str]:
    """Check names of event classes.

    Raises:
        UsageError: there is no such class; lists those there are.
    """
    events = frozenset(values)
    for event in sorted(events):
        if event not in EVENT_CLASSES:
            raise UsageError(f"there is no event type {event!r}: choose from {', '.join(EVENT_CLASSES)}")
    return events


def resolve_host(name: str) -> set[str]:
    """Ask the system for all addresses of a name; an empty set if it has none. Blocks."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return set()
    return {str(entry[4][0]) for entry in found}


def check_host(client: Client, peer_address: str, resolve: Callable[[str], set[str]] | None = None) -> None:
    """The host check: does the peer have one of the client's addresses, or one that its names stand for?

    Does nothing for a client that is exempt. Names are resolved only where the addresses don't decide it.

    Args:
        resolve: name -> addresses, empty if it has none; `resolve_host` by default.

    Raises:
        RefusedError: cause "name does not match peer", or "name does not resolve" where that may be why.
    """
    if not client.hostcheck:
        return
    peer = normalise_address(peer_address)
    if peer is not None:
        if peer in client.addresses:
            return
        address = ipaddress.ip_address(peer)
        if any(address in ipaddress.ip_network(network) for network in client.networks):
            return
    resolve = resolve or resolve_host
    unresolved = []
    for name in client.names:
        found = {normalise_address(text) for text in resolve(name)}
        if peer is not None and peer in found:
            return
        if not found:
            unresolved.append(name)
    shown = peer or peer_address
    if unresolved:
        raise RefusedError(
            f"client {client.host} came from {shown}, and {' and '.join(unresolved)} does not resolve here: "
            f"mend the name service, or `openstreamer clients also {client.host} {shown}`",
            cause="name does not resolve",
        )
    raise RefusedError(
        f"client {client.host} came from {shown}, which is not its address: if it is rightly there, "
        f"`openstreamer clients also {client.host} {shown}`",
        cause="name does not match peer",
    )


def _network(value: str) -> str | None:
    if "/" not in value:
        return None
    try:
        return str(ipaddress.ip_network(value.strip(), strict=False))
    except ValueError:
        return None
