"""Records to events, to JSON lines, and back; unknown and broken ones too."""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from struct import pack
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from openstreamer.errors import DecodeError, EncodeError
from openstreamer.layouts.extra_data import ExtraData
from openstreamer.layouts.records import RECORDS
from openstreamer.protocol.records import (
    Event,
    Record,
    UnknownRecord,
    decode_record,
    encode_event,
    event_from_json,
    json_line,
    projector,
)
from support.catalogue_bytes import Builder, catalogue_blocks, catalogue_records, discovery_header
from support.hand_records import CONNECTION_HEADER, CONNECTION_HEADER_VALUES, HAND_MADE, INTRUSION_85, block


def message(text: str) -> Record:
    """The record of an event data message in hex: constructed examples of the format's description."""
    raw = bytes.fromhex(text)
    word, length = int.from_bytes(raw[8:12], "big"), int.from_bytes(raw[12:16], "big")
    data = raw[-length:]
    long = len(raw) - 8 - length == 16
    return Record(
        word & 0xFFFF, data, int.from_bytes(raw[16:20], "big") if long else None, word >> 16 & 0x7FFF
    )


def parsed(event: Event, **more: Any) -> Any:
    line = json_line(event, **more)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    return json.loads(line)


def round_trip(record: Record) -> Event:
    """Decode, write as JSON, read it, encode; all steps must give the same record. Returns the event."""
    event = decode_record(record)
    assert encode_event(event) == record
    again = event_from_json(json_line(event))
    assert again == event
    assert encode_event(again) == record
    return event


# --- records written by hand ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", HAND_MADE)
def test_hand_made_record(name: str) -> None:
    record_type, data, expected = HAND_MADE[name]
    event = round_trip(Record(record_type, data, 1_700_000_100, 5))
    line = parsed(event)
    assert line["data"] == expected
    assert line["event"] == RECORDS[record_type].id
    assert (line["record_type"], line["archive_time"], line["netmap_id"]) == (record_type, 1_700_000_100, 5)
    assert list(line["data"]) == list(expected)


def test_packet_x8() -> None:
    event = round_trip(
        message(
            "00010004 00000028 00000002 00000020 00000001 00000064 65000000 65000000"
            "0003d090 00000001 00000004 deadbeef"
        )
    )
    assert event.data.packet_data == bytes.fromhex("deadbeef")
    assert parsed(event) == {
        "event": "packet",
        "record_type": 2,
        "data": {
            "device_id": 1,
            "event_id": 100,
            "event_second": 0x65000000,
            "packet_second": 0x65000000,
            "packet_microsecond": 250_000,
            "link_type": 1,
            "packet_length": 4,
            "packet_data": "3q2+7w==",
        },
    }


def test_priority_x9() -> None:
    event = round_trip(message("00010004 00000012 00000004 0000000a 00000001 00046869 6768"))
    assert parsed(event)["data"] == {"id": 1, "name_length": 4, "name": "high"}


def test_managed_device_x10() -> None:
    event = round_trip(
        message("00010004 0000001c 0000007b 0000000c 00000000 00000000 00000005 00000004 666d6331")
    )
    assert parsed(event) == {
        "event": "managed_device",
        "record_type": 123,
        "archive_time": 0,
        "data": {"id": 5, "name_length": 4, "name": "fmc1"},
    }


def test_extra_data_x11() -> None:
    event = round_trip(
        message(
            "00010004 00000034 0000006e 00000024 65000005 00000000 00000004 00000024"
            "00000001 00000064 65000000 00000001 00000001 0000000c 61626364"
        )
    )
    assert event.data.data == b"abcd"
    assert (event.data.type, event.archive_time) == (1, 0x65000005)


def test_discovery_x12() -> None:
    event = round_trip(
        message(
            "00010004 0000004c 0000001f 0000003c 65000005 00000000 00000001 00000000"
            "02000000 00010100 65000000 00000000 000003e9 00000010 00000000 00000000"
            "00000000 00000000 0000ffff c0000201 00000001"
        )
    )
    assert event.event == "host_type_change"
    assert event.data.host_type == 1
    header = event.header
    assert header is not UNSET
    assert (header.mac, header.event_type, header.event_subtype, header.ipv6) == (
        "02:00:00:00:00:01",
        1001,
        16,
        "192.0.2.1",
    )


def test_domain_x20() -> None:
    event = round_trip(
        message("00010004 0000001a 80030004 0000000a 65000005 00000000 00000001 00046869 6768")
    )
    assert parsed(event)["netmap_id"] == 3


def test_header_stands_beside_the_data() -> None:
    record_type, data, _ = HAND_MADE["71 block 174"]
    line = parsed(decode_record(Record(record_type, data)))
    assert line["header"] == CONNECTION_HEADER_VALUES
    assert "archive_time" not in line
    assert "netmap_id" not in line


def test_header_without_address() -> None:
    record_type, data, expected = HAND_MADE["71 block 174"]
    short = CONNECTION_HEADER[:14] + b"\0\0" + CONNECTION_HEADER[16:40]
    event = round_trip(Record(record_type, short + data[56:]))
    assert parsed(event)["data"] == expected
    assert "ipv6" not in parsed(event)["header"]


# --- every record of the catalogue ----------------------------------------------------------------------


def declared_records() -> list[tuple[int, int | None]]:
    found: list[tuple[int, int | None]] = []
    for number, row in RECORDS.items():
        if not row.bodies:
            continue
        blocks = [t for body in row.bodies for t in (getattr(body, "block_type", None) and row.blocks) or ()]
        found += [(number, block_type) for block_type in dict.fromkeys(blocks)]
        if not row.blocks or len(row.bodies) > 1:
            found.append((number, None))
    return found


@pytest.mark.parametrize(("number", "block_type"), declared_records())
def test_record_of_the_catalogue(number: int, block_type: int | None) -> None:
    if not catalogue_records():
        pytest.skip("not in this checkout: the catalogue of the format")
    row = RECORDS[number]
    builder = Builder(row.series or 1)
    data, header = b"", None
    if row.discovery_header:
        data, header = discovery_header(builder, ipv6=True)
    if block_type is not None:
        assert row.series is not None
        if catalogue_blocks()[row.series, block_type]["fields"] is None:
            return
        body, expected = builder.block(row.series, block_type)
    else:
        described = catalogue_records()[number]["body"]
        if described["form"] == "block":
            return
        body, expected = builder.fields(described.get("fields", []), 1)
    event = round_trip(Record(number, data + body, 1))
    assert (event.event, event.left_over) == (row.id, UNSET)
    line = parsed(event)
    assert line["data"] == expected
    assert line.get("header") == header


# --- unknown and left over ------------------------------------------------------------------------------


def test_unknown_record_keeps_its_bytes() -> None:
    event = round_trip(Record(9999, b"\0\1\2\xff", 7))
    assert parsed(event) == {
        "event": "unknown_record",
        "record_type": 9999,
        "archive_time": 7,
        "data": {"bytes": base64.b64encode(b"\0\1\2\xff").decode()},
    }


def test_unknown_block_of_a_known_record_keeps_its_bytes() -> None:
    event = round_trip(Record(400, block(999, b"abc")))
    assert event.event == "intrusion_event"
    assert parsed(event)["data"] == {"block_type": 999, "bytes": "YWJj"}


def test_block_with_a_number_but_no_layout_keeps_its_bytes() -> None:
    event = round_trip(Record(71, CONNECTION_HEADER + block(157, b"abc") + b"more"))
    assert event.data == UnknownRecord(b"abc", 157)
    assert parsed(event)["header"] == CONNECTION_HEADER_VALUES
    assert (event.left_over, event.block_length) == (b"more", 11)


@pytest.mark.parametrize("name", HAND_MADE)
def test_bytes_left_over_are_kept(name: str) -> None:
    record_type, data, expected = HAND_MADE[name]
    event = round_trip(Record(record_type, data + b"\0rest\xff"))
    assert event.left_over == b"\0rest\xff"
    assert event.data.left_over is UNSET
    line = parsed(event)
    assert line["data"] == expected
    assert base64.b64decode(line["left_over"]) == b"\0rest\xff"


def test_bytes_left_over_inside_the_block() -> None:
    longer = block(85, INTRUSION_85[8:] + b"inside")
    event = round_trip(Record(400, longer))
    assert (event.left_over, event.block_length) == (b"inside", UNSET)


def test_bytes_left_over_inside_and_behind_the_block() -> None:
    longer = block(85, INTRUSION_85[8:] + b"inside")
    event = round_trip(Record(400, longer + b"behind"))
    assert (event.left_over, event.block_length) == (b"insidebehind", len(longer))


def test_a_block_length_that_no_longer_fits_is_brought_into_bounds() -> None:
    event = decode_record(Record(400, INTRUSION_85 + b"behind"))
    event.block_length = 9
    assert encode_event(event).data == INTRUSION_85 + b"behind"
    event.block_length = 1_000_000
    encoded = encode_event(event).data
    assert int.from_bytes(encoded[4:8], "big") == len(encoded)


# --- text -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [b"plain", "ünïcode".encode(), b"latin \xe4\xff", b"\xed\xa0\x80", "\U0010f7ff".encode(), b"a\0b"]
)
def test_any_text_survives(name: bytes) -> None:
    event = round_trip(Record(123, pack(">II", 5, len(name)) + name))
    json.loads(json_line(event))
    event = round_trip(Record(115, block(14, bytes(16) + block(0, name + b"\0"))))
    json.loads(json_line(event))


def test_text_without_its_nul_is_the_same_text() -> None:
    event = decode_record(Record(115, block(14, bytes(16) + block(0, b"inside"))))
    assert event.data.name == "inside"
    assert decode_record(encode_event(event)) == event


# --- forms that releases disagree on --------------------------------------------------------------------


def test_user_as_plain_fields_or_as_block() -> None:
    plain = round_trip(Record(62, pack(">II", 57, 5) + b"alice"))
    assert (plain.data.id, plain.data.name) == (57, "alice")
    new = round_trip(Record(62, block(57, pack(">II", 8, 710) + block(0, b"alice\0"))))
    assert (new.data.user_id, new.data.username) == (8, "alice")


@pytest.mark.parametrize("number", [510, 602, 604, 605, 606, 607, 608, 613])
def test_number_with_a_string_block(number: int) -> None:
    event = round_trip(Record(number, pack(">I", 9) + block(0, b"TLSv1\0")))
    assert (event.data.id, event.data.name) == (9, "TLSv1")


@pytest.mark.parametrize("number", [530, 700])
def test_policy_name_with_and_without_a_header(number: int) -> None:
    body = bytes(range(16)) + block(0, b"name\0")
    assert round_trip(Record(number, body)).data.name == "name"
    event = round_trip(Record(number, block(14, body)))
    assert (event.data.block_type, event.data.block_length, event.data.name) == (14, 8 + len(body), "name")


def test_tls_policy_by_number() -> None:
    assert round_trip(Record(600, pack(">II", 3, 4) + b"name")).data.id == 3


def test_damaged_policy_keeps_its_text_and_the_rest() -> None:
    """Neither form ends where the record ends: the first one holds, and nothing behind it is lost."""
    rest = bytes(15) + b"\x10\0\0" + b"M" * 88
    event = decode_record(Record(600, pack(">II", 0x0E000B01, 1) + b"\0" + rest))
    assert (event.data.id, event.data.name, event.left_over) == (0x0E000B01, "", rest)
    assert event_from_json(json_line(event)) == event
    assert encode_event(event).data == pack(">II", 0x0E000B01, 0) + rest


def test_security_context_as_plain_text() -> None:
    event = round_trip(Record(132, bytes(range(16)) + b"context"))
    assert (event.data.name, event.data.alternative) == ("context", 1)


def test_address_change_of_four_bytes() -> None:
    assert round_trip(Record(29, CONNECTION_HEADER + bytes([192, 0, 2, 9]))).data.ip_address == "192.0.2.9"


def test_vulnerability_without_solution() -> None:
    body = pack(">IIBB", 1, 2, 1, 0) + b"".join(pack(">I", n) + b"x" * n for n in range(1, 8))
    event = round_trip(Record(57, body))
    assert event.data.technical_description == "xxxxxxx"
    assert round_trip(Record(57, body + pack(">I", 3) + b"fix")).data.solution == "fix"


# --- broken records -------------------------------------------------------------------------------------


def test_impossible_length_names_record_block_field_and_offset() -> None:
    broken = bytearray(INTRUSION_85)
    where = INTRUSION_85.index(b"vrf-in") - 4
    broken[where : where + 4] = b"\xff\xff\xff\xff"
    with pytest.raises(DecodeError) as caught:
        decode_record(Record(400, bytes(broken)))
    error = caught.value
    assert (error.record_type, error.block, error.field) == (400, "intrusion_event 85", "ingress_vrf")
    assert error.offset in (where, where - 4)
    assert str(error).startswith("record 400, block intrusion_event 85, field ingress_vrf, offset ")


@pytest.mark.parametrize("name", HAND_MADE)
def test_a_record_cut_anywhere_is_an_error_or_kept(name: str) -> None:
    record_type, data, _ = HAND_MADE[name]
    for end in range(len(data)):
        with contextlib.suppress(DecodeError):
            event = decode_record(Record(record_type, data[:end]))
            assert encode_event(event).data == data[:end]


@pytest.mark.parametrize("name", ["400 block 85", "71 block 174", "500 block 79"])
def test_every_word_of_a_record_at_its_limits(name: str) -> None:
    record_type, data, _ = HAND_MADE[name]
    for offset in range(len(data) - 4):
        for word in (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\7", b"\x7f\xff\xff\xff"):
            changed = data[:offset] + word + data[offset + 4 :]
            try:
                event = decode_record(Record(record_type, changed))
            except DecodeError:
                continue
            again = decode_record(encode_event(event))
            assert again.data == event.data


def test_unknown_block_with_an_impossible_length() -> None:
    with pytest.raises(DecodeError) as caught:
        decode_record(Record(400, pack(">II", 999, 4_000_000_000) + b"abc"))
    assert (caught.value.block, caught.value.field, caught.value.offset) == (
        "intrusion_event 999",
        "block_length",
        4,
    )


def test_no_room_for_a_block_header() -> None:
    with pytest.raises(DecodeError, match="no room for a block header"):
        decode_record(Record(400, b"abc"))


def test_value_that_does_not_fit_names_the_field() -> None:
    data = ExtraData(block_type=4, device_id=1 << 40, event_id=1, event_second=2, type=3, data=b"")
    with pytest.raises(EncodeError) as caught:
        encode_event(Event(110, "extra_data", data))
    assert (caught.value.record_type, caught.value.field) == (110, "device_id")


def test_block_type_that_the_class_does_not_have() -> None:
    with pytest.raises(EncodeError, match="is no type of this block"):
        encode_event(Event(110, "extra_data", ExtraData(block_type=5)))
    with pytest.raises(EncodeError, match="is no block type"):
        encode_event(Event(110, "extra_data", UnknownRecord(b"", 1 << 40)))


def test_missing_discovery_header_is_written_as_zeros() -> None:
    event = event_from_json('{"event":"host_type_change","record_type":31,"data":{"host_type":2}}')
    assert encode_event(event).data == bytes(40) + pack(">I", 2)


# --- JSON lines -----------------------------------------------------------------------------------------


def test_line_with_server_and_names() -> None:
    record_type, data, _ = HAND_MADE["400 block 85"]
    event = decode_record(Record(record_type, data, 5))
    line = json_line(event, "fmc1:8302", {"rule": "ET SCAN"})
    assert list(json.loads(line)) == ["event", "record_type", "archive_time", "server", "data", "names"]
    assert event_from_json(line) == event


def test_block_type_may_stand_beside_the_data() -> None:
    line = {"event": "extra_data", "record_type": 110, "block_type": 4, "data": {"type": 9, "data": "YQ=="}}
    event = event_from_json(json.dumps(line))
    assert event.data.block_type == 4
    assert encode_event(event).data == block(4, pack(">IIII", 0, 0, 0, 9) + block(1, b"a"))


def test_numbers_may_be_left_out_where_the_newest_is_meant() -> None:
    event = event_from_json('{"event":"intrusion_event","data":{"signature_id":5}}')
    assert (event.record_type, event.data.block_type, event.data.signature_id) == (400, 85, 5)


def test_event_name_follows_the_record_type() -> None:
    assert event_from_json('{"record_type":4,"event":"other","data":{"id":1}}').event == "priority"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[]",
        "{",
        '{"event":"nothing like that","data":{}}',
        '{"event":"priority","record_type":"4","data":{}}',
        '{"event":"priority","record_type":4,"data":{"id":"one"}}',
        '{"event":"priority","record_type":4,"data":[]}',
        '{"event":"priority","record_type":4,"data":{"id":1,"nmae":"high"}}',
        '{"event":"intrusion_event","record_type":400,"data":{"block_type":85,"evnt_id":1}}',
        '{"event":"unknown_record","record_type":9999,"data":{}}',
        '{"event":"unknown_record","record_type":9999,"data":{"bytes":"%"}}',
        b'{"event":"priority","record_type":4,"data":{"id":1,"name":"\xff"}}',
        b'{"event":"\xff","record_type":4,"data":{"id":1}}',
        '{"event":"priority","record_type":4,"data":' + '{"a":' * 5000 + "1" + "}" * 5001,
        "\udcff",
    ],
)
def test_a_line_that_is_no_event(line: str | bytes) -> None:
    with pytest.raises(DecodeError):
        event_from_json(line)


def test_line_of_an_older_program_that_did_not_know_the_record() -> None:
    line = json.dumps({"event": "unknown_record", "record_type": 4, "data": {"bytes": "AAAAAQAA"}})
    assert encode_event(event_from_json(line)).data == bytes([0, 0, 0, 1, 0, 0])


# --- chosen columns -------------------------------------------------------------------------------------

COLUMNS = (
    "archive_time",
    "event",
    "header.event_second",
    "initiator_ip",
    "responder_port",
    "client_url",
    "record_type",
    "block_type",
    "no_such_field",
    "header.ipv6",
    "netmap_id",
)


@pytest.mark.parametrize("name", HAND_MADE)
def test_projector_gives_what_decoding_gives(name: str) -> None:
    record_type, data, _ = HAND_MADE[name]
    record = Record(record_type, data, 9, 2)
    event = decode_record(record)
    fields = type(event.data).__struct_fields__[:-2]
    assert projector(record_type, fields)(record) == tuple(getattr(event.data, name) for name in fields)
    for field in fields:
        assert projector(record_type, (field,))(record) == (getattr(event.data, field),)
    values = dict(zip(COLUMNS, projector(record_type, COLUMNS)(record), strict=True))
    assert (values["archive_time"], values["record_type"], values["netmap_id"]) == (9, record_type, 2)
    assert values["event"] == event.event
    assert values["initiator_ip"] == getattr(event.data, "initiator_ip", UNSET)
    assert values["header.ipv6"] == getattr(event.header, "ipv6", UNSET)
    assert values["no_such_field"] is UNSET


def test_projector_of_unknown_things() -> None:
    assert projector(9999, ("record_type", "a"))(Record(9999, b"")) == (9999, UNSET)
    assert projector(400, ("block_type", "device_id"))(Record(400, block(999, b""))) == (999, UNSET)
    with pytest.raises(DecodeError):
        projector(400, ("device_id",))(Record(400, b"abc"))


def test_projector_of_an_old_connection() -> None:
    if not catalogue_blocks():
        pytest.skip("not in this checkout: the catalogue of the format")
    builder = Builder(1)
    data = discovery_header(builder, ipv6=False)[0] + builder.block(1, 101)[0]
    record = Record(71, data)
    decoded = decode_record(record).data
    assert projector(71, ("device_id", "initiator_ip"))(record) == (UNSET, decoded.initiator_ip)


def test_struct_is_plain_msgspec() -> None:
    record_type, data, expected = HAND_MADE["500 block 79"]
    assert msgspec.to_builtins(decode_record(Record(record_type, data)).data) == expected


# --- fuzz targets ---------------------------------------------------------------------------------------


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed here (Python 3.11 only)")
@pytest.mark.parametrize("target", ["fuzz_record.py", "fuzz_json_line.py"])
def test_fuzz_target_runs_for_a_moment(target: str, tmp_path: Path) -> None:
    path = Path(__file__).resolve().parents[2] / "fuzz" / target
    done = subprocess.run(
        [sys.executable, str(path), "-runs=5000", "-seed=1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr[-3000:]
