"""Fuzz target: the data of a record of any type.

    python fuzz/fuzz_record.py [-runs=20000] [corpus folder] [other options of libFuzzer]

Only DecodeError may be raised, and it names the record. What is read must survive: written as bytes and read
again it is the same event, and so it is by way of a JSON line. Needs the package `atheris`.
"""

from __future__ import annotations

import json
import sys

try:
    import atheris
except ImportError:
    sys.exit("this target needs atheris: pip install atheris")

with atheris.instrument_imports(include=["openstreamer.protocol"]):
    from openstreamer.errors import DecodeError
    from openstreamer.layouts.records import RECORDS
    from openstreamer.protocol.metadata import metadata_key, references_of
    from openstreamer.protocol.records import (
        Record,
        decode_record,
        encode_event,
        event_from_json,
        json_line,
        projector,
    )

NUMBERS = (*sorted(RECORDS), 9999)
COLUMNS = ("device_id", "header.event_second", "block_type", "name", "source_ip", "event", "archive_time")
PROJECTORS = {number: projector(number, COLUMNS) for number in NUMBERS}


def one_input(raw: bytes) -> None:
    """The first byte chooses the record type, the second a true block header, the rest is the data."""
    provider = atheris.FuzzedDataProvider(raw)
    number = NUMBERS[provider.ConsumeIntInRange(0, len(NUMBERS) - 1)]
    row = RECORDS.get(number)
    way = provider.ConsumeIntInRange(0, 3)
    data = provider.ConsumeBytes(provider.remaining_bytes())
    head = b""
    if row is not None and row.discovery_header and way & 1:
        head, data = bytes(40) if way & 2 else bytes(14) + b"\1" + bytes(41), data
    if row is not None and row.blocks and way and data:
        block_type = row.blocks[data[0] % len(row.blocks)]
        data = block_type.to_bytes(4, "big") + (len(data) + 7).to_bytes(4, "big") + data[1:]
    check(Record(number, head + data, 1_700_000_000))


def check(record: Record) -> None:
    try:
        PROJECTORS[record.record_type](record)
        metadata_key(record.record_type, record.data)
    except DecodeError:
        pass
    try:
        event = decode_record(record)
    except DecodeError as error:
        if error.record_type != record.record_type:
            raise
        return
    references_of(record.record_type, event.data, event.header)
    written = encode_event(event)
    second = decode_record(written)
    # Damaged bytes of a record with contested forms may fit another form once a stray NUL is gone.
    if type(second.data) is type(event.data):
        assert encode_event(second) == written
    line = json_line(event)
    json.loads(line)
    again = event_from_json(line)
    assert again == event
    assert encode_event(again) == written


def main() -> None:
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
