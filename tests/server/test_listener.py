from __future__ import annotations

import errno
import socket
import ssl

import pytest

from openstreamer.errors import StateError
from openstreamer.server import listener
from openstreamer.server.listener import handshake_failure, open_sockets, peer_host, show_address


@pytest.mark.parametrize(
    ("address", "host", "shown"),
    [
        (("192.0.2.1", 5), "192.0.2.1", "192.0.2.1:5"),
        (("::ffff:192.0.2.1", 5, 0, 0), "192.0.2.1", "192.0.2.1:5"),
        (("2001:db8::1", 5, 0, 0), "2001:db8::1", "[2001:db8::1]:5"),
        (("fe80::1%eth0", 5, 0, 2), "fe80::1", "[fe80::1]:5"),
    ],
)
def test_peers_are_shown_in_one_form(address: tuple[object, ...], host: str, shown: str) -> None:
    assert peer_host(address) == host
    assert show_address(address) == shown


def failure(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


def unverified(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, "for a reason"
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (failure("PEER_DID_NOT_RETURN_A_CERTIFICATE"), "no certificate"),
        (failure("HTTP_REQUEST"), "not TLS"),
        (failure("UNSUPPORTED_PROTOCOL"), "TLS version too old"),
        (failure("SOMETHING_NEW"), "TLS failed: something new"),
        (unverified(10), "certificate expired"),
        (unverified(66), "certificate too weak"),
        (unverified(999), "certificate refused: for a reason"),
        (TimeoutError(), "handshake too slow"),
        (ConnectionAbortedError("SSL handshake is taking longer than 1 seconds"), "handshake too slow"),
        (ConnectionResetError(), "left during the handshake"),
        (ssl.SSLEOFError(8, "EOF"), "left during the handshake"),
    ],
)
def test_handshake_failures_have_names(error: BaseException, words: str) -> None:
    assert handshake_failure(error) == words


def test_all_addresses_of_a_host_get_one_port() -> None:
    sockets = open_sockets("localhost", 0)
    try:
        assert len({opened.getsockname()[1] for opened in sockets}) == 1
    finally:
        for opened in sockets:
            opened.close()


def test_a_machine_without_ipv6_listens_on_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    real = listener._listen

    def without_ipv6(family: int, address: object, *, dual: bool) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "no IPv6")
        return real(family, address, dual=dual)

    monkeypatch.setattr(listener, "_listen", without_ipv6)
    (opened,) = open_sockets("::", 0)
    assert opened.getsockname()[0] == "0.0.0.0"
    opened.close()


def test_an_address_that_is_not_ours_is_a_sentence() -> None:
    with pytest.raises(StateError, match=r"cannot listen on 192\.0\.2\.1:0"):
        open_sockets("192.0.2.1", 0)
    with pytest.raises(StateError, match="cannot listen on"):
        open_sockets("no-such-host.invalid", 8302)
