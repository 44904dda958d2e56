"""What outputs share that send events one by one to another program: grouping, its timer, trying again.

A subclass says how to connect, how to deliver described events with their counts, and how to let go. A batch
that could not be delivered comes again and is then not described and counted a second time. Groups of alerts
of low priority (grouping.py) go out when they are due, also while no batch comes: a thread looks after them.
Not here: forms and connections.
"""

from __future__ import annotations

import threading
import time

import msgspec

from openstreamer.errors import OutputError
from openstreamer.outputs.batch import Batch
from openstreamer.outputs.grouping import Groups
from openstreamer.outputs.interface import Output, Place, Refused, RefusedRecord
from openstreamer.outputs.mappings.describe import Described, Describer

Counted = tuple[Described, int]
"""An event, and how many it stands for."""


class MessageOutput(Output):
    """Base of outputs that send messages."""

    def __init__(self, config: msgspec.Struct, target: str, group: int) -> None:
        super().__init__(config, target)
        self._describer = Describer()
        self._groups = Groups(group)
        self._offered: tuple[Batch, list[Counted], Groups] | None = None
        self._refused: list[tuple[Described, str]] = []
        self._told: list[str] = []
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._timer: threading.Thread | None = None
        self._connected = False

    def connect(self) -> None:
        """Make ready; called once.

        Raises:
            OutputError: the settings cannot be used.
        """

    def deliver(self, events: list[Counted]) -> None:
        """Send all of them; returns when they have left this machine. What will never be taken is passed
        over, with `refuse`.

        Raises:
            OutputFull: not now; all that stand in the list now are offered again. What was delivered for good
                may be removed from its front.
            OutputError: never.
        """
        raise NotImplementedError

    def refuse(self, event: Described, reason: str) -> None:
        """Note that this event will never be taken by the other side; for `deliver`."""
        self._refused.append((event, reason))

    def forget_refused(self) -> None:
        """Nothing was delivered, so that all events come again: those refused too."""
        self._refused.clear()

    def disconnect(self) -> None:
        """Say goodbye."""

    def open(self, place: Place | None) -> None:
        self.connect()
        self._connected = True
        if self._groups.seconds:
            if place is not None:
                self._groups.restored(place.get("held", []), self._describer, time.monotonic())
            self._timer = threading.Thread(target=self._watch, name="grouped alerts", daemon=True)
            self._timer.start()

    def write(self, batch: Batch) -> None:
        with self._lock:
            if self._offered is None or self._offered[0] is not batch:
                self._offered = (batch, *self._sort(batch))
            _, events, groups = self._offered
            if events:
                self.deliver(events)
            self._groups = groups
            self._offered = None
            refused, self._refused = self._refused, []
        if refused:
            places = {id(record): index for index, record in enumerate(batch.records)}
            rows = [RefusedRecord(places[id(event.record)], reason) for event, reason in refused]
            raise Refused(rows, target=self.target)

    def _sort(self, batch: Batch) -> tuple[list[Counted], Groups]:
        """What goes out at once, and what is held with this batch."""
        groups = self._groups.copy() if self._groups.seconds else self._groups
        now = time.monotonic()
        at_once = [(event, 1) for event in self._describer.batch(batch) if not groups.hold(event, now)]
        return at_once, groups

    def _send_groups(self) -> None:
        held = self._groups.pending()
        if held:
            self.deliver([(group.last, group.count) for group in held])
            self._groups.sent()
            refused, self._refused = self._refused, []
            for event, reason in refused:
                self._told.append(f"{self.target} does not take grouped alerts: {reason} ({event.title})")

    def _watch(self) -> None:
        """Send what is due while no batch comes; what cannot be sent is tried again with the next look."""
        told = False
        while not self._ending.wait(min(1.0, self._groups.seconds / 4)):
            with self._lock:
                due = self._groups.due
                # a batch that could not be sent comes again, and holds more than we do
                if self._offered is not None or due is None or time.monotonic() < due:
                    continue
                try:
                    self._send_groups()
                    told = False
                except OutputError as error:
                    if not told:
                        self._told.append(f"{error}; grouped alerts wait")
                    told = True

    def finish(self) -> None:
        self._end_timer()
        with self._lock:
            if self._connected and self._offered is None:
                self._send_groups()

    def _end_timer(self) -> None:
        self._ending.set()
        if self._timer is not None:
            self._timer.join(60.0)
            self._timer = None

    def place(self) -> Place | None:
        if not self._groups.seconds:
            return None
        with self._lock:
            return {"held": self._groups.saved()}

    def notices(self) -> list[str]:
        told, self._told = self._told, []
        return told

    def close(self) -> None:
        self._end_timer()
        if self._connected:
            self._connected = False
            self.disconnect()
