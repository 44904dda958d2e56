"""pcapng: all link types in one file, each packet with its alert."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest

from openstreamer.errors import OutputError
from openstreamer.outputs.interface import Output, Place
from openstreamer.outputs.registry import OutputSpec, create
from openstreamer.protocol.identity import stable_id
from openstreamer.protocol.records import Record
from support import hand_made
from support.batches import alert, batch, broken, packet
from support.programs import program

COMMENT = "[1:2001219:20] ET SCAN Potential SSH Scan (attempted-recon) priority medium"


def opened(path: Path, place: Place | None = None, settings: str = "") -> Output:
    output = create(OutputSpec("pcapng", settings, str(path)))
    output.open(place)
    return output


def shown(path: Path, *fields: str) -> list[list[str]]:
    command = [program("tshark"), "-n", "-r", str(path), "-T", "fields"]
    for field in fields:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_packets_carry_their_alert(tmp_path: Path) -> None:
    path = tmp_path / "out.pcapng"
    output = opened(path)
    records = [
        alert(event_id=1),
        packet(event_id=1, data=b"a" * 61),
        packet(event_id=2, data=b"b" * 62, link_type=12),
        broken(),
        packet(event_id=1, data=b"c" * 63),
    ]
    output.write(batch(*records))
    output.close()
    rows = shown(path, "frame.len", "frame.encap_type", "frame.comment", "frame.time_epoch")
    assert [row[0] for row in rows] == ["61", "62", "63"]
    ids = [stable_id(record) for record in records]
    assert [row[2] for row in rows] == [
        f"{COMMENT}, alert {ids[0]}, packet {ids[1]}",
        f"packet {ids[2]}",
        f"{COMMENT}, alert {ids[0]}, packet {ids[4]}",
    ]
    assert rows[0][1] == "1"
    assert rows[0][1] != rows[1][1]
    assert rows[0][3].startswith("1700000000.25")


def test_comments_can_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "out.pcapng"
    output = opened(path, settings="comments=no")
    output.write(batch(alert(), packet()))
    output.close()
    assert b"ET SCAN" not in path.read_bytes()


def test_an_old_alert_without_a_block_is_joined_too(tmp_path: Path) -> None:
    path = tmp_path / "out.pcapng"
    output = opened(path)
    output.write(batch(Record(7, hand_made.intrusion_7(event_id=9), 1), packet(event_id=9)))
    output.close()
    assert b"[1:1000:3]" in path.read_bytes()


def test_an_alert_of_an_unknown_version_has_no_comment_to_give(tmp_path: Path) -> None:
    newer = Record(400, struct.pack(">II", 9999, 12) + b"\0\0\0\1")
    one = packet(data=b"packet")
    output = opened(tmp_path / "out.pcapng")
    output.write(batch(newer, one))
    output.close()
    assert shown(tmp_path / "out.pcapng", "frame.comment") == [[f"packet {stable_id(one)}"]]


def test_resuming_begins_a_new_section_and_keeps_waiting_alerts(tmp_path: Path) -> None:
    path = tmp_path / "out.pcapng"
    output = opened(path)
    output.write(batch(alert(event_id=1), packet(event_id=1), alert(event_id=2)))
    place = output.place()
    output.write(batch(packet(event_id=2), packet(event_id=3)))
    output.close()
    again = opened(path, place)
    again.write(batch(packet(event_id=2), packet(event_id=3, link_type=12)))
    again.close()
    comments = [row[0] for row in shown(path, "frame.comment")]
    assert [comment.startswith(f"{COMMENT}, alert ") for comment in comments] == [True, True, False]
    told = subprocess.run(
        [program("capinfos"), "-c", str(path)], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    assert "Number of packets: 3" in " ".join(told.split())


def test_nothing_is_written_before_the_first_packet(tmp_path: Path) -> None:
    path = tmp_path / "out.pcapng"
    output = opened(path)
    output.write(batch(alert()))
    output.sync()
    output.close()
    assert path.read_bytes() == b""


def test_the_table_of_alerts_is_bounded(tmp_path: Path) -> None:
    output = opened(tmp_path / "out.pcapng")
    for start in range(0, 5000, 500):
        output.write(batch(*[alert(event_id=number) for number in range(start, start + 500)]))
    assert len(output._alerts) == 4096  # type: ignore[attr-defined]
    assert len(output.place()["waiting"]) == 64  # type: ignore[index]
    output.close()


def test_a_file_that_is_no_capture_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letters"
    path.write_text("dear reader")
    with pytest.raises(OutputError, match="no pcapng"):
        opened(path)
