"""Records in the form that a client asked for; stored chunks in the form of a session."""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openstreamer.layouts.records import RECORDS
from openstreamer.layouts.requests import EXTENDED
from openstreamer.protocol.items import Items, PendingChunk, pack_item
from openstreamer.protocol.messages import decode_message
from openstreamer.protocol.records import Record, decode_record
from openstreamer.protocol.selection import HeaderOptions, Selection, select
from openstreamer.protocol.transcode import form_of, render, render_records, transcode
from openstreamer.wire import Block, encoder, layout_of
from support import hand_made
from support.dialogue import messages_of

EXTENDED_BIT, ARCHIVE_TIMES = 1 << 30, 1 << 23
DEPLOYED = 0x48900061
TIME = hand_made.SECOND


def asking(*pairs: tuple[int, int], flags: int = ARCHIVE_TIMES) -> Selection:
    return select(flags | EXTENDED_BIT, pairs)


def brought(record: Record, selection: Selection) -> Record:
    lost: Counter[str] = Counter()
    found = transcode(record, selection, lost)
    assert found is not None, lost
    assert not lost
    return found


def reason(record: Record, selection: Selection) -> str:
    lost: Counter[str] = Counter()
    assert transcode(record, selection, lost) is None
    assert sum(lost.values()) == 1
    return next(iter(lost))


def alert(**values: object) -> Record:
    return Record(400, hand_made.intrusion_85(**values), TIME)  # type: ignore[arg-type]


# --- intrusion events -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "block"), [(4, 25), (5, 34), (6, 41), (7, 42), (8, 45), (9, 60), (10, 81), (11, 85)]
)
def test_alert_in_every_block(version: int, block: int) -> None:
    record = alert(source="2001:db8::7", signature_id=77)
    found = brought(record, asking((12, version)))
    assert (found.record_type, found.archive_time) == (400, TIME)
    assert struct.unpack_from(">II", found.data) == (block, len(found.data))
    event = decode_record(found).data
    assert (event.signature_id, event.source_ip, event.user_id) == (77, "2001:db8::7", 0)
    if block == 85:
        assert found is record


ALERT_FIELDS = struct.Struct(">IIIIIIIII")


@pytest.mark.parametrize(("version", "number"), [(1, 7), (2, 104), (3, 207)])
def test_alert_between_ipv4_hosts_in_old_records(version: int, number: int) -> None:
    found = brought(alert(), asking((12, version)))
    assert found.record_type == number
    assert ALERT_FIELDS.unpack_from(found.data) == (1, 1, TIME, 123_456, 2001219, 1, 20, 4, 2)
    assert found.data[36:44] == bytes([192, 0, 2, 1, 198, 51, 100, 7])
    assert struct.unpack_from(">HHB", found.data, 44) == (51_515, 22, 6)


@pytest.mark.parametrize(("version", "number"), [(1, 72), (2, 105), (3, 208)])
@pytest.mark.parametrize(
    ("source", "destination"), [("2001:db8::1", "198.51.100.7"), ("192.0.2.1", "2001:db8::2")]
)
def test_alert_with_an_ipv6_host_in_old_records(
    version: int, number: int, source: str, destination: str
) -> None:
    found = brought(alert(source=source, destination=destination), asking((12, version)))
    assert found.record_type == number
    assert found.data[36:68] == hand_made.address(source) + hand_made.address(destination)


def test_old_bits_ask_for_record_7() -> None:
    assert brought(alert(), select(1 << 6, None)).record_type == 7
    assert brought(alert(source="::1"), select(1 << 2, None)).record_type == 72


def test_alert_without_addresses_is_an_ipv4_one() -> None:
    found = brought(alert(source="::", destination="::"), asking((12, 1)))
    assert found.record_type == 7
    assert found.data[36:44] == bytes(8)


def test_older_alert_leaves_as_it_is() -> None:
    record = Record(7, hand_made.intrusion_7(), TIME)
    assert brought(record, asking((12, 11))) is record
    assert brought(record, select(1 << 6, None)) is record


def test_bytes_behind_the_last_field_go_with_the_layout() -> None:
    record = Record(400, hand_made.intrusion_85() + b"rest", TIME)
    assert brought(record, asking((12, 11))) is record
    found = brought(record, asking((12, 9)))
    assert struct.unpack_from(">II", found.data) == (60, len(found.data))
    assert b"rest" not in found.data


def test_newer_unknown_block() -> None:
    record = Record(400, hand_made.block(86, b"abcd"), TIME)
    assert brought(record, asking((12, 11))) is record
    assert "without a known layout" in reason(record, asking((12, 10)))


def test_record_that_cannot_be_decoded() -> None:
    record = Record(400, hand_made.intrusion_85()[:100], TIME)
    assert brought(record, asking((12, 11))) is record
    assert "cannot be decoded" in reason(record, asking((12, 9)))


def test_not_asked_for() -> None:
    lost: Counter[str] = Counter()
    assert transcode(alert(), asking((71, 17)), lost) is None
    assert transcode(alert(), select(DEPLOYED, ((12, 11),), {"packet"}), lost) is None
    assert not lost


# --- connections and the discovery event header -----------------------------------------------------------


def connection(host: str = "192.0.2.9", **values: object) -> Record:
    data = hand_made.connection_174(5, **values)  # type: ignore[arg-type]
    return Record(71, data[:40] + hand_made.address(host) + data[56:], TIME)


@pytest.mark.parametrize("version", range(4, 18))
def test_connection_in_every_version(version: int) -> None:
    request = EXTENDED[71, version]
    found = brought(connection(), asking((71, version)))
    event = decode_record(found)
    assert found.record_type == 71
    assert event.data.block_type == request.forms[0].block_type
    assert event.block_length is event.left_over
    assert (event.data.initiator_ip, event.data.responder_port) == ("10.0.0.5", 443)
    assert event.data.client_url.startswith("https://www.example.com/")
    has_ipv6 = found.data[14]
    assert has_ipv6 == (request.discovery_header == "5.3.1")
    assert event.header.legacy_ip == ("0.0.0.0" if has_ipv6 else "192.0.2.9")


@pytest.mark.parametrize(("bit", "block"), [(8, 18), (12, 43)])
def test_newest_connection_in_the_oldest_blocks(bit: int, block: int) -> None:
    found = brought(connection(), select(1 << bit, None))
    assert found.record_type == 33
    assert found.data[14] == 0
    event = decode_record(found).data
    assert event.block_type == block
    assert found.data[48:52] == bytes([5, 0, 0, 10]), "of all blocks, these have little-endian addresses"
    assert (event.initiator_ip, event.responder_port, event.bytes_sent) == ("10.0.0.5", 443, 1505)
    if block == 43:
        assert event.info.data.startswith("https://www.example.com/")
        assert event.server_id == 1122


def test_correlation_event_keeps_its_addresses() -> None:
    """From 5.1 on they stand in other fields than before."""
    kind = next(body for body in RECORDS[112].bodies if 156 in layout_of(body).types)

    def stored(source: str) -> Record:
        values = kind(block_type=156, source_ipv6=source, destination_ipv6="192.0.2.2", event_id=5)
        return Record(112, encoder(kind, 156)(values), TIME)

    for version in range(1, 8):
        found = decode_record(brought(stored("192.0.2.1"), asking((31, version)))).data
        address = found.src_ip_addr if version in (2, 3) else found.source_ip
        assert address == "192.0.2.1"
        assert "does not fit" in reason(stored("2001:db8::1"), asking((31, version)))
    found = decode_record(brought(stored("2001:db8::1"), asking((31, 8)))).data
    assert (found.source_ip, found.source_ipv6) == ("0.0.0.0", "2001:db8::1")


def test_login_keeps_its_address() -> None:
    kind = RECORDS[95].bodies[0]

    def stored(**values: object) -> Record:
        data = encoder(kind, 167)(kind(block_type=167, username="jane", protocol=710, **values))
        return Record(95, hand_made.discovery_header(1004, 1) + data, TIME)

    for version in (1, 2):
        for values in ({"ipv4_address": "192.0.2.1"}, {"ipv6_address": "192.0.2.1"}):
            found = decode_record(brought(stored(**values), asking((91, version)))).data
            assert (found.ip_address, found.username, found.protocol) == ("192.0.2.1", "jane", 710)
        assert "does not fit" in reason(stored(ipv6_address="2001:db8::1"), asking((91, version)))
    found = decode_record(brought(stored(ipv6_address="2001:db8::1"), asking((91, 4)))).data
    assert (found.ipv6_address, found.application_id) == ("2001:db8::1", 710)


def test_counter_that_is_too_large_for_an_old_block() -> None:
    data = bytearray(connection().data)
    place = data.index(struct.pack(">QQ", 1505, 90_005))
    data[place : place + 8] = struct.pack(">Q", 1 << 32)
    record = Record(71, bytes(data), TIME)
    assert brought(record, asking((71, 6)))
    assert "initiator_bytes does not fit" in reason(record, asking((71, 5)))


@pytest.mark.parametrize("version", range(6, 18))
def test_connection_over_ipv6(version: int) -> None:
    data = connection("2001:db8::9").data
    data = data.replace(hand_made.address("198.51.100.7"), hand_made.address("2001:db8::9"))
    event = decode_record(brought(Record(71, data, TIME), asking((71, version))))
    assert event.data.responder_ip == "2001:db8::9"
    assert event.header.legacy_ip == "0.0.0.0"
    assert event.header.has_ipv6 == (version >= 9)


@pytest.mark.parametrize("version", [4, 5])
def test_connection_over_ipv6_where_the_block_has_no_room(version: int) -> None:
    data = connection("2001:db8::9").data
    data = data.replace(hand_made.address("198.51.100.7"), hand_made.address("2001:db8::9"))
    assert "responder_ip does not fit" in reason(Record(71, data, TIME), asking((71, version)))


HOST_TYPE = b"\0\0\0\1"


def headed(host: str, *, has_ipv6: int = 1, legacy: bytes = bytes(4)) -> bytes:
    head = hand_made.discovery_header(1001, 16, host=host)
    head = head[:4] + legacy + head[8:14] + bytes([has_ipv6]) + head[15:]
    return head if has_ipv6 else head[:40]


@pytest.mark.parametrize("version", [7, 8, 9, 10])
def test_header_of_an_ipv4_host(version: int) -> None:
    found = brought(Record(31, headed("192.0.2.1") + HOST_TYPE), asking((61, version)))
    assert found.data[:4] == headed("192.0.2.1")[:4]
    assert found.data[4:8] == bytes([192, 0, 2, 1])
    assert found.data[14:16] == b"\0\0"
    assert found.data[8:14] + found.data[16:40] == headed("::")[8:14] + headed("::")[16:40]
    assert found.data[40:] == HOST_TYPE


def test_header_of_an_ipv6_host() -> None:
    record = Record(31, headed("2001:db8::1") + HOST_TYPE)
    assert brought(record, asking((61, 11))) is record
    assert brought(record, asking((61, 10))).data == record.data
    assert "IPv6 address" in reason(record, asking((61, 9)))


def test_header_without_a_host() -> None:
    found = brought(Record(31, headed("::") + HOST_TYPE), asking((61, 10)))
    assert found.data[4:8] == bytes(4)
    assert len(found.data) == 44


def test_short_header_is_right_for_all() -> None:
    record = Record(31, headed("::", has_ipv6=0, legacy=b"abcd") + HOST_TYPE)
    for version in range(7, 12):
        assert brought(record, asking((61, version))).data == record.data


def test_new_address_of_a_host() -> None:
    head = headed("192.0.2.1")
    record = Record(29, head + hand_made.address("192.0.2.77"))
    assert brought(record, asking((61, 11))) is record
    assert brought(record, asking((61, 9))).data[40:] == bytes([192, 0, 2, 77])
    assert "IPv6" in reason(Record(29, head + hand_made.address("::5")), asking((61, 9)))


# --- metadata ---------------------------------------------------------------------------------------------


def test_rule_message_of_the_first_metadata_version() -> None:
    stored = Record(66, struct.pack(">IIIIH", 1, 9, 3, 2001219, 2) + bytes(32) + b"Hi")
    assert brought(stored, select(1 << 20, None)) is stored
    found = brought(stored, select(1 << 1, None))
    assert (found.record_type, found.data) == (5, struct.pack(">IIIH", 1, 2001219, 3, 2) + b"Hi")


def test_classification_of_the_first_metadata_version() -> None:
    texts = struct.pack(">IH", 5, 2) + b"ab" + struct.pack(">H", 3) + b"cde"
    stored = Record(67, texts + bytes(32))
    found = brought(stored, select(1 << 1, None))
    assert (found.record_type, found.data) == (3, texts)


def test_users_of_clients_that_ask_by_flags() -> None:
    """Records 62 and 98 had no block before 6.0."""
    content = struct.pack(">II", 7, 710) + hand_made.string_block("jane")
    for number, old in (
        (62, struct.pack(">II", 7, 4) + b"jane"),
        (98, struct.pack(">III", 7, 710, 4) + b"jane"),
    ):
        record = Record(number, hand_made.block(57, content))
        assert brought(record, select(1 << 20, None)).data == old
        assert brought(record, asking((21, 4))) is record
        plain = Record(number, old)
        assert brought(plain, select(1 << 20, None)).data == old
        assert brought(plain, asking((21, 4))) is plain
    assert select(1 << 20 | EXTENDED_BIT | 1, ()).form != asking((21, 4), flags=1).form


# --- every stored form against every version --------------------------------------------------------------

STORED = [
    (number, kind, key)
    for number, row in sorted(RECORDS.items())
    for kind in row.bodies
    for key in layout_of(kind).types
    if (key in row.blocks if issubclass(kind, Block) else key == number)
]


@pytest.mark.parametrize("number", sorted({number for number, _, _ in STORED}))
def test_whatever_comes_out_can_be_read(number: int) -> None:
    """A record in an asked form is decoded whole, and never in a newer layout than the one asked for."""
    row = RECORDS[number]
    for _, kind, key in (item for item in STORED if item[0] == number):
        body = encoder(kind, key)(kind(key) if issubclass(kind, Block) else kind())
        head = hand_made.discovery_header(1001, 16) if row.discovery_header else b""
        record = Record(number, head + body, TIME)
        for pair, request in EXTENDED.items():
            if request.event_class != (row.event_class or "metadata"):
                continue
            lost: Counter[str] = Counter()
            found = transcode(record, asking(pair), lost)
            if found is None:
                continue
            event = decode_record(found)
            assert event.left_over is event.block_length, (key, pair)
            asked = [form for form in request.forms if form.record_type == found.record_type]
            block_type = getattr(event.data, "block_type", None)
            if asked and asked[0].block_type is not None and isinstance(block_type, int):
                blocks = RECORDS[found.record_type].blocks
                if block_type in blocks:
                    assert blocks.index(block_type) <= blocks.index(asked[0].block_type)
                else:
                    assert block_type == asked[0].block_type


# --- chunks -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chunk:
    data: bytes
    record_types: frozenset[int]


def stored(*records: tuple[int, int, bytes], time: int = TIME) -> Chunk:
    pending = PendingChunk(records)
    return Chunk(pending.seal(time), pending.record_types)


def records_in(items: Items) -> list[tuple[Record, bool]]:
    """What a client reads out of rendered items: records, and whether they had the long header."""
    found = []
    for item in items:
        assert item[:4] == (b"\0\1\0\4" if items.flat else b"\0\0\0\4")
        message = decode_message(4, item[8:])
        found.append((message.record, message.extended))  # type: ignore[union-attr]
    return found


ALERT, PACKET = hand_made.intrusion_85(), hand_made.packet()
MIXED = stored((400, 0, ALERT), (2, 0, PACKET), (71, 0, connection().data), (2, 0, PACKET))


def test_chunk_that_leaves_as_it_is() -> None:
    items = render(MIXED, asking((12, 11), (71, 17), flags=DEPLOYED))
    assert items.data is MIXED.data
    assert items.count == 4
    assert not items.lost
    assert items.filtered == 0


def test_chunk_with_records_that_are_not_asked_for() -> None:
    items = render(MIXED, asking((71, 17)))
    assert [record.record_type for record, _ in records_in(items)] == [71]
    assert items.filtered == 3
    only_packets = render(MIXED, select(DEPLOYED, ((12, 11),), {"packet"}))
    assert [record.record_type for record, _ in records_in(only_packets)] == [2, 2]


def test_chunk_whose_records_are_partly_too_new() -> None:
    older = hand_made.intrusion_7()
    items = render(stored((7, 0, older), (400, 0, ALERT), (7, 0, older)), asking((12, 9)))
    assert [(record.record_type, record.data[:4]) for record, _ in records_in(items)] == [
        (7, older[:4]),
        (400, b"\0\0\0\x3c"),
        (7, older[:4]),
    ]


def test_flat_chunk_is_messages() -> None:
    items = render(MIXED, select(ARCHIVE_TIMES | 1 | 1 << 6, None))
    assert items.flat
    assert [len(message) for message in messages_of(items.data)] == [24 + 52, 24 + 32, 24 + 32]
    assert messages_of(items.data)[1] == hand_made.event_data(2, PACKET)


def test_short_record_headers() -> None:
    items = render(MIXED, select(1, None))
    assert items.data == hand_made.event_data(2, PACKET, None) * 2
    extended = render(MIXED, select(1 | EXTENDED_BIT, ()))
    assert [long for _, long in records_in(extended)] == [False, False]


def test_what_cannot_be_expressed_is_counted() -> None:
    unknown = hand_made.block(86, b"abcd")
    items = render(stored((400, 0, unknown), (400, 0, ALERT), (400, 0, unknown)), asking((12, 10)))
    assert items.count == 1
    assert items.lost == {"record 400: record 400 holds a block without a known layout": 2}


def test_domain_is_masked_unless_switched_on() -> None:
    chunk = stored((2, 5, PACKET), (2, 0, PACKET), (2, 7, PACKET))
    masked = records_in(render(chunk, asking((12, 11), flags=DEPLOYED)))
    assert [record.netmap_id for record, _ in masked] == [0, 0, 0]
    netmap = select(DEPLOYED, ((12, 11),), headers=HeaderOptions(netmap=True))
    items = render(chunk, netmap)
    assert items.data is chunk.data
    assert [record.netmap_id for record, _ in records_in(items)] == [5, 0, 7]


def test_flag_in_the_record_type_word() -> None:
    flagged = select(DEPLOYED, ((12, 11),), headers=HeaderOptions(flagged=True))
    for item in render(MIXED, flagged):
        assert item[8] == 0x80
    short = select(1, None, headers=HeaderOptions(flagged=True))
    for item in render(MIXED, short):
        assert item[8] == 0


def test_metadata_has_the_short_header() -> None:
    device = Record(123, struct.pack(">II", 5, 4) + b"fmc1", TIME)
    plain = select(DEPLOYED, ((12, 11),))
    items = render_records([device], plain)
    assert list(items) == [pack_item(device, extended=False)]
    zero = select(DEPLOYED, ((12, 11),), headers=HeaderOptions(zero_metadata_time=True))
    assert list(render_records([device], zero)) == [pack_item(Record(123, device.data, 0))]
    without_times = select(DEPLOYED & ~ARCHIVE_TIMES, (), headers=HeaderOptions(zero_metadata_time=True))
    assert list(render_records([device], without_times)) == [pack_item(device, extended=False)]
    assert records_in(render(stored((123, 0, device.data)), plain))[0][1] is False


def test_single_records() -> None:
    broken = Record(66, b"\0", None)
    rule = Record(66, struct.pack(">IIIIH", 1, 9, 3, 2001219, 2) + bytes(32) + b"Hi")
    items = render_records([rule, Record(400, ALERT, TIME), broken, rule], select(1 << 1, None))
    assert items.flat
    assert [record.record_type for record, _ in records_in(items)] == [5, 5]
    assert items.filtered == 1
    assert items.lost == {"record 66: it cannot be decoded": 1}


def test_form_is_the_selections() -> None:
    selection = asking((12, 11))
    assert form_of(selection) == selection.form


requests = st.one_of(
    st.builds(lambda flags: (flags & ~EXTENDED_BIT, None), st.integers(0, 0xFFFFFFFF)),
    st.builds(
        lambda flags, pairs: (flags | EXTENDED_BIT | 1, pairs),
        st.integers(0, 0xFFFFFFFF),
        st.lists(st.sampled_from(sorted(EXTENDED)), max_size=5),
    ),
)
contents = st.one_of(
    st.sampled_from([(400, ALERT), (2, PACKET), (71, connection().data), (7, hand_made.intrusion_7())]),
    st.tuples(st.sampled_from([*RECORDS, 9999]), st.binary(max_size=80)),
)


@settings(max_examples=200, deadline=None)
@given(
    request=requests,
    records=st.lists(st.tuples(contents, st.sampled_from([0, 0, 9])), max_size=8),
    headers=st.builds(
        HeaderOptions, flagged=st.booleans(), netmap=st.booleans(), zero_metadata_time=st.booleans()
    ),
)
def test_chunk_is_what_single_records_make(
    request: tuple[int, list[tuple[int, int]] | None],
    records: list[tuple[tuple[int, bytes], int]],
    headers: HeaderOptions,
) -> None:
    """Each record of a chunk comes out as it does alone; nothing raises, nothing vanishes."""
    selection = select(*request, headers=headers)
    triples = [(number, netmap, data) for (number, data), netmap in records]
    items = render(stored(*triples), selection)
    lost: Counter[str] = Counter()
    expected = []
    for number, netmap, data in triples:
        found = transcode(Record(number, data, TIME, netmap), selection, lost)
        if found is not None:
            expected.append((found.record_type, found.data))
    assert [(record.record_type, record.data) for record, _ in records_in(items)] == expected
    assert dict(items.lost) == dict(lost)
    assert items.count + items.filtered + sum(lost.values()) == len(records)
    for record, long in records_in(items):
        metadata = record.record_type in RECORDS and RECORDS[record.record_type].event_class is None
        assert long == (selection.extended_header and (not metadata or headers.zero_metadata_time))
        assert record.archive_time == (TIME if long and not metadata else None)
