"""The kinds of field that layouts are written with: `U32`, `IP`, `String`, `BlockList[...]` and the rest.

A kind says how a value lies in bytes and what it is in Python; it is plain data, so that decoders, encoders,
schemas and documentation can all be made from it. Not here: the reading and writing itself (interpreter.py,
compiler_decode.py, compiler_encode.py). Rules: chapter 2 of the integration guide, "Data Block Headers" and
"Series 1/2 Primitive Data Blocks"; everything is big-endian unless the name ends in LE.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, TypeVar, get_args, get_origin

from openstreamer.wire import values

T = TypeVar("T")


@dataclass(frozen=True)
class Kind:
    """Base of all kinds.

    `name` is what documentation calls it, `size` its width in bytes or None where it varies, `python` the
    Python type of the value ("int", "str", "bytes", "block" or "blocks").
    """

    name: str
    size: int | None = None
    python: ClassVar[str] = "int"


@dataclass(frozen=True)
class Integer(Kind):
    """A number. `code` is its letter in a `struct` format; little-endian ones have `little`."""

    code: str = ""
    signed: bool = False
    little: bool = False

    @property
    def minimum(self) -> int:
        assert self.size is not None
        return -(1 << (8 * self.size - 1)) if self.signed else 0

    @property
    def maximum(self) -> int:
        assert self.size is not None
        return (1 << (8 * self.size - (1 if self.signed else 0))) - 1


@dataclass(frozen=True)
class Octets(Kind):
    """A fixed number of bytes shown as text: an address, a UUID, a digest.

    `to_text` and `to_bytes` are exact inverses for every content; `to_bytes` raises ValueError for text that
    is no such value. `texts` and `octets` are the same two functions behind bounded caches, or None where
    values hardly repeat.
    """

    python: ClassVar[str] = "str"
    to_text: Callable[[bytes], str] = field(default=bytes.hex, compare=False)
    to_bytes: Callable[[str], bytes] = field(default=bytes.fromhex, compare=False)
    texts: values.Cache[bytes, str] | None = field(default=None, compare=False)
    octets: values.Cache[str, bytes] | None = field(default=None, compare=False)
    pattern: str = ""


@dataclass(frozen=True)
class StringKind(Kind):
    """A String block: header (type 0, length including the 8 bytes of the header), then text."""

    python: ClassVar[str] = "str"


@dataclass(frozen=True)
class BlobKind(Kind):
    """A BLOB block: header, then bytes. Its number is 10 in series 1 and 1 in series 2; readers take both."""

    python: ClassVar[str] = "bytes"


@dataclass(frozen=True)
class Counted(Kind):
    """As many bytes as an earlier field says; `text` or plain bytes."""

    text: bool = False

    @property
    def value_type(self) -> str:
        return "str" if self.text else "bytes"


@dataclass(frozen=True)
class Rest(Kind):
    """Everything up to the end of the block; `text` or plain bytes.

    `terminated` text is written with one NUL unless it is empty, as inside a String block.
    """

    text: bool = False
    terminated: bool = False

    @property
    def value_type(self) -> str:
        return "str" if self.text else "bytes"


@dataclass(frozen=True)
class ListKind(Kind):
    """A List or Generic List block: header, then blocks end to end. `items` None: any block."""

    python: ClassVar[str] = "blocks"
    generic: bool = False
    items: tuple[type, ...] | None = None


@dataclass(frozen=True)
class RestListKind(Kind):
    """Blocks end to end up to the end of the block. `items` None: any block."""

    python: ClassVar[str] = "blocks"
    items: tuple[type, ...] | None = None


@dataclass(frozen=True)
class NestedKind(Kind):
    """One block with its own header. `items` None: any block of the series, the header decides."""

    python: ClassVar[str] = "block"
    items: tuple[type, ...] | None = None


def value_type(kind: Kind) -> str:
    """Python type of a value of `kind`: "int", "str", "bytes", "block" or "blocks"."""
    if isinstance(kind, Counted | Rest):
        return kind.value_type
    return kind.python


def _octets(name: str, size: int, codec: values.TextCodec) -> Octets:
    return Octets(name, size, codec.to_text, codec.to_bytes, codec.texts, codec.octets, codec.pattern)


U8 = Annotated[int, Integer("u8", 1, "B")]
U16 = Annotated[int, Integer("u16", 2, "H")]
U32 = Annotated[int, Integer("u32", 4, "I")]
U64 = Annotated[int, Integer("u64", 8, "Q")]
I32 = Annotated[int, Integer("i32", 4, "i", signed=True)]
U32LE = Annotated[int, Integer("u32le", 4, "4s", little=True)]
IPv4 = Annotated[str, _octets("ipv4", 4, values.IPV4)]
IPv4LE = Annotated[str, _octets("ipv4le", 4, values.IPV4_LE)]
IP = Annotated[str, _octets("ip", 16, values.IP)]
MAC = Annotated[str, _octets("mac", 6, values.MAC)]
UUID = Annotated[str, _octets("uuid", 16, values.UUID)]
Hex8 = Annotated[str, _octets("hex8", 8, values.hexadecimal(8))]
Hex16 = Annotated[str, _octets("hex16", 16, values.hexadecimal(16))]
Hex20 = Annotated[str, _octets("hex20", 20, values.hexadecimal(20))]
Hex32 = Annotated[str, _octets("hex32", 32, values.hexadecimal(32))]
String = Annotated[str, StringKind("string")]
Blob = Annotated[bytes, BlobKind("blob")]
CountedText = Annotated[str, Counted("counted_text", text=True)]
CountedBytes = Annotated[bytes, Counted("counted_bytes")]
RestText = Annotated[str, Rest("rest_text", text=True)]
RestString = Annotated[str, Rest("rest_string", text=True, terminated=True)]
RestBytes = Annotated[bytes, Rest("rest_bytes")]
BlockList = Annotated[list[T], ListKind("list")]
GenericBlockList = Annotated[list[T], ListKind("generic_list", generic=True)]
RestBlocks = Annotated[list[T], RestListKind("rest_blocks")]
Nested = Annotated[T, NestedKind("nested")]
AnyBlock = Annotated[Any, NestedKind("any_block")]

STRING_TYPE = 0
# A series 2 block is read with series 1 numbers inside too: one number space served old readers for both.
LIST_TYPES = {(1, False): (11,), (1, True): (31,), (2, False): (2, 11), (2, True): (3, 31)}
BLOB_TYPES = {1: (10, 1), 2: (1, 10)}


def kind_of(annotation: Any) -> Kind:
    """The kind that an annotation such as `U32` or `BlockList[SubServer]` stands for.

    Raises TypeError where it is none.
    """
    if get_origin(annotation) is not Annotated:
        raise TypeError(f"{annotation!r} is not a kind of field")
    python, *marks = get_args(annotation)
    kind = next((mark for mark in marks if isinstance(mark, Kind)), None)
    if kind is None:
        raise TypeError(f"{annotation!r} is not a kind of field")
    if isinstance(kind, NestedKind):
        return NestedKind(kind.name, None, _item_classes(python))
    if isinstance(kind, ListKind):
        return ListKind(kind.name, None, kind.generic, _item_classes(*get_args(python)))
    if isinstance(kind, RestListKind):
        return RestListKind(kind.name, None, _item_classes(*get_args(python)))
    return kind


def _item_classes(*wanted: Any) -> tuple[type, ...] | None:
    classes: list[type] = []
    for item in wanted:
        if item is Any or isinstance(item, TypeVar):
            return None
        if isinstance(item, type):
            classes.append(item)
        else:
            classes.extend(_item_classes(*get_args(item)) or ())
    if not classes:
        raise TypeError("a list or nested field must name the blocks it holds, or Any")
    return tuple(classes)
