"""Whose certificate is it, and is it good: the decision that comes after the TLS handshake.

Whether the peer's address is the client's is for `clients.check_host`. Rules: `docs/server.md`, "Who may
connect".
"""

from __future__ import annotations

from dataclasses import dataclass

from openstreamer.errors import RefusedError

from .clients import Certificate, Client
from .keys import KeyFiles
from .registry import Registry, normalise_serial


@dataclass(frozen=True, slots=True)
class Admission:
    """Whose certificate it is."""

    client: Client
    certificate: Certificate
    ends: int
    """Epoch second from which the certificate is not good any more, unless revoked earlier."""


def identify(files: KeyFiles, registry: Registry, certificate: bytes | str | None, *, now: int) -> Admission:
    """Find the client of a certificate (DER, already verified by TLS; or its serial number in hex).

    Raises:
        RefusedError: `cause` is "no certificate", "unknown CA", "former CA", "no such client", "revoked",
            "replaced" or "expired".
    """
    from .certificates import fingerprint_of, is_issued_by, parse_certificate

    if not certificate:
        raise RefusedError("the peer showed no certificate", cause="no certificate")
    fingerprint = None
    if isinstance(certificate, str):
        serial = normalise_serial(certificate)
    else:
        parsed = parse_certificate(certificate)
        if parsed is None or not is_issued_by(parsed, files.trusted()):
            if parsed is not None and is_issued_by(parsed, files.former()):
                known = registry.find(f"{parsed.serial_number:x}")
                raise _of_former_ca("a client" if known is None else f"client {known[0].host}")
            raise RefusedError(
                "the peer's certificate was not issued by this server's CA: make one with "
                "`openstreamer clients add`",
                cause="unknown CA",
            )
        serial = f"{parsed.serial_number:x}"
        fingerprint = fingerprint_of(parsed)
    found = registry.find(serial)
    if found is None or (fingerprint is not None and fingerprint != found[1].fingerprint):
        raise RefusedError(
            f"the certificate with serial number {serial} belongs to no client of this server",
            cause="no such client",
        )
    client, issued = found
    if issued.revoked is not None:
        raise RefusedError(f"the certificate of client {client.host} was revoked", cause="revoked")
    if issued.expires < now:
        raise RefusedError(
            f"the certificate of client {client.host} has expired: renew it with "
            f"`openstreamer clients renew {client.host}`",
            cause="expired",
        )
    if issued.until is not None and issued.until <= now:
        raise RefusedError(
            f"client {client.host} shows a certificate that was renewed, and the time to change over is "
            f"past: give it its new file, `openstreamer clients download {client.host}`",
            cause="replaced",
        )
    ends = issued.ends
    rotation = registry.rotation()
    if rotation is not None and issued.issuer == rotation.leaving != files.ca().fingerprint:
        if rotation.until <= now:
            raise _of_former_ca(f"client {client.host}")
        ends = min(ends, rotation.until)
    return Admission(client, issued, ends)


def _of_former_ca(who: str) -> RefusedError:
    return RefusedError(
        f"the certificate of {who} is from a CA that has left this server: give it a new one with "
        "`openstreamer clients renew`",
        cause="former CA",
    )
