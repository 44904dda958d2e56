"""Filters asked about real records: lists, negation, all keys together, packets with their alerts."""

from __future__ import annotations

import pytest

from openstreamer.client.service.configuration import FilterSection
from openstreamer.client.service.filters import Filter
from openstreamer.protocol.records import Record, decode_record
from support import hand_made
from support.live_service import intrusion, packet

ALERT = Record(400, intrusion(1), 1)
PACKET = Record(2, packet(1), 1)
HOST = Record(123, hand_made.id_name(1, "sensor"), None)


def passes(section: FilterSection, record: Record = ALERT, names: dict[str, str] | None = None) -> bool:
    filter = Filter(section)
    assert list(filter.problems) == []
    return filter.takes(record, decode_record(record) if filter.needs_event else None, names or {})


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        (FilterSection(), True),
        (FilterSection(events=["intrusion"]), True),
        (FilterSection(events=["packet", "intrusion"]), True),
        (FilterSection(events=["packet"]), False),
        (FilterSection(events=["!intrusion"]), False),
        (FilterSection(events=["!packet"]), True),
        (FilterSection(events=["intrusion", "!intrusion"]), False),
        (FilterSection(record_types=[400]), True),
        (FilterSection(record_types=["!400"]), False),
        (FilterSection(record_types=[1, "401"]), False),
        (FilterSection(sensors=[1]), True),
        (FilterSection(sensors=["1"]), True),
        (FilterSection(sensors=["fw-1"]), True),
        (FilterSection(sensors=["!fw-1"]), False),
        (FilterSection(sensors=["fw-2", 3]), False),
        (FilterSection(rules=["1:1000"]), True),
        (FilterSection(rules=["1:*"]), True),
        (FilterSection(rules=["3:*", "1:2"]), False),
        (FilterSection(rules=["!1:1000"]), False),
        (FilterSection(networks=["192.0.2.0/24"]), True),
        (FilterSection(networks=["198.51.100.2"]), True),
        (FilterSection(networks=["10.0.0.0/8", "2001:db8::/32"]), False),
        (FilterSection(networks=["192.0.2.0/24", "!198.51.100.0/24"]), False),
        (FilterSection(networks=["!10.0.0.0/8"]), True),
        (FilterSection(events=["intrusion"], rules=["1:1000"], networks=["192.0.2.1"]), True),
        (FilterSection(events=["intrusion"], rules=["1:1000"], networks=["192.0.2.9"]), False),
    ],
)
def test_an_alert(section: FilterSection, expected: bool) -> None:
    assert passes(section, names={"device": "fw-1"}) is expected


def test_packets_go_with_their_alert_and_pass_when_it_is_not_known() -> None:
    for rules, expected in ((["1:1000"], True), (["1:7"], False)):
        filter = Filter(FilterSection(rules=rules))
        assert filter.takes(PACKET, decode_record(PACKET), {})
        assert filter.takes(ALERT, decode_record(ALERT), {}) is expected
        assert filter.takes(PACKET, decode_record(PACKET), {}) is expected


def test_alerts_are_remembered_for_packets_also_where_only_packets_are_wanted() -> None:
    filter = Filter(FilterSection(events=["packet"], networks=["10.0.0.0/8"]))
    assert not filter.takes(ALERT, decode_record(ALERT), {})
    assert not filter.takes(PACKET, decode_record(PACKET), {})


def test_an_event_without_a_rule_passes_only_filters_that_exclude_rules() -> None:
    assert not passes(FilterSection(rules=["1:1000"]), HOST)
    assert passes(FilterSection(rules=["!1:1000"]), HOST)


def test_what_cannot_be_decoded_passes_by_its_type() -> None:
    filter = Filter(FilterSection(events=["intrusion"], networks=["10.0.0.0/8"]))
    assert filter.takes(Record(400, b"short", 1), None, {})
    assert not filter.takes(Record(71, b"short", 1), None, {})


def test_mistakes_name_key_and_entry() -> None:
    section = FilterSection(
        events=["intrusion", "nonsense"], record_types=["x"], sensors=[""], rules=["1", "a:1"], networks=["x"]
    )
    assert [(key, number) for key, number, _ in Filter(section).problems] == [
        ("events", 1),
        ("record_types", 0),
        ("sensors", 0),
        ("rules", 0),
        ("rules", 1),
        ("networks", 0),
    ]
