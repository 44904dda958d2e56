"""Writes the source of an encoder: straight-line code for one version of one layout.

First the parts of variable length are made, then the runs of fixed fields are packed, each by one `struct`
call together with the header that follows it. Empty values (UNSET, None, "", 0) become zero. Whatever fails,
and any value with `left_over` or `alternative`, goes to the interpreter, which gives the error or the result.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from msgspec import UNSET

from openstreamer.errors import EncodeError
from openstreamer.wire import interpreter, runtime
from openstreamer.wire.compiler_decode import wrapped_call
from openstreamer.wire.kinds import (
    BLOB_TYPES,
    LIST_TYPES,
    BlobKind,
    Counted,
    Integer,
    ListKind,
    NestedKind,
    Octets,
    Rest,
    RestListKind,
    StringKind,
)
from openstreamer.wire.layout import Layout, PlanField

_FAULTS = (struct.error, TypeError, ValueError, AttributeError, OverflowError, EncodeError, runtime.Refused)
MakeEncoder = Callable[[type, int], Any]
# A variable, or a call: comment, head and arguments.
Part = str | tuple[str, str, list[str]]


def encoder_source(layout: Layout, type_: int, make: MakeEncoder) -> tuple[str, dict[str, Any]]:
    """Source of a module with a function `encode`, and the names it uses.

    `make` gives the encoders of the blocks inside. Raises ValueError for a type that is not there.
    """
    writer = _Writer(layout, type_, make)
    return writer.function(), writer.namespace


class _Writer:
    """Writes one function, field by field."""

    def __init__(self, layout: Layout, type_: int, make: MakeEncoder) -> None:
        self.layout = layout
        self.type = type_
        self.make = make
        self.plan = layout.fields(type_)

        def slow(value: Any, depth: int) -> bytes:
            return interpreter.encode(value, type_, layout.cls, depth)

        self.namespace: dict[str, Any] = {
            "_cls": layout.cls,
            "_UNSET": UNSET,
            "_FAULTS": _FAULTS,
            "_len": len,
            "_join": b"".join,
            "_string": runtime.string_bytes,
            "_text": runtime.counted_text_bytes,
            "_bytes": runtime.plain_bytes,
            "_slow": slow,
        }
        self.lines: list[str] = []
        # Expressions of the parts that are joined in the end, and the run of fixed values before the next.
        self.parts: list[Part] = []
        self.packers: dict[str, str] = {}
        self.codes: list[str] = []
        self.arguments: list[str] = []
        self.fixed = 0
        self.variable_parts: list[str] = []

    def emit(self, *lines: str) -> None:
        self.lines += [f"        {line}" for line in lines]

    def name(self, prefix: str, value: Any) -> str:
        """A name in the generated module for `value`: `prefix`, with a number where that is taken."""
        name, number = prefix, 1
        while self.namespace.setdefault(name, value) is not value:
            number += 1
            name = f"{prefix}_{number}"
        return name

    def function(self) -> str:
        is_block = self.layout.series is not None
        # The length of the whole is known only in the end; until then its place is held.
        if is_block:
            self.fix("II", 8, str(self.type), "_length")
        for item in self.plan:
            self.field(item)
        self.flush()
        if is_block:
            lengths = "".join(f" + _len({part})" for part in self.variable_parts)
            self.emit(f"_length = {self.fixed}{lengths}")
        self.emit("return _join((")
        for part in self.parts:
            if isinstance(part, str):
                self.emit(f"    {part},")
                continue
            comment, call, arguments = part
            *lines, last = wrapped_call(call, arguments)
            self.emit(f"    {comment}", *[f"    {line}" for line in lines], f"    {last},")
        self.emit("))")
        head = [
            "def encode(_value, _depth=0):",
            "    if (",
            "        type(_value) is not _cls",
            "        or _value.left_over is not _UNSET",
            "        or _value.alternative is not _UNSET",
            "    ):",
            "        return _slow(_value, _depth)",
            "    try:",
        ]
        tail = ["    except _FAULTS:", "        return _slow(_value, _depth)", ""]
        return "\n".join(head + self.lines + tail)

    def fix(self, code: str, size: int, *arguments: str) -> None:
        self.codes.append(code)
        self.arguments += arguments
        self.fixed += size

    def flush(self, content: str | None = None) -> None:
        """Pack the run of fixed values; then comes `content`."""
        if self.codes:
            form = ">" + "".join(self.codes)
            pack = self.packers.get(form)
            if pack is None:
                pack = self.packers[form] = self.name("_pack", struct.Struct(form).pack)
            self.parts.append((f"# {form}", f"{pack}(", self.arguments))
            self.codes, self.arguments = [], []
        if content is not None:
            self.parts.append(content)
            self.variable_parts.append(content)

    def field(self, item: PlanField) -> None:
        kind, name = item.kind, item.name
        value = f"_value.{name}"
        match kind:
            case Integer():
                assert kind.size is not None
                number = f"_len({item.counts})" if item.counts else f"{value} or 0"
                if kind.little:
                    number = f'({number}).to_bytes({kind.size}, "little")'
                self.fix(kind.code, kind.size, number)
            case Octets():
                assert kind.size is not None
                zero = bytes(kind.size)
                if kind.octets is not None:
                    table = self.name(f"_{kind.name}_bytes", kind.octets)
                    octets = f"{table}[{value} or {kind.to_text(zero)!r}]"
                else:
                    convert = self.name(f"_{kind.name}_bytes", kind.to_bytes)
                    octets = f"{convert}({value}) if {value} else {self.name('_zero', zero)}"
                self.fix(f"{kind.size}s", kind.size, octets)
            case StringKind():
                self.emit(f"{name} = {value}", f'{name} = _string({name}) if {name} else b""')
                self.headed(0, name)
            case BlobKind():
                self.emit(f"{name} = _bytes({value})")
                self.headed(BLOB_TYPES[self.layout.inner_series][0], name)
            case Counted() | Rest() if kind.text:
                make = "_string" if isinstance(kind, Rest) and kind.terminated else "_text"
                self.emit(f"{name} = {value}", f'{name} = {make}({name}) if {name} else b""')
                self.flush(name)
            case Counted() | Rest():
                self.emit(f"{name} = _bytes({value})")
                self.flush(name)
            case ListKind() | RestListKind() | NestedKind():
                self.nested(item)

    def headed(self, number: int, content: str) -> None:
        self.fix("II", 8, str(number), f"_len({content}) + 8")
        self.flush(content)

    def nested(self, item: PlanField) -> None:
        kind, name = item.kind, item.name
        assert isinstance(kind, ListKind | RestListKind | NestedKind)
        writer = runtime.BlockWriter(kind.items, self.layout.inner_series, self.make)
        function = self.name("_write", writer.block if isinstance(kind, NestedKind) else writer.blocks)
        self.emit(f"{name} = {function}(_value.{name}, _depth)")
        if isinstance(kind, ListKind):
            self.headed(LIST_TYPES[self.layout.inner_series, kind.generic][0], name)
        else:
            self.flush(name)
