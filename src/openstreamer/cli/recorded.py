"""A recorded stream of messages, or hex text, cut into messages and the items of bundles.

What cannot be read becomes a Failure in its place; only a broken message header ends the stream, because no
message can be found behind it. Not here: what the messages say (decode.py, field_tree.py).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import msgspec

from openstreamer.errors import UsageError

_CHUNK = 1 << 16
BUNDLE = 4002
"""Message type of a bundle."""


class Item(msgspec.Struct):
    """One message: its place in the stream (at its header), how deep in a bundle, its type and body."""

    offset: int
    depth: int
    type: int
    body: bytes

    @property
    def name(self) -> str:
        """The message type in words."""
        from openstreamer.layouts.values import VALUES

        return VALUES["message_type"].entries.get(self.type, f"message_{self.type}")


class Failure(msgspec.Struct):
    """What could not be read, and where its message starts."""

    offset: int
    reason: str

    def __str__(self) -> str:
        return f"message at {self.offset:#x}: {self.reason}"


def read_items(file: str, *, as_hex: bool) -> Iterator[Item | Failure]:
    """Read messages from a file, or from standard input (-); those in a bundle come after the bundle itself.

    Raises:
        UsageError: the file cannot be opened, or is not hex text.
    """
    if file == "-":
        yield from items_of(_chunks(sys.stdin.buffer, as_hex))
        return
    try:
        stream = open(file, "rb")  # noqa: SIM115 - errors of opening are told from those of reading
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from None
    with stream:
        yield from items_of(_chunks(stream, as_hex))


def _chunks(stream: BinaryIO, as_hex: bool) -> Iterator[bytes]:
    if as_hex:
        yield hex_bytes(stream.read().decode("ascii", "replace"))
        return
    read = getattr(stream, "read1", stream.read)
    while chunk := read(_CHUNK):
        yield chunk


def hex_bytes(text: str) -> bytes:
    """Bytes from hex text with any blanks, an optional 0x, and comments after #. Raises UsageError."""
    bare = re.sub(r"\s+|0[xX](?=[0-9a-fA-F])", "", re.sub(r"#[^\n]*", "", text))
    try:
        return bytes.fromhex(bare)
    except ValueError:
        wrong = re.search(r"[^0-9a-fA-F]", bare)
        reason = f"{wrong.group()!r} is no hex digit" if wrong else "the number of hex digits is odd"
        raise UsageError(f"the input is not hex text: {reason}") from None


def _messages(chunks: Iterable[bytes]) -> Iterator[Item | Failure]:
    from openstreamer.protocol.framing import FrameReader

    reader = FrameReader()
    offset = 0
    first = True
    for chunk in chunks:
        for message_type, body in reader.receive(chunk):
            yield Item(offset, 0, message_type, body)
            offset += 8 + len(body)
        if reader.error is not None:
            hint = (
                "; is it hex text? then say --hex"
                if first and re.match(rb"\s*[0-9a-fA-F\s]{8}", chunk)
                else ""
            )
            yield Failure(offset, f"{reader.error}; what follows cannot be read{hint}")
            return
        first = False
    if reader.pending:
        yield Failure(offset, f"the stream ends {reader.pending} bytes into a message")


def items_of(chunks: Iterable[bytes]) -> Iterator[Item | Failure]:
    """Cut bytes, however they are split, into messages; those in a bundle come after the bundle itself."""
    for message in _messages(chunks):
        yield message
        if isinstance(message, Item) and message.type == BUNDLE:
            yield from _bundle(message)


def _bundle(bundle: Item) -> Iterator[Item | Failure]:
    body, position = bundle.body, 8
    while position < len(body):
        place = bundle.offset + 8 + position
        if len(body) - position < 8:
            yield Failure(place, f"{len(body) - position} bytes at the end of the bundle are no item")
            return
        kind = int.from_bytes(body[position + 2 : position + 4], "big")
        length = int.from_bytes(body[position + 4 : position + 8], "big")
        if length > len(body) - position - 8:
            yield Failure(
                place, f"the item claims {length} bytes, {len(body) - position - 8} are left in the bundle"
            )
            return
        yield Item(place, 1, kind, body[position + 8 : position + 8 + length])
        position += 8 + length
