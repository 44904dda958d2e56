"""JSON Schema of the JSON lines: every line that is written fits it, a wrong one does not."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from openstreamer.layouts.records import RECORDS
from openstreamer.protocol.json_schema import line_schema
from openstreamer.protocol.records import Record, decode_record, json_line
from support.hand_records import HAND_MADE


def line_of(record: Record) -> dict[str, Any]:
    line = json_line(decode_record(record), server="fmc1:8302", names={"device": "sensor-1"})
    found: dict[str, Any] = json.loads(line)
    return found


@pytest.mark.parametrize("name", HAND_MADE)
def test_lines_of_hand_made_records_fit(name: str) -> None:
    number, data, _ = HAND_MADE[name]
    jsonschema.validate(line_of(Record(number, data, 1_700_000_000)), line_schema(RECORDS[number]))


@pytest.mark.parametrize("number", [71, 125, 400])
def test_unknown_block_fits(number: int) -> None:
    head = bytes(40) if RECORDS[number].discovery_header else b""
    line = line_of(Record(number, head + bytes.fromhex("0000ffff0000000cdeadbeef"), None))
    jsonschema.validate(line, line_schema(RECORDS[number]))


@pytest.mark.parametrize("number", RECORDS)
def test_every_schema_is_one(number: int) -> None:
    jsonschema.Draft202012Validator.check_schema(line_schema(RECORDS[number]))


def test_what_is_no_such_line_does_not_fit() -> None:
    number, data, _ = next(made for made in HAND_MADE.values() if made[0] == 400)
    line = line_of(Record(number, data, None))
    schema = line_schema(RECORDS[number])
    for wrong in (
        line | {"record_type": 401},
        line | {"data": line["data"] | {"source_ip": 5}},
        line | {"data": line["data"] | {"no_such_field": 5}},
        {key: value for key, value in line.items() if key != "data"},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
