"""PKCS#12 files: the form in which a client gets its key, its certificate and the CA's. Read and write."""

from __future__ import annotations

from dataclasses import dataclass, field
from os import PathLike


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

    Without a password both forms of "no password" are tried.

    Raises:
        AuthorityError: not a PKCS#12 file, wrong password, or no key or certificate in it; the sentence says which.
    """
    raise NotImplementedError


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
    raise NotImplementedError
