"""Writes the source of a decoder: straight-line code for one version of one layout.

Neighbouring fields of fixed width are read by one `struct` call, together with the header of the String,
list or nested block that follows. That header is read as one 64-bit number: its type is the upper half, so
that for a String (type 0) the number is the length, and any other type makes a length that cannot be.

The code checks little: positions only ever grow, so that one comparison with the block's end, after the last
field, proves that all fields lay inside. Whatever fails goes to the interpreter, which gives the error (or
the result). A field of a class becomes a local variable of its name; other names begin with an underscore.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from msgspec import UNSET

from openstreamer.errors import DecodeError
from openstreamer.wire import interpreter, runtime
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

_FAULTS = (struct.error, IndexError, OverflowError, UnicodeDecodeError, runtime.Refused)
_SLOW = "return {slow}(_data, _start, _end, _depth)"
MakeDecoder = Callable[[type, int], Any]


def decoder_source(
    layout: Layout, type_: int, columns: tuple[str, ...] | None, make: MakeDecoder
) -> tuple[str, dict[str, Any]]:
    """Source of a module with a function `decode`, and the names it uses.

    `make` gives the decoders of the blocks inside. Raises ValueError for a type or column that is not there.
    """
    known = layout.cls.__struct_fields__  # type: ignore[attr-defined]
    for column in columns or ():
        if column not in known:
            raise ValueError(f"{layout.cls.__name__} has no field {column!r}")
    namespace: dict[str, Any] = {
        "_cls": layout.cls,
        "_UNSET": UNSET,
        "_FAULTS": _FAULTS,
        "_len": len,
        "_text": runtime.without_nul,
        "_left_over": runtime.left_over,
        "_blocks": runtime.read_blocks,
    }
    count = layout.alternatives(type_)
    if count == 1:
        return _Writer(layout, type_, 0, columns, namespace, make).function("decode", "_slow"), namespace
    # To choose, the alternatives must tell what they left over; the chooser takes that off again.
    inner = None if columns is None else (*columns, "left_over")
    functions = [
        _Writer(layout, type_, index, inner, namespace, make).function(f"_decode_{index}", f"_slow_{index}")
        for index in range(count)
    ]
    namespace["_DecodeError"] = DecodeError
    namespace["_slow"] = _slow(layout, type_, None, columns)
    return "\n\n".join([*functions, _chooser(count, columns is not None)]), namespace


def _chooser(count: int, projected: bool) -> str:
    left_over = "_value[-1]" if projected else "_value.left_over"
    result = "{}[:-1]" if projected else "{}"
    lines = [
        "def decode(_data, _start, _end, _depth=0):",
        "    # The alternative that ends exactly at the block's end, else the first that can be read.",
        "    _best = None",
        f"    for _decode in ({', '.join(f'_decode_{index}' for index in range(count))}):",
        "        try:",
        "            _value = _decode(_data, _start, _end, _depth)",
        "        except _DecodeError:",
        "            continue",
        f"        if {left_over} is _UNSET:",
        f"            return {result.format('_value')}",
        "        if _best is None:",
        "            _best = _value",
        "    if _best is None:",
        f"        {_SLOW.format(slow='_slow')}",
        f"    return {result.format('_best')}",
        "",
    ]
    return "\n".join(lines)


def _slow(
    layout: Layout, type_: int, alternative: int | None, columns: tuple[str, ...] | None
) -> Callable[[bytes, int, int, int], Any]:
    """The interpreter in the shape of a generated function."""

    def slow(data: bytes, start: int, end: int, depth: int) -> Any:
        if alternative is None:
            value = interpreter.decode(layout.cls, type_, data, start, end, depth)
        else:
            value = interpreter.decode_alternative(layout.cls, type_, alternative, data, start, end, depth)
        if columns is None:
            return value
        return tuple([getattr(value, column) for column in columns])

    return slow


class _Writer:
    """Writes one function, field by field."""

    def __init__(
        self,
        layout: Layout,
        type_: int,
        alternative: int,
        columns: tuple[str, ...] | None,
        namespace: dict[str, Any],
        make: MakeDecoder,
    ) -> None:
        self.layout = layout
        self.type = type_
        self.alternative = alternative
        self.columns = columns
        self.namespace = namespace
        self.make = make
        self.plan = layout.fields(type_, alternative)
        self.lines: list[str] = []
        # Values by field, as expressions over the local variables.
        self.values: dict[str, str] = {}
        # The run of fixed fields not read yet: (struct code, size, local variable or None to skip).
        self.run: list[tuple[str, int, str | None]] = []
        self.readers: dict[str, str] = {}
        self.position = "_start"

    def emit(self, *lines: str) -> None:
        self.lines += [f"        {line}" for line in lines]

    def name(self, prefix: str, value: Any) -> str:
        """A name in the generated module for `value`: `prefix`, with a number where that is taken."""
        name, number = prefix, 1
        while self.namespace.setdefault(name, value) is not value:
            number += 1
            name = f"{prefix}_{number}"
        return name

    def reader(self, form: str) -> str:
        """The name of the function that unpacks `form`."""
        name = self.readers.get(form)
        if name is None:
            name = self.readers[form] = self.name("_read", struct.Struct(form).unpack_from)
        return name

    def wanted(self, field: str) -> bool:
        return self.columns is None or field in self.columns

    def function(self, name: str, slow: str) -> str:
        self.slow = _SLOW.format(slow=slow)
        self.namespace[slow] = _slow(
            self.layout, self.type, self.alternative if slow != "_slow" else None, self.columns
        )
        if any(isinstance(item.kind, NestedKind | ListKind | RestListKind) for item in self.plan):
            self.emit(f"if _depth >= {interpreter.MAX_DEPTH}:", f"    {self.slow}")
        if self.layout.series is None:
            self.emit("_stop = _end")
        else:
            self.run.append(("Q", 8, "_header"))
            self.values["block_type"] = str(self.type)
        for item in self.plan:
            self.field(item)
        self.flush()
        self.result()
        head = [f"def {name}(_data, _start, _end, _depth=0):", "    try:"]
        tail = ["    except _FAULTS:", f"        {self.slow}", ""]
        return "\n".join(head + self.lines + tail)

    def field(self, item: PlanField) -> None:
        kind, name = item.kind, item.name
        match kind:
            case Integer():
                assert kind.size is not None
                local = name if self.wanted(name) or item.counts else None
                self.run.append((kind.code, kind.size, local))
                self.values[name] = name
                if kind.little:
                    self.values[name] = f'{self.name("_int", int.from_bytes)}({name}, "little")'
                    if item.counts:
                        raise TypeError(f"{self.layout.cls.__name__}.{name}: a length must be big-endian")
            case Octets():
                assert kind.size is not None
                self.run.append((f"{kind.size}s", kind.size, name if self.wanted(name) else None))
                if kind.texts is not None:
                    self.values[name] = f"{self.name(f'_{kind.name}_text', kind.texts)}[{name}]"
                else:
                    self.values[name] = f"{name}.hex()"
            case StringKind():
                self.string(name)
            case _:
                self.variable(item)

    def flush(self, header: bool = False) -> None:
        """Read the run of fixed fields; with `header`, the 8 bytes after it as `_n`."""
        run = [*self.run, ("Q", 8, "_n")] if header else self.run
        self.run = []
        if not run:
            return
        size = sum(width for _, width, _ in run)
        targets = [local for _, _, local in run if local is not None]
        codes: list[str] = []
        skipped = 0
        for code, width, local in run:
            if local is None:
                skipped += width
                continue
            if skipped:
                codes.append(f"{skipped}x")
            skipped = 0
            codes.append(code)
        if skipped:
            codes.append(f"{skipped}x")
        form = ">" + "".join(codes)
        read = self.reader(form)
        begin = self.position
        self.emit(f"# {form}")
        self.emit(*_wrapped(targets, f"{read}(_data, {begin})"))
        if begin == "_start":
            if self.layout.series is not None:
                # The header as one number; what is left after taking off the type is the length.
                self.emit(f"_stop = _start + _header - {self.type << 32:#x}")
                self.emit("if _stop > _end:", f"    {self.slow}")
            self.emit(f"_p = _start + {size}")
            self.position = "_p"
        else:
            self.emit(f"_p += {size}")

    def string(self, name: str) -> None:
        self.flush(header=True)
        if not self.wanted(name):
            self.emit("if _n < 8:", f"    {self.slow}", "_p += _n - 8")
            return
        self.values[name] = name
        self.emit(
            "if _n == 8:",
            f'    {name} = ""',
            "elif _n > 8:",
            "    _q = _p + _n - 8",
            f"    {name} = (_data[_p:_q] if _data[_q - 1] else _data[_p:_q - 1]).decode()",
            f"    if not {name}.isascii():",
            f"        {name} = _text(_data[_p:_q])",
            "    _p = _q",
            "else:",
            f"    {self.slow}",
        )

    def variable(self, item: PlanField) -> None:
        kind, name = item.kind, item.name
        self.values[name] = name
        if isinstance(kind, Counted):
            self.flush()
            self.emit(f"_q = {self.position} + {item.length}")
        elif isinstance(kind, Rest | RestListKind):
            self.flush()
            self.emit("_q = _stop", f"if {self.position} > _q:", f"    {self.slow}")
        else:
            self.header(kind)
        self.emit("if _q > _stop or _q > _len(_data):", f"    {self.slow}")
        begin = self.position
        series = self.layout.inner_series
        if isinstance(kind, ListKind | RestListKind | NestedKind):
            table = self.name("_decoders", runtime.BlockDecoders(kind.items, series, self.make))
            if isinstance(kind, NestedKind):
                self.emit(f"{name} = {table}[_n >> 32](_data, _p - 8, _q, _depth + 1)")
            else:
                self.emit(f"{name} = _blocks(_data, {begin}, _q, _depth, {table})")
        elif self.wanted(name):
            text = isinstance(kind, Counted | Rest) and kind.text
            self.emit(f"{name} = " + (f"_text(_data[{begin}:_q])" if text else f"_data[{begin}:_q]"))
        self.emit("_p = _q")
        self.position = "_p"

    def header(self, kind: Any) -> None:
        """Read the header of a BLOB, list or nested block as `_n`, its end as `_q`."""
        series = self.layout.inner_series
        self.flush(header=True)
        if isinstance(kind, BlobKind):
            numbers: tuple[int, ...] = BLOB_TYPES[series]
        elif isinstance(kind, ListKind):
            numbers = LIST_TYPES[series, kind.generic]
        else:
            numbers = ()
        refused = ["_n & 0xFFFFFFFF < 8"]
        if numbers:
            refused.append(f"_n >> 32 not in {numbers!r}")
        self.emit(f"if {' or '.join(refused)}:", f"    {self.slow}", "_q = _p - 8 + (_n & 0xFFFFFFFF)")

    def result(self) -> None:
        begin = self.position
        self.emit(f"_left = _UNSET if {begin} == _stop else _left_over(_data, {begin}, _stop)")
        self.values["left_over"] = "_left"
        if self.alternative:
            self.values["alternative"] = str(self.alternative)
        if self.columns is not None:
            columns = [self.values.get(column, "_UNSET") for column in self.columns]
            self.emit(*wrapped_call("return (", columns))
            return
        names = self.layout.cls.__struct_fields__  # type: ignore[attr-defined]
        arguments = [self.values.get(name, "_UNSET") for name in names]
        if not self.alternative:
            arguments.pop()
        self.emit(*wrapped_call("return _cls(", arguments))


def _wrapped(targets: list[str], call: str) -> list[str]:
    if not targets:
        return [call]
    lines = wrapped_call("(", targets)
    lines[-1] += f" = {call}"
    return lines


def wrapped_call(head: str, items: list[str]) -> list[str]:
    """`head`, the items with a comma after each, and the closing bracket, in lines of readable length."""
    line = f"{head}{', '.join(items)}{',' if len(items) == 1 else ''})"
    if len(line) <= 70:
        return [line]
    lines = [head]
    current = "   "
    for item in items:
        if len(current) + len(item) > 96:
            lines.append(current)
            current = "   "
        current += f" {item},"
    return [*lines, current, ")"]
