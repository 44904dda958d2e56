"""Structs from parsed JSON: the way back from what `msgspec.json` makes of a decoded block.

In JSON, bytes are base64 text, nested blocks objects with their own `block_type`, and a block that no
declaration knows is `{"block_type": N, "bytes": "..."}`. Absent fields stay UNSET. Whether a value fits the
width of its field is for the encoder to say; here only its JSON type is checked.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import Any, TypeVar

from openstreamer.errors import EncodeError
from openstreamer.wire.declare import UnknownBlock, block_class
from openstreamer.wire.kinds import Kind, ListKind, NestedKind, RestListKind, value_type
from openstreamer.wire.layout import Layout, layout_of

S = TypeVar("S")


def from_json_form(cls: type[S], form: Mapping[str, Any], type_: int | None = None) -> S:
    """An instance of `cls` with the values of `form`, a JSON object as Python sees it.

    `type_` is the version where the object does not say it itself (`block_type`); for a record body it is the
    record type. Raises EncodeError naming the field that is unknown or of the wrong JSON type.
    """
    layout = layout_of(cls)
    version = form.get("block_type", type_)
    try:
        known = version in layout.types
    except TypeError:
        raise EncodeError("is no block type", block=layout.id, field="block_type") from None
    kinds = (
        {item.name: item.kind for item in layout.fields(version, _form(layout, version, form))}
        if known
        else {}
    )
    values: dict[str, Any] = {}
    if layout.series is not None and version is not None:
        values["block_type"] = _plain(layout, "block_type", "int", version)
    for name, value in form.items():
        if name == "block_type" and layout.series is not None:
            continue
        if name == "left_over":
            values[name] = _plain(layout, name, "bytes", value)
        elif name == "alternative":
            values[name] = _plain(layout, name, "int", value)
        elif name in layout.specs:
            values[name] = _value(layout, name, kinds.get(name) or layout.kinds[name], value)
        else:
            raise EncodeError("there is no such field", block=layout.id, field=name)
    return cls(**values)


def _form(layout: Layout, version: Any, form: Mapping[str, Any]) -> int:
    """The alternative that the values have the kinds of; one that is not there is the encoder's to refuse."""
    alternative = form.get("alternative", 0)
    known = isinstance(alternative, int) and 0 <= alternative < layout.alternatives(version)
    return int(alternative) if known else 0


def _value(layout: Layout, name: str, kind: Kind, value: Any) -> Any:
    if isinstance(kind, NestedKind):
        return _block(layout, name, kind.items, value)
    if isinstance(kind, ListKind | RestListKind):
        if not isinstance(value, list):
            raise EncodeError("is not a list of blocks", block=layout.id, field=name)
        return [_block(layout, name, kind.items, item) for item in value]
    return _plain(layout, name, value_type(kind), value)


def _plain(layout: Layout, name: str, python: str, value: Any) -> Any:
    if python == "bytes" and isinstance(value, str):
        try:
            return binascii.a2b_base64(value, strict_mode=True) if value else b""
        except (binascii.Error, ValueError):
            raise EncodeError("is not base64", block=layout.id, field=name) from None
    if python == "int" and isinstance(value, int) and not isinstance(value, bool):
        return value
    if python == "str" and isinstance(value, str):
        return value
    expected = {"int": "a whole number", "str": "text", "bytes": "base64 text"}[python]
    raise EncodeError(f"is not {expected}", block=layout.id, field=name)


def _block(layout: Layout, name: str, items: tuple[type, ...] | None, value: Any) -> Any:
    if not isinstance(value, dict):
        raise EncodeError("is not a block", block=layout.id, field=name)
    number = value.get("block_type")
    if items is None:
        cls = block_class(layout.inner_series, number) if isinstance(number, int) else None
    elif number is None:
        cls = items[0]
    else:
        cls = next((item for item in items if number in layout_of(item).types), None)
    if cls is not None:
        return from_json_form(cls, value)
    if set(value) != {"block_type", "bytes"}:
        raise EncodeError(f"block type {number!r:.40} is not known", block=layout.id, field=name)
    return UnknownBlock(_plain(layout, name, "int", number), _plain(layout, name, "bytes", value["bytes"]))
