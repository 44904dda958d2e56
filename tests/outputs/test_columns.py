"""The table of common columns: every place it names must exist in some layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from openstreamer.errors import UsageError
from openstreamer.layouts.discovery_header import DiscoveryHeader
from openstreamer.layouts.records import RECORDS
from openstreamer.layouts.references import REFERENCES
from openstreamer.outputs import columns
from openstreamer.protocol.records import Record
from support.batches import batch

_FIELDS = {name for row in RECORDS.values() for body in row.bodies for name in body.__struct_fields__}
_NAMES = {reference.name for references in REFERENCES.values() for reference in references}


@pytest.mark.parametrize("name", list(columns.COLUMNS))
def test_every_place_exists(name: str) -> None:
    column = columns.COLUMNS[name]
    assert column.meaning
    for source in column.sources:
        source = source.rstrip("?")
        place, _, field = source.partition(".")
        if place == "data":
            assert field in _FIELDS, source
        elif place == "header":
            assert field in DiscoveryHeader.__struct_fields__, source
        elif place == "names":
            assert field in _NAMES, source
        else:
            assert source in ("archive_time", "event", "record_type", "server", "stable_id")


def test_any_field_is_a_column() -> None:
    assert columns.column("rule_id").sources == ("data.rule_id",)
    assert columns.column("header.mac").sources == ("header.mac",)


@pytest.mark.parametrize("text", ["no field", "nowhere.field", "data.", "a.b.c"])
def test_what_cannot_be_a_column_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no column"):
        columns.column(text)


def test_a_discovery_event_has_its_host_in_the_header() -> None:
    from support import hand_made

    record = Record(
        23, hand_made.discovery_header(1001, 11, host="2001:db8::1") + b"\x00\x50", hand_made.SECOND
    )
    rows = columns.RowMaker(
        [columns.column(name) for name in ("source_ip", "destination_port", "device", "time")]
    )
    assert list(rows.rows(batch(record))) == [("2001:db8::1", 80, "sensor-1", hand_made.SECOND)]


def test_the_docs_name_every_column() -> None:
    text = (Path(__file__).parents[2] / "docs" / "outputs.md").read_text("utf-8")
    for name in columns.COLUMNS:
        assert f"`{name}`" in text
