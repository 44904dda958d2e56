"""`openstreamer explain`: flags, records, blocks, errors, and the list of capabilities."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from openstreamer.cli.capabilities import capabilities
from openstreamer.cli.explain import command
from openstreamer.layouts.records import RECORDS
from openstreamer.protocol.messages import ErrorCode


def explain(*arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(command, list(arguments))
    assert result.exit_code == status, result.output
    return result.output


def test_flags_in_words() -> None:
    text = explain("flags", "0x48900061")
    for word in ("packets", "impact_alerts", "metadata_v4", "archive_timestamps", "extra_data", "110/4"):
        assert word in text
    assert "discovery" not in text
    assert "A streaming request follows" in text


def test_flags_say_which_version_wins_and_what_is_a_guess() -> None:
    text = explain("flags", "0x00104002")
    assert "Versions 1, 2, 4 of metadata are asked for: the highest is sent." in text
    assert "(guess)" in text


def test_flags_say_which_records_come_in_which_blocks() -> None:
    text = explain("flags", "0x01F00004")
    lines = [line.split() for line in text.splitlines()]
    for event_type, version, record, block in (
        ("intrusion", "1", "7", ""),
        ("intrusion", "1", "72", ""),
        ("discovery", "5", "10", "91"),
        ("correlation", "5", "97", "84"),
        ("user", "1", "95", "73"),
    ):
        assert any(
            line[:2] == [event_type, version] and record in line and (not block or block in line)
            for line in lines
        )
    assert "Metadata version 4 names what events refer to" in text
    assert "Events carry their archive time" in text
    assert "an IPv6 address are left out" in text


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("0x40", "no archive time (record header of 8 bytes)"),
        ("0x40", "No metadata is asked for"),
        ("0x800", "No events are asked for; a session may still ask for host profiles."),
        ("0x80010000", "No events are asked for"),
        ("0x08100000", "records 4, 54-63, 66-67, 69-70, 90-91, 96, 98, 106, 108-109, 111, 115-124"),
    ],
)
def test_flags_as_a_whole(word: str, sentence: str) -> None:
    assert sentence in explain("flags", word)


@pytest.mark.parametrize("bit", range(32))
def test_every_flag_can_be_explained(bit: int) -> None:
    text = explain("flags", hex(1 << bit))
    assert f"{1 << bit:#010x}" in text


def test_flags_of_one_class() -> None:
    text = explain("flags", "0x04000000")
    assert "71/125, 73/66" in text


def test_no_flags_and_undefined_ones() -> None:
    assert "nothing is asked for" in explain("flags", "0")
    assert "not defined" in explain("flags", "0x80000000")


@pytest.mark.parametrize("word", ["zz", "0x100000000"])
def test_no_flag_word(word: str) -> None:
    assert CliRunner().invoke(command, ["flags", word]).exit_code != 0


def test_record_with_its_fields() -> None:
    text = explain("record", "400")
    assert "12 version 4 to 11" in text
    assert "Rule that fired, by its number within the generator." in text
    assert "smtp_to" in text


def test_record_of_plain_fields_says_offsets_until_they_vary() -> None:
    lines = explain("record", "66").splitlines()
    assert any(line.startswith("34") and "rule_revision_uuid" in line for line in lines)
    assert any("bytes[message_length]" in line for line in lines)


def test_record_without_a_layout() -> None:
    for number, row in RECORDS.items():
        if not row.bodies:
            assert "the bytes are kept" in explain("record", str(number))


def test_every_known_record_and_block_can_be_explained() -> None:
    for number in RECORDS:
        assert f"{number} " in explain("record", str(number))
    for block in capabilities()["blocks"]:
        if block["decode"] and block["type"] not in (0, 1, 2, 3, 10, 11, 31):
            assert block["id"] in explain("block", str(block["series"]), str(block["type"]))


def test_unknown_record_and_block() -> None:
    assert CliRunner().invoke(command, ["record", "9999"]).exit_code != 0
    assert CliRunner().invoke(command, ["block", "1", "9999"]).exit_code != 0
    assert "the layout is not known" in explain("block", "1", "157")


def test_block_by_release_and_by_type() -> None:
    assert "intrusion_event 34, release 5.2" in explain("block", "2", "85", "5.2")
    assert "intrusion_event 41, release 5.3" in explain("block", "2", "85", "41")
    assert CliRunner().invoke(command, ["block", "2", "85", "1.0"]).exit_code != 0


def test_contested_block_shows_both_forms() -> None:
    text = explain("block", "1", "155")
    assert "alternative 1" in text
    assert "Note: " in text


def test_source_of_a_decoder() -> None:
    source = explain("block", "1", "174", "--source")
    assert source.startswith("def decode(")
    compile(source, "generated", "exec")
    assert explain("record", "71", "--source") == source
    assert CliRunner().invoke(command, ["record", "8", "--source"]).exit_code != 0 or RECORDS[8].bodies


def test_error_codes() -> None:
    assert "No space" in explain("error", "19")
    assert explain("error", "0xfffffffd") == explain("error", "-3")
    for code in ErrorCode:
        assert "no public source" not in explain("error", str(int(code)))
    assert "no public source" in explain("error", "12345")


def test_capabilities_as_json() -> None:
    found = json.loads(explain("events", "--json"))
    records = {row["record_type"]: row for row in found["records"]}
    assert set(records) == set(RECORDS)
    for row in found["records"]:
        assert {"record_type", "id", "versions", "decode", "encode", "confidence"} <= set(row)
        assert row["decode"] or row["reason"]
    assert records[400]["decode"]
    assert records[400]["id"] == "intrusion_event"
    blocks = {(row["series"], row["type"]): row for row in found["blocks"]}
    assert blocks[1, 160]["id"] == "connection_statistics"
    assert blocks[1, 160]["decode"]
    assert not blocks[1, 157]["decode"]
    assert blocks[1, 157]["reason"]


def test_events_as_a_table() -> None:
    lines = explain("events").splitlines()
    assert len(lines) == len(RECORDS) + 1
    assert lines[0].split() == ["record", "event", "event", "type", "releases", "decoded", "confidence"]


def test_help_has_an_example() -> None:
    for name in command.commands:
        assert "openstreamer explain" in explain(name, "--help")


def test_record_as_json_schema() -> None:
    schema = json.loads(explain("record", "400", "--schema"))
    assert schema["properties"]["record_type"] == {
        "description": "Number of the record type.",
        "const": 400,
    }


def test_values_of_fields_in_words() -> None:
    text = explain("block", "2", "85")
    assert "1 icmp" in text
    assert "0x2 in_network_map" in text
