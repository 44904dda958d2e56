"""The queue in front of an output: bounded in bytes, filled by the threads of servers, emptied by one.

What is larger than the whole queue still goes in when it is empty. Marks (a session began) always go in, or
the order of things would be lost. Not here: what happens when there is no room (source.py).
"""

from __future__ import annotations

import threading
from collections import deque

import msgspec

from openstreamer.protocol.records import Record

RECORD_BYTES = 200
"""What a record costs in memory besides its data."""


class SessionBegan(msgspec.Struct, frozen=True):
    """From here on the records of a member of a source come from this session, asked from that time."""

    source: str
    member: int
    session: int
    asked: int


class Received(msgspec.Struct, frozen=True):
    """Records of one server, in order.

    Attributes:
        source, member, session: where they come from. server: "host:port".
        records: all of them. wanted: those of them that may be delivered, the others only count for the
        position; metadata is among both.
    """

    source: str
    member: int
    session: int
    server: str
    records: list[Record]
    wanted: list[Record]

    @property
    def size(self) -> int:
        """Bytes it takes in a queue."""
        return sum([len(record.data) for record in self.records]) + RECORD_BYTES * len(self.records)


Item = SessionBegan | Received


class ByteQueue:
    """See the head of this module."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self._items: deque[tuple[Item, int]] = deque()
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)

    def __len__(self) -> int:
        return len(self._items)

    def offer(self, item: Item, size: int, timeout: float = 0.0) -> bool:
        """Put it in if there is room, or will be within so many seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._room(size), timeout):
                return False
            self._put(item, size)
            return True

    def mark(self, item: Item) -> None:
        """Put it in whether there is room or not."""
        with self._changed:
            self._put(item, 0)

    def _room(self, size: int) -> bool:
        return not self.bytes or self.bytes + size <= self.limit

    def _put(self, item: Item, size: int) -> None:
        self._items.append((item, size))
        self.bytes += size
        self._changed.notify_all()

    def get(self, timeout: float) -> Item | None:
        """The next item; None if none comes in time."""
        with self._changed:
            if not self._items and not self._changed.wait_for(lambda: bool(self._items), timeout):
                return None
            item, size = self._items.popleft()
            self.bytes -= size
            self._changed.notify_all()
            return item

    def clear(self) -> None:
        """Throw all away."""
        with self._changed:
            self._items.clear()
            self.bytes = 0
            self._changed.notify_all()
