"""JSON Schema (2020-12) of the JSON line of one record type: the envelope around what the declarations give.

For whoever validates or types the lines of `-o json`. Form of a line: `docs/json-lines.md`. Not here: the
schema of one declared class (`openstreamer.wire.schema`), and reading or writing lines (json_form.py).
"""

from __future__ import annotations

from typing import Any

from openstreamer.layouts.discovery_header import DiscoveryHeader
from openstreamer.layouts.records import RecordType
from openstreamer.wire.schema import DIALECT, json_schema

_BYTES = {"type": "string", "contentEncoding": "base64"}
_NUMBER = {"type": "integer", "minimum": 0}


def line_schema(row: RecordType) -> dict[str, Any]:
    """The schema of the JSON lines of one record type, with all its versions; its blocks under `$defs`."""
    definitions: dict[str, Any] = {}
    forms = [_part(body, definitions) for body in row.bodies]
    # a block of a number that this program does not know, or a record without a layout: bytes
    forms.append(
        {
            "type": "object",
            "properties": {"block_type": _NUMBER, "bytes": _BYTES},
            "required": ["bytes"],
            "additionalProperties": False,
        }
    )
    properties: dict[str, Any] = {
        "event": {"description": "Family of the record, the same over all versions.", "const": row.id},
        "record_type": {"description": "Number of the record type.", "const": row.number},
        "archive_time": {"description": "When the server stored it, UNIX seconds."} | _NUMBER,
        "netmap_id": {"description": "Number of the domain."} | _NUMBER,
        "server": {"description": "Where it came from, host:port.", "type": "string"},
        "id": {
            "description": "The same for the same event in every output and run.",
            "type": "string",
            "pattern": "^[0-9a-f]{24}$",
        },
        "data": {"anyOf": forms},
        "names": {
            "description": "What metadata says of the numbers.",
            "type": "object",
            "additionalProperties": {"type": "string"},
        },
        "left_over": {"description": "Bytes behind the last field that is known."} | _BYTES,
        "block_length": {
            "description": "Length word of the block, where the block does not end with the record."
        }
        | _NUMBER,
    }
    if row.discovery_header:
        properties["header"] = _part(DiscoveryHeader, definitions)
    schema: dict[str, Any] = {
        "$schema": DIALECT,
        "title": row.id,
        "description": row.name,
        "type": "object",
        "properties": properties,
        "required": ["event", "record_type", "data"],
        "additionalProperties": False,
    }
    if definitions:
        schema["$defs"] = definitions
    return schema


def _part(cls: type[Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of one class without its own head; the blocks inside move up to the common `$defs`."""
    schema = json_schema(cls)
    del schema["$schema"]
    definitions.update(schema.pop("$defs", {}))
    return schema
