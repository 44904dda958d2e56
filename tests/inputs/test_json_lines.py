"""What the client's JSON output writes, the server's JSON input reads: byte for byte."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from openstreamer.inputs.interface import NewRecord
from openstreamer.inputs.uri import make_input
from openstreamer.protocol.records import Record, decode_record, json_line
from support import hand_made
from support.eve_lines import alert, fileinfo, flow, text
from support.input_context import Harvest, MemoryContext, read_all


def feed(tmp_path: Path, content: bytes) -> Harvest:
    path = tmp_path / "events.json"
    path.write_bytes(content)
    return read_all(make_input("json", {"path": str(path), "again": True}), MemoryContext())


def from_eve(tmp_path: Path) -> Harvest:
    path = tmp_path / "eve.json"
    mail = {"src_ip": "2001:db8::1", "smtp": {"mail_from": "a", "rcpt_to": ["b"]}}
    raw = text(alert(4, http={"url": "/RAW"})).replace(b"RAW", b"\xff\xfe")
    path.write_bytes(text(alert(1), alert(2, **mail), flow(1), fileinfo(1)) + raw)
    return read_all(make_input("eve", {"path": str(path)}), MemoryContext())


def as_lines(records: list[NewRecord]) -> bytes:
    return b"".join(
        json_line(
            decode_record(Record(record.record_type, record.data, 1_700_000_000)), "fmc:8302", {"rule": "x"}
        )
        for record in records
    )


def test_events_come_back_byte_for_byte_with_their_references(tmp_path: Path) -> None:
    made = from_eve(tmp_path)
    known = set(made.names())
    read = feed(tmp_path, as_lines(made.records))
    assert read.broken == 0
    assert len(read.records) == len(made.records)
    for before, after in zip(made.records, read.records, strict=True):
        assert (after.record_type, after.data, after.event_class) == (
            before.record_type,
            before.data,
            before.event_class,
        )
        assert set(after.references) & known == set(before.references)


def test_metadata_lines_become_metadata(tmp_path: Path) -> None:
    made = from_eve(tmp_path)
    lines = b"".join(
        json_line(decode_record(Record(record_type, data))) for _, record_type, _, data in made.metadata
    )
    read = feed(tmp_path, lines)
    assert read.records == []
    assert read.metadata == made.metadata


def test_old_layouts_left_over_bytes_and_unknown_records_keep_their_bytes(tmp_path: Path) -> None:
    made = from_eve(tmp_path)
    event = next(record for record in made.records if record.record_type == 400)
    longer = event.data + b"\1\2\3"
    records = [
        Record(400, longer),
        Record(9999, b"\0\1\2"),
        Record(400, b"\0\0\x03\xe7\0\0\0\x0cabcd"),
        Record(2, next(record.data for record in made.records if record.record_type == 2), None, 5),
    ]
    read = feed(tmp_path, b"".join(json_line(decode_record(record)) for record in records))
    assert read.broken == 0
    assert [(record.record_type, record.data, record.netmap) for record in read.records] == [
        (record.record_type, record.data, record.netmap_id) for record in records
    ]
    assert [record.event_class for record in read.records] == ["intrusion", "", "intrusion", "packet"]


def test_host_profiles_are_kept_for_host_requests(tmp_path: Path) -> None:
    addresses = [{"block_type": 143, "ip_address": text} for text in ("192.0.2.1", "2001:db8::1")]
    lines = [
        {"event": "full_host_profile", "data": {"block_type": 149, "ip_addresses": addresses, "hops": 2}},
        {
            "event": "full_host_profile",
            "server": "fmc:8302",
            "data": {"block_type": 92, "ip_address": "10.0.0.1"},
        },
    ]
    read = feed(tmp_path, "\n".join(map(json.dumps, lines)).encode() + b"\n")
    assert (read.broken, read.records, read.lines) == (0, [], 2)
    assert [host.addresses for host in read.hosts] == [
        (hand_made.address("192.0.2.1"), hand_made.address("2001:db8::1")),
        (hand_made.address("10.0.0.1"),),
    ]
    assert [host.data[:4] for host in read.hosts] == [b"\0\0\0\x95", b"\0\0\0\x5c"]
    assert all(int.from_bytes(host.data[4:8], "big") == len(host.data) for host in read.hosts)


def test_host_profiles_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    wrong = [
        {},
        {"block_type": 149, "hops": 1},
        {"block_type": 149, "ip_addresses": [{"block_type": 143, "ip_address": "nowhere"}]},
        {"block_type": 200, "bytes": ""},
        {"block_type": 92, "ip_address": "10.0.0.1", "hops": -1},
    ]
    lines = [json.dumps({"event": "full_host_profile", "data": data}) for data in wrong]
    read = feed(tmp_path, "\n".join(lines).encode() + b"\n")
    assert [broken.line for broken in read.broken_lines] == [1, 2, 3, 4, 5]
    assert read.hosts == []


def test_edited_lines_are_read_and_bad_ones_named(tmp_path: Path) -> None:
    good = json.loads(as_lines(from_eve(tmp_path).records[:1]))
    edited = {**good, "data": {**good["data"], "signature_id": 42}}
    lines = [
        json.dumps(edited),
        "not JSON",
        json.dumps({"event": "no_such_event", "data": {}}),
        json.dumps({**good, "data": {**good["data"], "source_ip": "nowhere"}}),
        json.dumps({**good, "data": {**good["data"], "event_id": -1}}),
        json.dumps({**good, "netmap_id": 40_000}),
        json.dumps({"event": "unknown_record", "record_type": 70_000, "data": {"bytes": ""}}),
        json.dumps({"event": "unknown_record", "record_type": 77, "data": {"bytes": "***"}}),
        "[]",
        "7",
        json.dumps(
            {"event": "unknown_record", "record_type": 77, "data": {"bytes": base64.b64encode(b"x").decode()}}
        ),
    ]
    read = feed(tmp_path, "\n".join(lines).encode() + b"\n")
    assert [broken.line for broken in read.broken_lines] == list(range(2, 11))
    assert read.data(400)[0].signature_id == 42
    assert read.records[1].data == b"x"
