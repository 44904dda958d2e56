"""The domain of an event: kept from the input to the client that can read it, and kept from the others."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from pathlib import Path
from typing import Any

import pytest

import openstreamer
from openstreamer.inputs.uri import make_input
from openstreamer.layouts.records import EVENT_CLASSES
from openstreamer.protocol.messages import ALPN_NAME
from openstreamer.protocol.records import Record, decode_record, json_line
from openstreamer.server.intake import Intake
from support.live_service import LiveService, Start, intrusion
from support.raw_client import RawClient, request, streaming_request

EXTENDED = 1 << 20 | 1 << 23 | 1 << 30
BERLIN, PARIS = 3, 7


def domain_name(number: int, name: str) -> bytes:
    """Metadata record 350 by hand: number, length, name."""
    raw = name.encode()
    return struct.pack(">II", number, len(raw)) + raw


def lines() -> bytes:
    """Events of two domains and of none, with the names of the two."""
    records = [
        Record(350, domain_name(BERLIN, "Global \\ Berlin")),
        Record(350, domain_name(PARIS, "Global \\ Paris")),
    ]
    records += [Record(400, intrusion(number), None, (BERLIN, PARIS, 0)[number % 3]) for number in range(9)]
    return b"".join(json_line(decode_record(record)) for record in records)


@pytest.fixture
def live(start: Start, tmp_path: Path) -> LiveService:
    return fed(start(), tmp_path)


def fed(live: LiveService, folder: Path) -> LiveService:
    path = folder / "events.json"
    path.write_bytes(lines())
    source = make_input("json", {"path": str(path)})
    Intake(live.store, source, enabled=lambda: EVENT_CLASSES, stop=threading.Event()).run()
    return live


def received(live: LiveService, **options: Any) -> list[Any]:
    with openstreamer.connect(
        "127.0.0.1",
        port=live.port,
        cert=str(live.certificates["one"]),
        events="intrusion",
        idle_exit=0.5,
        **options,
    ) as events:
        return list(events)


def words(live: LiveService, count: int, **options: Any) -> list[int]:
    """Record type words as they come to a client that says nothing in the handshake."""
    with live.client(**options) as client:
        ask(client)
        found = []
        while len(found) < count:
            kind, body = client.message()
            assert kind == 4002
            position = 8
            while position < len(body):
                _, length, word = struct.unpack_from(">III", body, position)
                found.append(word)
                position += 8 + length
        return found


def ask(client: RawClient) -> None:
    client.send(request(0, EXTENDED))
    assert client.message()[0] == 2051
    client.send(streaming_request(0, EXTENDED, [(12, 11), (21, 4)]))


def test_netmap_ids_reach_the_store(live: LiveService) -> None:
    (chunk,) = live.store.read(0)
    assert chunk.record_types == {400, BERLIN << 16 | 400, PARIS << 16 | 400}


def test_our_client_gets_them(live: LiveService) -> None:
    events = received(live)
    assert [event.netmap_id for event in events] == [BERLIN, PARIS, 0] * 3
    assert [event.data.event_id for event in events] == list(range(9))
    assert "netmap_id" in json.loads(json_line(decode_record(Record(400, intrusion(1), None, 3))))


def test_domain_by_number_and_by_name(live: LiveService) -> None:
    for domain, expected in (
        (BERLIN, [0, 3, 6]),
        ("Global \\ Berlin", [0, 3, 6]),
        (PARIS, [1, 4, 7]),
        ("Global \\ Paris", [1, 4, 7]),
        (0, [2, 5, 8]),
        ("Global \\ Rome", []),
        (99, []),
    ):
        assert [event.data.event_id for event in received(live, domain=domain)] == expected, domain


def test_other_clients_do_not(live: LiveService) -> None:
    found = words(live, 11)
    assert sorted(found) == [350, 350] + [400] * 9


def test_other_clients_do_where_the_operator_says_so(start: Start, tmp_path: Path) -> None:
    live = fed(start(settings={"protocol": {"header_domain": True}}), tmp_path)
    found = words(live, 11)
    assert found.count(BERLIN << 16 | 400) == found.count(PARIS << 16 | 400) == found.count(400) == 3


def test_a_foreign_offer_in_the_handshake_is_passed_over(live: LiveService) -> None:
    """A client may offer other protocols, and a server may know none: neither minds."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(live.certificates["one"])
    for offered, chosen in (
        (["h2", "http/1.1"], None),
        ([ALPN_NAME], ALPN_NAME),
        (["h2", ALPN_NAME], ALPN_NAME),
    ):
        context.set_alpn_protocols(offered)
        with _connect(live, context) as secured:
            assert secured.selected_alpn_protocol() == chosen
            secured.sendall(request(0, EXTENDED))
            assert secured.recv(4)[:4] == bytes.fromhex("00010803")


def _connect(live: LiveService, context: ssl.SSLContext) -> ssl.SSLSocket:
    return context.wrap_socket(socket.create_connection(("127.0.0.1", live.port), 10))
