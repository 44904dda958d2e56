"""Peers of the HTTPS pages that do not get through their handshake: dropped in time, and never in the way."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time

import pytest

from openstreamer.server.web.gate import Gate
from support.live_service import LiveService, Start, wait_until
from support.web_client import WebClient, start_with_pages

ELSEWHERE = "127.0.0.2"
"""Another address of this machine; all of 127/8 are."""


def secure(start: Start, seconds: float) -> LiveService:
    return start_with_pages(
        start, password=False, web="0.0.0.0:0", settings={"sessions": {"handshake_seconds": seconds}}
    )


def gate_of(live: LiveService) -> Gate:
    web = live.service._web
    assert web is not None
    assert web._gate is not None
    return web._gate


def silent(stack: contextlib.ExitStack, port: int, source: str = ELSEWHERE) -> socket.socket:
    return stack.enter_context(socket.create_connection(("127.0.0.1", port), 20, source_address=(source, 0)))


def test_whoever_says_nothing_is_dropped_in_time(start: Start) -> None:
    live = secure(start, 0.5)
    with contextlib.ExitStack() as stack:
        peer = silent(stack, WebClient(live).port)
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            assert peer.recv(1) == b""
        assert 0.3 < time.monotonic() - began < 15, "asyncio alone would wait for 60 seconds"
    wait_until(lambda: gate_of(live).handshakes == 0)


def test_a_hello_in_drips_gains_no_time(start: Start) -> None:
    live = secure(start, 0.5)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    engine = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        engine.do_handshake()
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        peer = silent(stack, WebClient(live).port)
        peer.settimeout(0.05)
        with contextlib.suppress(ConnectionError):
            for byte in outgoing.read():
                peer.sendall(bytes([byte]))
                with contextlib.suppress(TimeoutError):
                    assert peer.recv(1) == b""
                    break
            else:
                pytest.fail("the whole hello got through")
    assert time.monotonic() - began < 15


def test_one_address_does_not_keep_others_out(start: Start) -> None:
    live = secure(start, 30)
    browser = WebClient(live)
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            silent(stack, browser.port)
        wait_until(lambda: gate_of(live).handshakes == 100)
        assert browser.get("/healthz").status == 200
        live.call(lambda: live.service.reload(live.service.settings))
    wait_until(lambda: gate_of(live).handshakes == 0, 20, "those who left to be forgotten")


def test_there_is_an_end_to_their_number(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openstreamer.server.web.server.CONNECTIONS", 4)
    live = secure(start, 30)
    port = WebClient(live).port
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            silent(stack, port)
        wait_until(lambda: gate_of(live).handshakes == 8)
        late = silent(stack, port)
        with contextlib.suppress(ConnectionError):
            assert late.recv(1) == b""
        with live.client() as unharmed:
            assert unharmed is not None


def test_stopping_waits_for_no_handshake(start: Start) -> None:
    live = secure(start, 60)
    with contextlib.ExitStack() as stack:
        peer = silent(stack, WebClient(live).port)
        wait_until(lambda: gate_of(live).handshakes == 1)
        began = time.monotonic()
        live.stop()
        assert time.monotonic() - began < 15
        with contextlib.suppress(ConnectionError):
            assert peer.recv(1) == b""
