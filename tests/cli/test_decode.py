"""`openstreamer decode`: recorded streams and hex text, as lines, JSON and a tree of fields."""

from __future__ import annotations

import json
from pathlib import Path
from struct import pack

import pytest
from click.testing import CliRunner, Result

from openstreamer.cli.decode import command
from openstreamer.cli.recorded import Failure, Item, hex_bytes, items_of
from openstreamer.errors import UsageError
from openstreamer.protocol.records import Record, decode_record, json_line
from support.hand_profiles import profile_149
from support.hand_records import HAND_MADE, INTRUSION_85

REQUEST = bytes.fromhex("0001000200000008ffffffff48900061")
STREAMING = bytes.fromhex(
    "000108010000003800001a0b0000003848900061ffffffff000b000c000400150009001f000b003d"
    "001100470007005b000800650007006f0002008300000000"
)
INFORMATION = bytes.fromhex("000108030000001000001a0b000000080000000000000000")
NULL = bytes.fromhex("0001000000000000")
ERROR = bytes.fromhex("000100010000000f0000001300094e6f20737061636500")
HOST_REQUEST = bytes.fromhex(
    "00010005000000280000000700000003" + "00" * 10 + "ffffc0000201" + "00" * 10 + "ffffc000020a"
)
HOST_DATA = bytes.fromhex("000100070000000c0000006f0000000c00000000")
CONTROL = REQUEST + INFORMATION + STREAMING + NULL + HOST_REQUEST + HOST_DATA + ERROR


def message(message_type: int, body: bytes) -> bytes:
    return pack(">HHI", 1, message_type, len(body)) + body


def record(record_type: int, data: bytes) -> bytes:
    return pack(">IIII", record_type, len(data), 1_700_000_000, 0) + data


def bundle(*bodies: bytes) -> bytes:
    items = b"".join(pack(">HHI", 0, 4, len(body)) + body for body in bodies)
    return message(4002, pack(">II", 7, 1) + items)


EVENTS = bundle(*(record(number, data) for number, data, _ in HAND_MADE.values()))


def run(data: bytes, *options: str) -> Result:
    return CliRunner().invoke(command, [*options, "-"], input=data, standalone_mode=False)


def test_one_line_a_message() -> None:
    result = run(CONTROL)
    assert result.return_value == 0
    lines = result.stdout.splitlines()
    assert [line.split()[1] for line in lines] == [
        "event_stream_request",
        "streaming_information",
        "streaming_request",
        "null",
        "host_data_request",
        "multiple_host_data",
        "error",
    ]
    assert "flags 0x48900061 (packets | impact_alerts" in lines[0]
    assert "services 6667" in lines[1]
    assert "12 v11 (intrusion), 21 v4 (metadata)" in lines[2]
    assert "192.0.2.1 to 192.0.2.10" in lines[4]
    assert "block 111, 12 bytes" in lines[5]
    assert lines[6].endswith("code 19: No space")


def test_one_line_an_item_of_a_bundle() -> None:
    result = run(EVENTS)
    assert result.return_value == 0
    lines = result.stdout.splitlines()
    assert len(lines) == 1 + len(HAND_MADE)
    assert "connection 7 sequence 1" in lines[0]
    assert "400/85 intrusion_event  2023-11-14T22:13:20Z  [1:2100498:7]  192.0.2.1:49152" in lines[5]
    assert "71/174 connection_statistics" in lines[6]
    assert "1500/90000 bytes  https://www.example.com/" in lines[6]
    assert "evil.exe" in lines[7]


def test_offsets_are_those_of_the_messages() -> None:
    stream = REQUEST + EVENTS + NULL
    items = [item for item in items_of([stream]) if isinstance(item, Item)]
    for item in items:
        assert int.from_bytes(stream[item.offset + 2 : item.offset + 4], "big") == item.type
        assert stream[item.offset + 8 : item.offset + 8 + len(item.body)] == item.body
    assert [item.depth for item in items] == [0, 0, *[1] * len(HAND_MADE), 0]


def test_pieces_of_any_size_give_the_same_items() -> None:
    stream = CONTROL + EVENTS
    whole = list(items_of([stream]))
    assert list(items_of([stream[n : n + 7] for n in range(0, len(stream), 7)])) == whole


def test_json_lines_are_those_of_the_records() -> None:
    result = run(NULL + EVENTS, "--json")
    lines = result.stdout.splitlines()
    assert json.loads(lines[0]) == {"message": "null"}
    expected = [
        json_line(decode_record(Record(number, data, 1_700_000_000))).decode().rstrip("\n")
        for number, data, _ in HAND_MADE.values()
    ]
    assert lines[1:] == expected


def test_json_of_the_other_messages() -> None:
    found = [json.loads(line) for line in run(CONTROL, "--json").stdout.splitlines()]
    assert found[0] == {
        "message": "event_stream_request",
        "initial_timestamp": 0xFFFFFFFF,
        "flags": 0x48900061,
    }
    assert found[2]["services"][0]["event_types"][0] == [12, 11]
    assert found[-1] == {"message": "error", "code": 19, "text": "No space"}


def test_tree_has_every_field_at_its_place() -> None:
    stream = REQUEST + EVENTS
    result = run(stream, "--tree")
    assert result.return_value == 0
    fields = [line.split() for line in result.stdout.splitlines() if not line.endswith("bytes")]
    covered = bytearray(len(stream))
    for offset, size, *_ in fields:
        start = int(offset, 16)
        for place in range(start, start + int(size)):
            assert not covered[place], offset
            covered[place] = 1
    assert all(covered)
    by_name = {(name, value[0] if value else ""): int(offset, 16) for offset, _, name, _, *value in fields}
    place = by_name["http_uri", "'/index.html?q=ä'"]
    assert stream[place + 8 : place + 19] == b"/index.html"


def test_tree_of_all_messages() -> None:
    result = run(CONTROL, "--tree")
    assert result.return_value == 0
    for word in ("request_flags", "event_type", "start_ip", "text_length", "message_length", "service"):
        assert word in result.stdout


def test_tree_of_unknown_things_and_of_bytes_left_over() -> None:
    stream = bundle(
        record(9999, b"abc"), record(400, pack(">II", 999, 11) + b"abc"), record(400, INTRUSION_85 + b"zz")
    ) + message(77, b"xyz")
    result = run(stream, "--tree")
    assert result.return_value == 0
    assert "9999 unknown_record" in result.stdout
    assert "left_over" in result.stdout
    assert "message_77" in result.stdout
    lines = run(stream).stdout
    assert "3 bytes, layout not known" in lines
    assert "2 bytes left over" in lines


@pytest.mark.parametrize("form", ["", "--json", "--tree"])
def test_a_bad_record_is_reported_and_the_next_one_shown(form: str) -> None:
    broken = bytearray(INTRUSION_85)
    where = INTRUSION_85.index(b"vrf-in") - 4
    broken[where : where + 4] = b"\xff\xff\xff\xff"
    stream = bundle(record(400, bytes(broken)), record(400, INTRUSION_85)) + NULL
    result = run(stream, *[form] if form else [])
    assert result.return_value == 1
    assert "record 400, block intrusion_event 85, field ingress_vrf, offset " in result.stderr
    assert "intrusion_event" in result.stdout
    assert "null" in result.stdout


def test_a_bad_message_body_is_reported() -> None:
    result = run(message(2, b"abc") + NULL)
    assert result.return_value == 1
    assert "message at 0x0" in result.stderr
    assert "null" in result.stdout


@pytest.mark.parametrize(
    ("tail", "reason"),
    [
        (b"\0\1\0", "the stream ends 3 bytes into a message"),
        (b"\0\2\0\4\0\0\0\0", "header version 2"),
        (b"\0\1\0\4\xff\xff\xff\xff", "longer than"),
    ],
)
def test_a_broken_stream_ends_the_work(tail: bytes, reason: str) -> None:
    result = run(NULL + tail)
    assert result.return_value == 1
    assert "message at 0x8" in result.stderr
    assert reason in result.stderr


def test_a_bundle_whose_items_do_not_fit() -> None:
    body = pack(">II", 7, 1) + pack(">HHI", 0, 4, 1000) + b"abc"
    found = list(items_of([message(4002, body)]))
    assert isinstance(found[1], Failure)
    assert found[1].offset == 16
    found = list(items_of([message(4002, pack(">II", 7, 1) + b"abc")]))
    assert isinstance(found[1], Failure)


def test_hex_text(tmp_path: Path) -> None:
    assert hex_bytes("0x0001 0000\n00000000 # a comment\n") == NULL
    result = CliRunner().invoke(command, ["--hex"], input="00010000 00000000", standalone_mode=False)
    assert "null" in result.stdout
    with pytest.raises(UsageError, match="'x' is no hex digit"):
        hex_bytes("00 xx")
    with pytest.raises(UsageError, match="odd"):
        hex_bytes("000")


def test_hex_text_without_saying_so() -> None:
    assert "--hex" in run(b"00010000 00000000").stderr


def test_file_and_missing_file(tmp_path: Path) -> None:
    file = tmp_path / "stream"
    file.write_bytes(NULL)
    assert "null" in CliRunner().invoke(command, [str(file)], standalone_mode=False).stdout
    missing = CliRunner().invoke(command, [str(tmp_path / "none")], standalone_mode=False)
    assert isinstance(missing.exception, UsageError)


def test_help_has_an_example() -> None:
    assert "openstreamer decode --tree" in CliRunner().invoke(command, ["--help"]).output


def test_host_profiles() -> None:
    data = message(6, profile_149("192.0.2.1", "2001:db8::1"))
    line = json.loads(run(data, "--json").stdout)
    assert line["event"] == "full_host_profile"
    assert [item["ip_address"] for item in line["data"]["ip_addresses"]] == ["192.0.2.1", "2001:db8::1"]
    tree = run(data, "--tree").stdout
    assert "full_host_profile 149" in tree
    assert "2001:db8::1" in tree
    assert "SSH" not in tree, "bytes are shown in hex"
    assert json.loads(run(message(7, b""), "--json").stdout) == {"message": "multiple_host_data", "data": ""}
