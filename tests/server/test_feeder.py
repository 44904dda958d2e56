from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from openstreamer.errors import UsageError
from openstreamer.layouts.records import EVENT_CLASSES
from openstreamer.server import feeder as feeder_module
from openstreamer.server.feeder import Feeder
from openstreamer.store import open_store
from support.live_service import wait_until
from support.processes import eve_lines


def test_inputs_run_side_by_side_and_stop_with_their_last_batch(tmp_path: Path) -> None:
    store = open_store(tmp_path / "events.db")
    stored: list[int] = []
    uris = []
    for number in range(2):
        path = tmp_path / f"{number}.json"
        path.write_bytes(b"".join(eve_lines(range(number * 100, number * 100 + 100))))
        uris.append(f"eve:{path}")
    feeder = Feeder(
        store, uris, batch_records=50, enabled=lambda: EVENT_CLASSES, stored=lambda: stored.append(1)
    )
    feeder.start()
    try:
        wait_until(lambda: sum(intake.totals.lines for intake in feeder.intakes) == 200)
    finally:
        assert feeder.stop(5)
    assert len(stored) >= 4
    assert store.statistics().records > 200
    store.close()


def test_a_wrong_uri_is_an_error_before_anything_starts(tmp_path: Path) -> None:
    store = open_store(tmp_path / "events.db")
    with pytest.raises(UsageError):
        Feeder(store, ["floppy:disk"], batch_records=1, enabled=tuple, stored=lambda: None)
    store.close()


def test_a_fault_of_an_input_is_logged_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(feeder_module, "RETRY_SECONDS", 0.05)
    store = open_store(tmp_path / "events.db")
    feeder = Feeder(
        store,
        [f"eve:{tmp_path / 'eve.json'}"],
        batch_records=1,
        enabled=lambda: EVENT_CLASSES,
        stored=lambda: None,
    )
    calls: list[float] = []

    def broken() -> None:
        calls.append(time.monotonic())
        if len(calls) < 3:
            raise RuntimeError("a bug")

    monkeypatch.setattr(feeder.intakes[0], "keep_running", broken)
    feeder.start()
    wait_until(lambda: len(calls) == 3)
    assert feeder.stop(1)
    assert caplog.text.count("a fault of the program") == 2
    store.close()


def test_an_input_that_does_not_stop_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(tmp_path / "events.db")
    feeder = Feeder(
        store,
        [f"eve:{tmp_path / 'eve.json'}"],
        batch_records=1,
        enabled=lambda: EVENT_CLASSES,
        stored=lambda: None,
    )
    release = threading.Event()
    monkeypatch.setattr(feeder.intakes[0], "keep_running", release.wait)
    feeder.start()
    assert not feeder.stop(0.1)
    release.set()
    assert feeder.stop(2)
    store.close()
