"""A full disk under the store or under the output: a clear error, nothing lost, and on it goes."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.processes import Place, eve_lines

LINES = 4000
ALERTS = sum(number % 5 != 4 for number in range(LINES))
RECORDS = 2 * ALERTS + (LINES - ALERTS)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 megabytes."""
    if os.geteuid() != 0:
        pytest.skip("not permitted here: only root can mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode:
        pytest.skip(f"not permitted here: mount says {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False, timeout=30)


def fill(folder: Path, leave: int) -> Path:
    """Take all room of the disk but `leave` bytes."""
    ballast = folder / "ballast"
    disk = os.statvfs(folder)
    ballast.write_bytes(bytes(max(0, disk.f_bavail * disk.f_frsize - leave)))
    return ballast


def events_in(path: Path) -> list[tuple[object, ...]]:
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [
        (
            row["event"],
            row["data"].get("event_id"),
            row["data"].get("initiator_ip"),
            row["data"].get("initiator_port"),
        )
        for row in rows
    ]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.stop()


def stream(place: Place, pkcs12: Path, result: Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    server = ("stream", "localhost", "--port", str(place.port), "--pkcs12", pkcs12)
    position = ("--position", place.folder / "position", "--idle-exit", "1.5")
    return place.run(*server, *position, "-o", "json", "-f", result, status=status, seconds=60)


def test_the_store_is_full(place: Place, small_disk: Path) -> None:
    place.state = small_disk / "state"
    place.environment["OPENSTREAMER_STATE"] = str(place.state)
    pkcs12 = place.initialise()
    log = place.folder / "eve.json"
    log.write_bytes(b"".join(eve_lines(range(LINES))))
    ballast = fill(small_disk, 600_000)

    failed = place.run("feed", "eve", log, status=1, seconds=60)
    assert len(failed.stderr.strip().splitlines()) == 1, failed.stderr
    assert "room" in failed.stderr or "space" in failed.stderr or "full" in failed.stderr
    assert "Traceback" not in failed.stderr

    ballast.unlink()
    place.run("feed", "eve", log, seconds=60)
    place.serve()
    stream(place, pkcs12, place.folder / "events.jsonl")
    found = events_in(place.folder / "events.jsonl")
    assert len(found) == RECORDS
    assert len(set(found)) == RECORDS


def test_the_output_is_full(place: Place, small_disk: Path) -> None:
    pkcs12 = place.initialise()
    log = place.folder / "eve.json"
    log.write_bytes(b"".join(eve_lines(range(LINES))))
    place.run("feed", "eve", log, seconds=60)
    place.serve()
    ballast = fill(small_disk, 500_000)
    result = small_disk / "events.jsonl"

    failed = stream(place, pkcs12, result, status=1)
    assert str(result) in failed.stderr
    assert "Traceback" not in failed.stderr

    ballast.unlink()
    stream(place, pkcs12, result)
    found = events_in(result)
    assert len(found) == RECORDS
    assert len(set(found)) == RECORDS
