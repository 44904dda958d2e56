"""What the authority signs: its own certificate, servers', clients', and the list of revoked ones.

Importing this module loads `cryptography`; the rest of the package does so only when it has to. Nothing here
touches a file or a clock. Rules: section 10 of the protocol docs.

Choices, and why:

* RSA throughout. Clients of the older generation split the PKCS#12 file and look for an RSA private key in
  it, and OpenSSL of the 0.9.8 era has no elliptic curves worth relying on.
* 3072 bits and ten years for the CA, because what it signs must hold until it expires. 2048 bits for servers
  and clients: they are replaced earlier, and the server signs once a handshake.
* Signatures use SHA-256, which even those clients verify.
* A server's certificate lasts 825 days, the most that browsers accept for its pages; a client's three years.
* Certificates begin a day before they are made: clients' clocks may be behind.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterable
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from openstreamer.errors import AuthorityError

CA_DAYS = 3653
SERVER_DAYS = 824  # 825 with the day before
CLIENT_DAYS = 1096
REVOCATION_LIST_DAYS = 30

_CA_BITS = 3072
_BITS = 2048
_DAY = 86400

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class Signed(NamedTuple):
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: PrivateKey
    chain: tuple[x509.Certificate, ...] = ()
    """Certificates above it, the nearest first; up to the root for a CA."""

    @property
    def serial(self) -> str:
        """Serial number as lower-case hex."""
        return f"{self.certificate.serial_number:x}"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate as lower-case hex."""
        return fingerprint_of(self.certificate)

    @property
    def begins(self) -> int:
        """Epoch second of its beginning."""
        return int(self.certificate.not_valid_before_utc.timestamp())

    @property
    def expires(self) -> int:
        """Epoch second of its end."""
        return int(self.certificate.not_valid_after_utc.timestamp())

    @property
    def certificate_pem(self) -> bytes:
        """The certificate as PEM."""
        return to_pem([self.certificate])

    @property
    def file_pem(self) -> bytes:
        """The certificate, those above it, and the key, as `load_signed` reads them."""
        return to_pem([self.certificate, *self.chain]) + self.key_pem

    @property
    def key_pem(self) -> bytes:
        """The private key as PEM (PKCS#8), not encrypted."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def make_ca(now: int) -> Signed:
    """Make a certificate authority with a name of its own."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_CA_BITS)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    # Part of the key's identifier keeps the authorities of two installations apart by name.
    name = _name(f"OpenStreamer CA {identifier.digest[:4].hex()}")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_time(now - _DAY))
        .not_valid_after(_time(now + CA_DAYS * _DAY))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(sign_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier(identifier.digest, None, None), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Signed(certificate, key)


def make_server(
    ca: Signed, names: Iterable[str], addresses: Iterable[str], now: int, *, list_url: str = ""
) -> Signed:
    """Make a certificate for a server that answers to these names and addresses.

    `list_url` is where the CA's revocation list is, for the certificate to say so; empty: it does not.
    """
    return _make(ca, names, addresses, now, SERVER_DAYS, ExtendedKeyUsageOID.SERVER_AUTH, list_url=list_url)


def make_client(
    ca: Signed,
    host: str,
    names: Iterable[str],
    addresses: Iterable[str],
    now: int,
    *,
    list_url: str = "",
) -> Signed:
    """Make a certificate for a client; `host`, one of its names or addresses, is the common name."""
    usage = ExtendedKeyUsageOID.CLIENT_AUTH
    return _make(ca, names, addresses, now, CLIENT_DAYS, usage, host, list_url=list_url)


def server_end(ca: Signed, now: int) -> int:
    """Return when a server's certificate that is made now will end."""
    return min(now + SERVER_DAYS * _DAY, ca.expires)


def make_revocation_list(
    ca: Signed, revoked: Iterable[tuple[str, int, bool]], number: int, now: int
) -> x509.CertificateRevocationList:
    """Make a revocation list of (serial in hex, epoch second of revocation, whether it was replaced).

    `number` must never decrease from one list to the next.
    """
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(ca.certificate.subject)
        .last_update(_time(now))
        .next_update(_time(now + REVOCATION_LIST_DAYS * _DAY))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(_authority_identifier(ca), critical=False)
    )
    for serial, when, replaced in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(int(serial, 16)).revocation_date(_time(when))
        if replaced:
            entry = entry.add_extension(x509.CRLReason(x509.ReasonFlags.superseded), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(ca.key, hashes.SHA256())


def load_signed(pem: bytes, what: str) -> Signed:
    """Read a certificate and its private key from one PEM file.

    Raises:
        AuthorityError: they are not there or do not belong together; `what` names the file.
    """
    try:
        certificate, *chain = x509.load_pem_x509_certificates(pem)
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise AuthorityError(
            f"{what} does not hold a certificate and its private key, without a password, in PEM"
        ) from error
    if not isinstance(key, PrivateKey) or key.public_key() != certificate.public_key():
        raise AuthorityError(f"the private key in {what} does not belong to the certificate in it")
    return Signed(certificate, key, tuple(chain))


def load_certificates(pem: bytes, what: str) -> list[x509.Certificate]:
    """Read the certificates of a PEM file.

    Raises:
        AuthorityError: there is none; `what` names the file.
    """
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise AuthorityError(f"{what} holds no certificate in PEM") from error


def to_pem(certificates: Iterable[x509.Certificate]) -> bytes:
    """Return certificates as one PEM text."""
    return b"".join(entry.public_bytes(serialization.Encoding.PEM) for entry in certificates)


def fingerprint_of(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of a certificate, lower-case hex."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Whether it is a root: nobody stands above it."""
    return certificate.subject == certificate.issuer and is_issued_by(certificate, [certificate])


def common_name(name: x509.Name) -> str:
    """Return what a person calls the holder of a name."""
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()


def parse_certificate(der: bytes) -> x509.Certificate | None:
    """Read a certificate (DER) that a peer showed; None if it is none."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        # What is wrong further inside shows only when it is looked at.
        _ = certificate.serial_number, certificate.issuer, certificate.not_valid_after_utc
    except ValueError:
        return None
    return certificate


def subject_names(certificate: x509.Certificate) -> list[str]:
    """Return the names and addresses a certificate was made for."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    return names.get_values_for_type(x509.DNSName) + addresses


def is_issued_by(certificate: x509.Certificate, issuers: Iterable[x509.Certificate]) -> bool:
    """Whether one of these authorities signed the certificate."""
    return issuer_of(certificate, issuers) is not None


def issuer_of(certificate: x509.Certificate, issuers: Iterable[x509.Certificate]) -> x509.Certificate | None:
    """Return which of these authorities signed the certificate."""
    for issuer in issuers:
        try:
            certificate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return issuer
    return None


def _make(
    ca: Signed,
    names: Iterable[str],
    addresses: Iterable[str],
    now: int,
    days: int,
    usage: x509.ObjectIdentifier,
    common_name: str = "",
    *,
    list_url: str = "",
) -> Signed:
    subjects: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    common_name = common_name or str(subjects[0].value if subjects else "server")
    subjects += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    end = min(_time(now + days * _DAY), ca.certificate.not_valid_after_utc)
    begin = max(_time(now - _DAY), ca.certificate.not_valid_before_utc)
    if begin >= end:
        raise AuthorityError(
            "the CA has expired: nothing can be issued with it any more; make a new one with "
            "`openstreamer authority rotate`"
        )
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .issuer_name(ca.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.SubjectAlternativeName(subjects), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_authority_identifier(ca), critical=False)
    )
    if list_url:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(list_url)], None, None, None)
        builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    certificate = builder.sign(ca.key, hashes.SHA256())
    # What a peer needs beside it: the CAs between it and the root. The root it has, or does not trust.
    return Signed(certificate, key, (ca.certificate, *ca.chain)[:-1])


def _authority_identifier(ca: Signed) -> x509.AuthorityKeyIdentifier:
    try:
        own = ca.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key())
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own.value)


def _key_usage(*, sign_certificates: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not sign_certificates,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    # X.509 allows 64 characters here; a longer host name stands in full among the alternative names.
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "OpenStreamer"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64]),
        ]
    )


def _time(seconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
