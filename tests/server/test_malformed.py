"""Messages that no client should send: each gets an Error or a close, and the service goes on."""

from __future__ import annotations

import random
import resource
import struct
from collections.abc import Iterator

import pytest

from support.live_service import LiveService, Start, append, intrusion, wait_until
from support.raw_client import NULL, X2, X3, X6, Closed, RawClient, request

ERROR = bytes.fromhex("00010001 00000011 ffffffff 000b6261 64207265 71756573 74")
HOSTS = struct.pack(">HHIII", 1, 5, 40, 7, 3) + (bytes(10) + b"\xff\xff\xc0\x00\x02\x01") * 2
LEGACY_HOST = bytes.fromhex("00010005 00000010 00000004 00000000 c0000201 c0000201")

BEGUN = {
    "before the request": b"",
    "offered": request(0xFFFFFFFF, 0x48900061),
    "bundles": request(0xFFFFFFFF, 0x48900061) + X6,
    "flat": request(0xFFFFFFFF, 0x7F),
}
"""What was sent before the wrong message."""

MESSAGES = {
    "null": NULL,
    "error": ERROR,
    "request": X2,
    "flat": X3,
    "list": X6,
    "hosts": HOSTS,
    "host": LEGACY_HOST,
}


def spoiled(message: bytes) -> Iterator[bytes]:
    """The message with each of its 16-bit words at 0, at its maximum and off by one, and cut short."""
    for offset in range(0, len(message) - 1, 2):
        (value,) = struct.unpack_from(">H", message, offset)
        for other in {0, 0xFFFF, (value + 1) & 0xFFFF, (value - 1) & 0xFFFF} - {value}:
            yield message[:offset] + struct.pack(">H", other) + message[offset + 2 :]
    for length in {len(message) - 1, len(message) - 4, 7, 3}:
        yield message[:length]


def try_one(live: LiveService, before: bytes, message: bytes) -> None:
    """Send it and leave; the service may answer, wait for the rest, or close."""
    with live.client() as client:
        try:
            client.send(before + message)
            client.send(b"\0" * 3)
        except OSError:
            pass


def is_well(live: LiveService) -> None:
    """Make sure that the service serves an ordinary client."""
    append(live.store, [(400, intrusion(1))])
    with live.client("two") as client:
        client.send(request(0, 0x00800004))
        assert client.records(1)[0].type in (7, 400)


@pytest.mark.parametrize("begun", BEGUN)
@pytest.mark.parametrize("name", MESSAGES)
def test_every_field_spoiled(start: Start, begun: str, name: str) -> None:
    live = start(settings={"sessions": {"connections_per_client": 1000}})
    variants = list(spoiled(MESSAGES[name]))
    for message in random.Random(f"{begun} {name}").sample(variants, min(len(variants), 25)):
        try_one(live, BEGUN[begun], message)
    is_well(live)
    assert live.service.statistics.ended["fault of the program"] == 0


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x00\x02\x00\x02\x00\x00\x00\x08" + bytes(8), -2),  # header version 2
        (b"GET / HTTP/1.1\r\n\r\n", -2),
        (struct.pack(">HHI", 1, 2, 0xFFFFFFFF), -6),  # 4 GiB
        (struct.pack(">HHI", 1, 77, 0x80000000), -6),
        (struct.pack(">HHI", 1, 2, 7) + bytes(7), -4),
        (struct.pack(">HHI", 1, 0, 1) + bytes(1), -4),
        (LEGACY_HOST, -3),  # before the request
        (X6, -3),
        (X2 + X2, -3),
        (X3 + X3, -3),
        (struct.pack(">HHI", 1, 4, 8) + bytes(8), -3),  # only a server sends that
        (X2 + struct.pack(">HHI", 1, 2049, 15) + bytes(15), -4),
        (X2 + X6[:8] + b"\0\0\0\0" + X6[12:], -5),  # another service
        (X2 + X6[:12] + b"\0\0\0\1" + X6[16:], -4),  # its length
        (X3 + struct.pack(">HHI", 1, 5, 20) + bytes(20), -4),
    ],
)
def test_wrong_messages_are_answered_with_an_error_and_a_close(start: Start, sent: bytes, code: int) -> None:
    live = start()
    with live.client() as client:
        client.send(sent + b"rubbish that follows" * 1000)
        answers = [body for kind, body in client.closed() if kind == 1]
    assert [struct.unpack_from(">i", body)[0] for body in answers] == [code]
    wait_until(lambda: live.service.statistics.ended["broke the protocol"] == 1)
    is_well(live)


def test_a_message_in_single_bytes(start: Start) -> None:
    live = start()
    with live.client() as client:
        for octet in X2 + X6:
            client.send(bytes([octet]))
        assert client.message()[0] == 2051
        client.silence(0.2)


def test_an_unknown_message_is_passed_over_or_refused(start: Start) -> None:
    unknown = struct.pack(">HHI", 1, 2052, 12) + bytes(12)
    live = start()
    with live.client() as client:
        client.send(X2 + unknown + X6 + unknown)
        assert client.message()[0] == 2051
        client.silence(0.2)
    live = start(settings={"protocol": {"refuse_unknown_messages": True}})
    with live.client() as client:
        client.send(X2 + unknown)
        assert [kind for kind, _ in client.closed()] == [2051, 1]


def test_endless_messages_take_bounded_memory(start: Start) -> None:
    live = start()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    clients = []
    try:
        for _ in range(20):
            client = live.client()
            clients.append(client)
            client.send(struct.pack(">HHI", 1, 77, 1024 * 1024) + bytes(900_000))
        with pytest.raises(Closed):
            flood(clients[0])
    finally:
        for client in clients:
            client.socket.close()
    is_well(live)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000


def flood(client: RawClient) -> None:
    """Send rubbish until the server closes."""
    try:
        for _ in range(1000):
            client.send(b"\xff" * 1_000_000)
    except OSError as error:
        raise Closed from error
