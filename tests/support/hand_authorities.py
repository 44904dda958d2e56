"""Certificates as other people's CAs make them, with whatever is wrong with them."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

PURPOSES = {"serverAuth": ExtendedKeyUsageOID.SERVER_AUTH, "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH}


@dataclass
class Made:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self, password: str = "") -> bytes:
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password:
            encryption = serialization.BestAvailableEncryption(password.encode())
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        )

    def write(self, folder: Path, name: str, *above: Made, password: str = "") -> tuple[Path, Path]:
        """Write it, with those above it, and its key; return both files."""
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        certificate.write_bytes(self.pem + b"".join(item.pem for item in above))
        key.write_bytes(self.key_pem(password))
        return certificate, key


def make(
    name: str,
    now: int,
    *,
    issuer: Made | None = None,
    ca: bool = True,
    path_length: int | None = None,
    signs: Iterable[str] = ("certificates", "lists", "handshakes"),
    purposes: Iterable[str] = (),
    names: Iterable[str] = (),
    begins: int = -86400,
    ends: int = 400 * 86400,
    key: Key | None = None,
) -> Made:
    """Make a certificate of that name; `begins` and `ends` are seconds from `now`."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    signer = issuer.key if issuer is not None else key
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer is not None else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime.fromtimestamp(now + begins, datetime.UTC))
        .not_valid_after(datetime.datetime.fromtimestamp(now + ends, datetime.UTC))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=path_length if ca else None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    if signs:
        usage = x509.KeyUsage(
            digital_signature="handshakes" in signs,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=ca and "certificates" in signs,
            crl_sign=ca and "lists" in signs,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(usage, critical=True)
    if purposes:
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([PURPOSES[item] for item in purposes]), critical=False
        )
    alternative: list[x509.GeneralName] = [
        x509.IPAddress(ipaddress.ip_address(item)) if item[0].isdigit() else x509.DNSName(item)
        for item in names
    ]
    if alternative:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternative), critical=False)
    algorithm = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return Made(builder.sign(signer, algorithm), key)
