"""The event log: what the server keeps, in the order in which it came.

`interface` says what a store is (five verbs: append, seek, read, wait, trim), `sqlite` is the embedded one.
Nothing here knows what a record looks like: a chunk is bytes with a time, a count and labels.
"""

from __future__ import annotations

from .interface import (
    BEGINNING,
    LAST_TIME,
    NOW,
    CheckResult,
    Chunk,
    ChunkInfo,
    Host,
    Lag,
    Metadata,
    Missed,
    Pending,
    Position,
    Statistics,
    Store,
    Tally,
    TrimResult,
)
from .sqlite import SqliteStore, open_store

__all__ = [
    "BEGINNING",
    "LAST_TIME",
    "NOW",
    "CheckResult",
    "Chunk",
    "ChunkInfo",
    "Host",
    "Lag",
    "Metadata",
    "Missed",
    "Pending",
    "Position",
    "SqliteStore",
    "Statistics",
    "Store",
    "Tally",
    "TrimResult",
    "open_store",
]
