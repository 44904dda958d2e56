"""Host data requests to a running service, asked by a client that knows nothing of the program."""

from __future__ import annotations

import json
import logging
import struct
import threading
from ipaddress import ip_address
from pathlib import Path

import pytest

from openstreamer.inputs.uri import make_input
from openstreamer.layouts.records import EVENT_CLASSES
from openstreamer.protocol.host_profiles import decode_profile, profile_line
from openstreamer.server import hosts as hosts_module
from openstreamer.server.intake import Intake
from openstreamer.store import Store
from support.hand_made import address
from support.hand_profiles import (
    host_request,
    legacy_host_request,
    profile_47,
    profile_140,
    profile_149,
    profile_ipv4,
)
from support.live_service import LiveService, Start, append, intrusion, wait_until
from support.raw_client import NULL, RawClient, bundle_items, request, streaming_request

FLAT, EXTENDED = 1 << 20, 1 << 20 | 1 << 30 | 1 << 23
NOW = 0xFFFFFFFF
X17 = bytes.fromhex("00010005 00000010 00000004 00000000 c0000201 c0000201")
X18 = bytes.fromhex(
    "00010005 00000028 00000007 00000003 00000000 00000000 0000ffff c0000201"
    "00000000 00000000 0000ffff c000020a"
)
NO_HOST, NO_MORE_HOSTS, READY = (6, b""), (7, b""), (0, b"")


def put(store: Store, *profiles: bytes) -> None:
    """Store profiles under the addresses that they hold."""
    store.put_hosts([([address(text) for text in decode_profile(data).addresses], data) for data in profiles])


def flat(live: LiveService, flags: int = FLAT, timestamp: int = NOW) -> RawClient:
    client = live.client()
    client.send(request(timestamp, flags))
    return client


def extended(live: LiveService, pairs: list[tuple[int, int]], timestamp: int = NOW) -> RawClient:
    client = live.client()
    client.send(request(timestamp, EXTENDED))
    assert client.message()[0] == 2051
    client.send(streaming_request(timestamp, EXTENDED, pairs))
    return client


def test_single_hosts_and_ranges_in_the_legacy_form(start: Start) -> None:
    live = start()
    put(live.store, *[profile_149(f"192.0.2.{number}") for number in (1, 3, 9, 11)])
    with flat(live) as client:
        client.send(X17)
        assert client.message() == (6, profile_ipv4(92, "192.0.2.1", notes="", banner=b""))
        client.send(legacy_host_request(5, 3, "192.0.2.2", "192.0.2.10"))
        assert client.message() == (7, profile_ipv4(92, "192.0.2.3"))
        assert client.message() == (7, profile_ipv4(92, "192.0.2.9"))
        assert client.message() == NO_MORE_HOSTS
        assert client.message() == READY
        client.silence(0.2)


def test_the_example_of_a_range(start: Start) -> None:
    """X18: notes and banners, 192.0.2.1 to 192.0.2.10 in 16 bytes each."""
    live = start()
    put(live.store, *[profile_149(f"192.0.2.{number}") for number in (1, 10, 11)])
    with flat(live) as client:
        client.send(X18)
        assert client.message() == (7, profile_ipv4(111, "192.0.2.1"))
        assert client.message() == (7, profile_ipv4(111, "192.0.2.10"))
        assert [client.message(), client.message()] == [NO_MORE_HOSTS, READY]
    with extended(live, [(12, 9)]) as client:
        client.send(X18)
        assert client.message() == (7, profile_149("192.0.2.1"))
        assert client.message() == (7, profile_149("192.0.2.10"))
        assert [client.message(), client.message()] == [NO_MORE_HOSTS, READY]


@pytest.mark.parametrize("data_type", range(0, 14, 2))
@pytest.mark.parametrize("flags", range(4))
def test_every_data_type_and_flag(start: Start, data_type: int, flags: int) -> None:
    live = start()
    put(live.store, profile_149("192.0.2.1"))
    filled = {"notes": "mine" if flags & 1 else ""} | ({} if flags & 2 else {"banner": b""})
    block_type = {2: 47, 4: 92, 6: 111, 8: 135, 10: 140, 12: 149}.get(data_type)
    with flat(live) as client:
        for kind, number in ((6, data_type), (7, data_type + 1)):
            client.send(host_request(number, flags, "192.0.2.1"))
            client.send(legacy_host_request(number, flags, "192.0.2.1"))
            for _ in range(2):
                found, body = client.message()
                assert found == kind
                if block_type is None:
                    assert decode_profile(body).data.block_type == 47
                elif block_type == 47:
                    assert body == profile_47("192.0.2.1", **filled)
                elif block_type >= 140:
                    made = profile_140 if block_type == 140 else profile_149
                    assert body == made("192.0.2.1", **filled)
                else:
                    assert body == profile_ipv4(block_type, "192.0.2.1", **filled)
                if kind == 7:
                    assert [client.message(), client.message()] == [NO_MORE_HOSTS, READY]


def test_ipv6_hosts(start: Start) -> None:
    live = start()
    put(live.store, profile_149("2001:db8::1"), profile_149("2001:db8::ff", "192.0.2.7"), profile_149("::1"))
    with extended(live, [(61, 11)]) as client:
        client.send(host_request(6, 3, "2001:db8::1"))
        assert client.message() == (6, profile_149("2001:db8::1"))
        client.send(host_request(7, 3, "2001:db8::", "2001:db8::ffff"))
        assert client.message() == (7, profile_149("2001:db8::1"))
        assert client.message() == (7, profile_149("2001:db8::ff", "192.0.2.7"))
        assert [client.message(), client.message()] == [NO_MORE_HOSTS, READY]
        client.send(host_request(6, 3, "2001:db8::2"))
        assert [client.message(), client.message()] == [NO_HOST, READY]
    with flat(live) as client:
        client.send(host_request(6, 3, "2001:db8::1"))
        assert [client.message(), client.message()] == [NO_HOST, READY]
        client.send(host_request(7, 3, "2001:db8::", "2001:db8::ffff"))
        assert client.message() == (7, profile_ipv4(111, "192.0.2.7"))
        assert [client.message(), client.message()] == [NO_MORE_HOSTS, READY]
    lost = live.service.statistics.clients["one.invalid"].hosts_lost
    assert sum(lost.values()) == 2
    assert "without an IPv4 address" in next(iter(lost))


def test_ipv4_addresses_behind_zero_bytes(start: Start) -> None:
    live = start()
    put(live.store, profile_149("192.0.2.1"))
    body = struct.pack(">II", 6, 3) + bytes(12) + bytes([192, 0, 2, 1]) + bytes(16)
    with flat(live) as client:
        client.send(struct.pack(">HHI", 1, 5, 40) + body)
        assert client.message() == (6, profile_ipv4(111, "192.0.2.1"))


def test_no_such_host_ends_as_old_clients_expect(start: Start) -> None:
    live = start()
    for client in (flat(live), extended(live, [(21, 4), (131, 2)])):
        with client:
            client.send(host_request(6, 0, "192.0.2.1"))
            assert [client.message(), client.message()] == [NO_HOST, READY]
            client.send(host_request(7, 0, "192.0.2.9", "192.0.2.1"))
            assert [client.message(), client.message()] == [NO_MORE_HOSTS, READY]
            client.silence(0.1)


def test_hosts_between_offer_and_list(start: Start) -> None:
    live = start()
    put(live.store, profile_149("192.0.2.1"))
    with live.client() as client:
        client.send(request(NOW, EXTENDED))
        assert client.message()[0] == 2051
        client.send(host_request(6, 3, "192.0.2.1"))
        assert client.message() == (6, profile_ipv4(111, "192.0.2.1"))
        client.send(streaming_request(NOW, EXTENDED, [(12, 11)]))
        client.send(host_request(6, 3, "192.0.2.1"))
        assert client.message() == (6, profile_149("192.0.2.1"))


def test_hosts_before_the_request_are_refused(start: Start) -> None:
    live = start()
    with live.client() as client:
        client.send(X17)
        ((kind, body),) = client.closed()
        assert (kind, struct.unpack_from(">i", body)) == (1, (-3,))


@pytest.mark.parametrize("size", [0, 8, 12, 17, 24, 39, 41])
def test_requests_of_another_length_end_the_session(start: Start, size: int) -> None:
    live = start()
    with flat(live) as client:
        client.send(struct.pack(">HHI", 1, 5, size) + bytes(size))
        ((kind, body),) = client.closed()
        assert (kind, struct.unpack_from(">i", body)) == (1, (-4,))


def test_only_clients_that_may_have_discovery_events_get_hosts(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    live = start()
    put(live.store, profile_149("192.0.2.1"))
    live.service.authority.registry.set_events("one.invalid", disable=["discovery"])
    with caplog.at_level(logging.WARNING, "openstreamer.server"), flat(live) as client:
        client.send(X17 + X18)
        assert [client.message() for _ in range(4)] == [NO_HOST, READY, NO_MORE_HOSTS, READY]
        assert "may not have" in caplog.text
        live.service.authority.registry.set_events("one.invalid", enable=["discovery"])
        wait_until(lambda: "discovery" in next(iter(live.service.sessions))._protocol.allowed)
        client.send(X17)
        assert client.message()[1][:4] == b"\0\0\0\x5c"


def test_a_large_range_comes_in_portions_between_events(start: Start) -> None:
    """The events of the same session go on, and so do other sessions."""
    live = start()
    count = 3000
    put(live.store, *[profile_149(str(ip_address("10.0.0.0") + number)) for number in range(count)])
    with extended(live, [(12, 11)], 0) as client, extended(live, [(12, 11)]) as other:
        client.send(host_request(7, 3, "10.0.0.0", "10.255.255.255"))
        found: list[bytes] = []
        kind, body = client.message()
        assert kind == 7
        found.append(body)
        append(live.store, [(400, intrusion(number)) for number in range(10)])
        assert len(other.records(10)) == 10
        events = 0
        while (message := client.message()) != NO_MORE_HOSTS:
            kind, body = message
            if kind == 4002:
                events += len(bundle_items(body))
                client.send(NULL)
                continue
            assert kind == 7
            found.append(body)
        assert client.message() == READY
        assert found == [profile_149(str(ip_address("10.0.0.0") + number)) for number in range(count)]
        if events < 10:
            assert len(client.records(10 - events)) == 10 - events
        assert live.service.statistics.clients["one.invalid"].hosts == count


def test_a_client_that_reads_nothing_holds_one_page(start: Start) -> None:
    live = start()
    put(live.store, *[profile_149(f"10.0.{number >> 8}.{number & 255}") for number in range(2000)])
    with live.client(receive_buffer=4096) as client:
        client.send(request(NOW, FLAT))
        for _ in range(20):
            client.send(host_request(7, 3, "10.0.0.0", "10.255.255.255"))
        wait_until(lambda: live.service.statistics.clients["one.invalid"].hosts > 0)
        (session,) = live.service.sessions
        highest = 0
        for _ in range(20):
            client.silence(0.0)
            highest = max(highest, session.connection.pending)
            live.call(lambda: None)
        assert highest < hosts_module.PAGE_BYTES * 2 + 256 * 1024
        with flat(live) as other:
            other.send(host_request(6, 3, "10.0.0.1"))
            assert other.message()[0] == 6


def test_events_stop_at_a_full_window_and_hosts_do_not(start: Start) -> None:
    live = start(settings={"sessions": {"window_messages": 2}})
    put(live.store, profile_149("192.0.2.1"))
    append(live.store, [(2, bytes(24) + b"\0\0\0\0") for _ in range(5)])
    with flat(live, 1, 0) as client:
        assert [client.message()[0] for _ in range(2)] == [4, 4]
        client.send(X17)
        assert client.message()[0] == 6
        client.silence(0.2)
        client.send(NULL)
        assert client.message()[0] == 4


def test_a_damaged_profile_is_passed_over(start: Start) -> None:
    live = start()
    put(live.store, profile_149("192.0.2.1"), profile_149("192.0.2.2"))
    live.store.put_hosts([([address("192.0.2.3")], b"\0\0\0\x95 no profile")])
    with live.store._database.writing() as connection:  # type: ignore[attr-defined]
        connection.execute("UPDATE host SET data = ? WHERE number = 1", (b"broken",))
    with flat(live) as client:
        client.send(legacy_host_request(5, 0, "192.0.2.0", "192.0.2.9"))
        assert client.message()[0] == 7
        assert [client.message(), client.message()] == [NO_MORE_HOSTS, READY]
        client.send(X17)
        assert [client.message(), client.message()] == [NO_HOST, READY]
        lost = live.service.statistics.clients["one.invalid"].hosts_lost
        wait_until(lambda: lost == {"its profile is damaged": 2, "its profile cannot be decoded": 1})


def test_hosts_come_from_fed_lines(start: Start, tmp_path: Path) -> None:
    """What a client writes of one server, another server answers."""
    live = start()
    path = tmp_path / "hosts.json"

    def feed(lines: bytes) -> None:
        path.write_bytes(lines)
        source = make_input("json", {"path": str(path)})
        Intake(live.store, source, enabled=lambda: EVENT_CLASSES, stop=threading.Event()).run()

    stored = [profile_149("192.0.2.1", "2001:db8::1"), profile_ipv4(92, "10.0.0.1")]
    feed(b"".join(profile_line(decode_profile(data), "fmc:8302") for data in stored))
    with extended(live, [(61, 11)]) as client:
        for wanted, expected in zip(("2001:db8::1", "192.0.2.1", "10.0.0.1"), (0, 0, 1), strict=True):
            client.send(host_request(6, 3, wanted))
            assert client.message() == (6, stored[expected])
    newer = json.loads(profile_line(decode_profile(stored[1])))
    newer["data"]["hops"] = 9
    feed(json.dumps(newer).encode() + b"\n")
    with flat(live) as client:
        client.send(legacy_host_request(4, 3, "10.0.0.1"))
        assert client.message() == (6, profile_ipv4(92, "10.0.0.1", hops=9))


def test_a_stop_waits_for_an_answer(start: Start) -> None:
    live = start()
    put(live.store, *[profile_149(f"10.0.{number >> 8}.{number & 255}") for number in range(500)])
    with flat(live) as client:
        client.send(host_request(7, 3, "10.0.0.0", "10.255.255.255"))
        assert client.message()[0] == 7
        live.call(lambda: [session.finish() for session in live.service.sessions] and None)
        rest = client.closed(10)
        assert len([kind for kind, body in rest if body]) == 499
        assert rest[-2:] == [NO_MORE_HOSTS, READY]
