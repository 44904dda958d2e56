"""JSON lines: the form of a line is the protocol's matter; here it is files and batches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from openstreamer.outputs.interface import Output, Place
from openstreamer.outputs.registry import OutputSpec, create
from openstreamer.protocol.records import encode_event, event_from_json
from support.batches import alert, batch, broken, connection, packet, unknown


def opened(path: Path, place: Place | None = None) -> Output:
    output = create(OutputSpec("json", "", str(path)))
    output.open(place)
    return output


def test_every_event_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "events.json"
    output = opened(path)
    output.write(batch(alert(), packet(), connection(), unknown(), broken()))
    output.close()
    lines = path.read_bytes().splitlines()
    assert [json.loads(line)["event"] for line in lines] == [
        "intrusion_event",
        "packet",
        "connection_statistics",
        "unknown_record",
    ]
    first = json.loads(lines[0])
    assert first["server"] == "fmc1:8302"
    assert first["names"]["rule"] == "ET SCAN Potential SSH Scan"
    assert first["names"]["classification"] == "attempted-recon"
    assert path.read_bytes().endswith(b"}\n")


@pytest.mark.parametrize("record", [alert(), packet(), connection(), unknown()])
def test_a_line_read_back_is_the_same_record(tmp_path: Path, record: object) -> None:
    path = tmp_path / "events.json"
    output = opened(path)
    output.write(batch(record))  # type: ignore[arg-type]
    output.close()
    again = encode_event(event_from_json(path.read_bytes().rstrip(b"\n")))
    assert again == record


def test_without_names_there_are_none(tmp_path: Path) -> None:
    path = tmp_path / "events.json"
    output = opened(path)
    output.write(batch(alert(), named=False))
    output.close()
    assert "names" not in json.loads(path.read_bytes())


def test_a_resumed_file_has_every_event_once(tmp_path: Path) -> None:
    path = tmp_path / "events.json"
    output = opened(path)
    output.write(batch(alert(event_id=1)))
    place = output.place()
    output.write(batch(alert(event_id=2)))
    output.close()
    with path.open("ab") as torn:
        torn.write(b'{"event":"intru')
    again = opened(path, place)
    again.write(batch(alert(event_id=2), alert(event_id=3)))
    again.close()
    assert [json.loads(line)["data"]["event_id"] for line in path.read_bytes().splitlines()] == [1, 2, 3]


def test_a_batch_without_events_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "events.json"
    output = opened(path)
    output.write(batch(broken()))
    output.flush()
    output.sync()
    output.close()
    assert path.read_bytes() == b""
