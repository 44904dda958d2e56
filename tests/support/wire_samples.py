"""Declarations that use every kind of field, for the tests of the wire package."""

from __future__ import annotations

from typing import Any

from openstreamer.wire import (
    I32,
    IP,
    MAC,
    U8,
    U16,
    U32,
    U32LE,
    U64,
    UUID,
    AnyBlock,
    Blob,
    Block,
    BlockList,
    CountedBytes,
    CountedText,
    Fields,
    GenericBlockList,
    Hex8,
    Hex16,
    Hex20,
    Hex32,
    IPv4,
    IPv4LE,
    Nested,
    RestBlocks,
    RestBytes,
    RestString,
    RestText,
    String,
    f,
)


class Numbers(Block, id="numbers", series=1, types={60001: "1"}):
    """All kinds of number."""

    u8: U8 = f("Eight bits.")
    u16: U16 = f("Sixteen bits.")
    u32: U32 = f("Thirty-two bits.")
    u64: U64 = f("Sixty-four bits.")
    i32: I32 = f("Signed.")
    u32le: U32LE = f("Little-endian.")


class Addresses(Block, id="addresses", series=1, types={60002: "1"}):
    """All kinds of fixed bytes."""

    ipv4: IPv4 = f("Four bytes.")
    ipv4le: IPv4LE = f("Four bytes, little-endian.")
    ip: IP = f("Sixteen bytes.")
    mac: MAC = f("Six bytes.")
    uuid: UUID = f("A UUID.")
    hex8: Hex8 = f("Eight bytes.")
    hex16: Hex16 = f("Sixteen bytes.")
    hex20: Hex20 = f("Twenty bytes.")
    hex32: Hex32 = f("Thirty-two bytes.")


class Texts(Block, id="texts", series=1, types={60003: "1"}):
    """String and BLOB blocks among fixed fields."""

    before: U16 = f("Before the first text.")
    first: String = f("First text.")
    second: String = f("Second text, right behind the first.")
    between: U8 = f("Between.")
    third: String = f("Third text.")
    blob: Blob = f("Bytes.")
    after: U32 = f("After.")


class Texts2(Block, id="texts", series=2, types={60003: "1"}):
    """The same in series 2, where a BLOB has another number."""

    text: String = f("Text.")
    blob: Blob = f("Bytes.")


class CountedFields(Fields, id="counted", records={60004: "all"}):
    """Lengths that stand in earlier fields."""

    name_length: U16 = f("Length of the name.")
    data_length: U8 = f("Length of the data.")
    name: CountedText = f("Name.", length="name_length")
    code: U32 = f("A number between.")
    data: CountedBytes = f("Data.", length="data_length")


class RestOfText(Block, id="rest_text", series=1, types={60005: "1"}):
    """Text up to the end of the block."""

    code: U16 = f("A number.")
    text: RestText = f("Text.")


class RestOfString(Block, id="rest_string", series=1, types={60007: "1"}):
    """Text up to the end of the block, with a NUL at its end."""

    text: RestString = f("Text.")


class RestOfBytes(Fields, id="rest_bytes", records={60006: "all"}):
    """Bytes up to the end of the record."""

    data: RestBytes = f("Data.")


class Leaf(Block, id="leaf", series=1, types={60010: "1", 60011: "2"}):
    """A small block that stands in others."""

    code: U16 = f("A number.")
    name: String = f("Its name, since version 2.", since=60011)


class OtherLeaf(Block, id="other_leaf", series=1, types={60012: "1"}):
    """Another small block."""

    ip: IP = f("An address.")


class Tree(Block, id="tree", series=1, types={60013: "1"}):
    """Blocks inside a block in all ways."""

    code: U8 = f("A number.")
    leaf: Nested[Leaf] = f("One leaf.")
    leaves: BlockList[Leaf] = f("Leaves.")
    mixed: GenericBlockList[Leaf | OtherLeaf] = f("Leaves of both kinds.")
    title: String = f("Title.")
    anything: AnyBlock = f("Whatever there is.")
    everything: BlockList[Any] = f("More of it.")
    end: U16 = f("A number at the end.")


class Tree2(Block, id="tree", series=2, types={60013: "1"}):
    """Lists in series 2."""

    leaves: BlockList[Leaf2] = f("Leaves.")
    others: GenericBlockList[Any] = f("Others.")


class Leaf2(Block, id="leaf", series=2, types={60010: "1"}):
    """A small block of series 2, declared after the class that names it."""

    code: U32 = f("A number.")


class Run(Block, id="run", series=1, types={60014: "1"}):
    """Blocks end to end up to the end."""

    items: RestBlocks[Any] = f("The blocks.")


class Versions(
    Block,
    id="versions",
    series=1,
    # The order here is the order of versions; the numbers do not grow with it.
    types={60025: "1", 60021: "2", 60022: "3", 60023: "4", 60024: "5"},
    confidence={60022: "guess"},
    notes={60021: "A note."},
):
    """Fields that come, go, change and come back."""

    always: U8 = f("Always there.")
    added: U16 = f("Since the second.", since=60021)
    dropped: String = f("Up to the third.", until=60022)
    middle: U8 = f("From the second to the fourth.", since=60021, until=60023)
    returned: U32 = f("Went and came back.", spans=((None, 60025), (60022, 60023), (60024, None)))
    widened: U64 = f("Wider twice.", was={60025: U16, 60022: U32})
    moved: IP = f("Once an IPv4 address.", was={60021: IPv4})


class Contested(
    Block,
    id="contested",
    series=1,
    types={60031: "1", 60032: "2"},
    alternatives={
        60031: ({"width": U16}, {"width": U32}, {"width": U32, "extra": U32}, {"width": None, "extra": None}),
    },
):
    """Sources disagree about the first version."""

    code: U8 = f("A number.")
    width: U32 = f("Contested width.")
    extra: U32 = f("Contested presence.", since=60032)


class ContestedBody(
    Fields, id="contested_body", records={60033: "all"}, alternatives={60033: ({}, {"name": RestText})}
):
    """A record body with a String block, or plain text."""

    id: U32 = f("A number.")
    name: String = f("A name.")


class Awkward(Fields, id="awkward", records={60034: "all"}):
    """Names that the generated code must not trip over."""

    type: U8 = f("Also a builtin.")
    data: String = f("Also an argument.")
    start: U8 = f("Also an argument.")
    end: String = f("Also an argument.")
    len: U8 = f("Also a builtin.")
    bytes: Hex8 = f("Also a type.")
    value: AnyBlock = f("Also a name.")
    cls: U8 = f("Also a name.")
    match: U8 = f("Also a keyword.")


class Empty(Block, id="empty", series=1, types={60035: "1"}):
    """No fields at all."""


CLASSES: tuple[type, ...] = (
    Numbers,
    Addresses,
    Texts,
    Texts2,
    CountedFields,
    RestOfText,
    RestOfString,
    RestOfBytes,
    Leaf,
    OtherLeaf,
    Tree,
    Tree2,
    Leaf2,
    Run,
    Versions,
    Contested,
    ContestedBody,
    Awkward,
    Empty,
)
