"""Layouts on which sources disagree: bytes of every form that is read, written by hand.

The form that ends exactly at the block's end is taken; what is read in one is written in it again.
"""

from __future__ import annotations

from struct import pack
from typing import Any

import msgspec
import pytest

from openstreamer.layouts.hosts import MacChange
from openstreamer.layouts.users import UserLoginInformation
from openstreamer.protocol.records import Record, decode_record, encode_event, event_from_json, json_line
from openstreamer.wire import block_class, blocks, decoder, encoder, layout_of
from support.by_hand import FAMILIES, check
from support.hand_blocks import (
    CHOICE,
    CHOICE_VALUES,
    CLIENT_VALUES,
    FULL_CLIENT_VALUES,
    MAC,
    VULNERABILITY,
    WEB,
)
from support.hand_events import (
    ALERT_START,
    ALERT_TEXT,
    ALERT_VALUES,
    CORRELATION_156_END,
    CORRELATION_156_END_VALUES,
    CORRELATION_SIDES,
    CORRELATION_SIDES_VALUES,
    CORRELATION_START,
    CORRELATION_START_VALUES,
    LOGIN_167,
    LOGIN_167_VALUES,
    LOGIN_END,
    LOGIN_START,
    LOGIN_VALUES,
    PORT_VALUES,
    PORTS,
    SESSION,
    SESSION_VALUES,
)
from support.hand_host_blocks import HOST_PROFILE, IOC, IOC_FIRST, IOC_VALUES
from support.hand_input import USER_VULNERABILITY, USER_VULNERABILITY_VALUES
from support.hand_records import UUIDS, block, ipv4, text, uuid

PROFILE_149, PROFILE_149_VALUES = HOST_PROFILE[1][2:]


def without(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


SECOND_FORMS: dict[str, tuple[int, bytes, dict[str, Any]]] = {
    "alert with long addresses": (
        20,
        block(20, ALERT_START + ipv4(192, 0, 2, 7) + ipv4(198, 51, 100, 9) + ALERT_TEXT),
        {"block_type": 20, **ALERT_VALUES},
    ),
    "alert with a short impact": (
        153,
        block(153, ALERT_START[:12] + b"\x0f" + ipv4(192, 0, 2, 7) + ipv4(198, 51, 100, 9) + ALERT_TEXT),
        {"block_type": 153, **ALERT_VALUES},
    ),
    "attribute value as bytes": (
        48,
        block(48, pack(">III", 7, 2, 9) + block(10, b"gold")),
        {"block_type": 48, "attribute_id": 7, "attribute_type": 2, "int_value": 9, "text_value": "Z29sZA=="},
    ),
    "attribute with generic lists": (
        55,
        block(
            55,
            pack(">I", 3)
            + uuid(1)
            + pack(">I", 7)
            + text("level")
            + pack(">IIIII", 2, 5, 10, 20, 1)
            + block(31, CHOICE)
            + block(31, b""),
        ),
        {
            "block_type": 55,
            "source_id": 3,
            "uuid": UUIDS[1],
            "attribute_id": 7,
            "name": "level",
            "attribute_type": 2,
            "attribute_category": 5,
            "range_start": 10,
            "range_end": 20,
            "auto_ip": 1,
            "list_items": [CHOICE_VALUES],
            "address_list": [],
        },
    ),
    "order as bytes": (
        54,
        block(54, pack(">I", 2) + block(10, b"stop")),
        {"block_type": 54, "control_type": 2, "message": "c3RvcA=="},
    ),
    "signature as text": (
        151,
        block(151, text("aabb") + pack(">BI", 75, 21)),
        {"block_type": 151, "sha256": "aabb", "threat_score": 75, "file_type": 21},
    ),
    "vulnerabilities without a change type": (
        80,
        block(80, pack(">II", 5, 1) + block(31, USER_VULNERABILITY)),
        {
            "block_type": 80,
            "source_id": 5,
            "source_type": 1,
            "vulnerabilities": [USER_VULNERABILITY_VALUES],
        },
    ),
    "client without its protocol": (
        122,
        block(122, pack(">III", 4, 1_700_000_005, 638) + text("7.81") + block(31, WEB)),
        without(CLIENT_VALUES, "application_protocol_id"),
    ),
    "full client with its protocol": (
        112,
        block(
            112,
            pack(">IIII", 4, 1_700_000_005, 676, 638)
            + text("7.81")
            + block(31, WEB)
            + block(31, VULNERABILITY),
        ),
        {**FULL_CLIENT_VALUES, "application_protocol_id": 676},
    ),
    "profile with a plain list": (
        149,
        block(149, PROFILE_149[8 : -len(block(31, IOC))] + block(11, IOC)),
        PROFILE_149_VALUES,
    ),
    "indication without the last device": (
        150,
        block(150, IOC_FIRST + pack(">IIHIH", 1_700_000_012, 32, 2, 1_700_000_013, 42)),
        without(IOC_VALUES, "last_device_id"),
    ),
    "correlation without impact": (
        156,
        block(156, CORRELATION_START + CORRELATION_SIDES + b"\x01" + CORRELATION_156_END),
        {
            "block_type": 156,
            **CORRELATION_START_VALUES,
            **CORRELATION_SIDES_VALUES,
            **CORRELATION_156_END_VALUES,
        },
    ),
    "login of 6.0 with one word": (
        159,
        block(159, LOGIN_START + pack(">I", 710) + LOGIN_END),
        without(LOGIN_VALUES, "application_id"),
    ),
    "login of 6.1 with one word": (
        165,
        block(165, LOGIN_START + pack(">I", 710) + PORTS + LOGIN_END),
        {**without(LOGIN_VALUES, "application_id"), **PORT_VALUES, "block_type": 165},
    ),
    "empty session": (166, block(166, b""), {"block_type": 166}),
    "login without a session": (167, block(167, LOGIN_167), LOGIN_167_VALUES),
}


@pytest.mark.parametrize("name", SECOND_FORMS)
def test_second_form(name: str) -> None:
    number, data, expected = SECOND_FORMS[name]
    value = check(1, number, data, {**expected, "alternative": 1})
    if number in (48, 54, 151):
        return  # bytes in one form, text in the other
    value.alternative = msgspec.UNSET
    first = encoder(type(value), number)(value)
    assert decoder(type(value), number)(first, 0, len(first)).alternative is msgspec.UNSET


def test_every_contested_block_is_tried_in_all_forms() -> None:
    tried = {number for number, _, _ in SECOND_FORMS.values()}
    by_hand = {(series, number) for entries in FAMILIES.values() for series, number, _, _ in entries}
    for (series, number), cls in blocks().items():
        forms = layout_of(cls).alternatives(number)
        if cls.__module__.startswith("openstreamer.layouts.") and forms > 1 and (series, number) != (1, 155):
            assert forms == 2, cls
            assert number in tried, cls
            assert (series, number) in by_hand, cls


def test_login_with_a_session_a_session_of_nothing_and_none() -> None:
    read = decoder(UserLoginInformation, 167)
    for rest, session in (
        (SESSION, SESSION_VALUES),
        (block(166, b""), {"block_type": 166, "alternative": 1}),
    ):
        data = block(167, LOGIN_167 + rest)
        value = check(1, 167, data, {**LOGIN_167_VALUES, "vpn_session": session})
        assert value.alternative is msgspec.UNSET
    data = block(167, LOGIN_167)
    assert read(data, 0, len(data)).vpn_session is msgspec.UNSET


def test_session_that_nobody_knows_keeps_its_bytes() -> None:
    check(
        1,
        167,
        block(167, LOGIN_167 + block(172, b"later")),
        {**LOGIN_167_VALUES, "vpn_session": {"block_type": 172, "bytes": "bGF0ZXI="}},
    )


def test_profile_takes_both_forms_of_client() -> None:
    check(1, 139, *HOST_PROFILE[0][2:])
    assert block_class(1, 112) is not block_class(1, 122)


HEADER = bytes(24) + pack(">II", 1001, 13) + bytes(8)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"\x03" + MAC + b"\x01", {"ttl": 3, "mac": "02:00:5e:10:00:01", "primary": 1}),
        (
            b"\x03" + MAC + b"\x01" + pack(">I", 5),
            {"ttl": 3, "mac": "02:00:5e:10:00:01", "primary": 1, "last_seen": 5, "alternative": 1},
        ),
        (
            block(5, b"\x03" + MAC + b"\x01"),
            {"block_type": 5, "ttl": 3, "mac": "02:00:5e:10:00:01", "primary": 1},
        ),
    ],
    ids=["8 bytes", "12 bytes", "block"],
)
@pytest.mark.parametrize("number", [27, 28])
def test_mac_with_and_without_a_header(number: int, body: bytes, expected: dict[str, Any]) -> None:
    record = Record(number, HEADER + body)
    event = decode_record(record)
    line = msgspec.json.decode(json_line(event))
    assert line["data"] == expected
    assert isinstance(event.data, MacChange) == ("block_type" not in expected)
    assert encode_event(event) == record
    assert encode_event(event_from_json(json_line(event))) == record


@pytest.mark.parametrize(
    ("body", "expected"),
    [(block(7, pack(">I", 21)), {"block_type": 7, "value": 21}), (IOC, IOC_VALUES)],
    ids=["6.1", "5.3"],
)
def test_indication_by_number_or_in_full(body: bytes, expected: dict[str, Any]) -> None:
    event = decode_record(Record(160, HEADER + body))
    assert msgspec.json.decode(json_line(event))["data"] == expected
