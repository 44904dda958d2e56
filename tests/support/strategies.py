"""Hypothesis strategies for every declared class, and what every declared class must hold.

    struct_strategy(cls, type)     structs of one version, such that decode(encode(x)) == x
    mutations()                    edits of bytes: cut, overwrite, insert

What must hold for the structs and bytes is in agreement.py.

A class of a hundred fields would be slow to draw field by field; so most values come from one drawn seed and
a few, which can shrink, are drawn one by one.
"""

from __future__ import annotations

import random
import struct
from typing import Any

from hypothesis import strategies as st

from openstreamer.wire import UnknownBlock, blocks, layout_of
from openstreamer.wire.kinds import (
    Counted,
    Integer,
    Kind,
    ListKind,
    NestedKind,
    Octets,
    Rest,
    RestListKind,
    value_type,
)
from openstreamer.wire.text import decode_text, encode_text

WORDS = (
    "",
    "a",
    "index.html",
    "café",
    "\0",
    "a\0",
    "a\0\0",
    "\U0010f7e9",
    "\U0010f7c3\U0010f7a9",
    "\U0010ffff",
    "日本",
)
OCTETS = (bytes(16), bytes(10) + b"\xff\xff\xc0\x00\x02\x01", b"\xff" * 16, bytes(12) + b"\x01\x02\x03\x04")


def canonical(text: str) -> str:
    """The text that comes back when `text` is written and read; U+10F780 to U+10F7FF stand for bytes."""
    return decode_text(encode_text(text))


def texts() -> st.SearchStrategy[str]:
    """Texts as they come from the wire, broken UTF-8 included."""
    return st.one_of(
        st.sampled_from(WORDS), st.text(max_size=40), st.binary(max_size=40).map(decode_text)
    ).map(canonical)


def value_strategy(kind: Kind, series: int, depth: int = 2) -> st.SearchStrategy[Any]:
    """Values of one kind of field."""
    if isinstance(kind, Integer):
        return st.integers(kind.minimum, kind.maximum)
    if isinstance(kind, Octets):
        assert kind.size is not None
        return st.binary(min_size=kind.size, max_size=kind.size).map(kind.to_text)
    if isinstance(kind, NestedKind):
        return block_strategy(kind.items, series, depth)
    if isinstance(kind, ListKind | RestListKind):
        return st.lists(block_strategy(kind.items, series, depth), max_size=3)
    return texts() if value_type(kind) == "str" else st.binary(max_size=40)


def block_strategy(items: tuple[type, ...] | None, series: int, depth: int) -> st.SearchStrategy[Any]:
    """Blocks that may stand in a field with these item classes."""
    if items is None:
        known = sorted(number for other, number in blocks() if other == series)
        taken = set(known)
        pairs = [(cls, number) for (other, number), cls in blocks().items() if other == series]
    else:
        taken = {number for cls in items for number in layout_of(cls).types}
        pairs = [(cls, number) for cls in items for number in layout_of(cls).types]
    unknown = st.builds(
        UnknownBlock,
        st.integers(0, 0xFFFF_FFFF).filter(lambda number: number not in taken),
        st.binary(max_size=20),
    )
    if depth <= 0 or not pairs:
        return unknown
    return st.one_of(
        unknown, st.sampled_from(pairs).flatmap(lambda pair: struct_strategy(*pair, depth=depth - 1))
    )


def struct_strategy(cls: type, type_: int, *, depth: int = 2) -> st.SearchStrategy[Any]:
    """Structs of one version of `cls`, all its fields set, lengths true: decode(encode(x)) == x."""
    layout = layout_of(cls)
    plan = layout.fields(type_)
    names = [item.name for item in plan]
    by_name = {item.name: item for item in plan}
    blocky = [item for item in plan if isinstance(item.kind, NestedKind | ListKind | RestListKind)]
    # Contested layouts and fields that take the rest leave no room for bytes that nobody knows.
    open_end = layout.alternatives(type_) == 1 and not (
        plan and isinstance(plan[-1].kind, Rest | RestListKind)
    )

    @st.composite
    def build(draw: st.DrawFn) -> Any:
        chance = random.Random(draw(st.integers(0, 2**32)))
        values = {item.name: random_value(item.kind, chance) for item in plan if item not in blocky}
        for item in blocky:
            values[item.name] = draw(value_strategy(item.kind, layout.inner_series, depth))
        for name in draw(st.lists(st.sampled_from(names), max_size=4)) if names else ():
            values[name] = draw(value_strategy(by_name[name].kind, layout.inner_series, depth))
        for item in plan:
            if item.counts is not None:
                values[item.name] = counted_length(by_name[item.counts].kind, values[item.counts])
        if layout.series is not None:
            values["block_type"] = type_
        if open_end and draw(st.booleans()):
            values["left_over"] = draw(st.binary(min_size=1, max_size=12))
        return cls(**values)

    return build()


def counted_length(kind: Kind, value: Any) -> int:
    """How many bytes a counted field takes."""
    assert isinstance(kind, Counted)
    if not kind.text:
        return len(value)
    data = encode_text(value)
    return len(data) + data.endswith(b"\0")


def random_value(kind: Kind, chance: random.Random) -> Any:
    """A value of a kind that is no block, from a source of chance; edges come often."""
    if isinstance(kind, Integer):
        return chance.choice((kind.minimum, kind.maximum, 1, chance.randint(kind.minimum, kind.maximum)))
    if isinstance(kind, Octets):
        assert kind.size is not None
        raw = chance.choice((*OCTETS, chance.randbytes(16)))
        return kind.to_text((raw * 2)[: kind.size])
    if value_type(kind) == "str":
        return canonical(chance.choice(WORDS))
    return chance.randbytes(chance.randrange(12))


def mutations() -> st.SearchStrategy[list[tuple[str, int, bytes]]]:
    """Edits for `mutated`: what to do, where (taken modulo the length), and with which bytes."""
    words = st.sampled_from([struct.pack(">I", n) for n in (0, 1, 7, 8, 9, 255, 0x7FFFFFFF, 0xFFFFFFFF)])
    return st.lists(
        st.tuples(
            st.sampled_from(("set", "insert", "cut", "delete")),
            st.integers(0, 2000),
            st.one_of(words, st.binary(min_size=1, max_size=4)),
        ),
        min_size=1,
        max_size=3,
    )
