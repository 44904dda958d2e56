"""Every kind of field, read from bytes made by hand and written to the same bytes, by both backends."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from msgspec import UNSET

from openstreamer.errors import DecodeError, EncodeError
from openstreamer.wire import U16, UnknownBlock
from openstreamer.wire.kinds import kind_of
from support.agreement import outcome
from support.wire_samples import (
    Addresses,
    Awkward,
    CountedFields,
    Empty,
    Leaf,
    Leaf2,
    Numbers,
    OtherLeaf,
    RestOfBytes,
    RestOfString,
    RestOfText,
    Run,
    Texts,
    Texts2,
    Tree,
    Tree2,
)


def word(number: int) -> bytes:
    return number.to_bytes(4, "big")


def block(number: int, *content: bytes) -> bytes:
    body = b"".join(content)
    return word(number) + word(len(body) + 8) + body


LEAF = block(60010, b"\x00\x07")
LEAF_2 = block(60011, b"\x00\x08", block(0, b"oak\0"))
OTHER = block(60012, bytes(10), b"\xff\xff\xc0\x00\x02\x01")
CASES: dict[str, tuple[int, bytes, Any]] = {
    "numbers": (
        60001,
        block(
            60001,
            bytes.fromhex("ff fffe fffffffd fffffffffffffffc fffffffe 01000000"),
        ),
        Numbers(60001, 0xFF, 0xFFFE, 0xFFFF_FFFD, 0xFFFF_FFFF_FFFF_FFFC, -2, 1),
    ),
    "addresses": (
        60002,
        block(
            60002,
            bytes([192, 0, 2, 1]),
            bytes([1, 2, 0, 192]),
            bytes.fromhex("20010db8000000000000000000000001"),
            bytes.fromhex("00005e005301"),
            bytes.fromhex("00112233445566778899aabbccddeeff"),
            bytes(range(8)),
            bytes(range(16)),
            bytes(range(20)),
            bytes(range(32)),
        ),
        Addresses(
            60002,
            "192.0.2.1",
            "192.0.2.1",
            "2001:db8::1",
            "00:00:5e:00:53:01",
            "00112233-4455-6677-8899-aabbccddeeff",
            bytes(range(8)).hex(),
            bytes(range(16)).hex(),
            bytes(range(20)).hex(),
            bytes(range(32)).hex(),
        ),
    ),
    "texts": (
        60003,
        block(
            60003,
            b"\x00\x05",
            block(0, b"one\0"),
            block(0),
            b"\x09",
            block(0, "zwölf \udce9".encode("utf-8", "surrogateescape"), b"\0\0"),
            block(10, b"\x00\xff"),
            word(77),
        ),
        Texts(60003, 5, "one", "", 9, "zwölf \U0010f7e9\0", b"\x00\xff", 77),
    ),
    "texts of series 2": (
        60003,
        block(60003, block(0, b"one\0"), block(1, b"two")),
        Texts2(60003, "one", b"two"),
    ),
    "counted": (
        60004,
        b"\x00\x03\x02one" + word(9) + b"\x01\x00",
        CountedFields(3, 2, "one", 9, b"\x01\x00"),
    ),
    "rest of string": (60007, block(60007, b"to the end\0"), RestOfString(60007, "to the end")),
    "rest of text": (60005, block(60005, b"\x00\x01", b"to the end"), RestOfText(60005, 1, "to the end")),
    "rest of bytes": (60006, b"\x00\x01\x00", RestOfBytes(b"\x00\x01\x00")),
    "tree": (
        60013,
        block(
            60013,
            b"\x01",
            LEAF,
            block(11, LEAF, LEAF_2, block(4711, b"???")),
            block(31, OTHER, LEAF),
            block(0, b"oak\0"),
            OTHER,
            block(11, LEAF_2, block(60099, b"x")),
            b"\x00\x02",
        ),
        Tree(
            60013,
            1,
            Leaf(60010, 7),
            [Leaf(60010, 7), Leaf(60011, 8, "oak"), UnknownBlock(4711, b"???")],
            [OtherLeaf(60012, "192.0.2.1"), Leaf(60010, 7)],
            "oak",
            OtherLeaf(60012, "192.0.2.1"),
            [Leaf(60011, 8, "oak"), UnknownBlock(60099, b"x")],
            2,
        ),
    ),
    "tree of series 2": (
        60013,
        block(60013, block(2, block(60010, word(5))), block(3)),
        Tree2(60013, [Leaf2(60010, 5)], []),
    ),
    "run": (60014, block(60014, LEAF, LEAF), Run(60014, [Leaf(60010, 7), Leaf(60010, 7)])),
    "awkward": (
        60034,
        b"\x01" + block(0, b"a\0") + b"\x02" + block(0) + b"\x03" + bytes(8) + LEAF + b"\x04\x05",
        Awkward(1, "a", 2, "", 3, "00" * 8, Leaf(60010, 7), 4, 5),
    ),
    "empty": (60035, block(60035), Empty(60035)),
    "left over": (
        60010,
        block(60010, b"\x00\x07", b"more"),
        Leaf(60010, 7, left_over=b"more"),
    ),
    "left over in the leaf": (
        60014,
        block(60014, block(60010, b"\x00\x07!"), LEAF),
        Run(60014, [Leaf(60010, 7, left_over=b"!"), Leaf(60010, 7)]),
    ),
    "left over of a record": (
        60004,
        b"\x00\x00\x00" + word(9) + b"tail",
        CountedFields(0, 0, "", 9, b"", left_over=b"tail"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_bytes_by_hand(backend: Any, case: str) -> None:
    type_, data, value = CASES[case]
    cls = type(value)
    assert backend.decode(cls, type_, data) == value
    assert backend.encode(value, type_) == data
    # Elsewhere in a longer buffer; a block says itself where it ends.
    shifted = b"\xaa" * 3 + data + b"\xbb" * 3
    assert backend.decode(cls, type_, shifted, 3, 3 + len(data)) == value
    if hasattr(value, "block_type"):
        assert backend.decode(cls, type_, shifted, 3, len(shifted)) == value


@pytest.mark.parametrize("case", CASES)
def test_every_cut_is_refused_or_shorter(backend: Any, case: str) -> None:
    type_, data, value = CASES[case]
    for end in range(len(data)):
        for buffer in (data, data[:end]):
            result = outcome(backend.decode, type(value), type_, buffer, 0, end)
            if result[0] == "value":
                assert result[1] != value
            else:
                _, _, label, field, offset = result
                assert label
                assert field
                assert 0 <= offset <= end


def test_absent_values_are_zero_or_empty(backend: Any) -> None:
    assert backend.encode(Numbers(), 60001) == block(60001, bytes(23))
    assert backend.encode(Addresses(), 60002) == block(60002, bytes(46 + 76))
    assert backend.encode(Texts2(), 60003) == block(60003, block(0), block(1))
    assert backend.encode(CountedFields(), 60004) == bytes(7)
    assert backend.encode(RestOfText(), 60005) == block(60005, bytes(2))
    assert backend.encode(RestOfString(), 60007) == block(60007, b"")
    expected = block(
        60013,
        b"\0",
        block(60011, bytes(2), block(0)),
        block(11),
        block(31),
        block(0),
        block(0),
        block(11),
        bytes(2),
    )
    assert backend.encode(Tree(), 60013) == expected


def test_lengths_are_computed(backend: Any) -> None:
    value = CountedFields(999, 7, "four", 1, b"12345")
    assert backend.encode(value, 60004) == b"\x00\x04\x05four" + word(1) + b"12345"


def test_one_nul_at_the_end_is_taken_off(backend: Any) -> None:
    data = b"\x00\x03\x00" + b"a\0\0" + word(0)
    value = backend.decode(CountedFields, 60004, data)
    assert value.name == "a\0"
    assert backend.encode(value, 60004) == data
    assert backend.decode(RestOfText, 60005, block(60005, b"\0\0", b"x\0")).text == "x"
    assert backend.decode(RestOfString, 60007, block(60007, b"x")).text == "x"
    without = backend.decode(Texts2, 60003, block(60003, block(0, b"no nul"), block(1)))
    assert without.text == "no nul"
    assert backend.decode(Texts2, 60003, block(60003, block(0, b"\0"), block(1))).text == ""


@pytest.mark.parametrize("number", [1, 10])
@pytest.mark.parametrize(("cls", "type_"), [(Texts, 60003), (Texts2, 60003)])
def test_both_numbers_of_blobs_are_read(backend: Any, cls: type, type_: int, number: int) -> None:
    front = block(0)
    middle = (b"\0\0", front, front, b"\0", front) if cls is Texts else (front,)
    tail = (word(0),) if cls is Texts else ()
    data = block(type_, *middle, block(number, b"data"), *tail)
    value = backend.decode(cls, type_, data)
    assert value.blob == b"data"


def test_series_1_lists_are_read_in_series_2(backend: Any) -> None:
    data = block(60013, block(11, block(60010, word(5))), block(31))
    assert backend.decode(Tree2, 60013, data) == Tree2(60013, [Leaf2(60010, 5)], [])


@pytest.mark.parametrize(
    ("cls", "type_", "data", "field", "offset", "reason"),
    [
        (Leaf, 60010, b"", "block_length", 0, "8 bytes needed, 0 left"),
        (Leaf, 60010, block(60011, bytes(2)), "block_type", 0, "block type 60011 instead of 60010"),
        (Leaf, 60010, word(60010) + word(7) + bytes(9), "block_length", 0, "impossible block length 7"),
        (Leaf, 60010, word(60010) + word(11) + bytes(2), "block_length", 0, "impossible block length 11"),
        (Leaf, 60010, word(60010) + word(0xFFFFFFFF) + bytes(2), "block_length", 0, "impossible"),
        (Leaf, 60010, block(60010, b"\0"), "code", 8, "2 bytes needed, 1 left"),
        (Leaf, 60011, block(60011, b"\0\0", word(1), word(8)), "name", 10, "block type 1 instead of 0"),
        (Leaf, 60011, block(60011, b"\0\0", word(0), word(7)), "name", 10, "impossible block length 7"),
        (Leaf, 60011, block(60011, b"\0\0", word(0), word(9)), "name", 10, "impossible block length 9"),
        (Leaf, 60011, block(60011, b"\0\0", word(0), word(0)), "name", 10, "impossible block length 0"),
        (Texts2, 60003, block(60003, block(0), block(2)), "blob", 16, "block type 2 instead of 1"),
        (CountedFields, 60004, b"\x00\x05\x00" + b"four", "name", 3, "5 bytes needed, 4 left"),
        (Tree2, 60013, block(60013, block(2, b"?"), block(3)), "leaves", 16, "8 bytes needed, 1 left"),
        (Tree2, 60013, block(60013, block(4), block(3)), "leaves", 8, "block type 4 instead of 2"),
        (Run, 60014, block(60014, LEAF, word(1), word(9)), "items", 18, "impossible block length 9"),
    ],
)
def test_impossible_bytes(
    backend: Any, cls: type, type_: int, data: bytes, field: str, offset: int, reason: str
) -> None:
    with pytest.raises(DecodeError, match=reason) as caught:
        backend.decode(cls, type_, data)
    assert caught.value.field == field
    assert caught.value.offset == offset
    assert caught.value.block is not None
    assert caught.value.block.endswith(f" {type_}")


def test_errors_inside_name_the_inner_block(backend: Any) -> None:
    with pytest.raises(DecodeError) as caught:
        backend.decode(Run, 60014, b"\xaa" + block(60014, LEAF, block(60010, b"\0")), 1)
    assert str(caught.value) == "block leaf 60010, field code, offset 27: 2 bytes needed, 1 left"


def test_a_text_beyond_the_block_is_not_read(backend: Any) -> None:
    # The text would end inside the buffer, but outside its own block.
    data = word(60011) + word(8 + 2 + 8) + b"\0\0" + word(0) + word(8 + 4) + b"text"
    with pytest.raises(DecodeError, match="impossible block length 12"):
        backend.decode(Leaf, 60011, data)


def nested(depth: int) -> bytes:
    data = block(60014)
    for _ in range(depth):
        data = block(60014, data)
    return data


def test_nesting_is_limited(backend: Any) -> None:
    value = backend.decode(Run, 60014, nested(16))
    assert backend.encode(value, 60014) == nested(16)
    with pytest.raises(DecodeError, match="nested deeper than 16"):
        backend.decode(Run, 60014, nested(17))
    with pytest.raises(DecodeError, match="nested deeper than 16"):
        backend.decode(Run, 60014, nested(3000))
    deep = Run(60014, [value])
    with pytest.raises(EncodeError, match="nested deeper than 16"):
        backend.encode(deep, 60014)


@pytest.mark.parametrize(
    ("value", "type_", "field", "reason"),
    [
        (Numbers(u8=256), 60001, "u8", "256 does not fit into u8"),
        (Numbers(u8=-1), 60001, "u8", "-1 does not fit"),
        (Numbers(u64=1 << 64), 60001, "u64", "does not fit"),
        (Numbers(i32=1 << 31), 60001, "i32", "does not fit"),
        (Numbers(u32le=1 << 32), 60001, "u32le", "does not fit"),
        (Numbers(u16="7"), 60001, "u16", "'7' is not a number"),  # type: ignore[arg-type]
        (Numbers(u16=1.5), 60001, "u16", "1.5 is not a number"),  # type: ignore[arg-type]
        (Addresses(ipv4="2001:db8::1"), 60002, "ipv4", "is not an IPv4 address"),
        (Addresses(ip="nowhere"), 60002, "ip", "is not an IPv4 address"),
        (Addresses(ip=["::"]), 60002, "ip", "is not an IP address"),  # type: ignore[arg-type]
        (Addresses(hex20="00" * 19), 60002, "hex20", "is not 40 hexadecimal digits"),
        (Addresses(hex20=b"\0" * 20), 60002, "hex20", "is not"),  # type: ignore[arg-type]
        (Texts(first=b"bytes"), 60003, "first", "is not a text"),  # type: ignore[arg-type]
        (Texts(first=7), 60003, "first", "7 is not a text"),  # type: ignore[arg-type]
        (Texts(third="\ud800"), 60003, "third", "surrogate"),
        (Texts(blob="text"), 60003, "blob", "is not bytes"),  # type: ignore[arg-type]
        (CountedFields(data=bytes(256)), 60004, "data", "256 bytes are more than u8 can count"),
        (CountedFields(name="x" * 65536), 60004, "name", "65536 bytes are more than u16 can count"),
        (Tree(leaf=OtherLeaf(60012)), 60013, "leaf", "OtherLeaf does not belong here"),  # type: ignore[arg-type]
        (Tree(leaf=7), 60013, "leaf", "int does not belong here"),  # type: ignore[arg-type]
        (Tree(anything=Leaf2(60010)), 60013, "anything", "no block of series 1"),
        (Tree(anything=CountedFields()), 60013, "anything", "no block of series 1"),
        (Tree(anything="text"), 60013, "anything", "no block of series 1"),
        (Tree(leaves=LEAF), 60013, "leaves", "is not a list"),  # type: ignore[arg-type]
        (Tree(leaves=[Leaf(999)]), 60013, "leaves", "Leaf has no block type 999"),
        (Tree(everything=[UnknownBlock(-1, b"")]), 60013, "everything", "is no block type"),
        (Leaf(60010, left_over="x"), 60010, "left_over", "not bytes"),  # type: ignore[arg-type]
        (Leaf(60010, alternative=1), 60010, "alternative", "there is no alternative 1"),
    ],
)
def test_values_that_do_not_fit(backend: Any, value: Any, type_: int, field: str, reason: str) -> None:
    with pytest.raises(EncodeError, match=reason) as caught:
        backend.encode(value, type_)
    assert caught.value.field == field


def test_the_first_wrong_field_is_named(backend: Any) -> None:
    wrong = Tree(code=300, leaf=Leaf(60010, 70000))
    with pytest.raises(EncodeError) as caught:
        backend.encode(wrong, 60013)
    assert caught.value.field == "code"


def test_empty_values_count_as_zero(backend: Any) -> None:
    value = Numbers(u8=None, u16=False, u32="")  # type: ignore[arg-type]
    assert backend.encode(value, 60001) == block(60001, bytes(23))
    assert backend.encode(Numbers(u8=True), 60001) == block(60001, b"\x01", bytes(22))


def test_tuples_serve_as_lists_and_unset_types_as_the_newest(backend: Any) -> None:
    value = Tree2(leaves=(Leaf2(code=5),))  # type: ignore[arg-type]
    assert value.leaves[0].block_type is UNSET
    assert backend.encode(value, 60013) == block(60013, block(2, block(60010, word(5))), block(3))


@pytest.mark.parametrize("annotation", [int, "U16", Annotated[int, "u16"]])
def test_other_annotations_are_no_kinds(annotation: Any) -> None:
    with pytest.raises(TypeError):
        kind_of(annotation)
    assert kind_of(U16).size == 2
