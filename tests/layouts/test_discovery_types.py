"""Kinds of discovery event: they are those of the catalogue, and their records exist."""

from __future__ import annotations

import pytest

from openstreamer.layouts.discovery_types import DISCOVERY_EVENTS, TYPE_OF_RECORD
from openstreamer.layouts.records import RECORDS
from openstreamer.layouts.values import VALUES
from support.catalogue_bytes import catalogue_values


def test_records_exist_and_have_the_header() -> None:
    for number in TYPE_OF_RECORD:
        assert RECORDS[number].discovery_header
    assert TYPE_OF_RECORD[10] == (1000, 1)
    assert TYPE_OF_RECORD[95] == (1004, 2)


def test_names_are_those_of_the_subtypes() -> None:
    for (event_type, subtype), event in DISCOVERY_EVENTS.items():
        assert VALUES["discovery_event_type"].words(event_type) is not None
        assert VALUES[f"discovery_subtype_{event_type}"].words(subtype) == event.name


def test_kinds_are_those_of_the_catalogue() -> None:
    if not catalogue_values():
        pytest.skip("not in this checkout: the catalogue of the format")
    found = {
        (int(table["id"].rpartition("_")[2]), entry["value"]): (entry["name"], entry["record"])
        for table in catalogue_values()
        if table["id"].startswith("discovery_subtype_")
        for entry in table["values"]
    }
    assert found == DISCOVERY_EVENTS
