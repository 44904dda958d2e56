"""Sessions as a client sees them, byte by byte, over TLS on loopback."""

from __future__ import annotations

import socket
import sqlite3
import ssl
import struct
import time
from contextlib import closing

import pytest

from support.live_service import (
    HOST,
    LiveService,
    Start,
    append,
    event_number,
    intrusion,
    packet,
    rule_message,
    wait_until,
)
from support.raw_client import (
    NULL,
    X2,
    X3,
    X6,
    RawClient,
    bundle_items,
    request,
    streaming_request,
)

FLAGS = 0x48900061
NEWEST = [(12, 11), (21, 4)]


def ask(
    client: RawClient, timestamp: int = 0, flags: int = FLAGS, pairs: list[tuple[int, int]] = NEWEST
) -> None:
    """An extended request up to the stream."""
    client.send(request(timestamp, flags))
    kind, _ = client.message()
    assert kind == 2051
    client.send(streaming_request(timestamp, flags, pairs))


def fill(
    live: LiveService, count: int, *, first: int = 0, per_chunk: int = 100, now: int | None = None
) -> None:
    """Store `count` intrusion events, numbered."""
    for begin in range(first, first + count, per_chunk):
        numbers = range(begin, min(begin + per_chunk, first + count))
        append(live.store, [(400, intrusion(number)) for number in numbers], now=now)


def test_the_deployed_python_client(start: Start) -> None:
    """X2 and X6, with the first connection that is left early (traps T26, T27), over TLS 1.2."""
    live = start()
    early = live.client(maximum=ssl.TLSVersion.TLSv1_2)
    early.send(X2)
    assert early.message(timeout=2)[0] == 2051
    early.socket.close()  # without a TLS close
    with live.client(maximum=ssl.TLSVersion.TLSv1_2) as client:
        began = time.monotonic()
        client.send(X2)
        kind, body = client.message(timeout=2)
        assert time.monotonic() - began < 1
        assert (kind, body) == (2051, bytes.fromhex("00001a0b 00000008 00000000 00000000"))
        client.send(NULL)  # it answers everything with a Null
        client.send(X6)
        wait_until(lambda: any(session.selection for session in live.service.sessions))
        append(
            live.store,
            [(400, intrusion(1)), (2, packet(1))],
            metadata=[(66, rule_message(1000, "A rule"))],
        )
        items = client.records(3)
        assert [item.type for item in items] == [66, 400, 2]
        assert items[0].archive_time is None
        assert items[1].archive_time is not None
        assert items[1].data == intrusion(1)
        assert items[2].data == packet(1)
    wait_until(lambda: live.service.statistics.ended["left"] == 2)


def test_bundles_are_numbered_and_carry_one_connection_id(start: Start) -> None:
    live = start()
    fill(live, 500)
    with live.client() as client:
        ask(client)
        got: list[int] = []
        sequences = []
        identifiers = set()
        while len(got) < 500:
            kind, body = client.message()
            assert kind == 4002
            identifier, sequence = struct.unpack_from(">II", body)
            identifiers.add(identifier)
            sequences.append(sequence)
            got += [event_number(item.data) for item in bundle_items(body)]
            client.send(NULL)
    assert got == list(range(500))
    assert sequences == list(range(1, len(sequences) + 1))
    assert len(identifiers) == 1


def test_flat_mode_in_the_oldest_form(start: Start) -> None:
    """X3: type 4 messages one by one, intrusion events as record 7, packets, no archive times."""
    live = start()
    append(live.store, [(400, intrusion(7)), (2, packet(7))])
    with live.client() as client:
        client.send(X3)
        found = [client.message(), client.message()]
        assert [kind for kind, _ in found] == [4, 4]
        word, length = struct.unpack_from(">II", found[0][1])
        assert word == 7
        assert len(found[0][1]) == 8 + length
        device, event, second = struct.unpack_from(">III", found[0][1], 8)
        assert (device, event, second) == (1, 7, 1_700_000_000)
        assert found[1][1] == struct.pack(">II", 2, len(packet(7))) + packet(7)


def test_nothing_comes_before_the_request(start: Start) -> None:
    live = start(settings={"sessions": {"keepalive_seconds": 1}})
    fill(live, 10)
    with live.client() as client:
        with pytest.raises(TimeoutError):
            client.message(timeout=0.7)


def test_from_now_from_a_time_and_from_the_beginning(start: Start) -> None:
    live = start()
    fill(live, 2, now=2_000_000_000)
    fill(live, 2, first=2, now=2_000_000_010)
    fill(live, 2, first=4, now=2_000_000_020)
    expected = {0: 0, 1: 0, 2_000_000_000: 0, 2_000_000_001: 2, 2_000_000_010: 2, 2_000_000_020: 4}
    for timestamp, first in expected.items():
        with live.client() as client:
            ask(client, timestamp)
            items = client.records(6 - first)
            assert [event_number(item.data) for item in items] == list(range(first, 6)), timestamp


@pytest.mark.parametrize("timestamp", [0xFFFFFFFF, 0xFFFFFFFE, 2_000_000_001])
def test_from_now_and_from_the_future(start: Start, timestamp: int) -> None:
    live = start()
    fill(live, 2, now=2_000_000_000)
    with live.client() as client:
        ask(client, timestamp)
        client.silence(0.2)
        fill(live, 1, first=100, now=2_000_000_002)
        assert event_number(client.records(1)[0].data) == 100


def test_archive_times_are_those_of_the_store_and_never_decrease(start: Start) -> None:
    live = start()
    fill(live, 1, now=2_000_000_005)
    fill(live, 1, now=2_000_000_001)  # the clock went back
    with live.client() as client:
        ask(client)
        assert [item.archive_time for item in client.records(2)] == [2_000_000_005, 2_000_000_005]


def test_without_bit_23_record_headers_are_short(start: Start) -> None:
    live = start()
    fill(live, 1)
    with live.client() as client:
        ask(client, flags=0x40000000, pairs=[(12, 11)])
        assert client.records(1)[0].archive_time is None


def test_an_older_version_is_what_the_client_gets(start: Start) -> None:
    live = start()
    fill(live, 3)
    with live.client() as client:
        ask(client, pairs=[(12, 5)])
        items = client.records(3)
    assert [struct.unpack_from(">I", item.data)[0] for item in items] == [34] * 3


def test_metadata_comes_before_the_first_event_once_and_again_when_it_changed(start: Start) -> None:
    live = start()
    for number in range(3):
        append(live.store, [(400, intrusion(number))], metadata=[(66, rule_message(1000, "first"))])
    with live.client() as client:
        ask(client)
        assert [item.type for item in client.records(4)] == [66, 400, 400, 400]
        append(live.store, [(400, intrusion(4))], metadata=[(66, rule_message(1000, "second"))])
        items = client.records(2)
        assert [item.type for item in items] == [66, 400]
        assert items[0].data.endswith(b"second")
    with live.client() as client:  # a new session knows nothing
        ask(client)
        assert client.records(1)[0].type == 66


def test_metadata_of_records_that_a_session_does_not_get_stays_away(start: Start) -> None:
    live = start()
    append(live.store, [(400, intrusion(1))], metadata=[(66, rule_message(1000, "rule"))])
    append(live.store, [(2, packet(1))])
    with live.client() as client:
        client.send(request(0, 0x00900001))  # packets and metadata
        assert client.records(1)[0].type == 2
    append(live.store, [(400, intrusion(2))], metadata=[(66, rule_message(1000, "rule"))])
    with live.client() as client:
        ask(client, flags=0x40800000, pairs=[(12, 11)])  # events without metadata
        assert [item.type for item in client.records(2)] == [400, 400]


def test_a_client_that_does_not_acknowledge_is_paused_and_kept_alive(start: Start) -> None:
    live = start(settings={"sessions": {"window_bundles": 2, "keepalive_seconds": 0.5}})
    fill(live, 1000)
    with live.client() as client:
        ask(client)
        got = [client.message() for _ in range(2)]
        assert [kind for kind, _ in got] == [4002, 4002]
        assert client.message(timeout=3) == (0, b"")
        assert client.message(timeout=3) == (0, b"")
        numbers = [event_number(item.data) for _, body in got for item in bundle_items(body)]
        client.send(NULL)
        rest = client.records(1000 - len(numbers))
        assert numbers + [event_number(item.data) for item in rest] == list(range(1000))


def test_surplus_nulls_are_harmless_and_never_answered(start: Start) -> None:
    live = start()
    with live.client() as client:
        client.send(NULL * 3)
        client.send(request(0xFFFFFFFF, FLAGS))
        client.send(NULL * 100)
        assert client.message()[0] == 2051
        client.send(streaming_request(0xFFFFFFFF, FLAGS, NEWEST) + NULL * 1000)
        with pytest.raises(TimeoutError):
            client.message(timeout=0.5)
        fill(live, 1)
        assert client.records(1)[0].type == 400


def test_flat_window_counts_messages(start: Start) -> None:
    live = start(settings={"sessions": {"window_messages": 10}})
    fill(live, 50)
    with live.client() as client:
        client.send(request(0, 0x00800004))
        for _ in range(10):
            assert client.message()[0] == 4
        with pytest.raises(TimeoutError):
            client.message(timeout=0.3)
        client.send(NULL)
        for _ in range(10):
            assert client.message()[0] == 4


def test_a_host_request_is_answered_beside_the_stream(start: Start) -> None:
    live = start()
    with live.client() as client:
        ask(client, 0xFFFFFFFF)
        body = struct.pack(">II", 6, 0) + bytes(10) + b"\xff\xff\xc0\x00\x02\x01" + bytes(16)
        client.send(struct.pack(">HHI", 1, 5, len(body)) + body)
        assert client.message() == (6, b"")
        assert client.message() == (0, b"")
        fill(live, 1)
        assert client.records(1)[0].type == 400


def test_many_requests_by_a_client_that_reads_nothing_stay_bounded(start: Start) -> None:
    live = start()
    body = struct.pack(">II", 6, 0) + bytes(32)
    one = struct.pack(">HHI", 1, 5, len(body)) + body
    with live.client(receive_buffer=4096) as client:
        ask(client, 0xFFFFFFFF)
        client.socket.settimeout(1)
        blocked = False
        for _ in range(4000):
            try:
                client.send(one * 100)
            except TimeoutError:
                blocked = True
                break
        assert blocked
        (session,) = live.service.sessions
        assert session.connection.pending < 4 * 1024 * 1024


def test_an_error_from_the_client_ends_the_session(start: Start) -> None:
    live = start()
    with live.client() as client:
        ask(client, 0xFFFFFFFF)
        client.send(bytes.fromhex("00010001 00000011 ffffffff 000b6261 64207265 71756573 74"))
        assert client.closed() == []
    wait_until(lambda: live.service.statistics.ended["reported an error"] == 1)


def test_a_request_that_nothing_answers_gets_an_error(start: Start) -> None:
    live = start()
    with live.client() as client:
        client.send(request(0, 0x40000000))
        assert client.message()[0] == 2051
        client.send(streaming_request(0, 0x40000000, [(99, 1)]))
        (answer,) = client.closed()
        assert answer[0] == 1
        assert struct.unpack_from(">i", answer[1])[0] == -5


def test_time_limits_before_the_request_and_of_the_handshake(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    live = start(settings={"sessions": {"request_seconds": 0.5, "handshake_seconds": 0.5}})
    with live.client() as client:
        (answer,) = client.closed(timeout=4)
        assert answer[0] == 1
    assert "bad request: no request came within 0.5 s" in caplog.text
    assert "keep-alive" not in caplog.text
    with socket.create_connection((HOST, live.port), timeout=4) as plain:
        assert plain.recv(1) == b""
    wait_until(lambda: live.service.statistics.refused["handshake too slow"] == 1)


def test_a_peer_that_takes_nothing_is_dropped(start: Start) -> None:
    live = start(settings={"sessions": {"stalled_seconds": 1, "window_bundles": 1000}})
    for _ in range(10):
        append(live.store, [(2, packet(number, 60_000)) for number in range(50)])
    with live.client(receive_buffer=4096) as client:
        ask(client, flags=FLAGS | 1)
        wait_until(lambda: live.service.statistics.ended["takes nothing"] == 1, 8)


def test_one_slow_client_holds_nobody_up_and_little_memory(start: Start) -> None:
    live = start(settings={"sessions": {"window_bundles": 100_000}})
    for _ in range(40):
        append(live.store, [(2, packet(number, 10_000)) for number in range(100)])
    with live.client(receive_buffer=4096) as slow, live.client("two") as quick:
        ask(slow, flags=FLAGS | 1)
        wait_until(lambda: any(session.connection.pending for session in live.service.sessions))
        ask(quick, flags=FLAGS | 1)
        assert len(quick.records(4000, timeout=30)) == 4000
        (stuck,) = [item for item in live.service.sessions if item.client.host == "one.invalid"]
        assert stuck.connection.pending < 1024 * 1024
        assert len(slow.records(4000, timeout=60)) == 4000


def test_a_damaged_chunk_is_passed_over(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    live = start()
    for first in (0, 10, 20):
        fill(live, 10, first=first)
    with closing(sqlite3.connect(live.state.store)) as database, database:
        database.execute("UPDATE chunk SET data = zeroblob(length(data)) WHERE number = 2")
    with live.client() as client:
        ask(client)
        numbers = [event_number(item.data) for item in client.records(20)]
    assert numbers == [*range(10), *range(20, 30)]
    assert "damaged" in caplog.text
