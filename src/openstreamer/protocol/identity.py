"""The stable id of an event: the same in every output, in every run, from every server of a pair.

It is made of what the event is (record type and data as received), not of how it came: a batch that is sent
again after a lost connection, a replay from the beginning and the second server of a high availability pair
give the same id for the same event. So a receiver can drop what it has already. Not here: the client's
position (openstreamer.client.position), which has digests of its own.
"""

from __future__ import annotations

import hashlib

from .codec import Record

ID_SIZE = 12
"""Bytes of an id; shown as twice as many hexadecimal digits."""


def stable_id(record: Record) -> str:
    """The id of an event, 24 hexadecimal digits."""
    return hashlib.blake2b(
        record.data, digest_size=ID_SIZE, salt=record.record_type.to_bytes(4, "big")
    ).hexdigest()
