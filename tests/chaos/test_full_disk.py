"""A full disk under the store or under the output: a clear error, nothing lost, and on it goes."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.processes import PATIENCE, Place, eve_lines, wait_until

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


def stream(place: Place, pkcs12: Path, result: Path) -> subprocess.Popen[bytes]:
    server = ("stream", "localhost", "--port", str(place.port), "--pkcs12", pkcs12)
    position = ("--position", place.folder / "position", "--idle-exit", "1.5")
    return place.start(*server, *position, "-o", "json", "-f", result, log="stream.log")


def check(result: Path) -> None:
    """Every event once, no torn line."""
    assert result.read_bytes().endswith(b"\n")
    found = events_in(result)
    assert len(found) == RECORDS
    assert len(set(found)) == RECORDS


def test_the_store_is_full(place: Place, small_disk: Path) -> None:
    place.state = small_disk / "state"
    place.environment["OPENSTREAMER_STATE"] = str(place.state)
    pkcs12 = place.initialise()
    log = place.folder / "eve.json"
    log.write_bytes(b"".join(eve_lines(range(LINES))))
    service = place.serve()
    ballast = fill(small_disk, 600_000)

    feed = place.start("feed", "eve", log, log="feed.log")
    wait_until(lambda: "no room" in place.log("feed.log"), "a word about the full disk")
    assert service.poll() is None, place.log("serve.log")
    ballast.unlink()
    assert feed.wait(PATIENCE) == 0, place.log("feed.log")
    assert "Traceback" not in place.log("feed.log")
    assert stream(place, pkcs12, place.folder / "events.jsonl").wait(PATIENCE) == 0
    check(place.folder / "events.jsonl")


def test_the_store_is_full_and_the_feeder_is_ended(place: Place, small_disk: Path) -> None:
    place.state = small_disk / "state"
    place.environment["OPENSTREAMER_STATE"] = str(place.state)
    pkcs12 = place.initialise()
    log = place.folder / "eve.json"
    log.write_bytes(b"".join(eve_lines(range(LINES))))
    ballast = fill(small_disk, 600_000)

    feed = place.start("feed", "eve", log, log="feed.log")
    wait_until(lambda: "no room" in place.log("feed.log"), "a word about the full disk")
    feed.kill()
    feed.wait(PATIENCE)
    ballast.unlink()
    place.run("feed", "eve", log)
    place.serve()
    assert stream(place, pkcs12, place.folder / "events.jsonl").wait(PATIENCE) == 0
    check(place.folder / "events.jsonl")


@pytest.mark.parametrize("killed", [False, True], ids=["waiting", "killed"])
def test_the_output_is_full(place: Place, small_disk: Path, killed: bool) -> None:
    pkcs12 = place.initialise()
    log = place.folder / "eve.json"
    log.write_bytes(b"".join(eve_lines(range(LINES))))
    place.run("feed", "eve", log)
    place.serve()
    ballast = fill(small_disk, 500_000)
    result = small_disk / "events.jsonl"

    client = stream(place, pkcs12, result)
    wait_until(lambda: "no room" in place.log("stream.log"), "a word about the full disk")
    assert str(result) in place.log("stream.log")
    if killed:
        client.kill()
        client.wait(PATIENCE)
    ballast.unlink()
    if killed:
        client = stream(place, pkcs12, result)
    assert client.wait(PATIENCE) == 0, place.log("stream.log")
    assert "Traceback" not in place.log("stream.log")
    check(result)
