"""The print form of the reference client, line by line against what was worked out by hand."""

from __future__ import annotations

import struct

from openstreamer.cli.ssl_test_print import RECORD_CLASSES, ReferencePrint, host_text, record_text, shown
from openstreamer.protocol.records import Record
from support import batches, hand_made
from support.hand_profiles import profile_ipv4

PACKET = """\
version: 1
msg_type: 4 (Data)
msg_length: 48
rec_type: 2 (PACKET)
rec_length: 32
archive_timestamp: Tue Nov 14 22:13:20 2023
=============
device_id: 1
event_id: 1
event_second: 1700000000
packet_second: 1700000000
packet_microsecond: 250000
link_type: 1
packet_length: 4
packet_data: (removed)

*************

"""


def test_a_packet() -> None:
    assert record_text(batches.packet()) == PACKET


def test_without_an_archive_time_the_message_is_shorter_and_the_line_missing() -> None:
    expected = PACKET.replace("length: 48", "length: 40").replace(
        "archive_timestamp: Tue Nov 14 22:13:20 2023\n", ""
    )
    assert record_text(Record(2, hand_made.packet())) == expected
    assert "archive_timestamp" not in record_text(Record(2, hand_made.packet(), 0))


def test_discovery_records_end_with_their_block() -> None:
    lines = record_text(batches.connection()).splitlines()
    assert lines[3] == "rec_type: 71 (RNA)"
    at = lines.index("    rna_block:")
    assert "event_subtype: 1 (connection_statistics)" in lines[:at]
    assert lines[at + 1 : at + 3] == [
        "        block_type: 174 (connection_statistics)",
        "        block_length: 801",
    ]
    assert all(line.startswith("        ") for line in lines[at + 1 : -3])


def test_blocks_within_are_four_spaces_deeper() -> None:
    lines = host_text(profile_ipv4(92, "10.0.0.1"), several=False).splitlines()
    assert lines[:6] == [
        "version: 1", "msg_type: 6 (Host Data)", "msg_length: 314", "=============",
        "block_type: 92 (full_host_profile)", "block_length: 314",
    ]  # fmt: skip
    at = lines.index("tcp_servers:")
    assert lines[at + 1] == "    block_type: 104 (full_host_server)"
    assert lines[at + 4] == "    hits: 7"


def test_unknown_records_and_names() -> None:
    text = record_text(batches.unknown())
    assert "rec_type: 31000 (UNKNOWN)" in text
    assert "data: 010203\n" in text
    assert (RECORD_CLASSES[35], RECORD_CLASSES[36], RECORD_CLASSES[106]) == ("RNA", "POLICY", "VULNERABILITY")
    assert 43 not in RECORD_CLASSES


def test_what_could_steer_a_terminal_is_a_space() -> None:
    assert shown("a\x1b[31m\nb\u202e") == "a [31m b "
    assert shown(None) == "undef"
    rule = struct.pack(">IIIIH", 1, 2, 3, 2, 3) + bytes(32) + b"x\ny"
    assert "\nmessage: x y\n" in record_text(Record(66, rule))


def test_a_record_that_cannot_be_read_costs_itself_only(tmp_path: object) -> None:
    output = ReferencePrint(ReferencePrint.Config(), f"{tmp_path}/out.txt")
    output.open(None)
    batch = batches.batch(batches.broken(), batches.packet())
    output.write(batch)
    output.close()
    with open(output.target, encoding="utf-8") as file:
        assert file.read() == PACKET
    assert len(batch.problems) == 1
