"""What must hold for every declared class and all bytes: both backends do the same.

    check_agreement(cls, type, data)      interpreter, generated code and projections agree on these bytes
    check_round_trip(cls, type, value)    a struct comes back equal
    outcome, mutated                      what a decoder does; edits of bytes

Used by the tests and by the fuzz target, so hypothesis is not needed here.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from openstreamer.errors import DecodeError
from openstreamer.wire import decoder, encoder, interpreter, layout_of


def mutated(data: bytes, edits: list[tuple[str, int, bytes]]) -> bytes:
    """`data` after the edits of `mutations`."""
    for action, where, piece in edits:
        place = where % (len(data) + 1)
        if action == "set":
            data = data[:place] + piece + data[place + len(piece) :]
        elif action == "insert":
            data = data[:place] + piece + data[place:]
        elif action == "cut":
            data = data[:place]
        else:
            data = data[:place] + data[place + len(piece) :]
    return data


def outcome(decode: Any, *arguments: Any) -> tuple[Any, ...]:
    """What a decoder does: ("value", struct) or ("error", its parts). Other exceptions pass."""
    try:
        return "value", decode(*arguments)
    except DecodeError as error:
        return "error", error.reason, error.block, error.field, error.offset


def check_agreement(
    cls: type, type_: int, data: bytes, start: int = 0, end: int | None = None
) -> tuple[Any, ...]:
    """Interpreter, generated decoder and projections do the same with these bytes; returns what.

    What can be read can be written, by both in the same way, and reads the same again.
    """
    stop = len(data) if end is None else end
    reference = outcome(interpreter.decode, cls, type_, data, start, stop)
    generated = outcome(decoder(cls, type_), data, start, stop)
    assert generated == reference
    names = cls.__struct_fields__  # type: ignore[attr-defined]
    for columns in (tuple(reversed(names[::3])), ()):
        projected = outcome(decoder(cls, type_, columns), data, start, stop)
        if reference[0] == "error":
            assert projected == reference
        else:
            assert projected == ("value", tuple(getattr(reference[1], name) for name in columns))
    if reference[0] == "value":
        value = reference[1]
        written = encoder(cls, type_)(value)
        assert written == interpreter.encode(value, type_)
        again = decoder(cls, type_)(written, 0, len(written))
        if value.alternative is UNSET and layout_of(cls).alternatives(type_) == 1:
            assert _comparable(again, cls, type_) == _comparable(value, cls, type_)
    return reference


def _comparable(value: Any, cls: type, type_: int) -> dict[str, Any]:
    """Fields of a struct without the lengths, which a NUL that is not written again may change."""
    counters = {item.name for item in layout_of(cls).fields(type_) if item.counts is not None}
    return {name: getattr(value, name) for name in value.__struct_fields__ if name not in counters}


def check_round_trip(cls: type, type_: int, value: Any) -> bytes:
    """A struct of `struct_strategy` comes back equal, its bytes the same from both encoders."""
    data = encoder(cls, type_)(value)
    assert data == interpreter.encode(value, type_)
    assert decoder(cls, type_)(data, 0, len(data)) == value
    assert interpreter.decode(cls, type_, data, 0, len(data)) == value
    return data
