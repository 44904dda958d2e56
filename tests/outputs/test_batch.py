"""Batches: decoded once, as far as asked, and without the records that cannot be."""

from __future__ import annotations

import pytest

from openstreamer.errors import DecodeError
from openstreamer.protocol.identity import stable_id
from openstreamer.protocol.records import decode_record
from support.batches import alert, batch, broken, connection, packet, unknown


def test_a_broken_record_costs_itself_only() -> None:
    one = batch(alert(event_id=1), broken(), alert(event_id=3))
    assert [event.data.event_id for event in one.events()] == [1, 3]
    assert len(one.problems) == 1
    assert "record 400" in str(one.problems[0][1])


def test_a_broken_record_is_reported_once_whoever_finds_it() -> None:
    one = batch(broken())
    one.events()
    assert list(one.each()) == [None]
    list(one.parts())
    assert len(one.problems) == 1


@pytest.mark.parametrize("shared", [False, True])
def test_parts_are_the_same_events(shared: bool) -> None:
    records = [connection(number) for number in range(150)]
    one = batch(*records[:70], broken(), *records[70:])
    one.shared = shared
    events = [event for part in one.parts() for event in part]
    assert [event.data.initiator_bytes for event in events] == [1500 + number for number in range(150)]
    assert len(one.problems) == 1


def test_an_event_tells_everything_about_itself() -> None:
    one = batch(alert(), connection(), unknown())
    first, second, third = one
    assert (first.id, first.record_type, first.archive_time) == ("intrusion_event", 400, 1_700_000_000)
    assert first.names["rule"] == "ET SCAN Potential SSH Scan"
    assert first.server == "fmc1:8302"
    assert first.header is None
    assert first.netmap_id == 0
    assert second.header is not None
    assert second.header.event_type == 1003
    assert second.names == {"device": "sensor-1", "application_protocol": "HTTPS"}
    assert third.id == "unknown_record"
    assert third.names == {}
    assert "intrusion_event" in repr(first)
    assert first.to_json().startswith(b'{"event":"intrusion_event"')


def test_names_are_not_looked_up_where_nobody_wants_them() -> None:
    assert next(iter(batch(alert(), named=False))).names == {}


def test_records_of_chosen_types() -> None:
    one = batch(alert(), packet(), connection())
    assert [record.record_type for record in one.of_types({2, 71})] == [2, 71]
    assert len(one) == 3


def test_the_reason_names_the_place() -> None:
    with pytest.raises(DecodeError, match="intrusion_event"):
        decode_record(broken())


def test_events_have_the_stable_id_of_their_record() -> None:
    records = [alert(), packet(), connection(), unknown()]
    assert [event.stable_id for event in batch(*records)] == list(map(stable_id, records))
