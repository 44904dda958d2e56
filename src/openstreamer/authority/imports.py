"""Certificates and keys that others made: read from files, and checked before anything is taken over.

A CA to issue with (one's own root, or one below a company's root), and a certificate for the server. What is
wrong is said in a sentence with the file's name, before a byte is written. Rules: `docs/certificates.md`.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from openstreamer.errors import AuthorityError

from .authority import Authority
from .clients import parse_names
from .foundation import local_names, seconds
from .keys import read_file

if TYPE_CHECKING:
    from cryptography import x509

    from .certificates import PrivateKey, Signed

LEAST_RSA_BITS = 2048

_Extension = TypeVar("_Extension", bound="x509.ExtensionType")


def read_ca(
    certificate: str | PathLike[str],
    key: str | PathLike[str],
    *,
    password: str | None = None,
    now: float | None = None,
) -> Signed:
    """Read a CA (PEM): its certificate, those above it up to the root in the same file, and its key.

    Raises:
        AuthorityError: it cannot be used as the CA of a server; says why.
    """
    from cryptography import x509

    signed = _read(certificate, key, password, ())
    what = str(certificate)
    if not _is_ca(signed.certificate):
        raise AuthorityError(f"{what} is not the certificate of a CA (basicConstraints CA:TRUE is missing)")
    _check_life(signed.certificate, what, seconds(now))
    usage = _extension(signed.certificate, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        raise AuthorityError(f"the CA in {what} may not sign certificates (keyUsage lacks keyCertSign)")
    if usage is not None and not usage.crl_sign:
        raise AuthorityError(f"the CA in {what} may not sign revocation lists (keyUsage lacks cRLSign)")
    purposes = _purposes(signed.certificate)
    if purposes is not None and not {"serverAuth", "clientAuth"} <= purposes:
        raise AuthorityError(
            f"the CA in {what} may not issue for servers and clients (extendedKeyUsage lacks serverAuth or "
            "clientAuth)"
        )
    _check_chain(signed, what, seconds(now), hint=f"put the certificates above it into {what}")
    return signed


def read_server(
    certificate: str | PathLike[str],
    key: str | PathLike[str],
    *,
    chain: str | PathLike[str] | None = None,
    password: str | None = None,
    own: Sequence[x509.Certificate] = (),
    now: float | None = None,
) -> Signed:
    """Read a server's certificate (PEM) with its key and the CA certificates above it, up to the root.

    Args:
        chain: a file with the CA certificates, in any order; they may stand in `certificate` instead.
        own: the CAs of this server, which need not be in a file.

    Raises:
        AuthorityError: it cannot be used; says why.
    """
    from cryptography import x509

    from .certificates import load_certificates

    further = [] if chain is None else load_certificates(read_file(Path(chain)), str(chain))
    signed = _read(certificate, key, password, [*further, *own])
    what = str(certificate)
    if _is_ca(signed.certificate):
        raise AuthorityError(f"{what} is the certificate of a CA, not of a server")
    _check_life(signed.certificate, what, seconds(now))
    purposes = _purposes(signed.certificate)
    if purposes is not None and "serverAuth" not in purposes:
        raise AuthorityError(
            f"the certificate in {what} is not for servers (extendedKeyUsage lacks serverAuth)"
        )
    usage = _extension(signed.certificate, x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        raise AuthorityError(f"the key of {what} may not sign handshakes (keyUsage lacks digitalSignature)")
    _check_chain(signed, what, seconds(now), hint="give the CA certificates up to the root with --chain FILE")
    return signed


def read_client(certificate: str | PathLike[str]) -> x509.Certificate:
    """Read a client's certificate (PEM), the first in the file. Raises AuthorityError."""
    from .certificates import load_certificates

    return load_certificates(read_file(Path(certificate)), str(certificate))[0]


def check_client(certificate: x509.Certificate, *, now: int) -> None:
    """Refuse a certificate that a client cannot show. Raises AuthorityError."""
    if _is_ca(certificate):
        raise AuthorityError("this is the certificate of a CA, not of a client")
    _check_life(certificate, "this file", now)
    purposes = _purposes(certificate)
    if purposes is not None and "clientAuth" not in purposes:
        raise AuthorityError("this certificate is not for clients (extendedKeyUsage lacks clientAuth)")


@dataclass(frozen=True, slots=True)
class ServerImport:
    """What taking over a server's certificate means."""

    names: tuple[str, ...]
    """Names and addresses in it."""
    names_us: bool
    """Whether one of them is a name or address that this machine knows of itself."""
    ours: bool
    """Whether a CA of this authority issued it: the service then renews it."""
    strangers: tuple[str, ...]
    """Hosts of clients whose file holds no CA certificate by which they could verify it."""


def examine_server(authority: Authority, signed: Signed) -> ServerImport:
    """Tell what it would mean to show this certificate from now on."""
    from .certificates import fingerprint_of, is_issued_by, subject_names

    files = authority.files
    cas = [ca.certificate for ca in (files.ca(), files.old_ca()) if ca is not None]
    names = tuple(subject_names(signed.certificate))
    above = {fingerprint_of(entry) for entry in signed.chain}
    strangers = [
        entry.host
        for entry in authority.registry.newest_certificates()
        if above.isdisjoint(entry.handed or (entry.issuer or files.ca().fingerprint,))
    ]
    return ServerImport(
        names=names,
        names_us=not set(names).isdisjoint(_all_names(local_names())),
        ours=is_issued_by(signed.certificate, cas),
        strangers=tuple(strangers),
    )


def announce_server(authority: Authority, signed: Signed) -> None:
    """Hand the CA certificates above it out to clients from now on, without showing it yet."""
    with authority.registry.locked():
        authority.files.write_server_ca(signed.chain)
    authority.registry.touch()


def import_server(authority: Authority, signed: Signed) -> None:
    """Show this certificate from now on; a running service follows at once."""
    from .certificates import Signed, is_self_signed

    below_root = tuple(entry for entry in signed.chain if not is_self_signed(entry))
    ours = examine_server(authority, signed).ours
    with authority.registry.locked():
        authority.files.write_server_ca(() if ours else signed.chain)
        authority.files.write_server(Signed(signed.certificate, signed.key, below_root))
    authority.registry.touch()


def _all_names(values: Iterable[str]) -> set[str]:
    names = parse_names(values)
    return {*names.names, *names.addresses} - {"localhost", "127.0.0.1", "::1"}


def _read(
    certificate: str | PathLike[str],
    key: str | PathLike[str],
    password: str | None,
    further: Sequence[x509.Certificate],
) -> Signed:
    """The certificate that the key belongs to, with those above it, nearest first."""
    from .certificates import Signed, is_issued_by, is_self_signed, load_certificates

    listed = load_certificates(read_file(Path(certificate)), str(certificate))
    private = _read_key(key, password)
    public = private.public_key()
    own = next((entry for entry in listed if entry.public_key() == public), None)
    if own is None:
        raise AuthorityError(f"the private key in {key} does not belong to the certificate in {certificate}")
    rest = [entry for entry in [*listed, *further] if entry != own]
    chain: list[x509.Certificate] = []
    below = own
    while not is_self_signed(below):
        above = next((entry for entry in rest if entry not in chain and is_issued_by(below, [entry])), None)
        if above is None:
            break
        chain.append(above)
        below = above
    return Signed(own, private, tuple(chain))


def _read_key(key: str | PathLike[str], password: str | None) -> PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    content = read_file(Path(key))
    load: Callable[[bytes | None], object] = lambda secret: load_pem_private_key(content, secret)  # noqa: E731
    try:
        try:
            loaded = load(password.encode() if password else None)
        except TypeError:
            # A password where none is needed, or none where one is.
            if not password:
                raise AuthorityError(f"the private key in {key} needs its password") from None
            loaded = load(None)
    except (ValueError, UnsupportedAlgorithm) as error:
        why = "cannot be opened with this password" if password else "cannot be read as PEM"
        raise AuthorityError(f"the private key in {key} {why}: {error}") from error
    if not isinstance(loaded, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise AuthorityError(
            f"the private key in {key} is neither RSA nor elliptic curve: clients need one of them"
        )
    if isinstance(loaded, rsa.RSAPrivateKey) and loaded.key_size < LEAST_RSA_BITS:
        raise AuthorityError(
            f"the RSA key in {key} has {loaded.key_size} bits: TLS needs {LEAST_RSA_BITS} at least"
        )
    return loaded


def _check_chain(signed: Signed, what: str, now: int, *, hint: str) -> None:
    from cryptography import x509

    from .certificates import common_name, is_self_signed

    path = [signed.certificate, *signed.chain]
    if not is_self_signed(path[-1]):
        raise AuthorityError(
            f"the issuer of the certificate in {what}, {common_name(path[-1].issuer)}, is not there: clients "
            f"need the whole way to the root, {hint}"
        )
    # A CA may limit how many CAs stand below it.
    for number, above in enumerate(signed.chain):
        name = common_name(above.subject)
        if not _is_ca(above):
            raise AuthorityError(f"{name}, above the certificate in {what}, is not a CA")
        _check_life(above, f"{name}, above {what},", now)
        constraints = _extension(above, x509.BasicConstraints)
        below = number + (1 if _is_ca(signed.certificate) else 0)
        if (
            constraints is not None
            and constraints.path_length is not None
            and constraints.path_length < below
        ):
            raise AuthorityError(
                f"{name}, above {what}, does not allow so many CAs below it (path length): clients refuse it"
            )


def _check_life(certificate: x509.Certificate, what: str, now: int) -> None:
    moment = datetime.datetime.fromtimestamp(now, datetime.UTC)
    if certificate.not_valid_after_utc <= moment:
        raise AuthorityError(
            f"the certificate in {what} expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
        )
    if certificate.not_valid_before_utc > moment:
        raise AuthorityError(
            f"the certificate in {what} is not valid before {certificate.not_valid_before_utc:%Y-%m-%d}"
        )


def _is_ca(certificate: x509.Certificate) -> bool:
    from cryptography import x509

    constraints = _extension(certificate, x509.BasicConstraints)
    return constraints is not None and constraints.ca


def _purposes(certificate: x509.Certificate) -> set[str] | None:
    """What an extended key usage allows; None if there is none, which allows all."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    usage = _extension(certificate, x509.ExtendedKeyUsage)
    if usage is None or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usage:
        return None
    names = {ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth", ExtendedKeyUsageOID.CLIENT_AUTH: "clientAuth"}
    return {names[entry] for entry in usage if entry in names}


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    from cryptography import x509

    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
