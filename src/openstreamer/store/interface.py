"""What an event log is: the data it hands out and the verbs it understands.

This module is the contract between the server and whichever engine holds the events (SQLite beside the
service, or a shared one on other machines later). It holds no code that stores anything, and it knows nothing
of the eStreamer protocol: a chunk is a batch of records that somebody else made ready for the wire.

Rules that every engine keeps:

* Chunks are numbered from 1 without gaps, in the order in which they were committed. A number is never used
  twice, also not after trimming.
* Archive times never decrease along the numbers, whatever the clock of the machine does, and all records of a
  chunk have the same one. They are unsigned 32-bit epoch seconds up to `LAST_TIME`.
* `append` is all or nothing: chunk, metadata and the places of its inputs are there together, or none of
  them is. When it has returned, they survive the end of the process (and with full synchronisation a power
  cut).
* Any number of processes may append and read at the same time.

A **position** is the number of the last chunk that a reader has dealt with; 0 is the position before
everything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

Position: TypeAlias = int
"""Number of the last chunk dealt with; 0 before the first."""

BEGINNING = 0
"""Timestamp that asks for everything that is kept; also the position before everything."""

NOW = 0xFFFFFFFF
"""Timestamp that asks for nothing but what is appended from now on."""

LAST_TIME = 0xFFFFFFFE
"""Highest archive time; the value above it is reserved for "now"."""


REMEMBERED = 200_000
"""Trimmed chunks of which the time and the number of records are remembered."""


class Pending(Protocol):
    """A batch of records that waits for its archive time.

    A class may also have `record_counts`, a mapping from record type to number of records of the batch;
    with it the statistics by record type are exact, without it they are left out for batches of more than
    one type.
    """

    @property
    def count(self) -> int:
        """Number of records. 0 stores metadata and places only, no chunk."""
        ...

    @property
    def record_types(self) -> Collection[int]:
        """Record types of the batch (unsigned 32 bit)."""
        ...

    @property
    def references(self) -> Iterable[tuple[int, bytes]]:
        """Metadata the records refer to: (referring record type, metadata key) pairs without repeats."""
        ...

    def seal(self, archive_time: int) -> bytes:
        """Return the chunk's bytes with this archive time written into every record.

        Called exactly once per append, inside the write transaction: it should be quick.
        """
        ...


@dataclass(frozen=True, slots=True)
class ChunkInfo:
    """What became of an append."""

    number: int
    """Number of the new chunk; of the newest existing one when nothing but metadata and places was stored."""
    archive_time: int
    count: int
    size: int
    """Bytes of data."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One stored batch; its checksum was verified when it was read."""

    number: int
    archive_time: int
    count: int
    """Number of records."""
    record_types: frozenset[int]
    references: tuple[tuple[int, bytes], ...]
    """(referring record type, metadata key) pairs."""
    data: bytes = field(repr=False)
    ordinal: int = 0
    """Records that were ever appended before this chunk's first one."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """A metadata record, as it was last stored."""

    key: bytes
    record_type: int
    netmap: int
    data: bytes = field(repr=False)
    revision: int = 0
    """Higher than that of every earlier change of any metadata. Storing the same again is no change."""


@dataclass(frozen=True, slots=True)
class Host:
    """The profile of a host, as it was last stored."""

    address: bytes
    """The lowest of the host's addresses that lies in the range asked for: 16 bytes, IPv4 mapped."""
    data: bytes = field(repr=False)
    sound: bool = True
    """Whether it passed its checksum."""


@dataclass(frozen=True, slots=True)
class TrimResult:
    """What a trim deleted."""

    chunks: int = 0
    records: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """What a chunk holds, without its records."""

    number: int
    archive_time: int
    count: int
    by_record_type: Mapping[int, int]
    """Records by record type word, as far as the batch said so (see `Pending`)."""


@dataclass(frozen=True, slots=True)
class Lag:
    """What lies between a position and the newest chunk."""

    chunks: int
    records: int
    seconds: int
    """Archive time of the newest chunk less that of the first one still to be read; 0 if there is none."""
    missed_chunks: int
    """Chunks after the position that were trimmed: the reader will never see them."""


@dataclass(frozen=True, slots=True)
class Missed:
    """What was trimmed of a span of time."""

    records: int
    first_time: int
    """Archive time of the first chunk trimmed of it."""
    last_time: int
    """Archive time of the last chunk trimmed."""
    exact: bool
    """False: more may have been trimmed before, of which nothing is remembered any more."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """The log in numbers. Sizes are in bytes."""

    chunks: int
    records: int
    bytes: int
    """Bytes of chunk data; this is what a limit by bytes counts."""
    file_bytes: int
    """Bytes that the files take, free pages, indexes and write-ahead log included."""
    first_number: int
    """Number of the oldest chunk kept; one more than `last_number` when none is."""
    last_number: int
    """Number of the newest chunk ever appended; 0 at the beginning."""
    first_archive_time: int | None
    last_archive_time: int
    """Archive time last given out; 0 at the beginning."""
    records_appended: int
    """Records ever appended, trimmed ones included."""
    by_record_type: Mapping[int, int]
    """Records kept, by record type, as far as the batches said so (see `Pending`)."""
    metadata: int
    """Number of metadata records."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check of the whole log found; `problems` is empty when all is well."""

    chunks: int
    """Chunks that are sound."""
    corrupt: tuple[int, ...]
    """Numbers of chunks that fail their checksum or cannot be found."""
    problems: tuple[str, ...]
    """One sentence each."""


class Store(Protocol):
    """An event log.

    All methods raise StoreError; those that meet damage raise StoreCorrupt, those that write StoreFull.

    A store object may be used by many threads at once, and not across a fork.
    """

    def append(
        self,
        pending: Pending,
        *,
        now: int,
        metadata: Iterable[tuple[bytes, int, int, bytes]] = (),
        places: Mapping[str, bytes] | None = None,
        expected: Mapping[str, bytes | None] | None = None,
    ) -> ChunkInfo:
        """Store a batch with its metadata and the places its inputs have reached, all or nothing.

        The archive time is `now` (epoch seconds), or the last one given out if that is later.

        Args:
            metadata: (key, record type, netmap number, data) of records that batches refer to.
            places: source name -> how far that source has been read, in the input's own form.
            expected: source name -> the place the caller started from (None: no place yet). If another
                process has moved one of them meanwhile, nothing is stored and StoreConflict is raised.

        Raises:
            StoreFull: no room; nothing was stored, what had been stored is safe, try again later.
            StoreConflict: see `expected`.
        """
        ...

    def seek(self, timestamp: int) -> Position:
        """Return the position before the first chunk with this archive time or a later one.

        `BEGINNING` gives the position before everything kept, `NOW` the one after the newest chunk.
        """
        ...

    def read(self, after: Position, *, limit_bytes: int = 1 << 20) -> list[Chunk]:
        """Return the chunks that follow a position, oldest first, until their data reaches `limit_bytes`.

        At least one if there is one, however big; an empty list at the end. Chunks that were trimmed are
        passed over (`lag` tells how many).

        Raises:
            StoreCorrupt: the next chunk is damaged; `error.chunk` is its number. Sound chunks before it are
                returned first. To go on behind it, read again with `after=error.chunk`.
        """
        ...

    def newest(self) -> Position:
        """Return the number of the newest chunk (0 if there never was one). Cheap: made for polling."""
        ...

    def changed(self) -> bool:
        """Say whether anything was committed since this object was last asked, or made. Cheap."""
        ...

    def wait(self, after: Position, timeout: float) -> bool:
        """Block until there is a chunk after this position; False: none came within `timeout` seconds."""
        ...

    def trim(self, *, before: int | None = None, max_bytes: int | None = None) -> TrimResult:
        """Delete the oldest chunks: always whole ones, always from the oldest end.

        Args:
            before: delete those with a lower archive time.
            max_bytes: delete as many as it takes to hold no more than this much chunk data.
        """
        ...

    def lag(self, position: Position) -> Lag:
        """Say how far a reader at this position is behind."""
        ...

    def missed(self, timestamp: int) -> Missed | None:
        """Say what was trimmed of the chunks with this archive time or a later one; None: nothing.

        The latest `REMEMBERED` trimmed chunks are remembered.
        """
        ...

    def tallies(self, after: Position, *, limit: int = 1000) -> list[Tally]:
        """Return what the next chunks after a position hold, oldest first, without reading their records."""
        ...

    def put_hosts(self, entries: Iterable[tuple[Iterable[bytes], bytes]]) -> int:
        """Store profiles of hosts, each with all addresses of the host, all or none; return how many.

        A profile takes the place of what is stored for its addresses. A host whose addresses are all taken
        over by others is forgotten.

        Args:
            entries: (addresses of 16 bytes, IPv4 mapped; profile) pairs, later ones win.
        """
        ...

    def hosts(
        self,
        start: bytes,
        end: bytes,
        *,
        after: bytes | None = None,
        limit: int = 100,
        limit_bytes: int = 1 << 20,
    ) -> list[Host]:
        """Return hosts with an address from `start` to `end` (both included), ordered by address, each once.

        At most `limit`, and until their profiles reach `limit_bytes`; go on with `after` the last address.
        """
        ...

    def host_count(self) -> int:
        """Return how many hosts there are."""
        ...

    def metadata(self, keys: Iterable[bytes]) -> dict[bytes, Metadata]:
        """Return the metadata records of these keys; unknown keys are left out.

        So are damaged ones, once logged: events go on without the names. `check` finds them.
        """
        ...

    def metadata_since(self, revision: int) -> list[Metadata]:
        """Return all metadata that changed after this revision, in the order of the changes."""
        ...

    def metadata_revision(self) -> int:
        """Return the revision of the last change of any metadata; 0 if there is none. Cheap."""
        ...

    def place(self, source: str) -> bytes | None:
        """Return how far a source has been read, or None."""
        ...

    def places(self, prefix: str = "") -> dict[str, bytes]:
        """Return all places of sources whose names begin so."""
        ...

    def identify(self, kind: str, names: Sequence[str]) -> list[int]:
        """Return a small number for each name, from 1, the same for ever within this store and kind."""
        ...

    def identities(self, kind: str) -> dict[str, int]:
        """Return all names of a kind with their numbers."""
        ...

    def reserve(self, counter: str, count: int) -> int:
        """Take `count` numbers from a counter that starts at 1, once and for all; return the first."""
        ...

    def statistics(self) -> Statistics:
        """Return the log in numbers."""
        ...

    def check(self) -> CheckResult:
        """Read everything and verify it. Takes as long as reading the whole file."""
        ...

    def close(self) -> None:
        """Let go of the files. Closing twice does no harm."""
        ...
