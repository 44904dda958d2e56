"""What a server's session may send ahead of the client's acknowledgement, and what waits for it.

A window counts units: messages in flat mode, bundles in extended mode. `SendWindow` wraps records up as
one or the other, as many as there is room for, and keeps the rest in order until the client acknowledges.
A message or bundle always leaves in one piece.

Rules: chapter 2 of the integration guide, "Null Message Format" and "Message Bundle Format". The guide
tells of the pause and not of its size; the numbers are the operator's (session_server.ServerOptions).
"""

from __future__ import annotations

import struct
from collections import deque

from openstreamer.errors import LocalProtocolError

from .items import Items, walk
from .messages import HEADER_VERSION, MessageType

Pieces = list["bytes | memoryview"]

_BUNDLE_HEAD = struct.Struct(">HHIII")


class _Queued:
    """Items on their way out: `part` is the next part, `done` messages of it, up to `offset`, are out."""

    __slots__ = ("done", "items", "offset", "part", "remaining")

    def __init__(self, items: Items) -> None:
        self.items = items
        self.part = 0
        self.done = 0
        self.offset: int | None = None
        self.remaining = items.count


class SendWindow:
    """Sends records as far as the window admits.

    `size` is the window in units (messages if `flat`, else bundles); `unacknowledged` counts the units sent
    since the last acknowledgement; `records_sent` and `bundles_sent` count all.
    """

    __slots__ = (
        "_queue",
        "_sequence",
        "bundles_sent",
        "connection_id",
        "flat",
        "records_sent",
        "size",
        "unacknowledged",
    )

    def __init__(self, connection_id: int, *, flat: bool, size: int) -> None:
        self.connection_id = connection_id
        self.flat = flat
        self.size = max(1, size)
        self.unacknowledged = self.records_sent = self.bundles_sent = 0
        self._sequence = 0
        self._queue: deque[_Queued] = deque()

    @property
    def full(self) -> bool:
        """Whether nothing may be sent until the client acknowledges."""
        return self.unacknowledged >= self.size

    @property
    def waiting(self) -> int:
        """Records that wait for room."""
        return sum(queued.remaining for queued in self._queue)

    def acknowledge(self, *, whole: bool) -> None:
        """Take one acknowledgement: it releases the whole window, or one unit. Surplus ones do no harm."""
        if whole:
            self.unacknowledged = 0
        elif self.unacknowledged:
            self.unacknowledged -= 1

    def add(self, items: Items) -> None:
        """Queue records behind those that wait.

        Raises:
            LocalProtocolError: they are in the form of the other mode.
        """
        if items.flat is not self.flat and items.count:
            raise LocalProtocolError("the records are in the form of the other mode")
        if items.count:
            self._queue.append(_Queued(items))

    def clear(self) -> None:
        """Drop what waits."""
        self._queue.clear()

    def send(self, out: Pieces) -> bool:
        """Append to `out` what there is room for; gives whether that was anything."""
        room = self.size - self.unacknowledged
        queue = self._queue
        if not queue or room <= 0:
            return False
        take = self._take_messages if self.flat else self._take_bundles
        while queue and room > 0:
            room -= take(queue[0], room, out)
            if not queue[0].remaining:
                queue.popleft()
        self.unacknowledged = self.size - room
        return True

    def _take_bundles(self, queued: _Queued, room: int, out: Pieces) -> int:
        view = memoryview(queued.items.data)
        parts = queued.items.parts[queued.part : queued.part + room]
        pack, connection_id, sequence = _BUNDLE_HEAD.pack, self.connection_id, self._sequence
        records = 0
        for part in parts:
            sequence = (sequence + 1) & 0xFFFFFFFF
            size = 8 + part.end - part.start
            out.append(pack(HEADER_VERSION, MessageType.MESSAGE_BUNDLE, size, connection_id, sequence))
            out.append(view[part.start : part.end])
            records += part.count
        self._sequence = sequence
        queued.part += len(parts)
        queued.remaining -= records
        self.records_sent += records
        self.bundles_sent += len(parts)
        return len(parts)

    def _take_messages(self, queued: _Queued, room: int, out: Pieces) -> int:
        """Send whole parts, and of the last one as many messages as there is room for."""
        data, parts = queued.items.data, queued.items.parts
        start = end = parts[queued.part].start if queued.offset is None else queued.offset
        taken = 0
        while queued.part < len(parts) and taken < room:
            part = parts[queued.part]
            count = part.count - queued.done
            if count <= room - taken:
                taken, end = taken + count, part.end
                queued.part, queued.done, queued.offset = queued.part + 1, 0, None
                continue
            for _, stop in walk(data, end, part.end):
                taken, end = taken + 1, stop
                queued.done += 1
                if taken == room:
                    break
            queued.offset = end
        out.append(memoryview(data)[start:end])
        queued.remaining -= taken
        self.records_sent += taken
        return taken
