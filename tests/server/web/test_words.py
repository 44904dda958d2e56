from __future__ import annotations

import pytest

from openstreamer.server.web import words
from openstreamer.server.web.charts import bars, nice, share


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (123_456, "123 kB"),
        (2e10, "20.0 GB"),
        (5e15, "5000.0 TB"),
        (None, "–"),
    ],
)
def test_sizes(value: object, shown: str) -> None:
    assert words.size(value) == shown


def test_times() -> None:
    assert words.moment(1_700_000_000) == "2023-11-14 22:13:20"
    assert words.moment(None) == "–"
    assert words.moment(10**20) == str(10**20)
    assert words.iso(1_700_000_000) == "2023-11-14T22:13:20Z"
    assert words.day(0) == "1970-01-01"
    assert words.ago(100, 101) == "just now"
    assert words.ago(100, 160) == "1 minute ago"
    assert words.ago(100, 100 + 3 * 86400) == "3 days ago"
    assert words.ago(10_000, 100) == "in 2 hours"
    assert words.ago(None) == "never"
    assert words.duration(1) == "1 second"


def test_titles() -> None:
    assert words.title("dns_record_type") == "DNS record type"
    assert words.title("intrusion_event") == "Intrusion event"
    assert words.title(None) == ""


def test_numbers() -> None:
    assert words.number(1_234_567) == "1\u202f234\u202f567"
    assert [words.rate(value) for value in (0, 0.05, 3.14, 1234.6)] == ["0", "0.05", "3.1", "1\u202f235"]


def test_endpoints() -> None:
    assert words.endpoint("192.0.2.1", 80) == "192.0.2.1<wbr>:80"
    assert words.endpoint("2001:db8::1", 80) == "[2001:db8::1]<wbr>:80"
    assert words.endpoint("<b>", 80) == "&lt;b&gt;<wbr>:80"
    assert words.endpoint("2001:db8::1", None) == "2001:db8::1"
    assert words.endpoint("::", 80) == words.endpoint(None, 80) == ""


def test_events_in_a_line() -> None:
    assert words.line({"event": "intrusion_event", "message": "ET SCAN"}) == "ET SCAN"
    assert words.line({"event": "intrusion_event", "generator_id": 1, "signature_id": 7}) == "Rule 1:7"
    assert words.line({"event": "packet", "data.packet_length": 60}) == "Packet of 60 bytes"
    assert words.line({"event": "extra_data", "data.type": 1, "data.data": b"\xc0\x00\x02\x01"}) == (
        "Extra data: 192.0.2.1"
    )
    assert words.line({"event": "file_event", "file_name": "a\u202egpj.exe", "file_size": 10}) == (
        "a\\u202egpj.exe (10 B)"
    ), "nothing in a name turns the writing around"
    assert words.line({"event": "connection_statistics", "bytes_sent": 1, "bytes_received": 2}) == (
        "Connection · 1 B up, 2 B down"
    )
    assert words.line({"event": "new_host"}) == "New host"


def test_charts_hold_numbers_only() -> None:
    drawn = bars([0, 5, 10], kind="c-file", label='a"><script>', end=180, seconds=60)
    assert drawn.count("<rect") == 2
    assert "<title>00:02 UTC: 10</title>" in drawn
    assert "<script" not in drawn
    assert "style=" not in drawn, "the content security policy has no room for it"
    assert 'width="50.0"' in share(5, 10, "half")
    assert "full" in share(10, 10, "all")
    assert 'width="0.0"' in share(5, 0, "no limit")
    assert [nice(value) for value in (0, 1, 3, 11, 51)] == [1, 1, 5, 20, 100]
