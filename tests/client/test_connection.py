"""Connections: every failure becomes one of our errors, and says whose fault it is."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openstreamer.client.connection import Connection, LostConnection, UnknownHost, connect_tcp
from openstreamer.client.credentials import ClientCredentials, make_context
from openstreamer.client.stop import Stop
from openstreamer.errors import OpenStreamerError, RefusedError, RemoteProtocolError, TransportError
from support.certificates import Authority, authority
from support.scripted_server import Conversation, serving
from support.streams import Run, credentials


def context(folder: Path) -> ssl.SSLContext:
    return make_context(credentials(folder))


def echo(conversation: Conversation) -> None:
    conversation.receive()
    conversation.send(b"x" * 1_000_000)
    conversation.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_large_pieces_arrive_whole(tmp_path: Path, version: ssl.TLSVersion) -> None:
    with serving(echo, tmp_path, tls=version) as server:
        connection = Connection.open("127.0.0.1", server.port, context(tmp_path))
        assert connection.describe().startswith(version.name.replace("_", "."))
        connection.send(b"\0\1\0\0\0\0\0\0")
        got = b""
        while len(got) < 1_000_000:
            got += connection.receive(5) or b""
        assert got == b"x" * 1_000_000
        with pytest.raises(LostConnection) as lost:
            connection.receive(5)
        assert lost.value.on_purpose
        connection.close()


def test_nothing_in_time_is_none_and_a_stop_wakes_it(tmp_path: Path) -> None:
    with serving(lambda conversation: conversation.wait_for_end(), tmp_path) as server:
        connection = Connection.open("127.0.0.1", server.port, context(tmp_path))
        assert connection.receive(0.05) is None
        assert connection.receive(0) is None
        stop = Stop()
        threading.Timer(0.1, stop.request).start()
        began = time.monotonic()
        assert connection.receive(10, stop) is None
        assert time.monotonic() - began < 5
        stop.request()
        connection.close()
        stop.close()


def test_a_crash_of_the_server_is_not_on_purpose(tmp_path: Path) -> None:
    for end in (Conversation.reset, lambda conversation: conversation._connection.shutdown(socket.SHUT_RDWR)):
        with serving(end, tmp_path) as server:
            connection = Connection.open("127.0.0.1", server.port, context(tmp_path))
            with pytest.raises(LostConnection) as lost:
                connection.receive(5)
            assert not lost.value.on_purpose
            connection.close()


def test_ipv6(tmp_path: Path) -> None:
    with serving(lambda conversation: conversation.close(), tmp_path, address="::1") as server:
        Connection.open("::1", server.port, context(tmp_path), ipv6=True).close()
        with pytest.raises(TransportError, match=r"cannot connect|no IPv6 address"):
            Connection.open("127.0.0.1", server.port, context(tmp_path), ipv6=True)


def test_every_address_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda conversation: conversation.close(), tmp_path) as server:
        free = socket.create_server(("127.0.0.1", 0))
        closed = free.getsockname()[1]
        free.close()
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", closed)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port)),
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)
        connect_tcp("many", server.port, ipv6=False, timeout=5).close()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found[:1] * 2)
        with pytest.raises(
            TransportError, match=r"127.0.0.1: Connection refused; 127.0.0.1: Connection refused"
        ):
            connect_tcp("many", server.port, ipv6=False, timeout=5)


def test_unknown_names() -> None:
    with pytest.raises(UnknownHost, match="there is no address for"):
        connect_tcp("no-such-host.invalid", 8302, ipv6=False, timeout=5)
    with pytest.raises(UnknownHost):
        connect_tcp("bad..name" + "x" * 80, 8302, ipv6=False, timeout=5)


def test_a_port_that_speaks_no_tls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            peer, _ = listener.accept()
            peer.recv(1000)
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            peer.close()

        threading.Thread(target=answer, daemon=True).start()
        plain = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        with pytest.raises(RemoteProtocolError, match="does not speak TLS"):
            Connection.open("127.0.0.1", listener.getsockname()[1], plain)


def test_a_port_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        plain = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        with pytest.raises(TransportError, match="does not answer the TLS handshake"):
            Connection.open("127.0.0.1", listener.getsockname()[1], plain, timeout=0.3)


def _expired(folder: Path) -> dict[str, Any]:
    return {"days": -1}


def _foreign_server(folder: Path) -> dict[str, Any]:
    return {"own": Authority("Somebody else")}


def _foreign_client(folder: Path) -> dict[str, Any]:
    return {"clients": Authority("Somebody else"), "own": authority()}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_expired, "is not to be trusted: it has expired"),
        (_foreign_server, "is not to be trusted: it was signed by another authority"),
        (_foreign_client, "refuses this client: it does not know the authority"),
    ],
)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_refusals_say_who_refused_whom(
    tmp_path: Path, make: Callable[[Path], dict[str, Any]], said: str, version: ssl.TLSVersion
) -> None:
    with serving(
        lambda conversation: conversation.wait_for_end(), tmp_path, tls=version, **make(tmp_path)
    ) as server:
        with pytest.raises(RefusedError, match=said):
            Run(tmp_path, server.port, idle_exit=None)()


def test_a_client_without_a_certificate_is_told_so(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority().pem)
    with serving(lambda conversation: conversation.wait_for_end(), tmp_path) as server:
        with pytest.raises(RefusedError, match="wants a client certificate"):
            Run(tmp_path, server.port, credentials=ClientCredentials(authority=str(ca)), idle_exit=None)()


def test_another_certificate_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    path = authority().pkcs12(tmp_path / "bare.pkcs12", "client", with_authority=False)
    own = ClientCredentials(pkcs12=str(path))
    port = 0
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        with serving(lambda conversation: conversation.wait_for_end(), folder) as server:
            run = Run(tmp_path, server.port, credentials=own, idle_exit=0.3)
            if number == 0:
                port = server.port
                run()
                assert any("is trusted from now on" in text for text in run.notices.told)
                (tmp_path / "position").unlink()
                (tmp_path / "position.previous").unlink(missing_ok=True)
            else:
                known = tmp_path / "known-servers"
                known.write_text(known.read_text().replace(f":{port} ", f":{server.port} "))
                with pytest.raises(RefusedError, match=r"another certificate than before.*known-servers"):
                    run()


def test_a_server_that_closes_without_a_word_does_not_let_us_in(tmp_path: Path) -> None:
    with serving(Conversation.close, tmp_path) as server:
        with pytest.raises(RefusedError, match="without a word"):
            Run(tmp_path, server.port, idle_exit=None)()
        assert len(server.conversations) == 1
    with serving(Conversation.reset, tmp_path) as server:
        with pytest.raises(RefusedError, match="without a word"):
            Run(tmp_path, server.port, idle_exit=None)()
        assert len(server.conversations) == 3


def test_a_server_that_cannot_be_reached_is_tried_again_and_told_at_the_end(tmp_path: Path) -> None:
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    run = Run(tmp_path, port, idle_exit=0.3)
    with pytest.raises(OpenStreamerError, match="Connection refused"):
        run()
    assert len(run.notices.told) > 2


def test_stop_wakes_whoever_waits() -> None:
    stop = Stop()
    assert stop.wait(0.01) is False
    threading.Timer(0.05, stop.request).start()
    began = time.monotonic()
    assert stop.wait(10) is True
    assert time.monotonic() - began < 5
    for _ in range(70_000):
        stop.request()
    descriptor = stop.fileno()
    stop.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
    stop.request()
