"""Structs come back from their JSON form."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openstreamer.errors import EncodeError
from openstreamer.wire import UnknownBlock, layout_of
from openstreamer.wire.json_form import from_json_form
from support.strategies import struct_strategy
from support.wire_samples import CLASSES, CountedFields, Leaf, Numbers, RestOfBytes, Run, Tree, Versions


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_json_there_and_back(cls: type, data: st.DataObject) -> None:
    for type_ in layout_of(cls).types:
        value = data.draw(struct_strategy(cls, type_))
        form = msgspec.json.decode(msgspec.json.encode(value))
        assert from_json_form(cls, form) == value
        form.pop("block_type", None)
        assert from_json_form(cls, form, type_) == value


def test_what_is_absent_stays_absent() -> None:
    assert from_json_form(Leaf, {}) == Leaf()
    assert from_json_form(Leaf, {"code": 1}, 60011) == Leaf(60011, 1)
    assert from_json_form(Run, {"items": [{"block_type": 4711, "bytes": ""}]}) == Run(
        items=[UnknownBlock(4711, b"")]
    )
    assert from_json_form(Tree, {"leaf": {"code": 5}}).leaf == Leaf(code=5)


@pytest.mark.parametrize(
    ("cls", "form", "field", "reason"),
    [
        (Leaf, {"colour": 1}, "colour", "no such field"),
        (Leaf, {"code": "1"}, "code", "not a whole number"),
        (Leaf, {"code": True}, "code", "not a whole number"),
        (Leaf, {"code": 1.5}, "code", "not a whole number"),
        (Leaf, {"name": 1}, "name", "not text"),
        (Leaf, {"block_type": "x"}, "block_type", "not a whole number"),
        (Leaf, {"block_type": []}, "block_type", "is no block type"),
        (RestOfBytes, {"data": "*"}, "data", "not base64"),
        (RestOfBytes, {"data": 7}, "data", "not base64"),
        (CountedFields, {"block_type": 1}, "block_type", "no such field"),
        (Tree, {"leaves": {}}, "leaves", "not a list"),
        (Tree, {"leaves": [7]}, "leaves", "not a block"),
        (Tree, {"leaf": {"block_type": 7}}, "leaf", "block type 7 is not known"),
        (Tree, {"anything": {}}, "anything", "block type None is not known"),
        (Versions, {"moved": None}, "moved", "not text"),
        (Numbers, {"left_over": 1}, "left_over", "not base64"),
    ],
)
def test_wrong_forms(cls: type, form: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(EncodeError, match=reason) as caught:
        from_json_form(cls, form)
    assert caught.value.field == field
