"""The blocks that other blocks are made of: String, INT32, BLOB, List, Generic List.

Where a declaration says which of them stands in a field, they are kinds of field (`String`, `Blob`, lists) and
come out as plain values. Here they are blocks in their own right, for the fields of old releases whose
content only its own header tells, and for record 160. Series 2 numbers its primitives anew. Rules: chapter 4
of the integration guide, "Series 1 Primitive Data Blocks" and "Series 2 Primitive Data Blocks".
"""

from __future__ import annotations

from typing import Any

from openstreamer.wire import U32, Block, RestBlocks, RestBytes, RestString, String, f


class StringBlock(Block, id="string", series=1, types={0: "all"}, confidence={0: "partly-verified"}):
    """A text that stands as a block of its own."""

    data: RestString = f("The text.")


class Integer(Block, id="integer", series=1, types={7: "all"}, confidence={7: "partly-verified"}):
    """A number that stands as a block of its own; in record 160 the kind of indication of compromise."""

    value: U32 = f("The number.")


class BlobBlock(Block, id="blob", series=1, types={10: "all"}):
    """Bytes that stand as a block of their own."""

    data: RestBytes = f("The bytes, such as a banner or the value of an attribute.")


class ListBlock(Block, id="list", series=1, types={11: "all"}):
    """A list that stands as a block of its own; each item's own header tells what it is."""

    items: RestBlocks[Any] = f("Blocks end to end.")


class GenericListBlock(
    Block, id="generic_list", series=1, types={31: "all"}, confidence={31: "partly-verified"}
):
    """A generic list that stands as a block of its own; it is read as a list is."""

    items: RestBlocks[Any] = f("Blocks end to end.")


class StringInformation(
    Block, id="string_information", series=1, types={35: "all"}, confidence={35: "partly-verified"}
):
    """A text in a block around its String block: the new NetBIOS name of record 42, a CVE number in a list."""

    value: String = f("The text.")


class StringBlock2(
    Block,
    id="string",
    series=2,
    types={0: "all"},
    confidence={0: "partly-verified"},
    notes={0: "The same number and form as in series 1."},
):
    """A text that stands as a block of its own, inside series 2."""

    data: RestString = f("The text.")


class BlobBlock2(Block, id="blob", series=2, types={1: "all"}, confidence={1: "partly-verified"}):
    """Bytes that stand as a block of their own, inside series 2."""

    data: RestBytes = f("The bytes.")


class ListBlock2(Block, id="list", series=2, types={2: "all"}, confidence={2: "partly-verified"}):
    """A list that stands as a block of its own, inside series 2."""

    items: RestBlocks[Any] = f("Blocks end to end.")


class GenericListBlock2(
    Block, id="generic_list", series=2, types={3: "all"}, confidence={3: "partly-verified"}
):
    """A generic list that stands as a block of its own, inside series 2."""

    items: RestBlocks[Any] = f("Blocks end to end.")
