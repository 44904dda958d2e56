from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from openstreamer.server.web.history import MINUTES, History
from openstreamer.store import Store, open_store
from support.live_service import append, intrusion, packet

NOW = 1_700_000_040


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "events.db")
    yield opened
    opened.close()


async def never(function: object) -> object:
    raise AssertionError


def test_series_and_rates_follow_the_event_log(store: Store) -> None:
    append(store, [(400, intrusion(1))], now=NOW - MINUTES * 60 - 120)
    append(store, [(400, intrusion(2)), (2, packet(2))], now=NOW - 3600)
    append(store, [(400, intrusion(number)) for number in range(30)], now=NOW - 70)
    history = History(store, never)
    assert not history.look(NOW)
    series = history.series(60, 60, NOW)
    assert sum(series["intrusion"]) == 30
    assert series["intrusion"][-3] == 30
    assert "packet" not in series, "an hour ago is outside"
    assert sum(history.series(MINUTES, 96, NOW)["packet"]) == 1
    assert sum(history.series(MINUTES, 96, NOW)["intrusion"]) == 31, "the oldest is over a day old"
    append(store, [(400, intrusion(number)) for number in range(120)], now=NOW - 1)
    history.look(NOW)
    assert history.rates(60, NOW) == {"intrusion": 2.0}
    assert history.rates(60, NOW + 200) == {}
    assert sum(history.series(60, 60, NOW + 3600 * 25).get("intrusion", [])) == 0


def test_many_chunks_are_counted_in_steps(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openstreamer.server.web.history.CHUNKS", 3)
    for number in range(7):
        append(store, [(400, intrusion(number))], now=NOW)
    history = History(store, never)
    steps = [history.look(NOW) for _ in range(4)]
    assert steps == [True, True, False, False]
    assert sum(history.series(60, 60, NOW)["intrusion"]) == 7


def test_tallies_read_labels_only(store: Store) -> None:
    append(store, [(400, intrusion(1)), (400, intrusion(2)), (2, packet(1))], now=NOW)
    append(store, [(2, packet(1))], now=NOW + 1)
    first, second = store.tallies(0)
    assert (first.number, first.archive_time, first.count) == (1, NOW, 3)
    assert first.by_record_type == {400: 2, 2: 1}
    assert store.tallies(0, limit=1) == [first]
    assert store.tallies(1) == [second]
    assert store.tallies(2) == []
