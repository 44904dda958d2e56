"""The one shape that every output has.

An output is a class with a `Config` (a `msgspec.Struct` whose field descriptions are its manual), and six
verbs: `open`, `write`, `flush`, `place`, `finish`, `close`. It is found through the entry point group
`openstreamer.outputs`, the built-in ones through the same door as anybody else's.

The rules that make delivery safe:

* `write` takes the whole batch or none of it. When it raises `OutputFull` the caller comes back later with
  the same batch. `Refused` says that everything was taken but some records which never will be: the caller
  puts those aside and goes on. Any other error ends the stream.
* `flush` returns when what was written is out of this process (written to the file, the pipe, the socket).
* `place` says how far the output has come, as JSON-able data that is saved within the client's position. The
  same value is given back to `open` on resume, and the output cuts itself back to it. An output that cannot
  do that returns None; its records may then stand there twice after a crash, and never be missing.
* `guarantee` says in words and as data what "taken" means for this target; the docs show the same words.

It is not for choosing what to request: that is `openstreamer.client.request`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from openstreamer.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from openstreamer.outputs.batch import Batch

#: What `place` returns: JSON-able, opaque to everyone but the output that made it.
Place = dict[str, Any]


IS_FILE: dict[str, Any] = {"file": True}
"""For the `extra` of a setting that names a file: in a configuration file its path is relative to that."""


class OutputFull(OutputError):
    """There is no room just now; nothing of the batch was taken, and the same batch may be offered again."""


class OutputClosed(OutputError):
    """Whoever read the output has gone (a closed pipe): there is nobody to write for any more."""


class RefusedRecord(msgspec.Struct, frozen=True):
    """One record that an output will never take: where it stands in the batch, and why."""

    index: int
    reason: str


class Refused(OutputError):
    """Some records of a batch will never be taken; all the others were, and are not to be offered again.

    Attributes:
        refused: which records, by their place in `batch.records`, and why; in order.
    """

    def __init__(self, refused: Sequence[RefusedRecord], *, target: str | None = None) -> None:
        self.refused = tuple(refused)
        first = self.refused[0].reason
        more = f", and {len(self.refused) - 1} more" if len(self.refused) > 1 else ""
        super().__init__(f"does not take a record: {first}{more}", target=target)


class Guarantee(msgspec.Struct, frozen=True, kw_only=True):
    """What an output promises for one kind of target.

    Attributes:
        where: the kind of target, in words ("to a file"); empty if there is one kind only.
        taken: when an event counts as taken, in words.
        after: what stands there after a crash or a lost connection, in words.
        may_lose: whether an event that counts as taken may never arrive.
        may_repeat: whether an event may stand there twice; both times with the same stable id.
    """

    where: str
    taken: str
    after: str
    may_lose: bool
    may_repeat: bool


FILE = Guarantee(
    where="to a file",
    taken="it is in the file; before the position is saved, on disk",
    after="each event stands there once: the file is cut back to the position",
    may_lose=False,
    may_repeat=False,
)
PIPE = Guarantee(
    where="to a pipe or standard output",
    taken="the pipe has it",
    after="none is missing, some may come twice",
    may_lose=False,
    may_repeat=True,
)
UNSTATED = Guarantee(
    where="",
    taken="`write` and `flush` have returned",
    after="none is missing, some may come twice",
    may_lose=False,
    may_repeat=True,
)
"""What every output promises by keeping to the rules at the head of this module."""


class NoConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For an output that has no settings."""


class Output:
    """Base of all outputs; a new one overrides `write` and what else it needs.

    Class attributes:
        Config: the settings, a `msgspec.Struct`; each field with a description and a default.
        title: one line that says what the output is for.
        record_types: the record types it takes, None for all. Others are not decoded for it.
        example: an example of the option that chooses it.
        guarantees: what it promises, one row for each kind of target.
    """

    Config: ClassVar[type[msgspec.Struct]] = NoConfig
    title: ClassVar[str] = ""
    record_types: ClassVar[frozenset[int] | None] = None
    example: ClassVar[str] = ""
    guarantees: ClassVar[tuple[Guarantee, ...]] = (UNSTATED,)

    def __init__(self, config: msgspec.Struct, target: str) -> None:
        """Args:
        config: an instance of `Config`.
        target: the value of `-f`: a path, an address; "-" for standard output.
        """
        self.config = config
        self.target = target

    @classmethod
    def complete_target(cls, target: str) -> str:
        """The value of `-f` in the form that names the target for good; "-" where there was no `-f`.

        Files become absolute paths. An output that takes no file says what it takes instead.

        Raises:
            UsageError: it is no target for this output.
        """
        return target if target == "-" else os.path.abspath(target)

    @classmethod
    def takes(cls) -> str:
        """The event classes it takes, in words; empty if it takes all."""
        if cls.record_types is None:
            return ""
        from openstreamer.layouts.records import EVENT_CLASSES, RECORDS

        taken = {RECORDS[number].event_class for number in cls.record_types if number in RECORDS}
        return " and ".join(name for name in EVENT_CLASSES if name in taken)

    def guarantee(self) -> Guarantee:
        """What it promises for this target and these settings: one of `guarantees`."""
        return self.guarantees[0]

    def open(self, place: Place | None) -> None:
        """Make ready to write; with a place, cut back to it first.

        Raises:
            OutputError: the target cannot be opened, or is not the one the place speaks of.
        """

    def write(self, batch: Batch) -> None:
        """Take the whole batch, or raise and take none of it.

        Raises:
            OutputFull: no room now; the caller offers the same batch again.
            Refused: all was taken but the records it names, which never will be.
            OutputClosed: the reader of the output has gone.
            OutputError: the output cannot go on.
        """
        raise NotImplementedError

    def flush(self) -> None:
        """Bring out what `write` still holds back. Same errors as `write`."""

    def finish(self) -> None:
        """The stream ends: bring out what was held for later; comes once, before the last position is saved.

        Raises:
            OutputError: it could not be brought out; what `place` says then still holds it.
        """

    def sync(self) -> None:
        """Make durable what was flushed, as far as the settings ask for it; before a position is saved."""

    def place(self) -> Place | None:
        """How far this output has come, or None where it cannot be cut back."""
        return None

    def notices(self) -> list[str]:
        """What the operator should know since the last call, as sentences; usually nothing."""
        return []

    def close(self) -> None:
        """Flush and let go of the target; must be harmless when called twice or after an error."""
