"""Handshakes of one address, with time as an argument."""

from __future__ import annotations

import socket

from openstreamer.server.rate import MOST_ADDRESSES, HandshakeRate
from support.live_service import HOST, Start, start, template, wait_until

__all__ = ["start", "template"]


def test_ten_seconds_worth_at_once_then_the_rate() -> None:
    rate = HandshakeRate(5.0)
    assert [rate.admit("192.0.2.1", 100.0) for _ in range(52)] == [True] * 50 + [False] * 2
    assert rate.admit("192.0.2.2", 100.0), "another address has a bucket of its own"
    assert [rate.admit("192.0.2.1", 101.0) for _ in range(6)] == [True] * 5 + [False]
    assert [rate.admit("192.0.2.1", 1000.0) for _ in range(51)] == [True] * 50 + [False]


def test_one_may_always_come_where_the_rate_is_tiny() -> None:
    rate = HandshakeRate(0.01)
    assert rate.admit("192.0.2.1", 0.0)
    assert not rate.admit("192.0.2.1", 50.0)
    assert rate.admit("192.0.2.1", 101.0)


def test_a_network_of_ipv6_is_one_address() -> None:
    rate = HandshakeRate(0.1)
    assert rate.admit("2001:db8::1", 0.0)
    assert not rate.admit("2001:db8::2:3", 0.0)
    assert rate.admit("2001:db8:0:1::1", 0.0)


def test_memory_is_bounded() -> None:
    rate = HandshakeRate(1.0)
    for number in range(MOST_ADDRESSES + 100):
        rate.admit(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 0.0)
    assert len(rate) == MOST_ADDRESSES


def test_a_flood_is_closed_before_tls_and_counted(start: Start) -> None:
    live = start(settings={"sessions": {"handshakes_per_second": 0.001}})
    with live.client():
        for _ in range(5):
            with socket.create_connection((HOST, live.port), timeout=30) as plain:
                assert plain.recv(1) == b"", "closed without a byte"
        wait_until(lambda: live.service.statistics.refused["too many handshakes"] == 5, 30)
        wait_until(lambda: len(live.service.sessions) == 1, 30)
        wait_until(lambda: live.service.statistics.accepted == 1, 30)
