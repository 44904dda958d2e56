"""Records that come encoded already, on their way into a batch with all that the store wants to know of them.

Shared by the inputs that bring records of the protocol itself: JSON lines and another eStreamer server.
"""

from __future__ import annotations

from openstreamer.inputs.interface import Batch, NewRecord
from openstreamer.layouts.records import RECORDS
from openstreamer.protocol.metadata import is_metadata, key_within, metadata_key, references_of
from openstreamer.protocol.records import Event, Record, UnknownRecord


def add_record(batch: Batch, record: Record, event: Event | None, space: int = 0) -> None:
    """Put a record into the batch, byte for byte: metadata under its key, an event with its references.

    `event` is the record decoded, None where that cannot be done: it then refers to nothing. `space` keeps
    the metadata of sources apart that number things each for itself; 0 is this server's own.

    Raises:
        DecodeError: a metadata record that cannot be decoded has no key.
    """
    number = record.record_type
    if is_metadata(number):
        key = key_within(space, metadata_key(number, record.data))
        batch.metadata.append((key, number, record.netmap_id, record.data))
        return
    row = RECORDS.get(number)
    references: list[bytes] = []
    if event is not None and not isinstance(event.data, UnknownRecord):
        references = references_of(number, event.data, event.header, record.netmap_id)
    batch.records.append(
        NewRecord(
            number,
            record.data,
            (row.event_class or "") if row is not None else "",
            tuple([key_within(space, key) for key in dict.fromkeys(references)]),
            record.netmap_id,
        )
    )
