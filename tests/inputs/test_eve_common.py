"""Times, addresses and flows of EVE lines."""

from __future__ import annotations

import pytest

from openstreamer.inputs.eve_common import (
    LATEST,
    Clock,
    FlowTable,
    Http,
    address,
    connection_numbers,
    packed_address,
    web_address,
)
from openstreamer.inputs.line_input import LineError


@pytest.mark.parametrize(
    ("text", "second", "microsecond"),
    [
        ("1970-01-01T00:00:00.000000+0000", 0, 0),
        ("2018-02-16T20:49:12.820418+0000", 1518814152, 820418),
        ("2018-02-16T12:49:12.820418-0800", 1518814152, 820418),
        ("2018-02-17T02:19:12.820418+0530", 1518814152, 820418),
        ("2018-02-16T20:49:12.820418Z", 1518814152, 820418),
        ("2018-02-16T20:49:12.820418", 1518814152, 820418),
        ("2018-02-16 21:49:12.82+01:00", 1518814152, 820000),
        ("2018-02-16T20:49:12+00", 1518814152, 0),
        ("2023-12-08T01:42:11.1011041+0000", 1701999732, 11041),
        ("2018-02-16T20:49:12.820418999Z", 1518814152, 820418),
        ("2018-02-16T20:49:12.820418999+00:00", 1518814152, 820418),
        ("2016-12-31T23:59:60.000000+0000", 1483228800, 0),
        ("2106-02-07T06:28:15.999999+0000", LATEST, 999_999),
    ],
)
def test_times(text: str, second: int, microsecond: int) -> None:
    clock = Clock()
    for _ in range(2):  # the second time from memory
        assert clock.parse(text) == (second, microsecond)
    assert clock.clamped == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1969-12-31T23:59:59.999999+0000", (0, 0)),
        ("1970-01-01T00:00:00.000000+0100", (0, 0)),
        ("2106-02-07T06:28:16.000000+0000", (LATEST, 999_999)),
        ("2106-02-07T06:28:15.1000000+0000", (LATEST, 999_999)),
        ("292277026596-12-04T15:30:07.000000+0000", (LATEST, 999_999)),
        ("-0001-12-04T15:30:07.000000+0000", (0, 0)),
    ],
)
def test_times_that_no_record_can_carry_are_bent_and_counted(text: str, expected: tuple[int, int]) -> None:
    clock = Clock()
    assert clock.parse(text) == expected
    assert clock.parse(text) == expected
    assert clock.clamped == 2


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2018-02-30T00:00:00Z", "2018-13-01T00:00:00Z", "2018-02-16T24:00:00Z", "1518814152",
     "2018-02-16T20:49:12.82x418+0000", "2018-02-16T20:49:12.820418+0000 and more"],
)  # fmt: skip
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(LineError, match="no timestamp"):
        Clock().parse(text)


def test_remembered_seconds_do_not_hide_a_bad_fraction() -> None:
    clock = Clock()
    clock.parse("2018-02-16T20:49:12.820418+0000")
    with pytest.raises(LineError):
        clock.parse("2018-02-16T20:49:12.82 418+0000")


def test_addresses() -> None:
    assert address(None) == "::"
    assert address("2001:0db8:0000:0000:0000:0000:0000:0001") == "2001:0db8:0000:0000:0000:0000:0000:0001"
    assert packed_address("10.0.0.1") == b"\n\0\0\1"
    assert packed_address("::1") == bytes(15) + b"\1"
    for text in ("10.0.0.256", "host", "", "1.2.3.4\0", "fe80::1%eth0"):
        assert packed_address(text) is None
        with pytest.raises(LineError, match="no address"):
            address(text)


def test_flows_are_forgotten_in_the_order_in_which_they_were_last_seen() -> None:
    table = FlowTable(3)
    for flow in (1, 2, 3, 1, 4):
        table.get(flow).alerts += 1
    assert table.find(2) is None
    assert table.forgotten == 1
    first = table.find(1)
    assert first is not None
    assert first.alerts == 2
    assert table.end(1) is first
    assert table.end(1) is None
    table.get(0).alerts += 1
    assert table.get(0).alerts == 0
    assert len(table) == 2
    nothing = FlowTable(0)
    nothing.get(5)
    assert len(nothing) == 0


def test_records_of_a_flow_carry_the_same_numbers() -> None:
    assert connection_numbers(0) == (0, 0)
    assert connection_numbers((1 << 63) - 1) == (0xFFFF, 0xFFFF)
    assert connection_numbers(0x1234 << 31 | 0x5678) == (0x1234, 0x5678)


@pytest.mark.parametrize(
    ("http", "expected"),
    [
        (Http(hostname="a.example", url="/x?y"), "http://a.example/x?y"),
        (Http(hostname="a.example", url="/x", http_port=8080), "http://a.example:8080/x"),
        (Http(hostname="2001:db8::1", url="/x"), "http://[2001:db8::1]/x"),
        (Http(hostname="a.example", url="http://b.example/x"), "http://b.example/x"),
        (Http(hostname="a.example", url="a.example:443"), "a.example:443"),
        (Http(url="/x"), "/x"),
        (Http(hostname="a.example"), ""),
    ],
)
def test_web_addresses(http: Http, expected: str) -> None:
    assert web_address(http) == expected
