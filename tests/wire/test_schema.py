"""JSON Schema made from declarations."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from openstreamer.wire import layout_of
from openstreamer.wire.schema import json_schema
from support.wire_samples import CLASSES, Addresses, Contested, Leaf, Numbers, Tree, Versions


def test_numbers_have_ranges_and_descriptions() -> None:
    schema = json_schema(Numbers)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"] == "numbers"
    assert schema["description"] == "All kinds of number."
    assert schema["properties"]["u16"] == {
        "description": "Sixteen bits.",
        "type": "integer",
        "minimum": 0,
        "maximum": 65535,
    }
    assert schema["properties"]["i32"]["minimum"] == -(1 << 31)
    assert schema["properties"]["block_type"]["enum"] == [60001]
    assert "required" not in schema


def test_versions_are_told() -> None:
    properties = json_schema(Versions)["properties"]
    assert properties["always"]["description"] == "Always there."
    assert properties["middle"]["description"].endswith("(Blocks 60021, 60022, 60023 only.)")
    assert [form["maximum"] for form in properties["widened"]["anyOf"]] == [2**64 - 1, 2**16 - 1, 2**32 - 1]
    assert "alternative" not in properties
    assert "alternative" in json_schema(Contested)["properties"]


def test_blocks_inside_are_definitions() -> None:
    schema = json_schema(Tree)
    assert set(schema["$defs"]) == {"Leaf", "OtherLeaf", "UnknownBlock"}
    assert schema["properties"]["leaf"]["anyOf"] == [
        {"$ref": "#/$defs/Leaf"},
        {"$ref": "#/$defs/UnknownBlock"},
    ]
    assert schema["properties"]["everything"]["items"]["type"] == "object"
    assert schema["$defs"]["Leaf"]["title"] == "leaf"


def test_text_forms() -> None:
    properties = json_schema(Addresses)["properties"]
    assert properties["uuid"]["format"] == "uuid"
    assert properties["mac"]["pattern"] == "^[0-9a-f]{2}(:[0-9a-f]{2}){5}$"
    assert properties["left_over"]["contentEncoding"] == "base64"
    with pytest.raises(TypeError):
        json_schema(int)


def references(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        found = [schema["$ref"]] if "$ref" in schema else []
        return found + [item for value in schema.values() for item in references(value)]
    return [item for value in schema for item in references(value)] if isinstance(schema, list) else []


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_class_has_a_schema(cls: type) -> None:
    schema = msgspec.json.decode(msgspec.json.encode(json_schema(cls)))
    assert set(layout_of(cls).specs) <= set(schema["properties"])
    assert all(item["description"] for item in schema["properties"].values())
    for reference in references(schema):
        assert reference.removeprefix("#/$defs/") in schema["$defs"]
    assert json_schema(Leaf).get("$defs") is None
