"""Handshakes in progress: who stands in whose way, and who does not."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from openstreamer.server.turns import OF_ONE, LineFull, Turns, network_of
from support.live_service import HOST, Start, start, template, wait_until

__all__ = ["start", "template"]

LONG = 60.0


async def test_an_address_that_holds_all_its_places_keeps_no_other_out() -> None:
    turns = Turns(longest=4, at_once=8, of_one=2)
    async with contextlib.AsyncExitStack() as held:
        for _ in range(2):
            await held.enter_async_context(turns.turn("192.0.2.1", LONG))
        with pytest.raises(TimeoutError):
            async with turns.turn("192.0.2.1", 0.01):
                pass
        async with turns.turn("192.0.2.2", LONG):
            assert len(turns) == 2
    assert len(turns) == 0, "nothing is remembered of addresses that have left"


async def test_the_line_moves_on_and_has_an_end() -> None:
    turns = Turns(longest=3, at_once=8, of_one=1)
    got: list[int] = []

    async def wait(number: int) -> None:
        async with turns.turn("192.0.2.1", LONG):
            got.append(number)

    async with turns.turn("192.0.2.1", LONG):
        waiting = [asyncio.create_task(wait(number)) for number in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(LineFull):
            async with turns.turn("192.0.2.1", LONG):
                pass
        assert got == []
    await asyncio.gather(*waiting)
    assert got == [0, 1]


def test_a_network_of_ipv6_is_one_address() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::2:3") != network_of("2001:db8:0:1::1")
    assert network_of("192.0.2.1") == "192.0.2.1"


def test_who_only_connects_does_not_keep_another_address_out(start: Start) -> None:
    live = start(settings={"sessions": {"handshake_seconds": 60.0, "handshakes_per_second": 1000.0}})
    silent = [socket.create_connection((HOST, live.port), timeout=30) for _ in range(OF_ONE + 236)]
    try:
        # 250 of one address are in a handshake or in line, the others were sent away.
        wait_until(lambda: live.service.statistics.refused["too many handshakes"] == 50, 30)
        with socket.socket() as other:
            other.bind(("127.0.0.2", 0))
            other.settimeout(30)
            other.connect((HOST, live.port))
            other.sendall(b"GET / HTTP/1.0\r\n\r\n")
            # It gets its turn at once, long before the others' time is over.
            wait_until(lambda: live.service.statistics.refused["not TLS"] == 1, 30)
    finally:
        for one in silent:
            one.close()
