"""The whole client in one loop: receive, give to the outputs, flush, save the position.

`Stream` drives a `Feed` and any number of outputs. A delivery is taken when every output has it; then the
position moves in memory, and at most once a second (at once when the stream rests) it is saved together
with the places of the outputs: first the outputs are made durable, then the position replaces the one
before. After a crash at any moment the outputs are cut back to the saved places and the stream goes on from
there.

An output without room holds everything up: the stream says so, tries again with growing pauses and reads
nothing meanwhile, so that the server keeps the events. Nothing is dropped.

Rules: messages, section 1.5 (resume); delivery promises are in docs/client.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

import msgspec

from openstreamer.client.feed import Feed
from openstreamer.client.position import FROM_NOW, FROM_OLDEST, PositionFile, PositionTracker, SavedState
from openstreamer.client.receiver import Delivery
from openstreamer.client.reconnect import Backoff
from openstreamer.client.stop import Stop
from openstreamer.errors import ConfigurationError, OutputError
from openstreamer.outputs.batch import Batch
from openstreamer.outputs.interface import Output, OutputClosed, OutputFull, Place, Refused

SAVE_EVERY = 1.0
"""Seconds between two saved positions while events flow."""

NAMES_EVERY = 60.0
"""Seconds between two copies of the names to disk."""

Since = Literal["resume", "beginning", "now"] | int
Reason = Literal["count", "until", "idle", "stopped", "closed"]


class OpenedOutput(msgspec.Struct):
    """An output with the key under which a position knows it."""

    key: str
    output: Output


class Observer(Protocol):
    """Who is told what happens; all calls come from the thread of the stream."""

    def notice(self, text: str) -> None:
        """Something the operator should know, one sentence."""
        ...

    def tick(self) -> None:
        """A good moment to show progress; called several times a second."""
        ...


class StreamEnd(msgspec.Struct, frozen=True):
    """Why a stream ended."""

    reason: Reason


def begin(
    since: Since, file: PositionFile | None, server: str, notice: Callable[[str], None]
) -> tuple[PositionTracker, dict[str, Place | None]]:
    """Where to begin: the tracker, and the places of outputs that a saved position knows.

    Raises:
        ConfigurationError: the saved position is damaged beyond use, or is another server's.
    """
    if isinstance(since, int):
        return _tracker(since), {}
    if since == "beginning":
        return _tracker(FROM_OLDEST), {}
    if since == "now":
        return _tracker(FROM_NOW), {}
    if file is None:
        return _tracker(FROM_OLDEST), {}
    state, problem = file.load()
    if problem is not None:
        notice(problem)
    if state is None:
        return _tracker(FROM_OLDEST), {}
    if state.server != server and state.position.second:
        if state.server.rpartition(":")[0] != server.rpartition(":")[0]:
            raise ConfigurationError(
                f"the position belongs to {state.server}, not to {server}; give another with --position",
                where=file.path,
            )
        notice(f"the position was made with {state.server}; it is used with {server} from now on")
    return PositionTracker(state.position), dict(state.outputs)


def _tracker(start: int) -> PositionTracker:
    tracker = PositionTracker()
    tracker.start = start
    return tracker


class Stream:
    """One server, its outputs, its position."""

    def __init__(
        self,
        feed: Feed,
        outputs: Sequence[OpenedOutput],
        observer: Observer,
        *,
        position_file: PositionFile | None = None,
        stop: Stop,
        until: int | None = None,
        idle_exit: float | None = None,
    ) -> None:
        self._feed = feed
        self._outputs = list(outputs)
        self._observer = observer
        self._file = position_file
        self._stop = stop
        self._until = until
        self._idle_exit = idle_exit
        self._shared = len(self._outputs) > 1
        self._passed_by = [0] * len(self._outputs)
        self._dirty = False
        self._torn = False
        self._save_failed = False
        self._next_save = 0.0
        self._next_names = time.monotonic() + NAMES_EVERY

    def run(self) -> StreamEnd:
        """Stream until something ends it; the position is saved in every case but a crash.

        Raises:
            OpenStreamerError: what ends the stream and is not asked for; after saving.
        """
        self._save_position()
        try:
            reason = self._loop()
            for opened in self._outputs:
                opened.output.flush()
            return StreamEnd(reason)
        except OutputClosed:
            return StreamEnd("closed")
        finally:
            self._finish()

    def _finish(self) -> None:
        for opened in self._outputs:
            before = opened.output.place()
            try:
                opened.output.finish()
            except OutputError as error:
                self._observer.notice(f"{error}; what was held back for later has not been sent")
            self._dirty = self._dirty or opened.output.place() != before
        self._save(force=True)
        self._feed.names.save()
        self._tell_passed_by()
        self._tell_notices()
        for opened in self._outputs:
            opened.output.close()

    def _tell_notices(self) -> None:
        for opened in self._outputs:
            for sentence in opened.output.notices():
                self._observer.notice(sentence)

    def _tell_passed_by(self) -> None:
        """What outputs do not take is no secret: their names, and how many events passed them by."""
        filtered = 0 if self._feed.settings.wanted.domain is not None else self._feed.counts.filtered
        for opened, passed in zip(self._outputs, self._passed_by, strict=True):
            takes = opened.output.takes()
            count = passed + filtered
            if takes and count:
                self._observer.notice(
                    f"{count:,} events passed by {opened.key}, which takes {takes} events only"
                )

    def _loop(self) -> Reason:
        last_event = time.monotonic()
        for delivery in self._feed.deliveries():
            now = time.monotonic()
            if delivery is None:
                self._save(force=True)
                self._tell_notices()
                self._observer.tick()
                if self._idle_exit is not None and now - last_event >= self._idle_exit:
                    if self._feed.last_error is not None and not self._feed.heard:
                        raise self._feed.last_error
                    return "idle"
                if self._until is not None and time.time() > self._until + 5 and now - last_event >= 2:
                    return "until"
                continue
            if not self._deliver(delivery):
                return "stopped"
            last_event = now
            if now >= self._next_save:
                self._save()
                self._tell_notices()
                self._observer.tick()
        if self._stop.requested:
            return "stopped"
        return "until" if self._until is not None and not self._counted() else "count"

    def _counted(self) -> bool:
        count = self._feed.settings.count
        return count is not None and self._feed.counts.delivered >= count

    def _deliver(self, delivery: Delivery) -> bool:
        """Give it to all outputs; false if the end was asked for before all had room."""
        batch = delivery.batch
        batch.shared = self._shared
        if batch.records:
            for number, opened in enumerate(self._outputs):
                if not self._write(opened.output, batch):
                    return False
                self._torn = True
                types = opened.output.record_types
                if types is not None and self._shared:
                    self._passed_by[number] += sum(
                        record.record_type not in types for record in batch.records
                    )
            if batch.problems:
                self._tell_problems(batch)
        self._torn = True
        self._feed.taken(delivery)
        self._torn = False
        self._dirty = True
        return True

    def _write(self, output: Output, batch: Batch) -> bool:
        taken = False

        def write() -> None:
            nonlocal taken
            if not taken:
                try:
                    output.write(batch)
                except Refused as error:
                    for row in error.refused:
                        self._feed.trouble(f"{output.target} does not take a record: {row.reason}")
                taken = True
            output.flush()

        return self._with_room(write)

    def _with_room(self, action: Callable[[], Any]) -> bool:
        """Do it; where there is no room, say so and try again until there is or the end is asked for."""
        backoff: Backoff | None = None
        while True:
            try:
                action()
            except OutputFull as error:
                if backoff is None:
                    backoff = Backoff(0.5, 30.0)
                    self._observer.notice(f"{error}; the stream waits")
                self._observer.tick()
                if self._stop.wait(backoff.delay()):
                    return False
            else:
                if backoff is not None:
                    self._observer.notice("there is room again; the stream goes on")
                return True

    def _tell_problems(self, batch: Batch) -> None:
        self._feed.counts.undecodable += len(batch.problems)
        for _, error in batch.problems:
            self._feed.trouble(f"a record cannot be decoded and is left out: {error}")

    def _save(self, *, force: bool = False) -> None:
        """Save the position if anything moved since. If the disk does not take it, go on and try again later.

        While some outputs have a batch that others have not (`_torn`), nothing can be saved: the places of
        the former would be ahead of the position.
        """
        now = time.monotonic()
        if self._file is None or not self._dirty or self._torn or (not force and now < self._next_save):
            return
        if self._save_failed and now < self._next_save:
            return
        try:
            self._save_position()
        except OutputError as error:
            if not self._save_failed:
                self._observer.notice(f"{error}; the stream goes on, and tries again")
            self._save_failed = True
            self._next_save = time.monotonic() + 10 * SAVE_EVERY
        else:
            self._save_failed = False
        if now >= self._next_names:
            self._feed.names.save()
            self._next_names = now + NAMES_EVERY

    def _save_position(self) -> None:
        """Make the outputs durable, then the position with their places.

        Raises:
            OutputError: the disk did not take it; what was saved before is as it was.
        """
        if self._file is None:
            return
        began = time.monotonic()
        for opened in self._outputs:
            opened.output.sync()
        state = SavedState(
            server=self._feed.settings.server,
            position=self._feed.tracker.position,
            outputs={opened.key: opened.output.place() for opened in self._outputs},
            saved=int(time.time()),
        )
        self._file.save(state)
        self._dirty = False
        now = time.monotonic()
        self._next_save = now + max(SAVE_EVERY, 10 * (now - began))
