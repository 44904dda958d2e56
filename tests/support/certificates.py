"""Throw-away authorities and certificates for tests that speak TLS; made in memory, nothing is kept."""

from __future__ import annotations

import datetime
import functools
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class Authority:
    """One authority; `issue` makes certificates with their keys."""

    def __init__(self, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._build(name, self.key, _name(name), server=False, authority=True)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def _build(
        self, name: str, key: Key, issuer: x509.Name, *, server: bool, authority: bool = False, days: int = 30
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=60))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if not authority:
            alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            builder = builder.add_extension(alternative, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, name: str, *, server: bool = False, days: int = 30) -> tuple[x509.Certificate, Key]:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._build(name, key, self.certificate.subject, server=server, days=days)
        return certificate, key

    def pem_files(
        self, folder: Path, name: str, *, server: bool = False, days: int = 30
    ) -> tuple[Path, Path]:
        """Certificate and key as two PEM files."""
        certificate, key = self.issue(name, server=server, days=days)
        certificate_path, key_path = folder / f"{name}.crt", folder / f"{name}.key"
        certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_path.write_bytes(_pem(key))
        return certificate_path, key_path

    def pkcs12(
        self, path: Path, name: str, *, password: str | None = None, with_authority: bool = True
    ) -> Path:
        """What a server's operator gives to a client."""
        certificate, key = self.issue(name)
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password is not None:
            encryption = serialization.BestAvailableEncryption(password.encode())
        authorities = [self.certificate] if with_authority else None
        path.write_bytes(
            pkcs12.serialize_key_and_certificates(name.encode(), key, certificate, authorities, encryption)
        )
        return path


@functools.cache
def authority(name: str = "Test CA") -> Authority:
    """The authority of that name; the same one all through a test run."""
    return Authority(name)
