"""What requests ask for: flag bits, pairs, versions, and what is passed over."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openstreamer.errors import RemoteProtocolError
from openstreamer.layouts.records import EVENT_CLASSES, RECORDS
from openstreamer.layouts.requests import EVENT_TYPES, EXTENDED, FLAG_BITS, Form
from openstreamer.protocol.messages import ErrorCode
from openstreamer.protocol.selection import HeaderOptions, Selection, first_version, select
from shared_data import shared

DEPLOYED = 0x48900061
"""Flags of a deployed client: bits 0, 5, 6, 20, 23, 27, 30."""
DEPLOYED_PAIRS = ((12, 11), (21, 4), (31, 9), (61, 11), (71, 17), (91, 7), (101, 8), (111, 7), (131, 2))
EXTENDED_BIT = 1 << 30


def bits(*numbers: int) -> int:
    return sum(1 << number for number in numbers)


def targets(selection: Selection, record_type: int) -> list[tuple[int, int | None]]:
    rule = selection.rule(record_type)
    assert rule is not None
    return [(form.record_type, form.block_type) for form in rule.targets]


def versions(selection: Selection) -> dict[str, int | None]:
    return {name: asked.version for name, asked in selection.asked.items()}


def test_deployed_client() -> None:
    selection = select(DEPLOYED, DEPLOYED_PAIRS)
    assert versions(selection) == {
        "packet": None,
        "impact-alert": 2,
        "intrusion": 11,
        "metadata": 4,
        "extra-data": None,
        "correlation": 9,
        "discovery": 11,
        "connection": 17,
        "user": 7,
        "malware": 8,
        "file": 7,
    }
    assert not selection.flat
    assert selection.extended_header
    assert selection.metadata_version == 4
    assert selection.problems == ()
    newest = frozenset({400, 2, 110, 71, 73, 9, 112, 125, 500, 502, 95, 10, 31})
    assert selection.passes(newest)


def test_pair_overrides_the_bits_of_its_class() -> None:
    selection = select(bits(6, 5, 30), ((12, 11),))
    assert targets(selection, 400) == [(400, 85)]
    assert targets(selection, 9) == [(9, 20)]
    lower = select(bits(19, 30), ((31, 1),))
    assert versions(lower)["correlation"] == 1


@pytest.mark.parametrize("flags", [bits(2), bits(6), bits(2, 6)])
def test_old_intrusion_bits(flags: int) -> None:
    selection = select(flags, None)
    assert selection.flat
    assert targets(selection, 400) == [(7, None), (72, None)]
    assert targets(selection, 207) == [(7, None), (72, None)]
    assert not selection.wants(2)
    assert not selection.extended_header


def test_packets_alone() -> None:
    selection = select(bits(0), None)
    assert selection.wants(2)
    assert [number for number in RECORDS if selection.wants(number)] == [2]


def test_highest_version_of_several_bits_counts() -> None:
    selection = select(bits(1, 14, 15, 20, 8, 12, 26, 3, 28, 4, 29), None)
    assert versions(selection) == {"metadata": 4, "connection": 5, "discovery": 7, "correlation": 6}
    assert targets(selection, 71) == [(71, 125)]


def test_highest_version_of_several_pairs_counts() -> None:
    selection = select(EXTENDED_BIT, ((12, 3), (12, 9), (12, 4)))
    assert versions(selection) == {"intrusion": 9}


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_metadata_versions(version: int) -> None:
    selection = select({1: bits(1), 2: bits(14), 3: bits(15), 4: bits(20)}[version], None)
    assert selection.metadata_version == version
    rule_message = targets(selection, 66)
    assert rule_message == ([(5, None)] if version == 1 else [(66, None)])
    assert selection.wants(67) is (version != 2)
    if version == 1:
        assert targets(selection, 67) == [(3, None)]
    assert selection.wants(123) is (version >= 3)
    assert selection.wants(115) is (version == 4)
    assert selection.wants(4)


def test_no_metadata_unless_asked() -> None:
    selection = select(bits(6, 23), None)
    assert selection.metadata_version == 0
    assert not selection.wants(66)
    assert not selection.wants(4)


def test_extra_data_and_the_names_of_its_types() -> None:
    assert select(bits(27), None).wants(110)
    assert not select(bits(27), None).wants(111)
    assert not select(bits(20), None).wants(111)
    assert select(bits(20, 27), None).wants(111)
    assert select(bits(27, 30), ((21, 4),)).wants(111)
    assert not select(bits(20, 27), None, {"intrusion"}).wants(111)


def test_unusable_pairs_are_passed_over_and_reported() -> None:
    selection = select(EXTENDED_BIT, ((12, 12), (22, 1), (81, 3), (71, 17)))
    assert versions(selection) == {"connection": 17}
    assert len(selection.problems) == 3
    assert "intrusion version 12" in selection.problems[0]
    assert "22" in selection.problems[1]


def test_nearest_lower_version_where_switched_on() -> None:
    selection = select(EXTENDED_BIT, ((12, 99), (71, 99), (12, 3)), nearest_lower=True)
    assert versions(selection) == {"intrusion": 11, "connection": 17}
    assert len(selection.problems) == 2
    assert "version 11 is sent" in selection.problems[0]
    with pytest.raises(RemoteProtocolError):
        select(EXTENDED_BIT, ((71, 0),), nearest_lower=True)


@pytest.mark.parametrize("pairs", [(), ((12, 99),), ((22, 1), (0, 5))])
def test_nothing_that_can_be_answered(pairs: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        select(bits(23, 30), pairs)
    assert caught.value.code == ErrorCode.UNSUPPORTED_REQUEST


@pytest.mark.parametrize("bit", [0, 6, 11, 20, 27])
def test_class_bits_are_enough_without_pairs(bit: int) -> None:
    assert select(bits(bit, 30), ()).problems == ()


@pytest.mark.parametrize("flags", [0, bits(11), bits(20), bits(16, 31)])
def test_a_flat_session_may_ask_for_nothing(flags: int) -> None:
    selection = select(flags, None)
    assert not [number for number, row in RECORDS.items() if row.event_class and selection.wants(number)]


def test_allowed_classes_can_be_replaced() -> None:
    selection = select(DEPLOYED, DEPLOYED_PAIRS, {"intrusion"})
    assert selection.wants(400)
    assert not selection.wants(2)
    assert selection.wants(66)
    more = selection.with_allowed({"packet", "intrusion"})
    assert more.wants(2)
    assert more.form != selection.form
    assert selection.with_allowed(["intrusion"]) is selection
    assert more.with_allowed({"intrusion"}).form == selection.form
    assert not select(bits(6), None, ()).wants(400)


def test_unknown_record_types_go_to_extended_sessions_only() -> None:
    assert select(EXTENDED_BIT, ((12, 11),)).wants(9999)
    assert not select(bits(2, 6, 20), None).wants(9999)
    assert not select(EXTENDED_BIT, ((12, 11),), set(EVENT_CLASSES) - {"file"}).wants(9999)


def test_older_records_leave_as_they_are() -> None:
    selection = select(EXTENDED_BIT | bits(23), DEPLOYED_PAIRS)
    for number in (1, 7, 72, 99, 100, 104, 105, 207, 208, 33, 65, 97, 32, 37):
        rule = selection.rule(number)
        assert rule is not None
        assert rule.everything, number


def test_newer_records_are_brought_down_or_left_out() -> None:
    selection = select(EXTENDED_BIT, ((12, 2), (91, 4), (61, 9)))
    assert targets(selection, 208) == [(104, None), (105, None)]
    assert not selection.wants(170)
    assert not selection.wants(160)
    rule = selection.rule(99)
    assert rule is not None
    assert rule.everything


@pytest.mark.parametrize(("version", "header"), [(7, "legacy"), (10, "5.2"), (11, "5.3.1")])
def test_discovery_header_goes_by_the_version(version: int, header: str) -> None:
    rule = select(EXTENDED_BIT, ((61, version),)).rule(31)
    assert rule is not None
    assert rule.discovery_header == header
    assert rule.everything is (header == "5.3.1")


@pytest.mark.parametrize("pair", EXTENDED, ids=str)
def test_every_pair_sends_its_forms(pair: tuple[int, int]) -> None:
    selection = select(EXTENDED_BIT | bits(27), (pair,))
    for form in EXTENDED[pair].forms:
        rule = selection.rule(form.record_type)
        assert rule is not None, form
        assert form in rule.targets
        if form.block_type is not None and rule.blocks is not None:
            assert form.block_type in rule.blocks


@pytest.mark.parametrize("bit", FLAG_BITS)
def test_every_bit_can_stand_alone(bit: int) -> None:
    selection = select(1 << bit, None)
    row = FLAG_BITS[bit]
    if row.event_class in EVENT_CLASSES:
        assert set(selection.asked) == {row.event_class}
        assert any(selection.wants(number) for number in RECORDS)
    assert selection.extended_header is (bit == 23)


def test_catalogue() -> None:
    """Every pair of the catalogue names the record types that the selection sends."""
    requests = json.loads(shared("protocol/catalogue/extended-requests.json").read_text())["requests"]
    checked = 0
    for request in requests:
        if not request["type"] or request["class"] == "metadata":
            continue
        selection = select(EXTENDED_BIT, ((request["type"], request["version"]),))
        for number in request["records"]:
            rule = selection.rule(number)
            assert rule is not None, request
            assert number in [form.record_type for form in rule.targets], request
            checked += 1
    assert checked > 50


def test_headers_decide_about_passing() -> None:
    selection = select(DEPLOYED, DEPLOYED_PAIRS)
    assert selection.passes(frozenset({400}))
    assert not selection.passes(frozenset({400, 66}))
    assert not selection.passes(frozenset({400 | 3 << 16}))
    assert not select(DEPLOYED & ~(1 << 23), DEPLOYED_PAIRS).passes(frozenset({400}))
    assert not select(DEPLOYED, ((12, 10),)).passes(frozenset({400}))
    assert not select(DEPLOYED, ((12, 10),)).passes(frozenset({71}))
    netmap = select(DEPLOYED, DEPLOYED_PAIRS, headers=HeaderOptions(netmap=True))
    assert netmap.passes(frozenset({400 | 3 << 16}))
    assert not select(DEPLOYED, DEPLOYED_PAIRS, headers=HeaderOptions(flagged=True)).passes(frozenset({400}))


def test_form_is_a_key() -> None:
    first, second = select(DEPLOYED, DEPLOYED_PAIRS), select(DEPLOYED, tuple(reversed(DEPLOYED_PAIRS)))
    assert first.form == second.form
    assert hash(first.form) == hash(second.form)
    assert select(DEPLOYED, ((12, 10),)).form != select(DEPLOYED, ((12, 11),)).form
    assert select(bits(6), None).form != select(bits(6, 30), ()).form


def test_words() -> None:
    words = select(bits(0, 6, 20, 23), None, {"packet"}).describe()
    assert words == "flat, archive times: intrusion v1 (not allowed), packet, metadata v4"
    assert "extended, no archive times: nothing" in repr(select(bits(11, 30), ()))


def test_first_versions() -> None:
    assert first_version(RECORDS[400]) == 4
    assert first_version(RECORDS[7]) == 1
    assert first_version(RECORDS[1]) < 1
    assert 1 < first_version(RECORDS[99]) < 2
    assert 1 < first_version(RECORDS[100]) < 2


@given(
    flags=st.integers(0, 0xFFFFFFFF),
    pairs=st.lists(st.tuples(st.sampled_from([*EVENT_TYPES, 22]), st.integers(0, 20)), max_size=10),
    allowed=st.sets(st.sampled_from(EVENT_CLASSES)),
)
def test_any_request(flags: int, pairs: list[tuple[int, int]], allowed: set[str]) -> None:
    try:
        selection = select(flags, pairs, allowed)
    except RemoteProtocolError:
        assert not any(pair in EXTENDED for pair in pairs)
        return
    assert len(selection.problems) == sum(pair not in EXTENDED for pair in pairs)
    for number, row in RECORDS.items():
        rule = selection.rule(number)
        if rule is None:
            continue
        if row.event_class is not None:
            assert row.event_class in allowed
        for form in rule.targets:
            assert isinstance(form, Form)
            assert RECORDS[form.record_type].id == row.id or form.record_type == number
