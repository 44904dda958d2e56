"""The one shape that every input has.

An input is a class with a `Config` (a `msgspec.Struct` whose field descriptions are its manual) and three
verbs: `open`, `read`, `close`. It is found through the entry point group `openstreamer.inputs`, the built-in
ones through the same door as anybody else's.

The rule that makes restarts exact: a batch carries, beside its records, the *place* that the source has been
read to, and whoever drives the input stores both in one transaction. After a crash the input finds its last
stored place through the context and goes on from there, so nothing is read twice and nothing is left out.

Not here: the store, and which event classes are switched on. That is `openstreamer.server.intake`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol

import msgspec

MAXIMUM_REPORTED = 100
"""How many broken lines a batch names; those beyond are only counted."""

Metadata = tuple[bytes, int, int, bytes]
"""One metadata record: its key, record type, netmap id, and data in wire form."""


class NewRecord(msgspec.Struct, gc=False):
    """One event record on its way into the store."""

    record_type: int
    data: bytes
    """The record's data in wire form: all that follows the record header."""
    event_class: str
    """One of the event type switches (`openstreamer.layouts.records.EVENT_CLASSES`), or "" for none."""
    references: tuple[bytes, ...] = ()
    """Keys of the metadata that a reader of this record needs first."""
    netmap: int = 0


class NewHost(msgspec.Struct, gc=False):
    """The profile of a host on its way into the store."""

    addresses: tuple[bytes, ...]
    """All addresses of the host: 16 bytes each, IPv4 mapped."""
    data: bytes
    """A full host profile block in wire form, with its header."""


class BrokenLine(msgspec.Struct, frozen=True):
    """A piece of a source that could not be used and was left out."""

    source: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {self.reason}"


class Batch(msgspec.Struct):
    """What one `read` brings."""

    records: list[NewRecord] = []
    metadata: list[Metadata] = []
    hosts: list[NewHost] = []
    """Profiles of hosts, later ones win; they belong to the event type discovery."""
    places: dict[str, bytes] = {}
    """Where each source has been read to, by the name under which `InputContext.places` gives it back."""
    expected: dict[str, bytes | None] = {}
    """The stored place that each of these sources was read on from (None: there was none). Where somebody
    else has moved one meanwhile, the batch must not be stored, and the input be opened again."""
    lines: int = 0
    """Lines read, of whatever kind."""
    bytes: int = 0
    """Bytes read, uncompressed."""
    skipped: dict[str, int] = {}
    """Lines that carry no event, by type of line."""
    broken: int = 0
    """Lines that could not be read; the first `MAXIMUM_REPORTED` of them are in `broken_lines`."""
    broken_lines: list[BrokenLine] = []
    notes: dict[str, int] = {}
    """What else was noticed, each with its number: values that had to be bent to fit the record."""
    messages: list[str] = []
    """Sentences for the operator: a file was rotated, a part of it is missing."""

    def __bool__(self) -> bool:
        return bool(self.lines or self.places or self.broken or self.messages)

    def count_broken(self, source: str, line: int, reason: str) -> None:
        """Count a line that could not be used, and keep its number as long as there are few."""
        self.broken += 1
        if len(self.broken_lines) < MAXIMUM_REPORTED:
            self.broken_lines.append(BrokenLine(source, line, reason))


class InputContext(Protocol):
    """What the driver of an input offers it. All values survive restarts."""

    def identify(self, kind: str, names: Sequence[str]) -> list[int]:
        """For each name its number among those of that kind, from 1; the same name keeps its number."""
        ...

    def reserve(self, counter: str, count: int) -> int:
        """Set `count` numbers of a counter aside; returns the first (counters start at 1)."""
        ...

    def places(self, prefix: str) -> Mapping[str, bytes]:
        """The stored places whose name begins so."""
        ...


class Input:
    """Base of all inputs; a new one overrides the three verbs.

    Class attributes:
        Config: the settings, a `msgspec.Struct`; each field with a description and a default.
        title: one line that says what the input is for.
        example: an example of the URI that chooses it.
        reads_files: it reads files that are named to it, so `feed` can use it too.
        subject: the setting that stands after the colon in its URI.
    """

    Config: ClassVar[type[msgspec.Struct]]
    title: ClassVar[str] = ""
    example: ClassVar[str] = ""
    reads_files: ClassVar[bool] = True
    subject: ClassVar[str] = "path"

    @property
    def name(self) -> str:
        """What this input reads, as messages call it: a path, an address."""
        raise NotImplementedError

    def open(self, context: InputContext) -> None:
        """Make ready to read, from the last stored place on.

        Raises:
            InputError: the source cannot be opened.
        """
        raise NotImplementedError

    def read(self, max_records: int, timeout: float) -> Batch | None:
        """The next batch of about `max_records` records.

        Returns an empty batch if nothing came within `timeout` seconds, None if the source has ended.

        Raises:
            InputError: the source cannot be read on; what was returned before is good.
        """
        raise NotImplementedError

    def finish(self) -> bool:
        """An orderly stop: take in no more. True if `read` still has something that cannot be read again.

        It is then called until it brings nothing.
        """
        return False

    def close(self) -> None:
        """Let go of the source; must be harmless when called twice or after an error."""

    def progress(self) -> float | None:
        """How much of the source has been read, 0 to 1; None where that cannot be known."""
        return None

    def trouble(self) -> str:
        """What keeps an open source from giving anything, in a sentence; empty while all is well.

        For a source that mends itself, as a connection does; others raise from `read`.
        """
        return ""
