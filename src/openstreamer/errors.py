"""Every error that OpenStreamer raises on purpose.

    OpenStreamerError                 base; `exit_status` says how a command ends when it is not caught
    ├── UsageError (2)                wrong arguments or settings: the operator can mend it
    │   ├── ConfigurationError        a settings or configuration file, with the line or key
    │   ├── StateError                the state directory is missing, foreign or made by a newer program
    │   └── MissingExtra              an optional library is not installed
    ├── CodecError (1)                bytes or values that do not fit a declared layout
    │   ├── DecodeError               names record, block, field and offset
    │   └── EncodeError               names record, block and field
    ├── ProtocolError
    │   ├── LocalProtocolError (1)    our own side used the protocol wrongly: a bug
    │   └── RemoteProtocolError (4)   the peer broke the protocol; `code` is the Error message to answer with
    ├── PeerError (4)                 the peer sent an Error message (type 1) and will close
    ├── RefusedError (3)              certificate, revocation or host check: one side refused the other
    ├── TransportError (1)            could not connect, or the connection was lost
    ├── InputError (1)                an input cannot be read; names file and line
    ├── OutputError (1)               an output cannot take a batch; names the target
    ├── StoreError (1)                the event log cannot be read or written
    │   ├── StoreFull                 no room (disk or size limit); nothing accepted was lost
    │   ├── StoreConflict             another process read the same source meanwhile; nothing was stored
    │   └── StoreCorrupt              a page or chunk failed its check; `chunk` is its number where known
    └── AuthorityError (1)            a certificate, key or registry entry is missing or unusable

Whose fault it was is visible in the class; the values are attributes; `str(error)` is one sentence that
says what to do.
"""

from __future__ import annotations


class OpenStreamerError(Exception):
    """Base of all errors raised on purpose."""

    exit_status = 1


class UsageError(OpenStreamerError):
    """Wrong arguments or settings."""

    exit_status = 2


class ConfigurationError(UsageError):
    """A settings or configuration file is wrong; `where` is the file with line or key."""

    def __init__(self, message: str, *, where: str | None = None) -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.where = where


class StateError(UsageError):
    """The state directory is missing, foreign, unreadable or made by a newer program."""


class MissingExtra(UsageError):
    """An optional library is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs an optional part: pip install 'openstreamer[{extra}]'")
        self.feature = feature
        self.extra = extra


class CodecError(OpenStreamerError):
    """Bytes or values that do not fit a declared layout."""


def _place(record_type: int | None, block: str | None, field: str | None, offset: int | None) -> str:
    parts = []
    if record_type is not None:
        parts.append(f"record {record_type}")
    if block is not None:
        parts.append(f"block {block}")
    if field is not None:
        parts.append(f"field {field}")
    if offset is not None:
        parts.append(f"offset {offset}")
    return ", ".join(parts)


class DecodeError(CodecError):
    """Bytes do not fit the layout.

    `offset` counts bytes from the start of the record's data (after the record header), or from the start
    of the given buffer where there is no record. `record_type` is filled in by whoever knows it.
    """

    def __init__(
        self,
        reason: str,
        *,
        record_type: int | None = None,
        block: str | None = None,
        field: str | None = None,
        offset: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.record_type = record_type
        self.block = block
        self.field = field
        self.offset = offset

    def __str__(self) -> str:
        place = _place(self.record_type, self.block, self.field, self.offset)
        return f"{place}: {self.reason}" if place else self.reason


class EncodeError(CodecError):
    """A value cannot be written in the layout asked for."""

    def __init__(
        self,
        reason: str,
        *,
        record_type: int | None = None,
        block: str | None = None,
        field: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.record_type = record_type
        self.block = block
        self.field = field

    def __str__(self) -> str:
        place = _place(self.record_type, self.block, self.field, None)
        return f"{place}: {self.reason}" if place else self.reason


class ProtocolError(OpenStreamerError):
    """The conversation was not held as the protocol says."""


class LocalProtocolError(ProtocolError):
    """Our own side tried to send what the present state does not allow."""


class RemoteProtocolError(ProtocolError):
    """The peer broke the protocol; `code` is the error code of the Error message that answers it."""

    exit_status = 4

    def __init__(self, message: str, *, code: int = -1) -> None:
        super().__init__(message)
        self.code = code


class PeerError(OpenStreamerError):
    """The peer sent an Error message; it closes the connection after it. `peer` is its name, where known."""

    exit_status = 4

    def __init__(self, code: int, text: str, *, peer: str = "") -> None:
        said = f": {text}" if text else ""
        super().__init__(
            f"{peer} reports error {code}{said}; 'openstreamer explain error {code}' says what it means"
            if peer
            else f"the peer reports error {code}{said}"
        )
        self.code = code
        self.text = text


class RefusedError(OpenStreamerError):
    """One side refused the other: certificate, revocation or host check.

    `cause` is a short phrase from a fixed set, for counters and logs; the sentence has the details.
    """

    exit_status = 3

    def __init__(self, message: str, *, cause: str = "refused") -> None:
        super().__init__(message)
        self.cause = cause


class TransportError(OpenStreamerError):
    """The connection could not be made, or was lost."""


class InputError(OpenStreamerError):
    """An input cannot be read."""

    def __init__(self, message: str, *, path: str | None = None, line: int | None = None) -> None:
        place = ":".join(str(part) for part in (path, line) if part is not None)
        super().__init__(f"{place}: {message}" if place else message)
        self.path = path
        self.line = line


class OutputError(OpenStreamerError):
    """An output cannot take a batch."""

    def __init__(self, message: str, *, target: str | None = None) -> None:
        super().__init__(f"{target}: {message}" if target else message)
        self.target = target


class StoreError(OpenStreamerError):
    """The event log cannot be read or written."""


class StoreFull(StoreError):
    """There is no room for more; nothing that had been accepted is lost."""


class StoreConflict(StoreError):
    """A source's place was moved by another process since it was read; nothing was stored."""


class StoreCorrupt(StoreError):
    """A page or chunk of the event log failed its check.

    `chunk` is the number of the damaged chunk; None where the damage lies elsewhere in the file.
    """

    def __init__(self, message: str, *, chunk: int | None = None) -> None:
        super().__init__(message)
        self.chunk = chunk


class AuthorityError(OpenStreamerError):
    """A certificate, key or registry entry is missing or unusable."""
