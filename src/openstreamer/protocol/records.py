"""Records and events: the names that the rest of the program uses.

    codec.py        Record, Event, UnknownRecord; decode_record, encode_event
    json_form.py    json_line, json_lines, event_from_json
    projection.py   projector: only some columns

Not here: messages and record headers, metadata.
"""

from __future__ import annotations

from .codec import UNKNOWN, Event, Record, UnknownRecord, decode_record, encode_event
from .json_form import event_from_json, json_line, json_lines
from .projection import event_id, projector

__all__ = [
    "UNKNOWN",
    "Event",
    "Record",
    "UnknownRecord",
    "decode_record",
    "encode_event",
    "event_from_json",
    "event_id",
    "json_line",
    "json_lines",
    "projector",
]
