"""Blocks of every module of layouts, and records without blocks, against bytes written by hand."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from openstreamer.layouts.records import RECORDS
from openstreamer.protocol.records import Record, decode_record, encode_event, event_from_json, json_line
from openstreamer.wire import blocks
from support.by_hand import FAMILIES, check
from support.hand_plain import HAND_PLAIN
from support.hand_records import HAND_MADE

ENTRIES = [(module, *entry) for module, entries in FAMILIES.items() for entry in entries]


@pytest.mark.parametrize(
    ("module", "series", "number", "data", "expected"),
    ENTRIES,
    ids=[f"{module} {series}-{number} {len(data)}" for module, series, number, data, _ in ENTRIES],
)
def test_block_by_hand(module: str, series: int, number: int, data: bytes, expected: dict[str, Any]) -> None:
    assert type(check(series, number, data, expected)).__module__ == f"openstreamer.layouts.{module}"


@pytest.mark.parametrize(
    ("number", "data", "expected"), HAND_PLAIN, ids=[str(number) for number, _, _ in HAND_PLAIN]
)
def test_plain_record_by_hand(number: int, data: bytes, expected: dict[str, Any]) -> None:
    header = bytes(24) + b"\0\0\x03\xe9" + bytes(12) if RECORDS[number].discovery_header else b""
    record = Record(number, header + data)
    event = decode_record(record)
    line = json_line(event)
    assert msgspec.json.decode(line)["data"] == expected
    assert event.left_over is msgspec.UNSET
    assert encode_event(event) == record
    assert encode_event(event_from_json(line)) == record


def test_every_module_has_bytes_by_hand() -> None:
    in_records = {body.__module__ for number, _, _ in HAND_MADE.values() for body in RECORDS[number].bodies}
    for cls in set(blocks().values()):
        if cls.__module__.startswith("openstreamer.layouts."):
            assert cls.__module__.rpartition(".")[2] in FAMILIES or cls.__module__ in in_records, cls
