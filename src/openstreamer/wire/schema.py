"""JSON Schema (2020-12) of the JSON form of declared classes, made from the declarations.

No field is ever required: which ones are there depends on the version. Not here: the envelope in which
events travel as JSON lines.
"""

from __future__ import annotations

from typing import Any

from openstreamer.wire.kinds import (
    Integer,
    Kind,
    ListKind,
    NestedKind,
    Octets,
    RestListKind,
    kind_of,
    value_type,
)
from openstreamer.wire.layout import Layout, layout_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_BYTES = {"type": "string", "contentEncoding": "base64"}


def json_schema(cls: type) -> dict[str, Any]:
    """The schema of one declared class, blocks inside under `$defs`. Raises TypeError for other classes."""
    definitions: dict[str, Any] = {}
    schema = {"$schema": DIALECT} | _object(layout_of(cls), definitions)
    if definitions:
        schema["$defs"] = definitions
    return schema


def _object(layout: Layout, definitions: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    if layout.series is not None:
        properties["block_type"] = {
            "description": f"Number of the block in series {layout.series}; it says the version.",
            "enum": list(layout.types),
        }
    for name, spec in layout.specs.items():
        kinds = list(dict.fromkeys([layout.kinds[name], *map(kind_of, spec.was.values())]))
        forms = list(
            {str(form): form for form in (_form(layout, kind, definitions) for kind in kinds)}.values()
        )
        form = forms[0] if len(forms) == 1 else {"anyOf": forms}
        properties[name] = {"description": f"{spec.doc}{_presence(layout, name)}"} | form
    properties["left_over"] = {
        "description": "Bytes after the last field that is known, if there are any."
    } | _BYTES
    if any(layout.alternatives(type_) > 1 for type_ in layout.types):
        properties["alternative"] = {
            "description": "Which of the contested layouts the block had, if not the first.",
            "type": "integer",
            "minimum": 0,
        }
    return {
        "title": layout.id,
        "description": layout.doc,
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def _presence(layout: Layout, name: str) -> str:
    having = [
        type_
        for type_ in layout.types
        if any(
            item.name == name
            for index in range(layout.alternatives(type_))
            for item in layout.fields(type_, index)
        )
    ]
    if len(having) == len(layout.types):
        return ""
    what = "Record" if layout.series is None else "Block"
    return f" ({what}{'s' if len(having) != 1 else ''} {', '.join(map(str, having))} only.)"


def _form(layout: Layout, kind: Kind, definitions: dict[str, Any]) -> dict[str, Any]:
    if isinstance(kind, Integer):
        return {"type": "integer", "minimum": kind.minimum, "maximum": kind.maximum}
    if isinstance(kind, Octets):
        if kind.name == "uuid":
            return {"type": "string", "format": "uuid"}
        if kind.name == "ip":
            return {"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]}
        if kind.name.startswith("ipv4"):
            return {"type": "string", "format": "ipv4"}
        return {"type": "string", "pattern": kind.pattern}
    if isinstance(kind, NestedKind):
        return _block(layout, kind.items, definitions)
    if isinstance(kind, ListKind | RestListKind):
        return {"type": "array", "items": _block(layout, kind.items, definitions)}
    return dict(_BYTES) if value_type(kind) == "bytes" else {"type": "string"}


def _block(layout: Layout, items: tuple[type, ...] | None, definitions: dict[str, Any]) -> dict[str, Any]:
    if items is None:
        # Any block of the series; naming them all would make the schema as long as the catalogue.
        return {"type": "object", "properties": {"block_type": {"type": "integer"}}}
    options = []
    for cls in items:
        key = cls.__name__
        if key not in definitions:
            definitions[key] = {}
            definitions[key] = _object(layout_of(cls), definitions)
        options.append({"$ref": f"#/$defs/{key}"})
    if "UnknownBlock" not in definitions:
        definitions["UnknownBlock"] = {
            "description": "A block whose number is not known: its content.",
            "type": "object",
            "properties": {"block_type": {"type": "integer"}, "bytes": dict(_BYTES)},
            "required": ["block_type", "bytes"],
            "additionalProperties": False,
        }
    return {"anyOf": [*options, {"$ref": "#/$defs/UnknownBlock"}]}
