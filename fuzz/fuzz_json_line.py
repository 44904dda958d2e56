"""Fuzz target: one line of JSON read as an event.

    python fuzz/fuzz_json_line.py [-runs=20000] [corpus folder] [other options of libFuzzer]

Only DecodeError may be raised by reading, only EncodeError by writing what was read; what can be written
is read back as the same record. Needs the package `atheris`.
"""

from __future__ import annotations

import json
import sys

try:
    import atheris
except ImportError:
    sys.exit("this target needs atheris: pip install atheris")

with atheris.instrument_imports(include=["openstreamer.protocol"]):
    from openstreamer.errors import DecodeError, EncodeError
    from openstreamer.layouts.records import RECORDS
    from openstreamer.protocol.records import Record, decode_record, encode_event, event_from_json, json_line

NUMBERS = (*sorted(RECORDS), 9999)
VALUES = (0, -1, 255, 1 << 16, 1 << 32, 1 << 64, 0.5, True, None, "", "::", "192.0.2.1", "ff" * 20, [], {})


def one_input(raw: bytes) -> None:
    """Any bytes; or the line of a known record, members replaced one by one, perhaps a byte changed."""
    provider = atheris.FuzzedDataProvider(raw)
    if provider.ConsumeBool():
        check(provider.ConsumeBytes(provider.remaining_bytes()))
        return
    place = provider.ConsumeInt(2)
    changed_to = provider.ConsumeIntInRange(-255, 255)  # below 0: none is changed
    number = NUMBERS[provider.ConsumeIntInRange(0, len(NUMBERS) - 1)]
    row = RECORDS.get(number)
    members = (
        [*row.bodies[0].__struct_fields__] if row is not None and row.bodies else ["bytes", "block_type"]
    )
    data: dict[str, object] = {}
    while provider.remaining_bytes():
        member = members[provider.ConsumeIntInRange(0, len(members) - 1)]
        data[member] = VALUES[provider.ConsumeIntInRange(0, len(VALUES) - 1)]
    event = row.id if row is not None else "unknown_record"
    line = bytearray(json.dumps({"event": event, "record_type": number, "data": data}).encode())
    if changed_to >= 0:
        line[place % len(line)] = changed_to
    check(bytes(line))


def check(line: bytes) -> None:
    try:
        event = event_from_json(line)
    except DecodeError:
        return
    try:
        record = encode_event(event)
    except EncodeError as error:
        if error.record_type != event.record_type:
            raise
        return
    again = decode_record(Record(record.record_type, record.data))
    assert encode_event(event_from_json(json_line(again))).data == encode_event(again).data


def main() -> None:
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
