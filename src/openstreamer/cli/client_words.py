"""Clients and their certificates in words, and as JSON, for the command `clients`."""

from __future__ import annotations

import socket
import time
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from openstreamer.cli.events import MEANINGS

if TYPE_CHECKING:
    from openstreamer.authority import Authority, Certificate, Client

FORMER = "refused: former CA"

SOON_DAYS = 30
"""A certificate that ends within so many days is told of."""


def all_names(client: Client) -> tuple[str, ...]:
    """Names, addresses and networks."""
    return (*client.names, *client.addresses, *client.networks)


def event_summary(client: Client) -> str:
    """The event types it may get, in few words."""
    missing = [name for name in MEANINGS if name not in client.events]
    if not missing:
        return "all"
    if len(missing) <= 3:
        return "all but " + " ".join(missing)
    return " ".join(name for name in MEANINGS if name in client.events) or "none"


def state_word(client: Client, authority: Authority) -> str:
    """Whether it may connect."""
    if client.revoked is not None:
        return f"revoked {date(client.revoked)}"
    if not authority.files.counts(client.issuer):
        return FORMER
    if client.expires <= time.time():
        return "expired"
    return "may connect" if client.hostcheck else "may connect from anywhere"


def date(seconds: int) -> str:
    """A day, in UTC."""
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def moment(seconds: int | None) -> str:
    """A second, in UTC."""
    return "never" if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def to_json(client: Client) -> dict[str, Any]:
    """A client as JSON shows it."""
    return {
        "host": client.host,
        "names": list(client.names),
        "addresses": list(client.addresses),
        "networks": list(client.networks),
        "host_check": client.hostcheck,
        "events": [name for name in MEANINGS if name in client.events],
        "added": client.added,
        "revoked": client.revoked,
        "expires": client.expires,
        "serial": client.serial,
        "fingerprint": client.fingerprint,
        "last_seen": client.last_seen,
        "last_address": client.last_address or None,
        "position": client.position,
    }


def certificate_state(certificate: Certificate, authority: Authority, now: float) -> str:
    """What a certificate is good for at this moment."""
    if certificate.revoked is not None:
        return f"revoked {date(certificate.revoked)}"
    if not authority.files.counts(certificate.issuer):
        return FORMER
    if certificate.expires <= now:
        return "expired"
    if certificate.until is None:
        return "good"
    return "replaced" if certificate.until <= now else f"renewed; good until {moment(certificate.until)}"


def certificate_as_json(certificate: Certificate) -> dict[str, Any]:
    """A certificate as JSON shows it."""
    return {
        "serial": certificate.serial,
        "fingerprint": certificate.fingerprint,
        "issuer": certificate.issuer or None,
        "issued": certificate.issued,
        "expires": certificate.expires,
        "until": certificate.until,
        "revoked": certificate.revoked,
    }


def to_renew(clients: Iterable[Client], authority: Authority, now: float) -> Iterator[str]:
    """A sentence for each client whose certificate ends soon, has ended, or is of a CA that has left."""
    from openstreamer.authority.lifetime import ends_within, in_words

    for client in clients:
        if client.revoked is None and not authority.files.counts(client.issuer):
            yield (
                f"the certificate of {client.host} is of a CA that has left: "
                f"'openstreamer clients renew {client.host}'"
            )
        elif client.revoked is None and ends_within(now, client.expires, days=SOON_DAYS):
            yield (
                f"the certificate of {client.host} {in_words(now, client.expires)}: "
                f"'openstreamer clients renew {client.host}'"
            )


def warn_of_role(named: Iterable[str] | None, offered: Collection[str]) -> None:
    """Say which event types somebody named for a client are none that this server has; all names none."""
    chosen = set(named or ())
    missing = [name for name in MEANINGS if name in chosen and name not in offered]
    if missing and chosen != set(MEANINGS):
        none = " and no ".join(missing)
        click.echo(
            f"openstreamer: by its role (managed device) this server has no {none} events; "
            "the client gets none until 'role' in openstreamer.toml is another",
            err=True,
        )


def warn_of_names(client: Client) -> None:
    """Say which names of a client do not resolve here, since it is known by its address."""
    for name in client.names:
        if not _resolves(name):
            elsewhere = client.addresses or client.networks
            click.echo(
                f"openstreamer: {name} does not resolve here; until it does, this client "
                + ("can connect only from its other addresses" if elsewhere else "is refused")
                + " (add its address, or use --no-hostcheck)",
                err=True,
            )


def _resolves(name: str) -> bool:
    if name.startswith("*"):
        return True
    try:
        return bool(socket.getaddrinfo(name, None))
    except OSError:
        return False
