"""How values lie in bytes: declarations of layouts, and what is made from them.

    declare.py, kinds.py     `Block`, `Fields`, `f` and the kinds of field: what layouts are written with
    layout.py                the plain plan of one version
    interpreter.py           the slow reference
    compiler*.py             generated decoders and encoders, with the same results
    schema.py, json_form.py  JSON schema, and structs from parsed JSON
    text.py, values.py       text, addresses, UUIDs, digests

No input or output, and no knowledge of any record: layouts are declared in `openstreamer.layouts`.
"""

from __future__ import annotations

from openstreamer.wire.compiler import decoder, encoder, source_of
from openstreamer.wire.declare import Block, Fields, UnknownBlock, block_class, blocks, declared, f
from openstreamer.wire.kinds import (
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
    BlockList,
    CountedBytes,
    CountedText,
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
)
from openstreamer.wire.layout import Layout, PlanField, layout_of

__all__ = [
    "I32",
    "IP",
    "MAC",
    "U8",
    "U16",
    "U32",
    "U32LE",
    "U64",
    "UUID",
    "AnyBlock",
    "Blob",
    "Block",
    "BlockList",
    "CountedBytes",
    "CountedText",
    "Fields",
    "GenericBlockList",
    "Hex8",
    "Hex16",
    "Hex20",
    "Hex32",
    "IPv4",
    "IPv4LE",
    "Layout",
    "Nested",
    "PlanField",
    "RestBlocks",
    "RestBytes",
    "RestString",
    "RestText",
    "String",
    "UnknownBlock",
    "block_class",
    "blocks",
    "declared",
    "decoder",
    "encoder",
    "f",
    "layout_of",
    "source_of",
]
