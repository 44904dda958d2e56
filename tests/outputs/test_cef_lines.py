"""CEF: a small reader of the format reads back what was written, for every class and for nasty text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openstreamer.outputs.mappings.cef import head_text, value_text
from openstreamer.outputs.registry import OutputSpec, create
from openstreamer.protocol.identity import stable_id
from openstreamer.protocol.records import Record
from support import batches, hand_made


def read(line: str) -> tuple[list[str], dict[str, str]]:
    """Head fields and values of a line, as the format's description says they are to be read."""
    *head, extension = re.split(r"(?<!\\)(?:\\\\)*\|", line, maxsplit=7)
    assert len(head) == 7
    pairs = re.split(r"(?:^| )([A-Za-z0-9_.]+)=", extension)
    assert pairs[0] == ""
    values = [
        re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r"}.get(m[1], m[1]), text) for text in pairs[2::2]
    ]
    assert len(set(pairs[1::2])) == len(pairs[1::2]), "a key stands twice"
    return head, dict(zip(pairs[1::2], values, strict=True))


def lines(folder: Path, settings: str, *records: Record) -> list[str]:
    path = folder / "events.cef"
    output = create(OutputSpec("cef", settings, str(path)))
    output.open(None)
    output.write(batches.batch(*records))
    output.close()
    return path.read_text("utf-8").splitlines()


def test_an_alert(tmp_path: Path) -> None:
    head, values = read(lines(tmp_path, "", batches.alert())[0])
    assert head[0] == "CEF:0"
    assert head[4:] == ["1:2001219", "ET SCAN Potential SSH Scan", "6"]
    assert values["externalId"] == stable_id(batches.alert())
    expected = {
        "cat": "intrusion", "rt": "1700000000123", "dvchost": "sensor-1", "src": "192.0.2.1", "spt": "51515",
        "dst": "198.51.100.7", "dpt": "22", "proto": "TCP", "act": "not_blocked",
        "cs1Label": "Classification", "cs1": "attempted-recon", "cn2Label": "Event ID", "cn2": "1",
    }  # fmt: skip
    assert values | expected == values


def test_addresses_of_version_6_stand_in_their_own_fields(tmp_path: Path) -> None:
    _, values = read(lines(tmp_path, "", batches.alert(source="2001:db8::1", destination="2001:db8::2"))[0])
    assert "src" not in values
    assert (values["c6a2Label"], values["c6a2"]) == ("Source IPv6 Address", "2001:db8::1")
    assert (values["c6a3Label"], values["c6a3"]) == ("Destination IPv6 Address", "2001:db8::2")


def test_vendor_and_product_can_be_chosen(tmp_path: Path) -> None:
    head, _ = read(lines(tmp_path, "vendor=Cisco,product=Fire|power,version=6.0", batches.alert())[0])
    assert head[:4] == ["CEF:0", "Cisco", "Fire\\|power", "6.0"]


def test_other_events(tmp_path: Path) -> None:
    records = (batches.packet(), batches.connection(), batches.unknown())
    packet, connection, unknown = [read(line) for line in lines(tmp_path, "", *records)]
    assert packet[1]["cat"] == "packet"
    assert connection[1]["in"] == "1501"
    assert connection[1]["start"] == "1699999997000"
    assert unknown[0][5] == "Record of unknown type 31000"
    assert unknown[1]["cs6"] == '{"bytes":"AQID"}'


@pytest.mark.parametrize(
    "message", ["a|b=c\\d", "two\nlines\r\nthree", "\x1b[31m red", " rt=1 src=9.9.9.9", "é\u202e"]
)
def test_text_cannot_leave_its_place(tmp_path: Path, message: str) -> None:
    batch = batches.batch(batches.alert())
    assert batch.names is not None
    batch.names.learn(Record(66, hand_made.rule_message(1, 2001219, 20, message)))  # type: ignore[attr-defined]
    output = create(OutputSpec("cef", "", str(tmp_path / "x.cef")))
    output.open(None)
    output.write(batch)
    output.close()
    text = (tmp_path / "x.cef").read_bytes().decode()
    assert text.count("\n") == 1
    assert text.endswith("\n")
    assert "\x1b" not in text
    assert "\u202e" not in text
    _, values = read(text[:-1])
    assert values["src"] == "192.0.2.1"
    assert values["rt"] == "1700000000123"
    if message.isprintable():
        assert values["msg"] == message


@given(st.text())
def test_values_never_break_a_line_or_begin_a_key(text: str) -> None:
    shown = value_text(text)
    assert shown.isprintable() or " " in shown or not shown.isascii()
    assert "\n" not in shown
    assert "\r" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*=", shown)
    assert not re.search(r"(?<!\\)(?:\\\\)*\|", head_text(text))
