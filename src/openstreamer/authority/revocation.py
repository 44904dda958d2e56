"""Revocation lists: one for each CA, for programs beside this service (a TLS proxy, for example).

The service itself asks the registry, which knows at once. A list names what was revoked, and what was renewed
once the overlap is over.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from openstreamer.errors import AuthorityError

from .files import write_private
from .keys import read_file

if TYPE_CHECKING:
    from cryptography import x509

    from .authority import Authority
    from .certificates import Signed

RENEW_DAYS = 15
"""A list is made anew when it has to be renewed within so many days."""


def make_lists(authority: Authority, *, now: int) -> list[x509.CertificateRevocationList]:
    """Make the list of the CA that issues, then that of the one that leaves."""
    return [_make(authority, ca, now) for ca in (authority.files.ca(), authority.files.old_ca()) if ca]


def _make(authority: Authority, ca: Signed, now: int) -> x509.CertificateRevocationList:
    from .certificates import make_revocation_list

    registry = authority.registry
    withdrawn = [
        (entry.serial, entry.revoked, False)
        if entry.revoked is not None
        else (entry.serial, entry.until or 0, True)
        for entry in registry.withdrawn_certificates(ca.fingerprint, now=now)
    ]
    return make_revocation_list(ca, withdrawn, registry.revision(), now)


def write(authority: Authority, *, now: int) -> Path:
    """Write `revoked.pem`, all lists in one file, and return its path. To be renewed within 30 days."""
    file = authority.files.revoked_file
    with authority.registry.locked():
        write_private(file, pem(make_lists(authority, now=now)))
    return file


def pem(lists: list[x509.CertificateRevocationList]) -> bytes:
    """Return lists as one PEM text."""
    from cryptography.hazmat.primitives.serialization import Encoding

    return b"".join(entry.public_bytes(Encoding.PEM) for entry in lists)


def refresh(authority: Authority, *, now: int) -> bool:
    """Write `revoked.pem` if it is missing, soon too old, or lacks what ended since; say whether it did."""
    from cryptography import x509

    file = authority.files.revoked_file
    if file.exists():
        try:
            present = x509.load_pem_x509_crl(read_file(file))
        except ValueError as error:
            raise AuthorityError(f"{file} holds no revocation list: remove it ({error})") from error
        made = int(present.last_update_utc.timestamp())
        ends = present.next_update_utc
        fresh = ends is not None and ends.timestamp() - now > RENEW_DAYS * 86400
        ca = authority.files.ca()
        if (
            fresh
            and present.issuer == ca.certificate.subject
            and not authority.registry.replaced_between(made, now)
        ):
            return False
    write(authority, now=now)
    return True
