"""How far a file has been read, in a form that knows the file by its content.

A path says little about a log: it is renamed, copied, compressed, and another file takes its name. So a place
holds a digest of the file's first bytes and one of the last bytes before the place; where both agree, it is
the same content, whatever its name and inode are, and reading goes on from there. A file that has grown is
found again too: its beginning has not changed.

Names of places are made from the digest of the first line, so that two processes that read the same file at
once meet at the same name and the store can tell. Offsets count uncompressed bytes. Nothing here opens or
reads a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import msgspec

HEAD_BYTES = 4096
"""How much of a file's beginning is compared at most."""

TAIL_BYTES = 512
"""How much of what lies before a place is compared at most."""


class Place(msgspec.Struct, frozen=True):
    """How far one content has been read."""

    head_length: int
    head_sha256: str
    offset: int
    """Bytes read, uncompressed."""
    line: int
    """Number of the last line read, from 1."""
    tail_length: int
    tail_sha256: str
    path: str = ""
    """Where the content lay then; for messages only."""

    def encode(self) -> bytes:
        """The form in which a place is stored."""
        return _encoder.encode(self)


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Place)


def digest(data: bytes) -> str:
    """SHA-256 as lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def make_place(head: bytes, offset: int, line: int, tail: bytes, path: str) -> Place:
    """The place at `offset`, behind line number `line`, in the content that begins with `head`.

    `tail` is what lies before the offset; both are cut to what a place looks at.
    """
    head = head[: min(HEAD_BYTES, offset)]
    tail = tail[-TAIL_BYTES:]
    return Place(len(head), digest(head), offset, line, len(tail), digest(tail), path)


def decode_place(data: bytes) -> Place | None:
    """The stored place, or None if it is not in a form known here."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def decode_places(stored: Mapping[str, bytes]) -> dict[str, Place]:
    """All places of a mapping that can be understood."""
    decoded = ((name, decode_place(data)) for name, data in stored.items())
    return {name: place for name, place in decoded if place is not None}


class Match(msgspec.Struct, frozen=True):
    """A known place that a content agrees with."""

    name: str
    place: Place
    verified: bool
    """Whether the bytes before the place agree too; false where the content ends before it."""


class Window(Protocol):
    """Random access to a content, uncompressed."""

    def __call__(self, offset: int, length: int) -> bytes: ...


def candidates(head: bytes, places: Mapping[str, Place]) -> list[tuple[str, Place]]:
    """The places whose beginning agrees with `head` (the content's first `HEAD_BYTES`), farthest first."""
    digests: dict[int, str] = {}
    found = []
    for name, place in places.items():
        length = place.head_length
        if not 0 < length <= len(head):
            continue
        if length not in digests:
            digests[length] = digest(head[:length])
        if digests[length] == place.head_sha256:
            found.append((name, place))
    return sorted(found, key=lambda item: item[1].offset, reverse=True)


def tail_agrees(place: Place, window: Window | Callable[[int, int], bytes]) -> bool | None:
    """Whether the bytes before the place are the same; None where the content ends before the place."""
    tail = window(place.offset - place.tail_length, place.tail_length)
    if len(tail) < place.tail_length:
        return None
    return digest(tail) == place.tail_sha256


def find_match(head: bytes, places: Mapping[str, Place], window: Window) -> Match | None:
    """The farthest place that the content agrees with.

    A content that has the beginning of a place but ends before it is an older copy of what was read: it comes
    back unverified, and only if nothing better is known and the beginning is long enough to be telling.
    """
    shorter: Match | None = None
    for name, place in candidates(head, places):
        agrees = tail_agrees(place, window)
        if agrees:
            return Match(name, place, True)
        if agrees is None and shorter is None and place.head_length == HEAD_BYTES:
            shorter = Match(name, place, False)
    return shorter


def place_name(prefix: str, first_line: bytes, taken: Iterable[str]) -> str:
    """A name for the place of a content that is not known yet: `PREFIX:DIGEST`, or `PREFIX:DIGEST.N`."""
    names = set(taken)
    base = f"{prefix}:{digest(first_line[:HEAD_BYTES])[:32]}"
    name, number = base, 1
    while name in names:
        number += 1
        name = f"{base}.{number}"
    return name
