"""What to ask a server for: names of events become flag bits and a list of event types with versions.

By default the newest version of each class is asked for that this program can decode, in an extended
request. A server that knows only older ones answers with older ones, and the block type in each record says
which. A version can be named (`intrusion@9`). Flat requests (`extended=False`) name versions by flag bits
alone, which end at the 4.10 era; file and malware events have no bit. A flags word given as a number is
sent as it is.

Rules: messages, sections 3.2 (flag bits) and 4.4 (event types and versions). What the bits and pairs stand
for is data in `openstreamer.layouts.requests`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from openstreamer.errors import UsageError
from openstreamer.layouts.records import EVENT_CLASSES, RECORDS
from openstreamer.layouts.requests import EXTENDED, FLAG_BITS, NUMBER_OF_CLASS

_PACKETS, _METADATA, _ARCHIVE_TIMES, _EXTRA_DATA, _EXTENDED = 0, 20, 23, 27, 30
_METADATA_VERSION = 4

#: Bits of flat requests by class: the newest version that has a bit.
_FLAT_BITS: dict[str, tuple[int, ...]] = {
    "packet": (_PACKETS,),
    "intrusion": (2, 6),
    "extra-data": (_EXTRA_DATA,),
    "discovery": (28,),
    "correlation": (29,),
    "impact-alert": (5,),
    "user": (21,),
    "connection": (26,),
}

#: The pair of each class that the newest known servers answer; metadata 21 v5 adds nothing that is decoded.
NEWEST: dict[str, int] = {
    "intrusion": 11,
    "correlation": 9,
    "discovery": 11,
    "connection": 17,
    "user": 7,
    "malware": 8,
    "file": 7,
    "impact-alert": 2,
}


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it goes on the wire.

    Attributes:
        flags: the flags word.
        event_types: pairs of event type and version for the streaming request; empty in flat mode.
        notes: what was left out, in words.
    """

    flags: int
    event_types: tuple[tuple[int, int], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def extended(self) -> bool:
        """Whether the server is to answer with its list of services first."""
        return bool(self.flags & 1 << _EXTENDED)

    @property
    def archive_times(self) -> bool:
        """Whether records will carry the archive time, without which there is no position."""
        return bool(self.flags & 1 << _ARCHIVE_TIMES)


def parse_flags(text: str) -> int:
    """A flags word: hexadecimal with 0x, or decimal, or names of bits joined by commas.

    Raises:
        UsageError: it is none of these.
    """
    try:
        flags = int(text, 0)
    except ValueError:
        bits = {row.name: row.mask for row in FLAG_BITS.values()}
        flags = 0
        for name in text.split(","):
            if name.strip() not in bits:
                raise UsageError(
                    f"{text!r} is no flags word: give a number such as 0x48900061, or names of:"
                    f" {', '.join(bits)}"
                ) from None
            flags |= bits[name.strip()]
    if not 0 <= flags <= 0xFFFFFFFF:
        raise UsageError(f"{text!r} does not fit into the 32 bits of a flags word")
    return flags


def _wanted(events: Iterable[str]) -> dict[str, int | None]:
    """Class -> version asked for, None for the newest; in the order of the classes."""
    wanted: dict[str, int | None] = {}
    for part in events:
        name, at, version = part.strip().partition("@")
        if name == "all" and not at:
            for each in EVENT_CLASSES:
                wanted.setdefault(each, None)
            continue
        if name not in EVENT_CLASSES:
            raise UsageError(f"there are no events {name!r}; there are all, {', '.join(EVENT_CLASSES)}")
        if not at:
            wanted.setdefault(name, None)
            continue
        number = NUMBER_OF_CLASS.get(name)
        if number is None:
            raise UsageError(f"{name} events have no version; write just {name}")
        versions = [known for event_type, known in EXTENDED if event_type == number]
        if not version.isdecimal() or int(version) not in versions:
            raise UsageError(
                f"{name} events have the versions {min(versions)} to {max(versions)}, not {version!r}"
            )
        wanted[name] = int(version)
    if not wanted:
        raise UsageError(f"no events are asked for; there are all, {', '.join(EVENT_CLASSES)}")
    return {name: wanted[name] for name in EVENT_CLASSES if name in wanted}


def events_for(record_types: frozenset[int] | None) -> str:
    """The classes that outputs of these record types have a use for; packets come with their alerts."""
    if record_types is None:
        return "all"
    classes = {RECORDS[number].event_class for number in record_types if number in RECORDS}
    if "packet" in classes:
        classes.add("intrusion")
    return ",".join(name for name in EVENT_CLASSES if name in classes) or "all"


def make_request(
    events: Sequence[str] | str = "all", *, extended: bool = True, flags: int | None = None
) -> Request:
    """The request for these classes of events.

    Args:
        events: names of classes, each perhaps with `@VERSION`; "all" for all of them; one text may join
        several
            by commas.
        extended: ask with a list of types and versions; otherwise by flag bits alone.
        flags: a flags word to be sent as it is. Whether the mode is extended is then up to its bit 30.

    Raises:
        UsageError: an unknown name or version, or a class that flat mode cannot ask for.
    """
    names = events.split(",") if isinstance(events, str) else list(events)
    wanted = _wanted(names)
    if flags is not None:
        return Request(flags=flags, event_types=_pairs(wanted) if flags & 1 << _EXTENDED else ())
    if extended:
        bits = [_METADATA, _ARCHIVE_TIMES, _EXTENDED]
        if "packet" in wanted:
            bits.append(_PACKETS)
        if "extra-data" in wanted:
            bits.append(_EXTRA_DATA)
        return Request(flags=_word(bits), event_types=_pairs(wanted))
    bits = [_METADATA, _ARCHIVE_TIMES]
    left_out = []
    for name, version in wanted.items():
        if version is not None:
            bits.append(_flat_bit(name, version))
        elif name in _FLAT_BITS:
            bits += _FLAT_BITS[name]
        else:
            left_out.append(name)
    if left_out and "all" not in names:
        raise UsageError(f"{' and '.join(left_out)} events can only be asked for in an extended request")
    notes = (
        (f"{' and '.join(left_out)} events are left out: flat requests cannot name them",) if left_out else ()
    )
    return Request(flags=_word(bits), notes=notes)


def _flat_bit(name: str, version: int) -> int:
    for bit, row in FLAG_BITS.items():
        if row.event_class == name and row.version == version:
            return bit
    raise UsageError(f"no flag bit stands for version {version} of {name} events; ask in an extended request")


def _pairs(wanted: dict[str, int | None]) -> tuple[tuple[int, int], ...]:
    pairs = [(21, _METADATA_VERSION)]
    for name, version in wanted.items():
        number = NUMBER_OF_CLASS.get(name)
        if number is not None:
            pairs.append((number, version or NEWEST[name]))
    return tuple(sorted(pairs))


def _word(bits: Iterable[int]) -> int:
    word = 0
    for bit in bits:
        word |= 1 << bit
    return word
