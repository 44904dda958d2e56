"""What the dissector must show for a decoded value, and samples of every declared layout.

shown_event, shown_block    pairs of field name and text, as `comparable` gives them
comparable                  those pairs of `Tshark.messages` that are fields of declarations, in one notation
every_record, every_form    bytes of every layout, made by our encoder
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from msgspec import UNSET

from openstreamer.dissector.tables import classes, field_names, forms, way_of
from openstreamer.layouts import messages
from openstreamer.layouts.discovery_header import DiscoveryHeader
from openstreamer.layouts.records import RECORDS
from openstreamer.protocol.codec import Event, UnknownRecord
from openstreamer.wire import Block, Fields, Layout, PlanField, UnknownBlock, encoder, layout_of
from openstreamer.wire.kinds import (
    Counted,
    Integer,
    Kind,
    ListKind,
    NestedKind,
    Octets,
    RestListKind,
    value_type,
)
from support.tshark import Pairs

MESSAGE_LAYOUTS = {
    layout_of(cls).id
    for cls in vars(messages).values()
    if isinstance(cls, type) and cls is not Fields and issubclass(cls, Fields)
}
"""Layouts of messages and headers, which stand around records; the tests look at them by themselves."""

PLAIN = ("estreamer.block_type", "estreamer.bytes", "estreamer.left_over")
"""Fields of the dissector's own that are compared too."""


@cache
def ways_by_field() -> dict[str, str]:
    """Every field of records and blocks that has a value, and the type of field that shows it."""
    return {
        f"estreamer.{id}.{name}": way
        for (id, _, way), name in field_names().items()
        if way != "blocks" and id not in MESSAGE_LAYOUTS
    }


def carried() -> set[type[Any]]:
    """The classes that some record or host data message can hold, by themselves or inside others."""
    waiting: list[type[Any]] = [body for row in RECORDS.values() for body in row.bodies]
    waiting += [DiscoveryHeader, *(cls for cls in classes() if layout_of(cls).series == 1)]
    found: set[type[Any]] = set()
    while waiting:
        cls = waiting.pop()
        if cls not in found:
            found.add(cls)
            layout = layout_of(cls)
            for number, alternative in forms(layout):
                for item in layout.fields(number, alternative):
                    waiting += item.nested or ()
    return found


def field_name(layout: Layout, item: PlanField) -> str:
    """What the dissector calls a field."""
    return f"estreamer.{layout.id}.{field_names()[layout.id, item.name, way_of(item.kind)]}"


def shown(value: Any, number: int) -> Iterator[tuple[str, str]]:
    """Fields of a block or record body in the order of the wire, with those of the blocks inside."""
    layout = layout_of(type(value))
    if layout.series is not None:
        yield "estreamer.block_type", str(number)
    alternative = 0 if value.alternative is UNSET else value.alternative
    for item in layout.fields(number, alternative):
        found = getattr(value, item.name)
        if isinstance(item.kind, NestedKind):
            yield from _block(found)
        elif isinstance(item.kind, ListKind | RestListKind):
            for inner in found:
                yield from _block(inner)
        else:
            yield field_name(layout, item), _text(found)
    if value.left_over is not UNSET:
        yield "estreamer.left_over", value.left_over.hex()


def _block(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, UnknownBlock):
        yield "estreamer.block_type", str(value.block_type)
        if value.data:
            yield "estreamer.bytes", value.data.hex()
    else:
        yield from shown(value, value.block_type)


def shown_event(event: Event) -> Pairs:
    """Fields of a record: its discovery event header, its data, what is left over."""
    pairs: Pairs = []
    if event.header is not UNSET:
        pairs += shown(event.header, 56 if event.header.has_ipv6 == 1 else 40)
    data = event.data
    if isinstance(data, UnknownRecord):
        if data.block_type is not UNSET:
            pairs.append(("estreamer.block_type", str(data.block_type)))
        if data.raw:
            pairs.append(("estreamer.bytes", data.raw.hex()))
    else:
        pairs += shown(data, data.block_type if isinstance(data, Block) else event.record_type)
    if event.left_over:
        pairs.append(("estreamer.left_over", event.left_over.hex()))
    return [(name, _notation(text)) for name, text in pairs]


def shown_block(block: Block) -> Pairs:
    """Fields of a block."""
    return [(name, _notation(text)) for name, text in shown(block, block.block_type)]


def comparable(pairs: Iterable[tuple[str, str]]) -> Pairs:
    """Fields of declarations among those of a message, in the notation of `shown_event`."""
    found = []
    ways = ways_by_field() | dict.fromkeys(PLAIN, "octets")
    for name, text in pairs:
        if name in ways:
            found.append((name, _notation(text.replace(":", "") if ways[name] == "octets" else text)))
    return found


def _text(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _notation(text: str) -> str:
    """Addresses as IPv6, whatever form they are written in; all else as it is."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if address.version == 4:
        address = ipaddress.IPv6Address(f"::ffff:{address}")
    return address.exploded


# --- samples ----------------------------------------------------------------------------------------------


def sample(cls: type[Any], number: int, *, depth: int = 0, alternative: int = 0) -> Any:
    """A value of one form, each field different from its neighbours."""
    layout = layout_of(cls)
    values: dict[str, Any] = {"block_type": number} if layout.series is not None else {}
    for place, item in enumerate(layout.fields(number, alternative), 1):
        values[item.name] = _sample_of(item.kind, f"{item.name} {place}", place, layout.inner_series, depth)
    if alternative:
        values["alternative"] = alternative
    return cls(**values)


def _sample_of(kind: Kind, text: str, place: int, series: int, depth: int) -> Any:
    if isinstance(kind, Integer):
        assert kind.size is not None
        return -place if kind.signed else place * 0x0101_0101_0101_0101 % 256**kind.size
    if isinstance(kind, Octets):
        assert kind.size is not None
        return kind.to_text(bytes((place + index) % 256 for index in range(kind.size)))
    if isinstance(kind, NestedKind | ListKind | RestListKind):
        unknown = UnknownBlock(50_000 + place, text.encode())
        items = (
            [unknown]
            if kind.items is None or depth > 2
            else [
                sample(cls, number, depth=depth + 1)
                for cls in kind.items
                for number in [*layout_of(cls).types][-2:]
            ]
        )
        return items[-1] if isinstance(kind, NestedKind) else items
    if isinstance(kind, Counted) and not kind.text:
        return text.encode()
    return text if value_type(kind) == "str" else text.encode()


def every_form(cls: type[Any], numbers: Iterable[int] | None = None) -> Iterator[tuple[int, bytes]]:
    """Type and bytes of every form of a class, or of those of its types."""
    for number, alternative in forms(layout_of(cls)):
        if numbers is None or number in numbers:
            yield number, encoder(cls, number)(sample(cls, number, alternative=alternative))


def every_record() -> Iterator[tuple[int, bytes]]:
    """Record type and data of every layout that a record may hold, and of records without a layout."""
    headers = [encoder(DiscoveryHeader, size)(_header(size)) for size in (40, 56)]
    for row in RECORDS.values():
        if not row.bodies:
            yield row.number, b"no layout"
        for body in row.bodies:
            numbers = None if issubclass(body, Block) else [row.number]
            for place, (_, data) in enumerate(every_form(body, numbers)):
                yield row.number, (headers[place % 2] if row.discovery_header else b"") + data


def _header(size: int) -> Any:
    header = sample(DiscoveryHeader, size)
    header.has_ipv6 = int(size == 56)
    return header
