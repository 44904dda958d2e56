"""What tests need to look at certificates from outside."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

from support.programs import program

NOW = 1_800_000_000
"""The second at which tests make certificates that no clock has to agree with."""


def der(pem: bytes) -> bytes:
    """The first certificate of a PEM file in the form in which a TLS peer shows it."""
    begin, end = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"
    first = pem[pem.index(begin) : pem.index(end) + len(end)]
    return ssl.PEM_cert_to_DER_cert(first.decode())


def openssl(*arguments: str | Path, input: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run OpenSSL's own program; skips where it is not installed."""
    return subprocess.run(
        [program("openssl"), *map(str, arguments)], input=input, capture_output=True, timeout=60, check=False
    )
