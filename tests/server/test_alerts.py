"""A client whose certificate does not pass hears it in TLS, whatever the version."""

from __future__ import annotations

import socket
import ssl

import pytest

from support.live_service import HOST, Start, start, template

__all__ = ["start", "template"]


def last_words(port: int, version: ssl.TLSVersion, certificate: str | None) -> str:
    """What OpenSSL's engine says of a handshake that the server ends."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = version
    if certificate is not None:
        context.load_cert_chain(certificate)
    with socket.create_connection((HOST, port), timeout=20) as raw:
        try:
            with context.wrap_socket(raw) as secured:
                secured.recv(1)  # TLS 1.3 lets the server judge after the client is done
        except ssl.SSLError as error:
            return error.reason or ""
    return "closed"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_an_unknown_authority(start: Start, version: ssl.TLSVersion) -> None:
    live = start()
    words = last_words(live.port, version, str(live.certificates["foreign"]))
    assert words == "TLSV1_ALERT_UNKNOWN_CA"
    assert last_words(live.port, version, str(live.certificates["nowhere"])) == "closed", "the host check"


@pytest.mark.parametrize(
    ("version", "word"),
    [
        (ssl.TLSVersion.TLSv1_2, "SSLV3_ALERT_HANDSHAKE_FAILURE"),
        (ssl.TLSVersion.TLSv1_3, "TLSV13_ALERT_CERTIFICATE_REQUIRED"),
    ],
)
def test_no_certificate(start: Start, version: ssl.TLSVersion, word: str) -> None:
    assert last_words(start().port, version, None) == word
