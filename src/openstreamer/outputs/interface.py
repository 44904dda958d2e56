"""The one shape that every output has.

An output is a class with a `Config` (a `msgspec.Struct` whose field descriptions are its manual), and six
verbs: `open`, `write`, `flush`, `place`, `finish`, `close`. It is found through the entry point group
`openstreamer.outputs`, the built-in ones through the same door as anybody else's.

The rules that make delivery safe:

* `write` takes the whole batch or none of it. When it raises `OutputFull` the caller comes back later with
  the same batch; any other error ends the stream.
* `flush` returns when what was written is out of this process (written to the file, the pipe, the socket).
* `place` says how far the output has come, as JSON-able data that is saved within the client's position. The
  same value is given back to `open` on resume, and the output cuts itself back to it. An output that cannot
  do that returns None; its records may then stand there twice after a crash, and never be missing.

It is not for choosing what to request: that is `openstreamer.client.request`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from openstreamer.errors import OutputError

if TYPE_CHECKING:
    from openstreamer.outputs.batch import Batch

#: What `place` returns: JSON-able, opaque to everyone but the output that made it.
Place = dict[str, Any]


class OutputFull(OutputError):
    """There is no room just now; nothing of the batch was taken, and the same batch may be offered again."""


class OutputClosed(OutputError):
    """Whoever read the output has gone (a closed pipe): there is nobody to write for any more."""


class NoConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For an output that has no settings."""


class Output:
    """Base of all outputs; a new one overrides `write` and what else it needs.

    Class attributes:
        Config: the settings, a `msgspec.Struct`; each field with a description and a default.
        title: one line that says what the output is for.
        record_types: the record types it takes, None for all. Others are not decoded for it.
        example: an example of the option that chooses it.
    """

    Config: ClassVar[type[msgspec.Struct]] = NoConfig
    title: ClassVar[str] = ""
    record_types: ClassVar[frozenset[int] | None] = None
    example: ClassVar[str] = ""

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

    def open(self, place: Place | None) -> None:
        """Make ready to write; with a place, cut back to it first.

        Raises:
            OutputError: the target cannot be opened, or is not the one the place speaks of.
        """

    def write(self, batch: Batch) -> None:
        """Take the whole batch, or raise and take none of it.

        Raises:
            OutputFull: no room now; the caller offers the same batch again.
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
