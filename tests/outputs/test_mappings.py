"""The mappings: every event class has one, every place they name exists, no key stands twice."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET

from openstreamer.layouts.discovery_header import DiscoveryHeader
from openstreamer.layouts.records import EVENT_CLASSES, RECORDS
from openstreamer.layouts.references import REFERENCES
from openstreamer.layouts.values import VALUES
from openstreamer.outputs.batch import Batch
from openstreamer.outputs.mappings.cef import cef_line
from openstreamer.outputs.mappings.describe import Describer, places_of
from openstreamer.outputs.mappings.events import GENERIC, MAPPINGS, EventMapping, mapping_for
from openstreamer.outputs.mappings.text import plain, reference
from openstreamer.outputs.mappings.traps import OBJECTS, value_of
from openstreamer.protocol.records import Event, Record, encode_event
from openstreamer.wire import Block, layout_of
from support import batches

EVENTS = [number for number, row in RECORDS.items() if row.event_class is not None]
OWN_FORMS = {"", "milliseconds", "protocol", "json", "impact"}


def fields_for(mapping: EventMapping) -> tuple[set[str], set[str]]:
    """All fields and all names that events of this mapping can have."""
    numbers = [number for number in RECORDS if mapping_for(number) is mapping]
    fields = {
        field for number in numbers for body in RECORDS[number].bodies for field in body.__struct_fields__
    }
    names = {reference.name for number in numbers for reference in REFERENCES.get(number, ())}
    return fields, names


def test_every_class_has_a_mapping_and_every_event_is_shown() -> None:
    for event_class in EVENT_CLASSES:
        assert any(RECORDS[number].event_class == event_class for number in EVENTS)
    own = {mapping.event_class for mapping in MAPPINGS}
    assert own == set(EVENT_CLASSES)
    for number in EVENTS:
        assert mapping_for(number).items


@pytest.mark.parametrize(
    "mapping", [*MAPPINGS, GENERIC], ids=lambda mapping: f"{mapping.event_class} {mapping.title}"
)
def test_a_mapping_names_what_exists(mapping: EventMapping) -> None:
    keys = [item.key for item in mapping.items if item.key]
    assert len(set(keys)) == len(keys)
    names = [item.name for item in mapping.items]
    assert len(set(names)) == len(names)
    for item in mapping.items:
        # an item that several mappings share need not fit the events of each
        shared = [fields_for(other) for other in (*MAPPINGS, GENERIC) if item in other.items]
        fields = set().union(*(part for part, _ in shared))
        known_names = set().union(*(part for _, part in shared))
        assert item.form in OWN_FORMS or item.form in VALUES, item
        found = False
        for place in places_of(item.source):
            kind, _, field = place.rstrip("?").partition(".")
            found |= (
                kind not in ("data", "header", "names")
                or not field
                or (kind == "data" and field in fields)
                or (kind == "names" and field in known_names)
                or (kind == "header" and field in DiscoveryHeader.__struct_fields__)
            )
        assert found, item


@pytest.mark.parametrize("number", EVENTS)
def test_an_event_of_every_record_type_can_be_shown(number: int) -> None:
    row = RECORDS[number]
    header: Any = UNSET
    if row.discovery_header:
        header = DiscoveryHeader(device_id=3, event_second=1_700_000_000, has_ipv6=1, ipv6="2001:db8::1")
    for body in row.bodies:
        for type_ in layout_of(body).types if issubclass(body, Block) else (number,):
            values = body(block_type=type_) if issubclass(body, Block) else body()
            record = encode_event(Event(number, row.id, values, header=header))
            show(record, row.id)


def show(record: Record, family: str) -> None:
    batch = Batch([record], "fmc1:8302", batches.names())
    [event] = Describer().batch(batch)
    assert event.event.event == family
    assert event.title
    assert 0 <= event.severity <= 10
    assert 2 <= event.syslog_severity <= 6
    for line in (cef_line(event, "CEF:0|a|b|c"), plain(event), reference(event)):
        assert len(line.splitlines()) == 1
        line.encode()
    assert f"externalId={event.id}" in cef_line(event, "x")
    for row in OBJECTS:
        assert isinstance(value_of(row, event, 1), (int, bytes))
