"""Writing to one output: the same batch again where there is no room, records aside that it refuses for good.

Not here: what is written (worker.py), and what is done when an output cannot go on at all.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable

from openstreamer.client.reconnect import Backoff
from openstreamer.client.service.dead_letters import DeadLetters, Letter
from openstreamer.client.service.plan import OutputPlan
from openstreamer.errors import DecodeError, OutputError
from openstreamer.outputs.batch import Batch
from openstreamer.outputs.interface import Output, OutputFull, Refused
from openstreamer.protocol.records import Event, Record, decode_record

log = logging.getLogger("openstreamer.client")

TOLD_LETTERS = 10
"""So many dead letters are told one by one; the others are counted. So many records in a row on which an
output fails are taken for bad records; more of them for a broken output."""


class Condition:
    """Whether an output works: `trouble` is "" or why not, `since` when that began (monotonic)."""

    def __init__(self, name: str) -> None:
        self.trouble = ""
        self.since = 0.0
        self._name = name

    def fail(self, reason: str) -> None:
        """Note that something is wrong; each cause is told once."""
        if not self.trouble:
            self.since = time.monotonic()
        if reason != self.trouble:
            log.warning("output %s: %s", self._name, reason)
        self.trouble = reason

    def well(self) -> None:
        """Note that all is well (again)."""
        if self.trouble:
            log.info("output %s: works again, after %.0f s", self._name, time.monotonic() - self.since)
            self.trouble = ""


class Writer:
    """Writes batches to an output that may be replaced by a new one of the same plan.

    Attributes:
        output: what is written to. whole: whether the output has all or nothing of what was begun, so that
        its place can be saved. written, refused: records; retries: batches offered once more.
    """

    def __init__(
        self,
        plan: OutputPlan,
        output: Output,
        letters: DeadLetters,
        condition: Condition,
        *,
        wait: Callable[[float], None],
        save: Callable[[], None],
    ) -> None:
        """Args:
        wait: pauses; raises what ends the writing if the end is asked for.
        save: called where there is time for it and `whole` is true.
        """
        self.output = output
        self.whole = True
        self.written = self.refused = self.retries = 0
        self._plan = plan
        self._letters = letters
        self._condition = condition
        self._pause = wait
        self._save = save
        self._splitting = 0
        self._poisoned = 0

    def begin(self, output: Output) -> None:
        """Go on with this one; what was begun with the one before is forgotten."""
        self.output = output
        self.whole = True
        self._splitting = 0

    def backoff(self) -> Backoff:
        """Pauses between two tries."""
        first, limit = self._plan.retry
        return Backoff(first, max(first, limit))

    def write(self, batch: Batch) -> None:
        """Write it and bring it out; returns when it is, or raises what the caller has to live with."""
        backoff = self.backoff()
        refused: list[Letter] | None = None
        while True:
            try:
                if refused is None:
                    self.whole = False
                    refused = self._offer(batch)
                self.output.flush()
                break
            except OutputFull as error:
                self.whole = refused is None and not self._splitting
                self._wait_for(error, backoff)
            except OutputError:
                raise
            except Exception as error:  # the output fails on something in it, and took nothing
                if refused is not None:
                    raise
                log.debug("output %s fails on a batch", self._plan.name, exc_info=True)
                self._write_parts(batch, f"the output fails on it ({type(error).__name__}: {error})")
                return
        self._poisoned = 0
        refused += self._letters_of(
            batch, [(row, f"it cannot be decoded: {why}") for row, why in batch.problems]
        )
        self.written += len(batch.records) - len(refused)
        self._put_aside(refused)
        self._condition.well()

    def _offer(self, batch: Batch) -> list[Letter]:
        """Offer it once; returns what is refused of it."""
        try:
            self.output.write(batch)
        except Refused as error:
            return self._letters_of(batch, [(batch.records[row.index], row.reason) for row in error.refused])
        return []

    def _write_parts(self, batch: Batch, reason: str) -> None:
        """Find the records that the output fails on: they are put aside, the others are written."""
        if len(batch.records) > 1:
            middle = len(batch.records) // 2
            self._splitting += 1
            for part in (batch.records[:middle], batch.records[middle:]):
                self.write(Batch(part, batch.server, batch.names))
            self._splitting -= 1
            return
        self._put_aside(self._letters_of(batch, [(batch.records[0], reason)]))
        self._poisoned += 1
        if self._poisoned > TOLD_LETTERS:  # then it is broken, and not the records
            self._condition.fail(f"{self._poisoned} records in a row could not be written: {reason}")
            first, limit = self._plan.retry
            self._pause(min(limit, first * 2 ** min(self._poisoned - TOLD_LETTERS, 30)))

    def _wait_for(self, error: OutputFull, backoff: Backoff) -> None:
        """Wait before the same is tried again; what can be saved is saved meanwhile."""
        self.retries += 1
        self._condition.fail(str(error))
        if self.whole:
            self._save()
        self._pause(backoff.delay())

    def _letters_of(self, batch: Batch, rows: Iterable[tuple[Record, str]]) -> list[Letter]:
        naming = batch.names
        letters = []
        for record, reason in rows:
            event = decoded(record) if naming is not None else None
            names = naming.names_of(event) if naming is not None and event is not None else {}
            letters.append(Letter(record, reason, batch.server, names))
        return letters

    def _put_aside(self, letters: list[Letter]) -> None:
        """Into the dead letters; waits where there is no room for them."""
        if not letters:
            return
        self.whole = False
        backoff = self.backoff()
        while True:
            try:
                self._letters.write(letters)
                break
            except OutputFull as error:
                self._wait_for(error, backoff)
        for letter in letters[: max(0, TOLD_LETTERS - self.refused)]:
            log.warning(
                "output %s: a record of type %d is put aside in %s: %s",
                self._plan.name, letter.record.record_type, self._letters.path, letter.reason,
            )  # fmt: skip
        if self.refused <= TOLD_LETTERS < self.refused + len(letters):
            log.warning(
                "output %s: more records are put aside; they are counted from now on", self._plan.name
            )
        self.refused += len(letters)


def decoded(record: Record) -> Event | None:
    """What it decodes to, None where it cannot be decoded."""
    try:
        return decode_record(record)
    except DecodeError:
        return None
