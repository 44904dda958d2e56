"""One event in full: every field with its meaning and what its number stands for, and packets as hex.

Pure functions over decoded events. Fields, their order and their sentences come from the declarations
(`openstreamer.layouts`), words for numbers from its tables of values. Not here: finding the event (`search`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import UNSET

from openstreamer.layouts.discovery_header import DiscoveryHeader
from openstreamer.layouts.references import REFERENCES
from openstreamer.layouts.values import VALUES
from openstreamer.outputs.terminal import harmless
from openstreamer.protocol.records import Event, UnknownRecord
from openstreamer.server.web.words import moment
from openstreamer.wire import Block, layout_of

SHOWN_BYTES = 4096
"""How much of one value is shown; the rest is counted."""

LIST_ITEMS = 200
"""How many items of one list are shown."""


class FieldView(msgspec.Struct):
    """A field as a row of a table. `depth` is how deep it lies in blocks within blocks."""

    name: str
    value: str
    meaning: str
    doc: str
    depth: int = 0
    group: bool = False
    """Whether it is only the head of the fields that follow."""


class HexLine(msgspec.Struct):
    """Sixteen bytes."""

    offset: str
    octets: str
    text: str


def hex_lines(data: bytes, limit: int = SHOWN_BYTES) -> list[HexLine]:
    """Bytes the way an analyst reads them: offset, hex in two halves, ASCII."""
    lines = []
    for start in range(0, min(len(data), limit), 16):
        part = data[start : min(start + 16, limit)]
        octets = f"{part[:8].hex(' '):<23}  {part[8:].hex(' '):<23}"
        text = "".join(chr(octet) if 32 <= octet < 127 else "·" for octet in part)
        lines.append(HexLine(f"{start:04x}", octets, text))
    return lines


def fields(event: Event, names: dict[str, str]) -> list[FieldView]:
    """Header and data of an event."""
    found: list[FieldView] = []
    references: dict[str, str] = {}
    for reference in REFERENCES.get(event.record_type, ()):
        if reference.name in names and not reference.header:
            references.setdefault(reference.fields[-1], names[reference.name])
    if isinstance(event.header, DiscoveryHeader):
        found.append(FieldView("header", "", "", "Discovery event header.", 0, True))
        found += _plain(event.header, 1)
    if isinstance(event.data, UnknownRecord):
        found.append(
            FieldView("bytes", _bytes(event.data.raw), "", "The layout of this record is not known.")
        )
        return found
    found += _struct(event.data, event.record_type, 0, references)
    if event.left_over is not UNSET:
        found.append(
            FieldView("left_over", _bytes(event.left_over), "", "Bytes behind the last known field.")
        )
    return found


def _struct(data: Any, record_type: int, depth: int, references: dict[str, str]) -> Iterator[FieldView]:
    """The fields of a declared struct, in the order of the wire, as far as its version has them."""
    try:
        layout = layout_of(type(data))
        version = data.block_type if isinstance(data, Block) else record_type
        alternative = getattr(data, "alternative", UNSET)
        plan = layout.fields(version, 0 if alternative is UNSET else int(alternative))
    except (TypeError, ValueError):
        yield from _plain(data, depth)
        return
    if isinstance(data, Block):
        doc = f"{layout.doc} Block of series {layout.series}, {layout.types.get(version, '')}."
        yield FieldView("block_type", str(version), layout.id, doc, depth)
    for item in plan:
        value = getattr(data, item.name, UNSET)
        if value is UNSET:
            continue
        meaning = references.get(item.name, "") if depth == 0 else ""
        if not meaning and isinstance(value, int):
            table = VALUES.get(item.values) if item.values else None
            meaning = (table.words(value) if table is not None else None) or _time_of(item.name, value)
        yield from _value(
            item.name,
            value,
            meaning.replace("_", " ") if item.values else meaning,
            item.doc.replace("`", ""),
            depth,
        )


def _plain(data: Any, depth: int) -> Iterator[FieldView]:
    for name in getattr(data, "__struct_fields__", ()):
        value = getattr(data, name)
        if value is not UNSET:
            meaning = _time_of(name, value) if isinstance(value, int) else ""
            yield from _value(name, value, meaning, "", depth)


def _value(name: str, value: Any, meaning: str, doc: str, depth: int) -> Iterator[FieldView]:
    if isinstance(value, msgspec.Struct):
        yield FieldView(name, "", "", doc, depth, True)
        yield from _struct(value, 0, depth + 1, {})
    elif isinstance(value, list | tuple):
        yield FieldView(name, f"{len(value)} items" if len(value) != 1 else "1 item", "", doc, depth, True)
        for number, item in enumerate(value[:LIST_ITEMS], 1):
            yield from _value(str(number), item, "", "", depth + 1)
        if len(value) > LIST_ITEMS:
            yield FieldView("…", f"{len(value) - LIST_ITEMS} more", "", "", depth + 1)
    elif isinstance(value, bytes):
        yield FieldView(name, _bytes(value), "", doc, depth)
    else:
        text = "" if value is None else harmless(str(value))
        if len(text) > SHOWN_BYTES:
            text = f"{text[:SHOWN_BYTES]}… ({len(text)} characters)"
        yield FieldView(name, text, meaning, doc, depth)


def _bytes(value: bytes) -> str:
    """Bytes as text where they are printable, else as hex."""
    shown = value[:256]
    tail = f"… ({len(value)} bytes)" if len(value) > 256 else ""
    if shown and all(32 <= octet < 127 for octet in shown):
        return f"{shown.decode('ascii')}{tail}"
    return f"{shown.hex(' ')}{tail}"


def _time_of(name: str, value: int) -> str:
    """What a number that is a time says."""
    if name.endswith(("_second", "_time", "_timestamp", "last_seen", "last_used")) and 10**8 < value < 2**32:
        return moment(value)
    return ""


def related(event: Event, records: Iterable[Event]) -> list[Event]:
    """Packets and extra data that belong to an intrusion event, or the event that those belong to."""
    data = event.data
    wanted = tuple(getattr(data, name, UNSET) for name in ("device_id", "event_id", "event_second"))
    if UNSET in wanted:
        return []
    return [
        other
        for other in records
        if tuple(getattr(other.data, name, UNSET) for name in ("device_id", "event_id", "event_second"))
        == wanted
    ]
