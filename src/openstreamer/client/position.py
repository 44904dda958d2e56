"""Where a client stands in a server's stream, exactly, and how that is kept on disk.

A position is an archive second, how many records of that second were taken, and a digest of each of them in
the order taken. A session resumes by asking for everything from that second on; the records already taken
come again and are recognised: normally they come in the same order, so each is compared with the next
digest. If the server's order has changed, the remaining digests become a counted multiset, and whatever is
in it is taken as known. So nothing is lost and nothing comes twice, however many records share a second (a
bulk import puts 100,000 of them there).

Only records with an archive time count, and metadata never does: a server sends it anew to each session.
Digests are taken late: a record whose second is over when the position is saved is never hashed.

`PositionFile` keeps a position together with the places of the outputs: written to a new file, made
durable, put in place by rename, with a checksum, and with the generation before it. A damaged file is never
taken for an empty one.

The rules come from messages, sections 1.5 and 5.3 (archive time, resume); not here: when to save.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import msgspec

from openstreamer.errors import ConfigurationError, OutputError, UsageError
from openstreamer.layouts.records import RECORDS
from openstreamer.protocol.records import Record

DIGEST_SIZE = 8
FROM_OLDEST = 0
FROM_NOW = 0xFFFFFFFF

State = TypeVar("State")

_FORMAT = "openstreamer-position 1"
_HASH_AT = 32 * 1024 * 1024
"""Bytes of records of one second that are kept until they are hashed; most never are."""

_METADATA = frozenset(number for number, record in RECORDS.items() if record.kind == "metadata")


def record_digest(record: Record) -> bytes:
    """What a record is recognised by: its type and its data, in `DIGEST_SIZE` bytes."""
    return hashlib.blake2b(
        record.data, digest_size=DIGEST_SIZE, salt=record.record_type.to_bytes(4, "big")
    ).digest()


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """A place in the stream of one server.

    Attributes:
        second: archive second of the last record taken; 0 if none was.
        digests: the digests of the records of that second, joined, in the order taken.
        start: what to ask for if nothing was taken yet: 0 oldest, 0xFFFFFFFF from now on, else UNIX seconds.
    """

    second: int = 0
    digests: bytes = b""
    start: int = FROM_OLDEST

    @property
    def ordinal(self) -> int:
        """How many records of the second were taken."""
        return len(self.digests) // DIGEST_SIZE

    @property
    def digest(self) -> str:
        """The digests of the second in one, for people to compare."""
        return hashlib.blake2b(self.digests, digest_size=DIGEST_SIZE).hexdigest()

    @property
    def initial_timestamp(self) -> int:
        """What to ask the server for."""
        return self.second or self.start


class PositionTracker:
    """Follows the stream: forgets what was taken before, remembers what is taken now.

    For each batch the caller calls `fresh` (what of it is new), gives that to the outputs, and calls `taken`.
    Before each new session it calls `rewind`.
    """

    def __init__(self, position: Position | None = None) -> None:
        position = position or Position()
        self.start = position.start
        self.second = position.second
        self._digests = bytearray(position.digests)
        self._unhashed: list[Record] = []
        self._unhashed_bytes = 0
        self._expected: list[bytes] | None = None
        self._next = 0
        self._known: Counter[bytes] | None = None
        self.recognised = 0
        self.reordered = False
        self.rewind()

    @property
    def initial_timestamp(self) -> int:
        """What the next session has to ask for."""
        return self.second or self.start

    @property
    def position(self) -> Position:
        """Where the stream stands now."""
        self._hash()
        return Position(second=self.second, digests=bytes(self._digests), start=self.start)

    def rewind(self) -> None:
        """Expect the records of the current second again, as a new session sends them."""
        self._hash()
        digests = bytes(self._digests)
        self._expected = [
            digests[at : at + DIGEST_SIZE] for at in range(0, len(digests), DIGEST_SIZE)
        ] or None
        self._next = 0
        self._known = None
        self.reordered = False

    def _hash(self) -> None:
        for record in self._unhashed:
            self._digests += record_digest(record)
        self._unhashed.clear()
        self._unhashed_bytes = 0

    def fresh(self, records: list[Record]) -> list[Record]:
        """The records that were not taken before, in order; the same list where none was."""
        if self._expected is None and self._known is None:
            return records
        fresh = []
        for record in records:
            time = record.archive_time
            if (
                not time
                or record.record_type in _METADATA
                or (time == self.second and not self._recognise(record))
            ):
                fresh.append(record)
            elif time != self.second:
                fresh.append(record)
                if time > self.second:
                    self._expected = self._known = None
        return fresh

    def _recognise(self, record: Record) -> bool:
        """Whether this record of the current second was taken before."""
        digest = record_digest(record)
        if self._expected is not None:
            if self._next < len(self._expected) and self._expected[self._next] == digest:
                self._next += 1
                self.recognised += 1
                if self._next == len(self._expected):
                    self._expected = None
                return True
            remaining = self._expected[self._next :]
            self._expected = None
            self._known = Counter(remaining)
            self.reordered = bool(remaining)
        if self._known:
            count = self._known.get(digest, 0)
            if count:
                if count == 1:
                    del self._known[digest]
                else:
                    self._known[digest] = count - 1
                self.recognised += 1
                return True
        return False

    def taken(self, records: Sequence[Record]) -> None:
        """Note that the outputs have taken these records."""
        timed: Sequence[Record] = records
        if not _METADATA.isdisjoint([record.record_type for record in records]):
            timed = [record for record in records if record.record_type not in _METADATA]
        times = [record.archive_time or 0 for record in timed]
        newest = max(times, default=0)
        if not newest:
            return
        if newest < self.second:
            return
        if newest > self.second:
            self.second = newest
            self._digests.clear()
            self._unhashed.clear()
            self._unhashed_bytes = 0
            self._expected = self._known = None
        if min(times) != newest:
            timed = [record for record, time in zip(timed, times, strict=True) if time == newest]
        self._unhashed += timed
        self._unhashed_bytes += sum([len(record.data) for record in timed])
        if self._unhashed_bytes >= _HASH_AT:
            self._hash()


class SavedState(msgspec.Struct, frozen=True, kw_only=True):
    """What a position file holds.

    Attributes:
        server: "host:port" the position belongs to.
        position: where the stream stands.
        outputs: for each output, by its key, the place it can be cut back to; None where it cannot.
        saved: when, UNIX seconds; for people.
    """

    server: str
    position: Position = Position()
    outputs: dict[str, dict[str, Any] | None] = {}
    saved: int = 0


def _checksum(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).hexdigest().encode()


def encode_state(state: SavedState) -> bytes:
    """The content of a position file: a line for the form, the facts as JSON, the digests, a checksum."""
    facts = {
        "server": state.server,
        "second": state.position.second,
        "ordinal": state.position.ordinal,
        "digest": state.position.digest,
        "start": state.position.start,
        "saved": state.saved,
        "outputs": state.outputs,
    }
    body = b"\n".join(
        (_FORMAT.encode(), msgspec.json.encode(facts), base64.b64encode(state.position.digests), b"")
    )
    return body + _checksum(body) + b"\n"


def decode_state(data: bytes) -> SavedState:
    """Read the content of a position file.

    Raises:
        ValueError: it is damaged, or of another form; says in which way.
    """
    lines = data.split(b"\n")
    if lines[0] != _FORMAT.encode():
        if lines[0].startswith(b"openstreamer-position "):
            raise ValueError("it was written by a newer program")
        raise ValueError("it is no position file")
    if len(lines) != 5 or lines[4]:
        raise ValueError("it is incomplete")
    if _checksum(data[: -len(lines[3]) - 1]) != lines[3]:
        raise ValueError("its checksum is wrong")
    facts = msgspec.json.decode(lines[1])
    digests = base64.b64decode(lines[2], validate=True)
    position = Position(second=facts["second"], digests=digests, start=facts["start"])
    return SavedState(
        server=facts["server"], position=position, outputs=facts["outputs"], saved=facts["saved"]
    )


class GenerationsFile(Generic[State]):
    """Something saved on disk, with the generation before it; `encode` and `decode` say in which form."""

    advice = ""
    """What to do when both generations are damaged."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self.previous = f"{self.path}.previous"
        self._newest_unusable = False

    def encode(self, state: State) -> bytes:
        """The content of the file."""
        raise NotImplementedError

    def decode(self, data: bytes) -> State:
        """The same back. Raises ValueError, KeyError or TypeError where it is damaged."""
        raise NotImplementedError

    def load(self) -> tuple[State | None, str | None]:
        """The saved state, or None where there never was one; and a sentence where the newest was no use.

        Raises:
            ConfigurationError: both generations are damaged.
        """
        problems: list[str] = []
        gone = False
        for path in (self.path, self.previous):
            try:
                with open(path, "rb") as file:
                    data = file.read()
                state = self.decode(data)
            except FileNotFoundError:
                gone = gone or path == self.path
                continue
            except (OSError, ValueError, KeyError, TypeError, msgspec.MsgspecError) as error:
                reason = error.strerror if isinstance(error, OSError) else str(error)
                problems.append(f"{path} cannot be used ({reason})")
                self._newest_unusable = self._newest_unusable or path == self.path
                continue
            if not problems and gone:
                problems.append(f"{self.path} is gone")
            if not problems:
                return state, None
            return (
                state,
                f"{problems[0]}; going on from the position before it, so some events may come again",
            )
        if problems:
            raise ConfigurationError(f"{'; '.join(problems)}: {self.advice}")
        return None, None

    def save(self, state: State) -> None:
        """Put a new state in place of the old one; what was the newest becomes the generation before it.

        A damaged newest one does not: until the new state is there, the one before it is all there is.

        Raises:
            OutputError: the disk did not take it; the old state is as it was.
        """
        temporary = f"{self.path}.new"
        kept = f"{self.path}.kept"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                view = memoryview(self.encode(state))
                while view:
                    view = view[os.write(descriptor, view) :]
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(kept)
            if not self._newest_unusable:
                with contextlib.suppress(FileNotFoundError):
                    os.link(self.path, kept)
                    os.replace(kept, self.previous)
            os.replace(temporary, self.path)
            self._newest_unusable = False
            self._sync_directory()
        except OSError as error:
            raise OutputError(f"the position cannot be saved: {error.strerror}", target=self.path) from error

    def _sync_directory(self) -> None:
        directory = os.open(os.path.dirname(os.path.abspath(self.path)), os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


class PositionFile(GenerationsFile[SavedState]):
    """One position on disk, with the generation before it, used by one client at a time."""

    advice = "say where to begin with --since beginning, --since now or --since TIME"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        self._lock = -1

    def encode(self, state: SavedState) -> bytes:
        return encode_state(state)

    def decode(self, data: bytes) -> SavedState:
        return decode_state(data)

    def acquire(self) -> None:
        """Make the directory (0700) and claim the file for this process.

        Raises:
            UsageError: another client uses it, it cannot be written, or it is no file (a device, a pipe).
        """
        if os.path.exists(self.path) and not os.path.isfile(self.path):
            raise UsageError(f"the position {self.path} is no regular file, and is not replaced")
        try:
            os.makedirs(os.path.dirname(os.path.abspath(self.path)), mode=0o700, exist_ok=True)
            self._lock = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._lock, 32, 0).decode(errors="replace").strip()
            self.release()
            who = f" (process {holder})" if holder else ""
            raise UsageError(
                f"another client{who} uses the position {self.path}; give this one another with --position"
            ) from None
        except OSError as error:
            raise UsageError(f"the position {self.path} cannot be written: {error.strerror}") from error
        with contextlib.suppress(OSError):
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go of the claim."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
