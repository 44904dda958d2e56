"""Several processes on one log, and processes that end without warning."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from openstreamer.errors import StoreError
from openstreamer.store import open_store
from support.store_batches import Batch, numbered

TESTS = Path(__file__).parents[1]


def start_writer(path: Path, source: str, limit: int, pause: float = 0.0) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "support.store_batches", path, source, str(limit), str(pause)],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def collect(path: Path) -> dict[str, list[int]]:
    """Numbers of all batches in the log by source, in their order; every byte is checked."""
    found: dict[str, list[int]] = {}
    with open_store(path) as store:
        position, last_time, ordinal = 0, 0, 0
        while chunks := store.read(position):
            for chunk in chunks:
                source, _, data = chunk.data.partition(b":")
                number = int(data[:8])
                assert data == numbered(number)
                assert chunk.number == position + 1
                assert chunk.archive_time >= last_time
                assert chunk.ordinal == ordinal
                position, last_time, ordinal = chunk.number, chunk.archive_time, ordinal + chunk.count
                found.setdefault(source.decode(), []).append(number)
        places = {source: int(value) for source, value in store.places().items()}
        assert places == {source: numbers[-1] for source, numbers in found.items()}
        statistics = store.statistics()
        assert statistics.records == ordinal
        assert statistics.by_record_type == ({400: ordinal} if ordinal else {})
        assert store.check().problems == ()
    return found


def test_a_writer_killed_at_any_moment_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    chance = random.Random(1)
    acknowledged = 0
    for _ in range(20):
        writer = start_writer(path, "file", 1_000_000)
        time.sleep(chance.uniform(0.0, 0.06))
        writer.send_signal(signal.SIGKILL)
        output, _ = writer.communicate(timeout=30)
        # The last line may be torn by the kill.
        lines = output.split("\n")[:-1]
        if lines:
            acknowledged = int(lines[-1])
        with open_store(path) as store:
            stored = int(store.place("file") or b"0")
            assert store.newest() == stored
            assert stored >= acknowledged
    found = collect(path)
    assert found["file"] == list(range(1, len(found["file"]) + 1))
    assert len(found["file"]) >= acknowledged > 20


def test_several_writers_and_a_reader_at_once(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with open_store(path) as store:
        writers = [start_writer(path, f"file {number}", 60) for number in range(3)]
        position, read = 0, 0
        deadline = time.monotonic() + 60
        while read < 180 and time.monotonic() < deadline:
            store.wait(position, 1)
            for chunk in store.read(position):
                assert chunk.number == position + 1
                position = chunk.number
                read += 1
        for writer in writers:
            writer.communicate(timeout=30)
            assert writer.returncode == 0
    found = collect(path)
    assert found == {f"file {number}": list(range(1, 61)) for number in range(3)}


def test_trimming_beside_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with open_store(path) as store:
        writer = start_writer(path, "file", 200)
        trimmed = 0
        while writer.poll() is None:
            trimmed += store.trim(max_bytes=60_000).chunks
            time.sleep(0.02)
        writer.communicate(timeout=30)
        assert writer.returncode == 0
        trimmed += store.trim(max_bytes=60_000).chunks
        assert store.newest() == 200
        assert [chunk.number for chunk in store.read(0)] == list(range(trimmed + 1, 201))
        assert store.statistics().bytes <= 60_000
        assert store.check().problems == ()


def test_a_reader_is_not_held_up_by_a_writer_in_the_middle_of_its_work(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with open_store(path) as store, open_store(path) as reader:
        store.append(Batch(), now=1)
        with store._database.writing() as connection:
            connection.execute("UPDATE state SET last_number = 9")
            begin = time.monotonic()
            assert len(reader.read(0)) == 1
            assert reader.newest() == 1
            assert time.monotonic() - begin < 5


def test_a_writer_that_hangs_is_told(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with open_store(path) as store, open_store(path, busy_timeout=0.2) as other:
        with store._database.writing():
            with pytest.raises(StoreError, match="another process"):
                other.reserve("counter", 1)
        assert other.reserve("counter", 1) == 1
