"""Capture files, read back by hand and by the tools that people use."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest

from openstreamer.errors import OutputError
from openstreamer.outputs.interface import Output, Place
from openstreamer.outputs.registry import OutputSpec, create
from openstreamer.protocol.records import Record
from support.batches import alert, batch, connection, packet
from support.programs import program

FRAME = bytes.fromhex("ffffffffffff00005e0053010800") + bytes.fromhex(
    "4500002800010000400600000a0000010a0000020400005000000000000000005002200000000000"
)


def opened(path: Path, place: Place | None = None) -> Output:
    output = create(OutputSpec("pcap", "", str(path)))
    output.open(place)
    return output


def packets(path: Path) -> tuple[int, list[tuple[int, int, bytes]]]:
    """Link type and packets of a capture, read by hand."""
    data = path.read_bytes()
    magic, major, minor, _, _, _, link_type = struct.unpack_from(">IHHiIII", data)
    assert (magic, major, minor) == (0xA1B2C3D4, 2, 4)
    found, at = [], 24
    while at < len(data):
        second, microsecond, size, original = struct.unpack_from(">IIII", data, at)
        assert size <= original
        found.append((second, microsecond, data[at + 16 : at + 16 + size]))
        at += 16 + size
    return link_type, found


def test_packets_come_out_as_they_came(tmp_path: Path) -> None:
    path = tmp_path / "out.pcap"
    output = opened(path)
    output.write(batch(alert(), packet(data=FRAME), connection(), packet(data=b"x" * 1500)))
    output.close()
    assert packets(path) == (1, [(1_700_000_000, 250_000, FRAME), (1_700_000_000, 250_000, b"x" * 1500)])


def test_another_link_type_goes_to_a_file_beside(tmp_path: Path) -> None:
    path = tmp_path / "out.pcap"
    output = opened(path)
    output.write(batch(packet(data=b"a"), packet(data=b"b", link_type=12), packet(data=b"c")))
    output.close()
    assert [data for _, _, data in packets(path)[1]] == [b"a", b"c"]
    assert packets(tmp_path / "out.linktype12.pcap")[0] == 12
    assert output.notices() == []


def test_on_a_stream_other_link_types_are_counted_and_told(tmp_path: Path) -> None:
    output = opened(Path("/dev/null"))
    output.write(batch(packet(), packet(link_type=12), packet(link_type=101)))
    assert output.place() is None
    (sentence,) = output.notices()
    assert sentence.startswith("2 packets")
    assert output.notices() == []
    output.close()


def test_a_resumed_capture_has_every_packet_once(tmp_path: Path) -> None:
    path = tmp_path / "out.pcap"
    output = opened(path)
    output.write(batch(packet(data=b"1"), packet(data=b"2", link_type=12)))
    place = output.place()
    output.write(batch(packet(data=b"3"), packet(data=b"4", link_type=12), packet(data=b"5", link_type=101)))
    output.close()
    again = opened(path, place)
    assert (tmp_path / "out.linktype101.pcap").read_bytes() == b""
    again.write(batch(packet(data=b"3"), packet(data=b"4", link_type=12), packet(data=b"5", link_type=101)))
    again.close()
    assert [data for _, _, data in packets(path)[1]] == [b"1", b"3"]
    assert [data for _, _, data in packets(tmp_path / "out.linktype12.pcap")[1]] == [b"2", b"4"]
    assert [data for _, _, data in packets(tmp_path / "out.linktype101.pcap")[1]] == [b"5"]


def test_a_place_before_the_first_packet(tmp_path: Path) -> None:
    path = tmp_path / "out.pcap"
    output = opened(path)
    place = output.place()
    output.write(batch(packet(data=b"1")))
    output.close()
    again = opened(path, place)
    again.write(batch(packet(data=b"2", link_type=12)))
    again.close()
    assert packets(path) == (12, [(1_700_000_000, 250_000, b"2")])


def test_a_file_beside_that_was_there_before_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "out.pcap"
    first = opened(path)
    first.write(batch(packet(data=b"1"), packet(data=b"2", link_type=12)))
    first.close()
    second = opened(path)
    place = second.place()
    second.close()
    third = opened(path, place)
    third.close()
    assert [data for _, _, data in packets(tmp_path / "out.linktype12.pcap")[1]] == [b"2"]


def test_a_file_that_is_no_capture_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letters"
    path.write_text("dear reader, this is a letter and not a capture")
    with pytest.raises(OutputError, match="not a capture file"):
        opened(path)
    path.write_text("short")
    with pytest.raises(OutputError, match="no capture file"):
        opened(path)
    assert path.read_text() == "short"


def test_a_packet_record_that_is_too_short_is_a_problem(tmp_path: Path) -> None:
    output = opened(tmp_path / "out.pcap")
    one = batch(Record(2, b"short", 1))
    output.write(one)
    output.close()
    assert len(one.problems) == 1


def test_the_tools_read_it(tmp_path: Path) -> None:
    path = tmp_path / "out.pcap"
    output = opened(path)
    output.write(batch(*[packet(data=FRAME) for _ in range(5)]))
    output.close()
    told = subprocess.run(
        [program("capinfos"), "-c", "-E", "-M", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert re_squeeze(told).count("Number of packets: 5") == 1
    assert "ether" in told
    shown = subprocess.run(
        [program("tshark"), "-n", "-r", str(path), "-T", "fields", "-e", "ip.dst", "-e", "frame.time_epoch"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert shown.splitlines()[0].split("\t")[0] == "10.0.0.2"
    assert shown.splitlines()[0].split("\t")[1].startswith("1700000000.25")


def re_squeeze(text: str) -> str:
    return " ".join(text.split())
