"""The dissector in tshark: every message, record and block, in segments cut anywhere, damaged, and under TLS.

tshark is slow to start, so each test puts all it has into one capture. What is compared is the value of each
field with that of our own decoder, in the order of the bytes.
"""

from __future__ import annotations

import random
import re
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from openstreamer.errors import DecodeError
from openstreamer.layouts.records import RECORDS
from openstreamer.protocol.messages import (
    EventData,
    Message,
    MultipleHostData,
    SingleHostData,
    encode_message,
)
from openstreamer.protocol.records import Record, decode_record
from openstreamer.wire import decoder, layout_of
from support import hand_made
from support.agreement import mutated
from support.captures import Conversation, write_capture
from support.catalogue_bytes import Builder, catalogue_blocks, catalogue_records, discovery_header
from support.certificates import authority
from support.dissected import (
    carried,
    classes,
    comparable,
    every_form,
    every_record,
    shown_block,
    shown_event,
    ways_by_field,
)
from support.tshark import Pairs, Tshark

SECOND = 1_700_000_000


@pytest.fixture(scope="module")
def tshark(tmp_path_factory: pytest.TempPathFactory) -> Tshark:
    return Tshark(tmp_path_factory.mktemp("wireshark"))


def catalogue_records_and_blocks() -> list[tuple[int, bytes]]:
    """Record type and data from the catalogue of the format, where it is there."""
    found = []
    for number, row in RECORDS.items():
        described = catalogue_records().get(number)
        if described is None or not row.bodies:
            continue
        contents = []
        for body in (described["body"], *described.get("body_alternatives", ())):
            for block in body.get("blocks", ()):
                series, block_type = block["series"], block["type"]
                if catalogue_blocks()[series, block_type]["fields"] is not None:
                    contents.append(Builder(series).block(series, block_type)[0])
            if "fields" in body:
                contents.append(Builder(row.series or 1).fields(body["fields"], 1)[0])
        for content in contents:
            for ipv6 in (False, True) if row.discovery_header else (None,):
                head = b"" if ipv6 is None else discovery_header(Builder(1), ipv6=ipv6)[0]
                found.append((number, head + content))
    return found


def host_blocks() -> list[tuple[int, bytes, Pairs]]:
    """Every block of series 1 for host data messages, which hold any: type, bytes, what is shown."""
    found = []
    for cls in classes():
        if layout_of(cls).series == 1:
            for number, data in every_form(cls):
                found.append((number, data, shown_block(decoder(cls, number)(data, 0, len(data)))))
    return found


def awkward_sizes(seed: int) -> list[int]:
    """Sizes of segments."""
    chance = random.Random(seed)
    return [chance.choice((1, 2, 7, 8, 9, 15, 100, 536, 1_400, 1_400)) for _ in range(2_000)]


def test_every_record_and_block_is_shown_as_we_decode_it(tshark: Tshark, tmp_path: Path) -> None:
    messages: list[Message] = []
    expected: list[Pairs] = []
    for place, (number, data) in enumerate([*every_record(), *catalogue_records_and_blocks()]):
        record = Record(number, data, SECOND, place % 3)
        messages.append(EventData(record, extended=place % 2 == 0, flagged=place % 4 == 0))
        expected.append(shown_event(decode_record(record)))
    for number, data, pairs in host_blocks():
        messages.append(SingleHostData(data) if number % 2 else MultipleHostData(data))
        expected.append(pairs)
    connection = Conversation()
    connection.server(b"".join(map(encode_message, messages)), *awkward_sizes(1))
    capture = write_capture(tmp_path / "all.pcap", connection.frames)
    found = tshark.messages(capture)
    assert len(found) == len(expected)
    for pairs, wanted in zip(found, expected, strict=True):
        assert comparable(pairs) == wanted
    seen = {name.rpartition(".")[0] for wanted in expected for name, _ in wanted}
    with_values = {name.rpartition(".")[0] for name in ways_by_field()}
    assert {f"estreamer.{layout_of(cls).id}" for cls in carried()} & with_values <= seen


def test_every_kind_of_message(tshark: Tshark, tmp_path: Path) -> None:
    connection = Conversation()
    connection.client(bytes.fromhex("00010002 00000008 ffffffff 48900061"))
    connection.server(hand_made.streaming_information((6667, 5001)))
    connection.client(
        bytes.fromhex(
            "00010801 00000020 00001a0b 00000020 48900061 ffffffff 000b000c 00040015 0000006f 00000000"
        )
    )
    alert = hand_made.record(400, hand_made.intrusion_85())
    packet = hand_made.record(2, hand_made.packet(), None)
    connection.server(hand_made.bundle(7, [alert, packet]), 11)
    connection.client(hand_made.null())
    connection.server(hand_made.bundle(8, [alert], version=1))
    connection.client(
        bytes.fromhex("00010005 00000010 00000004 00000000 c0000201 c0000201")
        + bytes.fromhex("00010005 00000028 00000007 00000003")
        + hand_made.address("192.0.2.1")
        + hand_made.address("2001:db8::a")
    )
    connection.server(hand_made.header(6, hand_made.block(60_000, b"abc")) + hand_made.header(7, b""))
    connection.server(
        bytes.fromhex("00010004 0000001a 80030004 0000000a 65000005 00000000 00000001 00046869 6768")
    )
    connection.server(hand_made.header(99, b"abc"))
    connection.server(hand_made.error(-1, "bye"))
    capture = write_capture(tmp_path / "messages.pcap", connection.frames)

    messages = [dict(pairs) for pairs in tshark.messages(capture)]
    types = [int(fields["estreamer.message_header.message_type"]) for fields in messages]
    assert types == [2, 2051, 2049, 4002, 0, 4002, 5, 5, 6, 7, 4, 99, 1]
    assert messages[0]["estreamer.event_stream_request.request_flags"] == str(0x48900061)
    assert messages[0]["estreamer.bit.request_flags.archive_timestamps"] == "1"
    assert messages[1]["estreamer.streaming_service.service"] == "5001"
    assert messages[2]["estreamer.streaming_service.length"] == "32"
    assert messages[3]["estreamer.message_bundle.sequence"] == "7"
    assert messages[3]["estreamer.intrusion_event.source_ip.v4"] == "192.0.2.1"
    assert messages[3]["estreamer.packet.packet_data"] == "de:ad:be:ef"
    assert messages[5]["estreamer.bundle_item.version"] == "1"
    assert messages[6]["estreamer.host_data_request.start_ip.v4"] == "192.0.2.1"
    assert messages[7]["estreamer.host_data_request.end_ip"] == "2001:db8::a"
    assert messages[8]["estreamer.bytes"] == "61:62:63"
    assert messages[10]["estreamer.netmap_id"] == "3"
    assert messages[10]["estreamer.long_record_header"] == "1"
    assert messages[10]["estreamer.record_type"] == "4"
    assert messages[10]["estreamer.priority.name"] == "high"
    assert messages[12]["estreamer.error.code"] == "-1"

    text = tshark.text(capture)
    for line in (
        "eStreamer, Message bundle: 7, 2 items",
        "Item 1: Event data: intrusion_event 400/85",
        "Source IP: 192.0.2.1",
        "IP protocol: tcp (6)",
        "Event second: 1700000000 (2023-11-14 22:13:20 UTC)",
        "Event type: intrusion (12)",
        "Code: General error (-1)",
        "Unknown block 60000 of series 1",
    ):
        assert line in text
    assert "Malformed" not in text

    rows = tshark.columns(
        capture,
        "_ws.col.Info",
        "estreamer.intrusion_event.signature_id",
        options=("-Y", "estreamer.intrusion_event.source_ip.v4 == 192.0.2.0/24"),
    )
    assert rows == [
        ["Message bundle: 7, 2 items", "2001219"],
        ["Message bundle: 8, 1 item", "2001219"],
    ]


def test_filters_of_the_documentation_work(tshark: Tshark, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "dissector.md").read_text("utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `estreamer")]
    filters = [words for row in rows for words in re.findall(r"`(.+?)`", row)]
    assert len(filters) > 10
    capture = write_capture(tmp_path / "none.pcap", [])
    assert tshark.run(capture, "-Y", " || ".join(f"({words})" for words in filters)) == ""


def test_what_is_wrong_is_marked_where_we_refuse_it(tshark: Tshark, tmp_path: Path) -> None:
    """Damaged records: never an error of Lua, and malformed exactly where our decoder says so."""
    chance = random.Random(7)
    words = [n.to_bytes(4, "big") for n in (0, 1, 7, 8, 9, 255, 0x7FFFFFFF, 0xFFFFFFFF)]
    connection = Conversation()
    handshake = len(connection.frames)
    refused = []
    samples = [(number, data) for number, data in every_record() if len(data) < 1_200]
    for number, data in chance.choices(samples, k=1_500):
        edits = [
            (
                chance.choice(("set", "insert", "cut", "delete")),
                chance.randrange(2_000),
                chance.choice([*words, chance.randbytes(3)]),
            )
            for _ in range(chance.randint(1, 3))
        ]
        record = Record(number, mutated(data, edits), SECOND)
        try:
            decode_record(record)
        except DecodeError:
            refused.append(len(connection.frames) + 1)
        connection.server(encode_message(EventData(record, extended=True)))
    capture = write_capture(tmp_path / "damaged.pcap", connection.frames)
    rows = tshark.columns(capture, "frame.number", options=("-Y", "estreamer.malformed"))
    assert len(connection.frames) == handshake + 1_500
    assert [int(row[0]) for row in rows] == refused
    assert 300 < len(refused) < 1_200


def test_streams_out_of_step_and_cut_captures_do_no_harm(tshark: Tshark, tmp_path: Path) -> None:
    chance = random.Random(8)
    bundle = hand_made.bundle(
        1, [hand_made.record(400, hand_made.intrusion_85()), hand_made.record(71, hand_made.connection_174())]
    )
    frames: list[bytes] = []
    for place in range(120):
        connection = Conversation(50_000 + place)
        position = chance.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 28, 60))
        damaged = bundle[:position] + chance.randbytes(chance.randint(1, 4)) + bundle[position + 2 :]
        connection.server(damaged + hand_made.null() + bundle, chance.choice((5, 400, 1_400)))
        frames += connection.frames
    capture = write_capture(tmp_path / "wild.pcap", frames)
    assert "Header version" in tshark.text(capture)
    assert "The capture has" in tshark.text(capture, "-o", "tcp.desegment_tcp_streams:FALSE")
    assert "The capture has" in tshark.text(write_capture(tmp_path / "cut.pcap", frames, limit=300))
    assert tshark.text(write_capture(tmp_path / "cut.pcap", frames, limit=57))


def test_tls_is_handed_on_and_read_when_the_secrets_are_there(tshark: Tshark, tmp_path: Path) -> None:
    """Real TLS in memory, 1.2 and 1.3, on a port that a preference names; plain messages on it as well."""
    secrets = tmp_path / "secrets.log"
    frames: list[bytes] = []
    for port, version in ((50_001, ssl.TLSVersion.TLSv1_2), (50_002, ssl.TLSVersion.TLSv1_3)):
        frames += encrypted_conversation(tmp_path, port, version, secrets).frames
    plain = Conversation(50_003, 9302)
    plain.server(hand_made.event_data(2, hand_made.packet()))
    frames += plain.frames
    capture = write_capture(tmp_path / "tls.pcap", frames)
    options = ("-o", "estreamer.ports:9302")
    names = ("estreamer.connection_statistics.client_url", "estreamer.packet.packet_data")
    only = ("-Y", "estreamer")
    assert tshark.columns(capture, *names, options=(*options, *only)) == [["", "deadbeef"]]
    rows = tshark.columns(capture, *names, options=(*options, *only, "-o", f"tls.keylog_file:{secrets}"))
    url = "https://www.example.com/" + "x" * 40_000
    assert [row[0] == url for row in rows if row[0]] == [True, True]
    assert [row[1] for row in rows if row[1]] == ["deadbeef"] * 3


def encrypted_conversation(
    folder: Path, client_port: int, version: ssl.TLSVersion, secrets: Path
) -> Conversation:
    """A request and two bundles under TLS, one of them longer than a TLS record can be."""
    made = authority()
    certificate, key = made.pem_files(folder, f"server{client_port}", server=True)
    at_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    at_server.load_cert_chain(certificate, key)
    at_client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    at_client.check_hostname = False
    at_client.load_verify_locations(cadata=made.pem.decode())
    at_client.minimum_version = at_client.maximum_version = version
    at_client.keylog_filename = str(secrets)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = at_client.wrap_bio(to_client, to_server)
    server = at_server.wrap_bio(to_server, to_client, server_side=True)
    connection = Conversation(client_port, 9302)
    # What the one writes the other reads: what is taken out of a buffer for the capture is put back.

    def carry(buffer: ssl.MemoryBIO, send: Callable[..., None], *sizes: int) -> None:
        data = buffer.read()
        send(data, *sizes)
        buffer.write(data)

    done: set[ssl.SSLObject] = set()
    for _ in range(10):
        for end in (client, server):
            if end not in done:
                try:
                    end.do_handshake()
                    done.add(end)
                except ssl.SSLWantReadError:
                    pass
            if end is client:
                carry(to_server, connection.client, 100, 1_400)
            else:
                carry(to_client, connection.server, 3, 1_400)
        if len(done) == 2:
            break
    for end, data in (
        (client, bytes.fromhex("00010002 00000008 ffffffff 48900061")),
        (server, hand_made.bundle(1, [hand_made.record(71, hand_made.connection_174(text=40_000))])),
        (client, hand_made.null()),
        (server, hand_made.bundle(2, [hand_made.record(2, hand_made.packet())])),
    ):
        end.write(data)
        buffer = to_server if end is client else to_client
        carry(buffer, connection.client if end is client else connection.server, 1_000, 7, 1_400)
        other = server if end is client else client
        received = 0
        while received < len(data):
            received += len(other.read(65_536))
    return connection
