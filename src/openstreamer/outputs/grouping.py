"""The reference client's way with frequent alerts of low priority: held, counted, told every two minutes.

Alerts of priority 1 and 2, and everything that is no intrusion event, pass at once. Others are held by what
the rule says; the last one of each group goes out with the count when its time has come. What is held can be
taken along in a position (`saved`, `restored`), so that a crash does not lose it. No clock is read here: the
caller says what time it is. Not here: timers and sending.
"""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from openstreamer.errors import DecodeError
from openstreamer.outputs.mappings.describe import Described, Describer
from openstreamer.protocol.records import Record, decode_record

HIGH_PRIORITIES = frozenset({1, 2})
LIMIT = 500
"""How many groups are held; what would begin another one is sent at once."""


class Group(msgspec.Struct):
    """What is held for one rule: how many, and the record of the last one, as it is to be shown."""

    count: int
    last: Described


def is_low(event: Described) -> bool:
    """Whether an event is one that may be held."""
    return event.event_class == "intrusion" and event.priority not in HIGH_PRIORITIES


class Groups:
    """Alerts that wait for the end of a period of `seconds`; 0 holds nothing."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._held: dict[str, Group] = {}
        self._due: float | None = None

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, event: Described, now: float) -> bool:
        """Whether the event was taken in; if not it is to be sent at once."""
        if not self.seconds or not is_low(event):
            return False
        group = self._held.get(event.title)
        if group is None:
            if len(self._held) >= LIMIT:
                return False
            self._held[event.title] = Group(1, event)
        else:
            group.count += 1
            group.last = event
        if self._due is None:
            self._due = now + self.seconds
        return True

    @property
    def due(self) -> float | None:
        """When the held groups are to be sent; None while nothing is held."""
        return self._due

    def pending(self) -> list[Group]:
        """All that is held, in the order in which the groups began."""
        return list(self._held.values())

    def sent(self) -> None:
        """All that was pending has been sent."""
        self._held.clear()
        self._due = None

    def copy(self) -> Groups:
        """The same groups, to try a batch on."""
        other = Groups(self.seconds)
        other._held = {title: Group(group.count, group.last) for title, group in self._held.items()}
        other._due = self._due
        return other

    def saved(self) -> list[dict[str, Any]]:
        """What is held, for a position."""
        return [
            {
                "count": group.count,
                "record_type": group.last.record.record_type,
                "data": base64.b64encode(group.last.record.data).decode(),
                "archive_time": group.last.record.archive_time,
                "names": dict(group.last.names),
                "server": group.last.server,
            }
            for group in self._held.values()
        ]

    def restored(self, saved: list[dict[str, Any]], describer: Describer, now: float) -> None:
        """Hold again what a position says; what cannot be read of it is left out."""
        for row in saved:
            record = Record(row["record_type"], base64.b64decode(row["data"]), row["archive_time"])
            try:
                event = decode_record(record)
            except DecodeError:
                continue
            if self.hold(describer.event(record, event, row["names"], row["server"]), now):
                self._held[next(reversed(self._held))].count = row["count"]
