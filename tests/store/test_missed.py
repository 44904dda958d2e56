"""What was trimmed of a span of time."""

from __future__ import annotations

from pathlib import Path

import pytest

from openstreamer.store import Missed, open_store, upkeep
from support.live_service import append, packet


def test_exact_by_the_second(tmp_path: Path) -> None:
    with_store = open_store(tmp_path / "events.db", synchronous="NORMAL")
    try:
        for second in range(10):
            append(with_store, [(2, packet(0))] * (second + 1), now=1000 + second)
        assert with_store.missed(0) is None, "nothing was trimmed"
        with_store.trim(before=1005)
        assert with_store.missed(1000) == Missed(15, 1000, 1004, exact=True)
        assert with_store.missed(900) == Missed(15, 1000, 1004, exact=True)
        assert with_store.missed(1003) == Missed(9, 1003, 1004, exact=True)
        assert with_store.missed(1005) is None
        with_store.trim(before=5000)
        assert with_store.missed(1008) == Missed(19, 1008, 1009, exact=True), "nothing is left"
    finally:
        with_store.close()


def test_memory_is_bounded_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "REMEMBERED", 3)
    store = open_store(tmp_path / "events.db", synchronous="NORMAL")
    try:
        for second in range(10):
            append(store, [(2, packet(0))], now=1000 + second)
        store.trim(before=1008)
        assert store.missed(1000) == Missed(3, 1005, 1007, exact=False)
        assert store.missed(1006) == Missed(2, 1006, 1007, exact=True)
    finally:
        store.close()
