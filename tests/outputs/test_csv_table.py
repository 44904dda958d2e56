"""The table: RFC 4180, a stable header, chosen columns, formulas."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from openstreamer.errors import OutputError
from openstreamer.outputs import columns
from openstreamer.outputs.interface import Output, Place
from openstreamer.outputs.registry import OutputSpec, create
from openstreamer.protocol.records import Record
from support import hand_made
from support.batches import alert, batch, broken, connection, packet, unknown


def opened(path: Path, settings: str = "", place: Place | None = None) -> Output:
    output = create(OutputSpec("csv", settings, str(path)))
    output.open(place)
    return output


def table(path: Path, settings: str, *records: Record, named: bool = True) -> list[dict[str, Any]]:
    output = opened(path, settings)
    output.write(batch(*records, named=named))
    output.close()
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_common_columns_of_very_different_events(tmp_path: Path) -> None:
    rows = table(tmp_path / "out.csv", "", alert(), packet(), connection(), unknown(), broken())
    assert len(rows) == 4
    assert tuple(rows[0]) == columns.DEFAULT
    intrusion, captured, connected, strange = rows
    assert intrusion["event"] == "intrusion_event"
    assert intrusion["message"] == "ET SCAN Potential SSH Scan"
    assert (intrusion["source_ip"], intrusion["source_port"]) == ("192.0.2.1", "51515")
    assert (intrusion["destination_ip"], intrusion["destination_port"]) == ("198.51.100.7", "22")
    assert (intrusion["protocol"], intrusion["priority"], intrusion["device"]) == ("6", "medium", "sensor-1")
    assert intrusion["bytes_sent"] == ""
    assert captured["event_id"] == "1"
    assert (connected["source_ip"], connected["bytes_sent"]) == ("10.0.0.1", "1501")
    assert connected["application"] == "HTTPS"
    assert connected["time"] == "1700000000"
    assert (strange["event"], strange["record_type"]) == ("unknown_record", "31000")


def test_columns_are_chosen_and_ordered(tmp_path: Path) -> None:
    rows = table(
        tmp_path / "out.csv",
        "columns=data.impact,ip_protocol,names.rule,header.event_type,time",
        alert(),
        connection(),
    )
    assert list(rows[0]) == ["data.impact", "ip_protocol", "names.rule", "header.event_type", "time"]
    assert list(rows[0].values()) == ["2", "6", "ET SCAN Potential SSH Scan", "", "1700000000"]
    assert list(rows[1].values()) == ["", "", "", "1003", "1700000000"]


def test_without_names_the_numbers_stand_there(tmp_path: Path) -> None:
    (row,) = table(tmp_path / "out.csv", "columns=device,priority,message", alert(), named=False)
    assert list(row.values()) == ["1", "2", ""]


def test_names_learned_later_are_used_from_then_on(tmp_path: Path) -> None:
    one = batch(alert())
    cache = one.names
    output = opened(tmp_path / "out.csv", "columns=names.ioc,message")
    output.write(one)
    cache.learn(Record(66, hand_made.rule_message(1, 2001219, 20, "new text")))  # type: ignore[union-attr]
    output.write(one)
    output.close()
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines == ["names.ioc,message", ",ET SCAN Potential SSH Scan", ",new text"]


def test_lines_end_and_cells_are_quoted_as_the_rfc_says(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    one = batch(alert())
    one.names.learn(Record(66, hand_made.rule_message(1, 2001219, 20, 'say "a,b"\nand more')))  # type: ignore[union-attr]
    output = opened(path, "columns=signature_id,message")
    output.write(one)
    output.close()
    assert path.read_bytes() == b'signature_id,message\r\n2001219,"say ""a,b""\nand more"\r\n'


@pytest.mark.parametrize(("settings", "cell"), [("", "=cmd()"), (",spreadsheet=yes", "'=cmd()")])
def test_formulas_are_made_harmless_only_where_asked(tmp_path: Path, settings: str, cell: str) -> None:
    one = batch(alert())
    one.names.learn(Record(66, hand_made.rule_message(1, 2001219, 20, "=cmd()")))  # type: ignore[union-attr]
    output = opened(tmp_path / "out.csv", f"columns=message,header=no{settings}")
    output.write(one)
    output.close()
    assert (tmp_path / "out.csv").read_text() == f"{cell}\n".replace("\n", "\n")


def test_bytes_stand_as_base64(tmp_path: Path) -> None:
    (row,) = table(tmp_path / "out.csv", "columns=packet_data", packet(data=b"\xff\x00\x01"))
    assert row["packet_data"] == "/wAB"


def test_the_header_stands_once_over_several_runs(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    for event_id in (1, 2):
        output = opened(path, "columns=event_id")
        output.write(batch(alert(event_id=event_id)))
        output.close()
    assert path.read_text().split() == ["event_id", "1", "2"]


def test_a_resumed_table_is_cut_back(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    output = opened(path, "columns=event_id")
    output.write(batch(alert(event_id=1)))
    place = output.place()
    output.write(batch(alert(event_id=2)))
    output.close()
    again = opened(path, "columns=event_id", place)
    again.write(batch(alert(event_id=3)))
    again.close()
    assert path.read_text().split() == ["event_id", "1", "3"]


def test_a_table_with_other_columns_is_not_continued(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    opened_once = opened(path, "columns=event_id")
    opened_once.write(batch(alert()))
    opened_once.close()
    with pytest.raises(OutputError, match="other columns"):
        opened(path, "columns=message")


def test_another_separator(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    output = opened(path, "columns=event_id,record_type,separator=|")
    output.write(batch(alert()))
    output.close()
    assert path.read_text().split() == ["event_id|record_type", "1|400"]
