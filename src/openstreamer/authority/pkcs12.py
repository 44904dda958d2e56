"""PKCS#12 files: the form in which a client gets its key, its certificate and the CA's. Read and write.

Importing this does not load `cryptography`; its functions do. Rules: section 10 of the protocol docs. "No
password" has three forms in the wild, and `read_pkcs12` takes them all: nothing encrypted, everything
encrypted under an empty password, or under none at all.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from openstreamer.errors import AuthorityError

if TYPE_CHECKING:
    from cryptography import x509

    from .certificates import Signed

_LARGEST = 1 << 20
"""No client's file is anywhere near this size in bytes."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client shows and trusts, all as PEM."""

    certificate_pem: bytes
    """The client's certificate."""
    private_key_pem: bytes = field(repr=False)
    """Its private key, not encrypted: keep it in memory."""
    ca_pem: bytes = b""
    """Certificates to verify the server with; empty if the file had none."""


def read_pkcs12(source: bytes | str | PathLike[str], password: str | bytes | None = None) -> Credentials:
    """Read a PKCS#12 file (path or content), of today's form or the old one (RC2-40, 3DES).

    Without a password, or with an empty one, all forms of "no password" are tried.

    Raises:
        AuthorityError: no such file, no PKCS#12 file, wrong password, or no key or certificate in it; the
            sentence says which.
    """
    if isinstance(source, bytes):
        what, content = "the PKCS#12 file", source
    else:
        what, content = str(source), _read(source)
    if content.lstrip()[:10] == b"-----BEGIN":
        raise AuthorityError(f"{what} is a PEM file, not PKCS#12: give it as certificate and key")
    if not _looks_like_pkcs12(content):
        raise AuthorityError(f"{what} is not a PKCS#12 file: download it from the server once more")

    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.serialization import pkcs12

    secret = password.encode() if isinstance(password, str) else password
    loaded = None
    for attempt in [secret] if secret else [b"", None]:
        try:
            loaded = pkcs12.load_pkcs12(content, attempt)
            break
        except UnsupportedAlgorithm as error:
            raise AuthorityError(f"{what} uses an encryption that is not supported: {error}") from error
        except (ValueError, TypeError):
            continue
    if loaded is None:
        if secret:
            raise AuthorityError(f"{what} cannot be opened with this password, or it is damaged")
        raise AuthorityError(f"{what} needs its password, or it is damaged")
    key = loaded.key
    if key is None:
        raise AuthorityError(f"{what} has no private key in it: export it with the key")
    certificates = [entry.certificate for entry in loaded.additional_certs]
    own = loaded.cert.certificate if loaded.cert else None
    if own is None:
        # Some programs leave out the mark that ties the key to its certificate.
        own = next((entry for entry in certificates if _belongs(entry, key.public_key())), None)
    if own is None:
        raise AuthorityError(f"{what} has no certificate for its private key")
    pem = serialization.Encoding.PEM
    try:
        private_key_pem = key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise AuthorityError(f"the private key in {what} cannot be used: {error}") from error
    return Credentials(
        certificate_pem=own.public_bytes(pem),
        private_key_pem=private_key_pem,
        ca_pem=b"".join(entry.public_bytes(pem) for entry in certificates if entry != own),
    )


def read_pem(
    certificate: str | PathLike[str],
    key: str | PathLike[str] | None = None,
    ca: str | PathLike[str] | None = None,
    *,
    password: str | bytes | None = None,
) -> Credentials:
    """Read the same from PEM files; without `key` it is looked for in the certificate's file.

    Raises:
        AuthorityError: a file cannot be read or does not hold what it should.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    from .certificates import load_certificates

    certificate_pem = _read(certificate)
    own = load_certificates(certificate_pem, str(certificate))[0]
    key_file = certificate if key is None else key
    secret = password.encode() if isinstance(password, str) else password
    key_pem = certificate_pem if key is None else _read(key)
    loaded = None
    for attempt in [secret or None, None]:
        try:
            loaded = serialization.load_pem_private_key(key_pem, attempt)
            break
        except TypeError as error:
            # A password where none is needed, or none where one is.
            if attempt is None:
                raise AuthorityError(f"the private key in {key_file} needs its password") from error
        except (ValueError, UnsupportedAlgorithm) as error:
            why = "cannot be opened with this password" if secret else "cannot be read"
            raise AuthorityError(f"the private key in {key_file} {why}: {error}") from error
    assert loaded is not None
    if not _belongs(own, loaded.public_key()):
        raise AuthorityError(
            f"the private key in {key_file} does not belong to the certificate in {certificate}"
        )
    ca_pem = b""
    if ca is not None:
        ca_pem = _read(ca)
        load_certificates(ca_pem, str(ca))
    return Credentials(
        certificate_pem=own.public_bytes(serialization.Encoding.PEM),
        private_key_pem=loaded.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        ca_pem=ca_pem,
    )


def write_pkcs12(
    signed: Signed,
    authorities: list[x509.Certificate],
    *,
    name: str,
    password: str | None = None,
    compat: bool = False,
) -> bytes:
    """Make a client's PKCS#12 file.

    Args:
        authorities: certificates of the CA that the client verifies the server with.
        name: the friendly name inside the file.
        password: AES-256 (PBKDF2 with SHA-256) under this password; None or empty: nothing is encrypted.
        compat: 3DES and SHA-1 instead, which OpenSSL reads since before 0.9.8; weak against guessing.
    """
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12

    encryption: serialization.KeySerializationEncryption
    if not password:
        encryption = serialization.NoEncryption()
    elif compat:
        encryption = (
            PrivateFormat.PKCS12.encryption_builder()
            .kdf_rounds(2048)
            .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
            .hmac_hash(hashes.SHA1())
            .build(password.encode())
        )
    else:
        encryption = (
            PrivateFormat.PKCS12.encryption_builder()
            .kdf_rounds(100_000)
            .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
            .hmac_hash(hashes.SHA256())
            .build(password.encode())
        )
    content = pkcs12.serialize_key_and_certificates(
        name.encode(), signed.key, signed.certificate, authorities, encryption
    )
    if compat and not password:
        content = _replace_mac(content)
    return content


def _read(path: str | PathLike[str]) -> bytes:
    try:
        with open(path, "rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise AuthorityError(f"cannot read {Path(path)}: {error.strerror or error}") from error
    if len(content) > _LARGEST:
        raise AuthorityError(f"{Path(path)} is too large to be a certificate file")
    return content


def _belongs(certificate: x509.Certificate, public_key: object) -> bool:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        return certificate.public_key() == public_key
    except (ValueError, UnsupportedAlgorithm):
        return False


# A little DER, for the one thing that `cryptography` does not offer: an unencrypted file whose integrity
# check is SHA-1 (RFC 7292, sections 4 and B.2). Old readers refuse a file without one, and may not know
# SHA-256.


def _looks_like_pkcs12(content: bytes) -> bool:
    """A sequence that begins with the version number 3; some writers leave the outer length open (BER)."""
    if len(content) < 8 or content[0] != 0x30:
        return False
    start = 2 if content[1] <= 0x80 else 2 + (content[1] & 0x7F)
    return content[start : start + 3] == b"\x02\x01\x03"


def _split(content: bytes, start: int) -> tuple[int, int]:
    """Return where the content of the element at `start` begins and ends."""
    first = content[start + 1]
    if first < 0x80:
        return start + 2, start + 2 + first
    begin = start + 2 + (first & 0x7F)
    return begin, begin + int.from_bytes(content[start + 2 : begin])


def _element(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(size))) + size + content


def _replace_mac(content: bytes) -> bytes:
    """Give a PKCS#12 file an integrity check by HMAC-SHA-1 under the empty password."""
    body, _ = _split(content, 0)
    _, version_end = _split(content, body)
    safe, safe_end = _split(content, version_end)
    _, type_end = _split(content, safe)
    tagged, _ = _split(content, type_end)
    octets, octets_end = _split(content, tagged)
    iterations = 2048
    salt = os.urandom(8)
    # The empty password is a zero character, two bytes long.
    key = _derive_mac_key(b"\0\0", salt, iterations)
    digest = hmac.digest(key, content[octets:octets_end], "sha1")
    algorithm = _element(0x30, bytes.fromhex("06052b0e03021a0500"))
    mac = _element(0x30, algorithm + _element(0x04, digest)) + _element(0x04, salt)
    mac += _element(0x02, iterations.to_bytes(2))
    return _element(0x30, content[body:safe_end] + _element(0x30, mac))


def _derive_mac_key(password: bytes, salt: bytes, iterations: int) -> bytes:
    """PKCS#12 key derivation with SHA-1 for the purpose "integrity" (RFC 7292, B.2); one block is enough."""

    def fill(value: bytes) -> bytes:
        return (value * (64 // len(value) + 1))[:64]

    result = b"\x03" * 64 + fill(salt) + fill(password)
    for _ in range(iterations):
        result = hashlib.sha1(result, usedforsecurity=False).digest()
    return result
