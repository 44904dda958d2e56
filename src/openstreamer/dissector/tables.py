"""Declarations, record types and values as Lua tables: the data half of the dissector.

A layout is written as its forms (one a version, several where a version is contested), and its fields in the
order of the wire, each with the forms that have it. All of it is taken from the plans that decoders are made
from. Not here: how bytes are read by these tables (dissector.lua).
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from itertools import groupby
from typing import Any

import openstreamer.layouts
from openstreamer.layouts.messages import ERROR_CODES
from openstreamer.layouts.records import RECORDS, UNKNOWN_LAYOUTS, RecordType
from openstreamer.layouts.requests import EVENT_TYPES
from openstreamer.layouts.values import VALUES
from openstreamer.wire import Block, Layout, PlanField, declared, layout_of
from openstreamer.wire.interpreter import MAX_DEPTH
from openstreamer.wire.kinds import (
    BLOB_TYPES,
    LIST_TYPES,
    STRING_TYPE,
    BlobKind,
    Counted,
    Integer,
    Kind,
    ListKind,
    NestedKind,
    Octets,
    Rest,
    RestListKind,
    StringKind,
    value_type,
)

DEPENDENT = {("discovery_header", "event_subtype"): ("event_type", "discovery_subtype_")}
"""Numbers whose meaning another field decides: that field, and how the ids of the enumerations begin."""

MORE_WORDS: dict[str, dict[int, str]] = {
    "error_code": {code: name for code, (name, _) in ERROR_CODES.items()},
    "event_type": EVENT_TYPES,
}
"""Enumerations beside those of values.py, by their id in the Lua tables."""

WORDS_OF = {("error", "code"): "error_code", ("streaming_event_type", "event_type"): "event_type"}
"""Fields whose words are in those."""

_OTHERS = ("mac", "uuid")


class Lua(str):
    """Text that is Lua already."""

    __slots__ = ()


def literal(value: Any) -> str:
    """A Python value as Lua: text, numbers, truth values, sequences and mappings of them."""
    match value:
        case Lua():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return '"' + "".join(_escaped(char) for char in value) + '"'
        case Mapping():
            return "{" + ", ".join(f"{_key(key)} = {literal(item)}" for key, item in value.items()) + "}"
        case Sequence():
            return "{" + ", ".join(literal(item) for item in value) + "}"
    raise TypeError(f"{value!r} has no form in Lua")


def _escaped(char: str) -> str:
    if char in '\\"':
        return f"\\{char}"
    return char if char.isprintable() else "".join(f"\\{byte:03d}" for byte in char.encode())


def _key(key: Any) -> str:
    # Names of ours are all lower case words; some are words of Lua, so text keys that are data are quoted.
    return key if isinstance(key, Lua) else f"[{literal(key)}]"


def _options(**options: Any) -> dict[Any, Any]:
    """Keys and values of a Lua table, without those that are not set."""
    return {Lua(name): value for name, value in options.items() if value}


def tables() -> str:
    """The tables KINDS, NUMBERS, ENUMERATIONS, MASKS, LAYOUTS, UNKNOWN and RECORDS."""
    layouts = [layout_of(cls) for cls in classes()]
    parts = [
        _table("KINDS", _kinds(layouts)),
        _table("NUMBERS", _numbers()),
        _table("ENUMERATIONS", _words(mask=False)),
        _table("MASKS", _words(mask=True)),
        "local LAYOUTS = {\n" + "".join(_layout(layout) for layout in layouts) + "}\n",
        _table("UNKNOWN", _unknown_layouts()),
        _table("RECORDS", ((number, _record(row)) for number, row in RECORDS.items())),
    ]
    return "\n".join(parts)


def classes() -> list[type[Any]]:
    """Every class that is declared in `openstreamer.layouts`, by module and in the order of declaration.

    Of those with the same id the one with the shortest name comes first: it declares the releases of today,
    the others have a word like Legacy behind that name. Raises TypeError if two have one name: the tables
    know them by it.
    """
    for module in pkgutil.iter_modules(openstreamer.layouts.__path__):
        import_module(f"openstreamer.layouts.{module.name}")
    found = [cls for cls in declared() if cls.__module__.startswith("openstreamer.layouts.")]
    if len({cls.__name__ for cls in found}) != len(found):
        raise TypeError("two declared classes have the same name")
    families: dict[str, list[type[Any]]] = {}
    for cls in sorted(found, key=lambda cls: cls.__module__):
        families.setdefault(layout_of(cls).id, []).append(cls)
    return [cls for family in families.values() for cls in sorted(family, key=lambda cls: len(cls.__name__))]


def _table(name: str, rows: Iterable[tuple[Any, Any]]) -> str:
    lines = "".join(f"    {_key(key)} = {literal(value)},\n" for key, value in rows)
    return f"local {name} = {{\n{lines}}}\n"


# --- names of fields --------------------------------------------------------------------------------------


def way_of(kind: Kind) -> str:
    """The type of field that shows a kind: "number", "signed", "address", "octets", "text", "blocks", ..."""
    match kind:
        case Integer():
            return "signed" if kind.signed else "number"
        case Octets():
            return (
                "address" if kind.name.startswith("ip") else kind.name if kind.name in _OTHERS else "octets"
            )
        case ListKind() | RestListKind() | NestedKind():
            return "blocks"
    return "text" if value_type(kind) == "str" else "octets"


def forms(layout: Layout) -> list[tuple[int, int]]:
    """Every form of a layout, oldest first: type and alternative. Contested types come several times."""
    return [(type_, other) for type_ in layout.types for other in range(layout.alternatives(type_))]


@cache
def field_names() -> dict[tuple[str, str, str], str]:
    """What each field is called: by id of the layout, name of the field and `way_of` its kind.

    That is its own name for the newest form of it that has a value; forms that are shown by another type of
    field have that behind the name.
    """
    names: dict[tuple[str, str, str], str] = {}
    plain: set[tuple[str, str]] = set()
    for with_blocks in (False, True):
        for layout in map(layout_of, classes()):
            order = [*layout.types]
            for type_, alternative in sorted(forms(layout), key=lambda form: -order.index(form[0])):
                for item in layout.fields(type_, alternative):
                    way = way_of(item.kind)
                    if (way == "blocks") is with_blocks:
                        key = (layout.id, item.name)
                        name = f"{item.name}_{way}" if key in plain else item.name
                        names.setdefault((*key, way), name)
                        plain.add(key)
    return names


# --- kinds and numbers ------------------------------------------------------------------------------------


def _kinds(layouts: Iterable[Layout]) -> Iterator[tuple[Lua, Any]]:
    plans = [layout.fields(*form) for layout in layouts for form in forms(layout)]
    kinds = {item.kind.name: item.kind for plan in plans for item in plan}
    for name in sorted(kinds):
        yield Lua(name), _kind(kinds[name])


def _kind(kind: Kind) -> Any:
    """How the Lua part reads and shows a kind of field."""
    match kind:
        case Integer():
            way = "signed" if kind.signed else "number"
            return _options(way=way, size=kind.size, little=kind.little)
        case Octets():
            way = way_of(kind)
            shown = kind.name.removesuffix("le") if way == "address" else way
            return _options(way=shown, size=kind.size, little=kind.name.endswith("le"))
        case StringKind():
            return _options(way="string")
        case BlobKind():
            return _options(way="blob")
        case Counted():
            return _options(way="counted", text=kind.text)
        case Rest():
            return _options(way="rest", text=kind.text)
        case ListKind():
            return _options(way="list", generic=kind.generic)
        case RestListKind():
            return _options(way="rest_blocks")
        case NestedKind():
            return _options(way="nested")
    raise TypeError(f"the dissector does not know the kind {kind.name}")


def _numbers() -> Iterator[tuple[Lua, Any]]:
    """Numbers of the primitive blocks by series, as lists of those accepted."""
    yield Lua("depth"), MAX_DEPTH
    yield Lua("string"), [STRING_TYPE]
    yield Lua("blob"), {series: list(numbers) for series, numbers in BLOB_TYPES.items()}
    for name, generic in (("list", False), ("generic_list", True)):
        yield Lua(name), {series: list(LIST_TYPES[series, generic]) for series in (1, 2)}


def _words(*, mask: bool) -> Iterator[tuple[Lua, Any]]:
    for table in VALUES.values():
        if table.mask is mask:
            yield Lua(table.id), table.entries
    if not mask:
        for id, entries in MORE_WORDS.items():
            yield Lua(id), entries


# --- layouts ----------------------------------------------------------------------------------------------


def _layout(layout: Layout) -> str:
    head = {
        Lua("class"): layout.cls.__name__,
        Lua("id"): layout.id,
        **_options(series=layout.series),
        Lua("inner"): layout.inner_series,
        Lua("text"): layout.doc.split("\n")[0],
    }
    lines = [f"{name} = {literal(value)}" for name, value in head.items()]
    types = ", ".join(literal([type_, layout.types[type_]]) for type_, _ in forms(layout))
    rows = "".join(f"            {row},\n" for row in _rows(layout))
    return (
        f"    {{\n        {', '.join(lines)},\n        forms = {{{types}}},\n"
        f"        rows = {{\n{rows}        }},\n    }},\n"
    )


def _rows(layout: Layout) -> Iterator[str]:
    """The fields in wire order; one that changed its kind has a row for each of its kinds."""
    plans = [layout.fields(*form) for form in forms(layout)]
    needed = {other for (id, _), (other, _) in DEPENDENT.items() if id == layout.id}
    for name in layout.specs:
        variants: dict[str, tuple[PlanField, list[int]]] = {}
        for place, plan in enumerate(plans, 1):
            for item in plan:
                if item.name == name:
                    key = literal(_row_options(layout, item, needed))
                    variants.setdefault(item.kind.name + key, (item, []))[1].append(place)
        for item, places in variants.values():
            options = _row_options(layout, item, needed)
            if len(places) != len(plans):
                options |= _options(spans=_spans(places))
            positional = ", ".join(literal(text) for text in (name, item.kind.name, item.doc))
            named = "".join(f", {key} = {literal(value)}" for key, value in options.items())
            yield f"{{{positional}{named}}}"


def _row_options(layout: Layout, item: PlanField, needed: set[str]) -> dict[Any, Any]:
    words, prefix = DEPENDENT.get((layout.id, item.name), (None, None))
    values = WORDS_OF.get((layout.id, item.name), item.values)
    name = field_names()[layout.id, item.name, way_of(item.kind)]
    return _options(
        field=name if name != item.name else None,
        words=values if values in VALUES or values in MORE_WORDS else None,
        words_by=[words, prefix] if words else None,
        length=item.length,
        keep=item.counts is not None or item.name in needed,
        items=[cls.__name__ for cls in item.nested] if item.nested is not None else None,
        # The declarations have no kind of its own for times; their sentences say which numbers are.
        time=isinstance(item.kind, Integer) and item.kind.size == 4 and "UNIX seconds" in item.doc,
    )


def _spans(places: list[int]) -> list[list[int]]:
    """Ascending numbers as ranges: first and last of each run."""
    spans = []
    for _, run in groupby(enumerate(places), lambda pair: pair[1] - pair[0]):
        numbers = [number for _, number in run]
        spans.append([numbers[0], numbers[-1]])
    return spans


# --- records ----------------------------------------------------------------------------------------------


def _record(row: RecordType) -> dict[Any, Any]:
    return {
        Lua("id"): row.id,
        Lua("name"): row.name,
        **_options(header=row.discovery_header and bool(row.bodies), series=row.series),
        **_options(blocks=[body.__name__ for body in row.bodies if issubclass(body, Block)]),
        **_options(fields=[body.__name__ for body in row.bodies if not issubclass(body, Block)]),
    }


def _unknown_layouts() -> Iterator[tuple[int, Any]]:
    for series in (1, 2):
        names = {number: name for (other, number), (name, _, _) in UNKNOWN_LAYOUTS.items() if other == series}
        yield series, names
