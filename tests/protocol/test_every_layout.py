"""Every declared layout, with made-up values: as a block, as JSON, and in every record that may hold it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from openstreamer.layouts.discovery_header import DiscoveryHeader
from openstreamer.layouts.records import RECORDS
from openstreamer.protocol.records import Event, decode_record, encode_event, event_from_json, json_line
from openstreamer.wire import Block, declared, layout_of
from openstreamer.wire.json_form import from_json_form
from support.strategies import struct_strategy

LAYOUTS = [
    (cls, type_)
    for cls in declared()
    if cls.__module__.startswith("openstreamer.layouts.")
    for type_ in layout_of(cls).types
]
IN_RECORDS = [
    (number, body, type_)
    for number, row in RECORDS.items()
    for body in row.bodies
    for type_ in (layout_of(body).types if issubclass(body, Block) else (number,))
]
few = settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))


def name(value: object) -> str:
    return value.__name__ if isinstance(value, type) else str(value)


@pytest.mark.parametrize(("cls", "type_"), LAYOUTS, ids=name)
@few
@given(data=st.data())
def test_json_there_and_back(cls: type, type_: int, data: st.DataObject) -> None:
    value = data.draw(struct_strategy(cls, type_))
    form = msgspec.json.decode(msgspec.json.encode(value))
    assert from_json_form(cls, form, type_) == value


@pytest.mark.parametrize(("number", "body", "type_"), IN_RECORDS, ids=name)
@few
@given(data=st.data())
def test_record_to_line_and_back(number: int, body: type, type_: int, data: st.DataObject) -> None:
    values = data.draw(struct_strategy(body, type_))
    values.left_over = UNSET
    header: Any = UNSET
    if RECORDS[number].discovery_header:
        header = DiscoveryHeader(device_id=3, has_ipv6=1, ipv6="2001:db8::1")
    record = encode_event(Event(number, RECORDS[number].id, values, header=header))
    event = decode_record(record)
    assert encode_event(event) == record
    again = event_from_json(json_line(event))
    assert again == event
    assert encode_event(again) == record
