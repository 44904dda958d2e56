"""What metadata says of the numbers in events.

A server must know which metadata records an event refers to, and send them before it; a client
shows the names. Both go by the tables of layouts/references.py. A key is a few bytes: the metadata record's
type and the values, so equal keys are equal bytes wherever they were read. Zero ids and all-zero UUIDs
refer to nothing. Rules: chapter 2 of the integration guide, "Metadata", and the metadata records of
chapters 3 and 4. Not here: keeping metadata on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any

from msgspec import UNSET

from openstreamer.layouts.references import DOMAIN, METADATA, REFERENCES, MetadataKey, Reference

from .codec import Record, decode_record

_SPACED = b"\xff\xff"
"""Begins a key in a space of its own; there is no metadata record of type 65,535."""

_MOST_CACHED = 16_384
"""Answers after which a cache is thrown away; values come from the peer, memory is ours."""


def _is_nothing(value: Any) -> bool:
    """True of zero ids and of identifiers and digests that are all zero; an absent value is nothing too."""
    if isinstance(value, str):
        return not value.strip("0-:")
    return not value


def _refers_to_nothing(values: tuple[Any, ...]) -> bool:
    """A key with a number that is zero refers to nothing, likewise one of identifiers that are all zero."""
    if any(not value for value in values):
        return True
    return all(_is_nothing(value) for value in values)


def key_of(record_type: int, values: Iterable[Any]) -> bytes:
    """Build the key of a metadata record from the values of its key fields.

    Integers take 4 bytes (8 where they do not fit), UUIDs and digests the bytes they stand for.
    """
    parts = [record_type.to_bytes(2, "big")]
    for value in values:
        if isinstance(value, int) and 0 <= value < 1 << 64:
            parts.append(value.to_bytes(4 if value < 1 << 32 else 8, "big"))
        else:
            text = str(value)
            try:
                parts.append(bytes.fromhex(text.replace("-", "")))
            except ValueError:
                parts.append(text.encode("utf-8", "surrogatepass"))
    return b"".join(parts)


def key_within(space: int, key: bytes) -> bytes:
    """A metadata key in a space of its own, for a source that numbers things for itself; 0 leaves it as is.

    `space` is a number below 65,536. `plain_key` gives the key back.
    """
    return _SPACED + space.to_bytes(2, "big") + key if space else key


def plain_key(key: bytes) -> bytes:
    """The key as its source knows it, without the space: what a client goes by, which sees one server."""
    return key[4:] if key.startswith(_SPACED) else key


def _key_values(key: MetadataKey, data: Any) -> tuple[tuple[Any, ...], str] | None:
    """Values of the key fields and name of the label field, in whichever spelling the layout has."""
    for fields, label in ((key.fields, key.label), *key.variants):
        values = tuple(getattr(data, field, UNSET) for field in fields)
        if UNSET not in values:
            return values, label
    return None


def _read(record: Record) -> tuple[tuple[Any, ...], str] | None:
    key = METADATA.get(record.record_type)
    if key is None:
        return None
    data = decode_record(record).data
    found = _key_values(key, data)
    if found is None:
        return None
    values, label = found
    return values, getattr(data, label)


def metadata_key(record_type: int, data: bytes) -> bytes:
    """Give the key of a metadata record from its data.

    A record that is not known as metadata is its own key: its type and its bytes.

    Raises:
        DecodeError: the record cannot be decoded.
    """
    found = _read(Record(record_type, data))
    return key_of(record_type, (data.hex(),)) if found is None else key_of(record_type, found[0])


def name_of(record: Record) -> tuple[bytes, str] | None:
    """Give key and text of a metadata record; None if the record is no metadata with a name.

    Raises:
        DecodeError: the record cannot be decoded.
    """
    found = _read(record)
    return None if found is None else (key_of(record.record_type, found[0]), found[1])


class _References:
    """The references of one record type and class: one getter for all values, answers kept by values."""

    __slots__ = ("answers", "getter", "places")

    def __init__(self, references: tuple[Reference, ...], present: frozenset[str]) -> None:
        chosen = [reference for reference in references if present.issuperset(reference.fields)]
        fields = list(dict.fromkeys(field for reference in chosen for field in reference.fields))
        # where the values of each reference stand among those the getter gives
        self.places = [(item.record_type, [fields.index(field) for field in item.fields]) for item in chosen]
        self.getter: Callable[[Any], Any] | None = attrgetter(*fields) if fields else None
        self.answers: dict[Any, tuple[bytes, ...]] = {}

    def keys(self, data: Any) -> tuple[bytes, ...]:
        if self.getter is None:
            return ()
        values = self.getter(data)
        keys = self.answers.get(values)
        if keys is None:
            keys = self._work_out(values)
        return keys

    def _work_out(self, values: Any) -> tuple[bytes, ...]:
        several = values if isinstance(values, tuple) else (values,)
        found: dict[bytes, None] = {}
        for record_type, places in self.places:
            wanted = tuple([several[place] for place in places])
            if not _refers_to_nothing(wanted):
                found[key_of(record_type, wanted)] = None
        if len(self.answers) >= _MOST_CACHED:
            self.answers.clear()
        keys = self.answers[values] = tuple(found)
        return keys


_BY_CLASS: dict[tuple[int, type[Any], bool], _References] = {}


def _references_for(record_type: int, kind: type[Any], header: bool) -> _References:
    found = _BY_CLASS.get((record_type, kind, header))
    if found is None:
        wanted = tuple(item for item in REFERENCES.get(record_type, ()) if item.header is header)
        found = _References(wanted, frozenset(kind.__struct_fields__))
        _BY_CLASS[record_type, kind, header] = found
    return found


def references_of(record_type: int, data: Any, header: Any = UNSET, netmap_id: int = 0) -> list[bytes]:
    """Give the keys of the metadata records that an event refers to, each once, in the order of its fields.

    `data` is the decoded struct, `header` the discovery event header where the record has one. A key may be
    of a metadata record that nobody has.
    """
    keys = [*_references_for(record_type, type(data), False).keys(data)]
    if header is not UNSET:
        more = _references_for(record_type, type(header), True).keys(header)
        keys += [key for key in more if key not in keys]
    if netmap_id:
        keys.append(key_of(DOMAIN.record_type, (netmap_id,)))
    return keys


def is_metadata(record_type: int) -> bool:
    """True of record types whose records name numbers of events."""
    return record_type in METADATA
