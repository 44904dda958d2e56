"""One CA takes over from another, without a day on which nobody can connect.

`rotate` begins it, `finish` ends it, `show` tells how far it is. In between, for the overlap:

* clients of both CAs are let in;
* new and renewed clients get certificates of the new CA, and both CA certificates in their file;
* the server keeps its certificate of the CA that leaves, because clients that have not been renewed know no
  other. At the end it gets one of the new CA.

Why not simpler. A server could choose its certificate by the client only if the client said which CAs it
knows, and old clients say nothing in the handshake. Signing the new CA by the old one, so that old clients
trust it, is ruled out by the old one itself: it says that no CA stands below it (path length 0), which
clients enforce. So the server's certificate changes on one day, and each client gets its new file before.

Each step can be repeated: one that was cut short is found and done again. Of several at once each waits for
the one before, and finds what that has done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from openstreamer.errors import AuthorityError

from .authority import Authority
from .clients import Rotation, parse_names
from .files import alone
from .foundation import seconds
from .lifetime import DAY

if TYPE_CHECKING:
    from cryptography import x509

    from .certificates import Signed

OVERLAP_DAYS = 30
"""How long both CAs count, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class AuthorityFacts:
    """One CA. Times are epoch seconds."""

    name: str
    fingerprint: str
    begins: int
    expires: int
    role: str
    """"issues", "leaves" or "has left"."""
    above: tuple[str, ...] = ()
    """Names of the CAs above it, the nearest first."""


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """The server's certificate. Times are epoch seconds."""

    names: tuple[str, ...]
    issuer: str
    fingerprint: str
    begins: int
    expires: int
    ours: bool
    """Whether a CA of this authority made it, so that the service renews it."""


@dataclass(frozen=True, slots=True)
class Overview:
    """All certificates of an authority but the clients' own."""

    authorities: tuple[AuthorityFacts, ...]
    server: ServerFacts
    rotation: Rotation | None
    not_renewed: tuple[str, ...]
    """Hosts of clients whose newest certificate is of the CA that leaves."""


def under_way(authority: Authority) -> Rotation | None:
    """The rotation that is under way; None also for one that was cut short before the new CA was in place."""
    rotation = authority.registry.rotation()
    if rotation is None or rotation.leaving == authority.files.ca().fingerprint:
        return None
    return rotation


def rotate(
    authority: Authority,
    *,
    overlap_days: float = OVERLAP_DAYS,
    ca: Signed | None = None,
    now: float | None = None,
) -> Rotation | None:
    """Begin: a new CA issues from now on. Returns what is under way; None if it is done already.

    Args:
        overlap_days: how long certificates of the present CA stay good, but not longer than that CA; 0: all
            of them end now, for a CA whose key was stolen.
        ca: a CA from elsewhere (`imports.read_ca`) instead of a new one of its own.

    Raises:
        AuthorityError: one is under way already; or the CA given is the present one.
    """
    moment = seconds(now)
    with alone(authority.directory):
        rotation = _begin(authority, overlap_days, ca, moment)
        if rotation.until <= moment:
            _end(authority, moment)
            return None
    return rotation


def _begin(authority: Authority, overlap_days: float, ca: Signed | None, moment: int) -> Rotation:
    from .certificates import make_ca

    authority.files.forget()
    if (begun := under_way(authority)) is not None:
        raise AuthorityError(
            f"a change to a new CA is under way since {_day(begun.began)}: end it first with "
            "`openstreamer authority finish`"
        )
    old = authority.files.ca()
    new = make_ca(moment) if ca is None else ca
    if new.certificate.public_key() == old.certificate.public_key():
        raise AuthorityError("this CA is the one that issues already")
    known = authority.files.former()
    if new.certificate in known:
        raise AuthorityError("this CA has left this server before: a CA that left does not come back")
    until = min(moment + int(overlap_days * DAY), old.expires)
    rotation = Rotation(old.fingerprint, moment, until)
    registry, files = authority.registry, authority.files
    # First of all, so that each certificate has an issuer before there is a second one.
    registry.begin_rotation(rotation)
    with registry.locked():
        files.write_old_ca(old)
        files.write_trusted([new.certificate, old.certificate])
        files.write_ca(new, replace=True)
    registry.touch()
    authority.write_revocation_list(now=moment)
    return rotation


def finish(authority: Authority, *, now: float | None = None) -> bool:
    """End it: only the new CA counts, and the server gets a certificate of it. False if none is under way.

    The key of the CA that leaves is deleted: nothing is left for it to sign.
    """
    with alone(authority.directory):
        return _end(authority, seconds(now))


def _end(authority: Authority, moment: int) -> bool:
    from .certificates import is_issued_by, subject_names

    authority.files.forget()
    if under_way(authority) is None:
        return False
    registry, files = authority.registry, authority.files
    with registry.locked():
        new = files.ca()
        leaving = [entry for entry in files.trusted() if entry != new.certificate]
        files.write_former([*leaving, *(entry for entry in files.former() if _lasts(entry, moment))])
        server = files.server()
        if is_issued_by(server.certificate, files.former()):
            names = parse_names(subject_names(server.certificate))
            authority.write_server(new, names, moment)
        files.write_trusted([new.certificate])
        files.delete_old_ca()
    registry.end_rotation()
    authority.write_revocation_list(now=moment)
    return True


def show(authority: Authority) -> Overview:
    """Tell which CAs there are, what the server shows, and who has not been renewed."""
    from .certificates import common_name, fingerprint_of, subject_names

    files, registry = authority.files, authority.registry
    issuing, leaving = files.ca(), files.old_ca()
    rotation = under_way(authority)
    cas = [_facts(issuing.certificate, "issues", issuing.chain)]
    if leaving is not None and rotation is not None:
        cas.append(_facts(leaving.certificate, "leaves", leaving.chain))
    cas += [_facts(entry, "has left", ()) for entry in files.former()]
    server = files.server()
    return Overview(
        authorities=tuple(cas),
        server=ServerFacts(
            names=tuple(subject_names(server.certificate)),
            issuer=common_name(server.certificate.issuer),
            fingerprint=fingerprint_of(server.certificate),
            begins=server.begins,
            expires=server.expires,
            ours=authority.server_is_ours(),
        ),
        rotation=rotation,
        not_renewed=tuple(
            entry.host
            for entry in registry.newest_certificates()
            if entry.issuer not in ("", issuing.fingerprint)
        ),
    )


def _facts(certificate: x509.Certificate, role: str, above: tuple[x509.Certificate, ...]) -> AuthorityFacts:
    from .certificates import common_name, fingerprint_of

    return AuthorityFacts(
        name=common_name(certificate.subject),
        fingerprint=fingerprint_of(certificate),
        begins=int(certificate.not_valid_before_utc.timestamp()),
        expires=int(certificate.not_valid_after_utc.timestamp()),
        role=role,
        above=tuple(common_name(entry.subject) for entry in above),
    )


def _lasts(certificate: x509.Certificate, now: int) -> bool:
    return certificate.not_valid_after_utc.timestamp() > now


def _day(moment: int) -> str:
    import time

    return time.strftime("%Y-%m-%d", time.gmtime(moment))
