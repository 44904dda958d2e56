"""What a client of an old release gets: every record in the forms of that release, to the innermost block.

The records are built from the catalogue of the format, and so is what each release may hold.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import UNSET

from openstreamer.layouts.records import RECORDS
from openstreamer.layouts.requests import EXTENDED, FLAG_BITS, NUMBER_OF_CLASS
from openstreamer.protocol.inner_blocks import nests
from openstreamer.protocol.records import Record, decode_record
from openstreamer.protocol.selection import Selection, select
from openstreamer.protocol.transcode import transcode
from openstreamer.wire import Block, UnknownBlock
from support import hand_made
from support.catalogue_bytes import Builder, catalogue_blocks

RELEASES = {
    1: (3, 0),
    2: (3, 4),
    3: (4, 6),
    4: (4, 8),
    5: (4, 9),
    6: (4, 9, 1),
    7: (4, 10),
    8: (5, 0),
    9: (5, 1),
}
"""Version of discovery requests -> its release."""

pytestmark = pytest.mark.skipif(
    not catalogue_blocks(), reason="not in this checkout: the catalogue of the format"
)


class IPv4Builder(Builder):
    """Only IPv4 addresses, and numbers of one byte, so that old forms have room for them."""

    def value(self, kind: str, name: str, series: int, *, text_block: bool = False) -> tuple[bytes, Any]:
        if kind == "ipv6_16":
            number = 0xC0000200 + next(self.numbers) % 250
            return bytes(10) + b"\xff\xff" + number.to_bytes(4, "big"), number
        if kind in ("u16", "u32", "u64"):
            number = next(self.numbers) % 200 + 1
            return number.to_bytes(int(kind[1:]) // 8, "big"), number
        return super().value(kind, name, series, text_block=text_block)


def built(number: int, block_type: int) -> Record:
    body, _ = IPv4Builder(1).block(1, block_type)
    return Record(number, hand_made.discovery_header(1001, 1, host="192.0.2.1") + body, hand_made.SECOND)


def inner(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every block inside, with the one that holds it."""
    for name in data.__struct_fields__:
        value = getattr(data, name)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Block | UnknownBlock):
                yield data, item
                yield from inner(item)


def first_release(block_type: int) -> tuple[int, ...]:
    """When a block of series 1 came, by the catalogue."""
    versions = catalogue_blocks()[1, block_type]["versions"]
    if versions.startswith(("all", "before", "to ", "legacy", "(to")):
        return (0,)
    found = re.search(r"\d+(\.\d+)*", versions)
    parts = [int(part) for part in found[0].split(".")] if found else [0]
    return tuple(parts[:-1] if parts[-1] == 0 and len(parts) > 2 else parts)


def asking(version: int) -> Selection:
    return select(1 << 30, ((61, version),))


TOO_OLD = {
    4: {89},  # vulnerabilities in scan results had another form, which the list does not take
    5: {89},  # what a user says of products came with 4.10
    6: {89},
}
"""Version -> records that hold something which the release had no form for."""

DISCOVERY = [
    (number, block_type)
    for number, row in sorted(RECORDS.items())
    if row.event_class == "discovery"
    for block_type in row.blocks[-1:]
    if any(nests(body) for body in row.bodies)
]


@pytest.mark.parametrize("version", RELEASES)
@pytest.mark.parametrize(("number", "block_type"), DISCOVERY, ids=str)
def test_blocks_inside_are_of_the_release(number: int, block_type: int, version: int) -> None:
    lost: Counter[str] = Counter()
    found = transcode(built(number, block_type), asking(version), lost)
    if found is None:
        named = number in {form.record_type for form in EXTENDED[61, version].forms}
        assert not named or (number in TOO_OLD[version] and lost)
        return
    event = decode_record(found)
    assert event.left_over is UNSET
    assert found.data[14] == 0, "the header of those releases has no IPv6 address"
    for _, item in inner(event.data):
        assert isinstance(item, Block)
        assert first_release(item.block_type) <= RELEASES[version], item.block_type


@pytest.mark.parametrize("version", [10, 11])
@pytest.mark.parametrize(("number", "block_type"), DISCOVERY, ids=str)
def test_blocks_inside_stay_as_they_are_for_newer_clients(number: int, block_type: int, version: int) -> None:
    record = built(number, block_type)
    found = transcode(record, asking(version))
    if number == 160:
        return
    assert found is not None
    assert found.data.endswith(record.data[56:])


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (3, {36, 50, 4, 5, 42, 34, 0, 11, 1}),
        (4, {68, 4, 5, 42, 34, 0, 11, 1}),
        (5, {91, 87, 89, 88, 1, 4, 95, 42}),
        (6, {91, 87, 98, 88, 97, 1, 4, 95, 100}),
        (7, {91, 87, 103, 105, 97, 1, 4, 95, 100}),
        (8, {91, 87, 103, 117, 123, 1, 4, 95, 122}),
        (9, {132, 130, 131, 103, 117, 123, 1, 4, 95, 112, 85}),
        (10, {139, 130, 131, 103, 117, 123, 1, 4, 95, 112, 85}),
    ],
)
def test_new_host_of_every_era(version: int, expected: set[int]) -> None:
    """Record 10: block by block what a new host is made of."""
    found = transcode(built(10, 139), asking(version))
    assert found is not None
    data = decode_record(found).data
    numbers = {data.block_type} | {item.block_type for _, item in inner(data)}
    assert numbers <= expected
    assert data.block_type in numbers


@pytest.mark.parametrize("version", range(5, 10))
def test_server_of_every_era_keeps_what_it_is(version: int) -> None:
    """Record 11: application protocol, vendor and version, in whatever block."""
    newest = built(11, 103)
    stored = decode_record(newest).data
    data = decode_record(transcode(newest, asking(version)) or newest).data
    before, after = stored.server_information[0], data.server_information[0]
    number = after.server_id if after.block_type < 117 else after.application_id
    assert (number, after.vendor, after.version) == (before.application_id, before.vendor, before.version)
    assert (data.port, data.hits) == (stored.port, stored.hits)


def test_server_before_4_9_by_hand() -> None:
    """Record 11 with block 68: the first identity, its texts as String blocks, its parts as a List block."""
    found = transcode(built(11, 103), asking(4))
    assert found is not None
    stored = decode_record(built(11, 103)).data
    first = stored.server_information[0]

    def text(value: str) -> bytes:
        return hand_made.string_block(value)

    parts = b"".join(
        hand_made.block(1, text(part.name) + text(part.vendor) + text(part.version))
        for item in stored.server_information
        for part in item.sub_servers
    )
    content = struct.pack(">HII", stored.port, stored.hits, first.application_id)
    content += text(first.vendor) + text("") + text(first.version) + hand_made.block(11, parts)
    content += struct.pack(">IIII", stored.confidence, stored.last_used, first.source_type, first.source_id)
    assert found.data[40:] == hand_made.block(68, content)


def test_an_ipv6_range_cannot_be_told_to_old_clients() -> None:
    content = hand_made.block(31, hand_made.block(141, hand_made.address("2001:db8::1") * 2))
    content += hand_made.block(31, b"") + struct.pack(">II", 1, 2)
    record = Record(85, hand_made.discovery_header(1002, 1) + hand_made.block(78, content))
    lost: Counter[str] = Counter()
    assert transcode(record, asking(9), lost) is None
    assert list(lost) == ["record 85: start does not fit the form asked for"]
    assert transcode(record, asking(10)) is not None


def test_unknown_blocks_inside_are_not_sent_to_old_clients() -> None:
    content = hand_made.block(31, hand_made.block(999, b"abcd")) + hand_made.block(31, b"")
    record = Record(85, hand_made.discovery_header(1002, 1) + hand_made.block(78, content + bytes(8)))
    lost: Counter[str] = Counter()
    assert transcode(record, asking(9), lost) is None
    assert list(lost) == ["record 85: a block inside has no known layout"]
    assert transcode(record, asking(11)) is record


# --- every class, every version ---------------------------------------------------------------------------


def newest_of(event_class: str) -> Iterator[Record]:
    """A record of each type of a class in its newest block, IPv4 only."""
    for number, row in sorted(RECORDS.items()):
        described = catalogue_blocks().get((row.series or 1, row.blocks[-1])) if row.blocks else None
        if row.event_class != event_class or described is None or described["fields"] is None:
            continue
        body, _ = IPv4Builder(row.series or 1).block(row.series or 1, row.blocks[-1])
        head = hand_made.discovery_header(1001, 1, host="192.0.2.1") if row.discovery_header else b""
        yield Record(number, head + body, hand_made.SECOND)


@pytest.mark.parametrize("pair", EXTENDED, ids=str)
def test_what_is_stored_today_reaches_every_version(pair: tuple[int, int]) -> None:
    """Each record type that a version names is answered from the newest form of it, whole and in the block
    named; what is not is counted with a reason."""
    request = EXTENDED[pair]
    if request.event_class == "metadata":
        return
    selection = select(1 << 30, (pair,))
    reached = set()
    for record in newest_of(request.event_class):
        lost: Counter[str] = Counter()
        found = transcode(record, selection, lost)
        if found is None:
            continue
        event = decode_record(found)
        assert event.left_over is UNSET
        asked = [form for form in request.forms if form.record_type == found.record_type]
        if asked and asked[0].block_type is not None:
            assert event.data.block_type == asked[0].block_type
            reached.add(found.record_type)
    named = {form.record_type for form in request.forms if form.block_type is not None}
    assert reached >= named & {
        record.record_type for record in newest_of(request.event_class)
    } - NOT_TODAY.get(pair, set())


NOT_TODAY: dict[tuple[int, int], set[int]] = {
    (31, 2): {36},  # numbers of sensors
    **{(61, version): numbers for version, numbers in TOO_OLD.items()},
    (61, 10): {160},  # the newest form tells one number only
}
"""Pair -> record types whose newest form says too little."""


@pytest.mark.parametrize("bit", [bit for bit, row in FLAG_BITS.items() if row.version is not None])
def test_bits_ask_for_what_their_pair_asks_for(bit: int) -> None:
    """A bit and its pair give the same bytes."""
    row = FLAG_BITS[bit]
    assert row.event_class is not None
    assert row.version is not None
    if row.event_class == "metadata":
        return
    flat, extended = (
        select(1 << bit, None),
        select(1 << 30, ((NUMBER_OF_CLASS[row.event_class], row.version),)),
    )
    for record in newest_of(row.event_class):
        assert transcode(record, flat) == transcode(record, extended)
