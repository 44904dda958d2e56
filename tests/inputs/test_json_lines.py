"""What the client's JSON output writes, the server's JSON input reads: byte for byte."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from openstreamer.inputs.interface import NewRecord
from openstreamer.inputs.uri import make_input
from openstreamer.protocol.records import Record, decode_record, json_line
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


def test_host_profiles_are_counted_and_left_out(tmp_path: Path) -> None:
    profile = {"event": "full_host_profile", "data": {"ip": "10.0.0.1"}}
    read = feed(tmp_path, json.dumps(profile).encode() + b"\n")
    assert read.skipped == {"full_host_profile": 1}
    assert read.records == []


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
