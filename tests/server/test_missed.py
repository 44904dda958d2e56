"""A client that comes too late, or is overtaken, is told of with the number of records."""

from __future__ import annotations

import logging

import pytest

from openstreamer.server.missed import MissedRecords
from openstreamer.server.snapshot import take
from openstreamer.server.statistics import ClientStatistics
from openstreamer.store import Chunk, Missed
from support.live_service import Start, append, intrusion, start, template, wait_until
from support.raw_client import request, streaming_request

__all__ = ["start", "template"]

FLAGS = 0x40800000


def chunk(number: int, ordinal: int, count: int) -> Chunk:
    return Chunk(number, 1000 + number, count, frozenset((2,)), (), b"", ordinal)


def test_a_session_that_is_overtaken(caplog: pytest.LogCaptureFixture) -> None:
    statistics = ClientStatistics()
    missed = MissedRecords("siem", "192.0.2.1:5", statistics)
    with caplog.at_level(logging.WARNING, "openstreamer.server"):
        missed.got(chunk(5, 50, 10), set())
        missed.got(chunk(6, 60, 10), set())
        assert not caplog.records
        missed.got(chunk(9, 95, 5), set())
    assert statistics.missed_records == 25
    assert "client siem missed 25 records" in caplog.text


def test_damage_is_not_missed() -> None:
    statistics = ClientStatistics()
    missed = MissedRecords("siem", "192.0.2.1:5", statistics)
    missed.got(chunk(5, 50, 10), set())
    missed.got(chunk(7, 70, 10), {6})
    assert statistics.missed_records == 0


def test_not_exact_says_at_least(caplog: pytest.LogCaptureFixture) -> None:
    statistics = ClientStatistics()
    with caplog.at_level(logging.WARNING, "openstreamer.server"):
        MissedRecords("siem", "peer", statistics).asked(Missed(7, 1000, 1010, exact=False))
    assert "missed at least 7 records from 1970-01-01 00:16:40 UTC to 1970-01-01 00:16:50 UTC" in caplog.text


@pytest.mark.parametrize(("timestamp", "records"), [(1001, 8), (1003, 3), (0, 0), (1004, 0)])
def test_a_client_that_asks_from_a_time_that_is_gone(start: Start, timestamp: int, records: int) -> None:
    live = start(settings={"retention": {"keep_days": 0}})
    for second in range(1000, 1004):
        append(
            live.store, [(400, intrusion(n)) for n in range(second - 999 if second < 1003 else 3)], now=second
        )
    append(live.store, [(400, intrusion(77))], now=2000)
    live.store.trim(before=1002)
    live.store.trim(before=2000)
    with live.client() as client:
        client.send(request(timestamp, FLAGS))
        assert client.message()[0] == 2051
        client.send(streaming_request(timestamp, FLAGS, [(12, 11)]))
        client.records(1)
        wait_until(lambda: live.service.statistics.clients["one.invalid"].missed_records == records)
    shown = live.call(lambda: take(live.service))
    assert [c.missed_records for c in shown.clients if c.host == "one.invalid"] == [records]
