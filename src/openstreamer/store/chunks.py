"""How a chunk's labels lie in the database, and the checksum that guards a row.

Pure functions over bytes. SQLite does not notice when a disk flips a bit inside a value; the checksum does,
and it covers the chunk's number too, so that a row cannot pass for another one.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Collection, Iterable, Mapping

_HEAD = struct.Struct(">QQQQ")
_TYPE = struct.Struct(">II")
_REFERENCE = struct.Struct(">IH")
_COUNT = struct.Struct(">I")

UNKNOWN_COUNT = 0xFFFFFFFF
"""Stands for "nobody said how many" in the labels."""

CHECKSUM_BYTES = 8


def encode_labels(
    record_types: Collection[int],
    counts: Mapping[int, int] | None,
    references: Iterable[tuple[int, bytes]],
    count: int,
) -> tuple[bytes, dict[int, int]]:
    """Write record types and references as bytes.

    Layout, big-endian: number of types (u32), per type its number and its records (u32 each, all ones if not
    known), then per reference the referring record type (u32), the key's length (u16) and the key.

    Returns:
        The bytes, and the number of records by type as far as it is known.
    """
    if counts is None:
        counts = {next(iter(record_types)): count} if len(record_types) == 1 else {}
    ordered = sorted(record_types)
    known = {record_type: counts[record_type] for record_type in ordered if record_type in counts}
    parts = [_COUNT.pack(len(ordered))]
    parts += [_TYPE.pack(record_type, known.get(record_type, UNKNOWN_COUNT)) for record_type in ordered]
    for record_type, key in references:
        parts.append(_REFERENCE.pack(record_type, len(key)))
        parts.append(key)
    return b"".join(parts), known


def decode_types(labels: bytes) -> tuple[dict[int, int], int]:
    """Read the record types with their numbers of records; also return where the references begin.

    Raises:
        struct.error: the bytes are no labels.
    """
    (number,) = _COUNT.unpack_from(labels)
    end = _COUNT.size + number * _TYPE.size
    if end > len(labels):
        raise struct.error("labels are too short")
    return dict(_TYPE.iter_unpack(labels[_COUNT.size : end])), end


def decode_references(labels: bytes, start: int) -> tuple[tuple[int, bytes], ...]:
    """Read the references.

    Raises:
        struct.error: the bytes are no labels.
    """
    references = []
    end = len(labels)
    unpack = _REFERENCE.unpack_from
    while start < end:
        record_type, length = unpack(labels, start)
        start += _REFERENCE.size + length
        references.append((record_type, labels[start - length : start]))
    if start != end:
        raise struct.error("labels end inside a key")
    return tuple(references)


def chunk_checksum(
    number: int, archive_time: int, ordinal: int, count: int, labels: bytes, data: bytes
) -> bytes:
    """Checksum over everything that a chunk's row holds (64-bit BLAKE2b)."""
    digest = hashlib.blake2b(_HEAD.pack(number, archive_time, ordinal, count), digest_size=CHECKSUM_BYTES)
    digest.update(_COUNT.pack(len(labels)))
    digest.update(labels)
    digest.update(data)
    return digest.digest()


def metadata_checksum(key: bytes, record_type: int, netmap: int, revision: int, data: bytes) -> bytes:
    """Checksum over everything that a metadata row holds."""
    digest = hashlib.blake2b(_HEAD.pack(record_type, netmap, revision, len(key)), digest_size=CHECKSUM_BYTES)
    digest.update(key)
    digest.update(data)
    return digest.digest()
