"""Revocation lists: one for each CA, for programs beside this service (a TLS proxy, for example).

The service itself asks the registry, which knows at once. A list names what was revoked, and what was renewed
once the overlap is over.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from openstreamer.errors import AuthorityError

from .files import write_private
from .keys import read_file

if TYPE_CHECKING:
    from cryptography import x509

    from .authority import Authority
    from .certificates import Signed

PATH = "/crl/"
"""Where lists are published below the address in the settings."""

RENEW_DAYS = 15
"""A list is made anew when it has to be renewed within so many days."""


class PublishedList(NamedTuple):
    """One list as DER, and when it was made (epoch seconds)."""

    der: bytes
    made: int


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


def name_of(fingerprint: str) -> str:
    """Name of the published list of the CA whose certificate has this SHA-256; the same for all its life."""
    return f"{fingerprint[:16]}.crl"


def address(base: str, fingerprint: str) -> str:
    """Where that list is, if lists are published below `base`."""
    return f"{base.rstrip('/')}{PATH}{name_of(fingerprint)}"


class Published:
    """The lists as they lie in `revoked.pem`, by their public names. Nothing is signed to answer.

    So that whoever asks costs a look at a file.
    """

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._stamp: object = None
        self._lists: dict[str, PublishedList] = {}

    def get(self, name: str) -> PublishedList | None:
        """The list of that name; None if there is none. Raises AuthorityError for a damaged file."""
        files = self._authority.files
        try:
            about = files.revoked_file.stat()
        except OSError:
            return None
        cas = [ca for ca in (files.ca(), files.old_ca()) if ca is not None]
        stamp = (about.st_ino, about.st_mtime_ns, about.st_size, [ca.fingerprint for ca in cas])
        if stamp != self._stamp:
            self._lists = _read_lists(files.revoked_file, cas)
            self._stamp = stamp
        return self._lists.get(name)


def _read_lists(file: Path, cas: list[Signed]) -> dict[str, PublishedList]:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    end = b"-----END X509 CRL-----"
    try:
        lists = [x509.load_pem_x509_crl(part + end) for part in read_file(file).split(end)[:-1]]
    except ValueError as error:
        raise AuthorityError(f"{file} holds no revocation list ({error})") from error
    return {
        name_of(ca.fingerprint): PublishedList(
            entry.public_bytes(Encoding.DER), int(entry.last_update_utc.timestamp())
        )
        for ca in cas
        for entry in lists
        if entry.issuer == ca.certificate.subject and entry.is_signature_valid(ca.key.public_key())
    }


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
