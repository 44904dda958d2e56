"""Batches for the tests of outputs, from records put together by hand."""

from __future__ import annotations

from openstreamer.client.names import NameCache
from openstreamer.outputs.batch import Batch
from openstreamer.protocol.records import Record
from support import hand_made

SERVER = "fmc1:8302"


def names() -> NameCache:
    """What metadata says of the hand-made events."""
    cache = NameCache()
    for record_type, data in (
        (66, hand_made.rule_message(1, 2001219, 20, "ET SCAN Potential SSH Scan")),
        (67, hand_made.classification(4, "attempted-recon", "Attempted Information Leak")),
        (4, hand_made.priority(2, "medium")),
        (123, hand_made.id_name(1, "sensor-1")),
        (63, hand_made.id_name(1122, "HTTPS")),
    ):
        cache.learn(Record(record_type, data))
    return cache


def alert(**changes: object) -> Record:
    return Record(400, hand_made.intrusion_85(**changes), hand_made.SECOND)  # type: ignore[arg-type]


def packet(**changes: object) -> Record:
    return Record(2, hand_made.packet(**changes), hand_made.SECOND)  # type: ignore[arg-type]


def connection(number: int = 1) -> Record:
    return Record(71, hand_made.connection_174(number), hand_made.SECOND)


def broken() -> Record:
    """An alert whose block ends too early."""
    return Record(400, hand_made.intrusion_85()[:100], hand_made.SECOND)


def unknown() -> Record:
    return Record(31_000, b"\x01\x02\x03", hand_made.SECOND)


def batch(*records: Record, named: bool = True) -> Batch:
    return Batch(list(records), SERVER, names() if named else None)
