"""Server, feeder and client are killed at random moments; the client's file has every event exactly once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.processes import Place, eve_lines, wait_until

KILLS = int(os.environ.get("CHAOS_KILLS", "50"))
SEED = int(os.environ.get("CHAOS_SEED", "8302"))
LINES = 6000
SECONDS_BETWEEN = (0.3, 1.4)
"""From soon after the start, when nothing has been done yet, to well into the work."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.stop()


class Writer(threading.Thread):
    """A sensor: appends lines, half lines included, until all are written."""

    def __init__(self, path: Path, lines: list[bytes], seconds: float, seed: int) -> None:
        super().__init__(daemon=True)
        self.path, self.data, self.seconds = path, b"".join(lines), seconds
        self.random = random.Random(seed)

    def run(self) -> None:
        with self.path.open("ab", buffering=0) as file:
            start, written = time.monotonic(), 0
            while written < len(self.data):
                due = min(1.0, (time.monotonic() - start + 0.05) / self.seconds)
                until = min(len(self.data), int(len(self.data) * due) + self.random.randrange(200))
                written += file.write(self.data[written:until])
                time.sleep(0.05)


def key(row: dict[str, object]) -> tuple[object, ...]:
    """What tells events of `eve_lines` apart."""
    data = row["data"]
    assert isinstance(data, dict)
    if row["event"] == "connection_statistics":
        return ("connection", data["initiator_ip"], data["initiator_port"])
    if row["event"] == "intrusion_event":
        return ("alert", data["source_ip"], data["source_port_or_icmp_type"])
    return (row["event"], data["event_id"])


def whole_lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_fifty_kills_lose_nothing_and_double_nothing(place: Place) -> None:
    print(f"CHAOS_SEED={SEED}")
    chance = random.Random(SEED)
    pkcs12 = place.initialise()
    log, result = place.folder / "eve.json", place.folder / "events.jsonl"
    log.touch()
    place.serve()

    starts: dict[str, Callable[[], subprocess.Popen[bytes]]] = {
        "server": place.serve,
        "feeder": lambda: place.start("feed", "eve", log, "--follow", log="feed.log"),
        "client": lambda: place.start(
            "stream", "localhost", "--port", str(place.port), "--pkcs12", pkcs12, "--position",
            place.folder / "position", "-o", "json", "-f", result, log="stream.log",
        ),
    }  # fmt: skip
    running = {"server": place.processes[-1], "feeder": starts["feeder"](), "client": starts["client"]()}

    average = sum(SECONDS_BETWEEN) / 2
    writer = Writer(log, eve_lines(range(LINES)), KILLS * average, SEED)
    writer.start()
    kills: Counter[str] = Counter()
    for _ in range(KILLS):
        time.sleep(chance.uniform(*SECONDS_BETWEEN))
        name = chance.choice(sorted(running))
        died = running[name].poll()
        assert died is None, f"{name} ended by itself with {died}: {place.log(f'{_LOGS[name]}')[-2000:]}"
        running[name].send_signal(signal.SIGKILL)
        running[name].wait(10)
        running[name] = starts[name]()
        kills[name] += 1
    writer.join(60)
    assert not writer.is_alive()

    alerts = sum(number % 5 != 4 for number in range(LINES))
    expected = 2 * alerts + (LINES - alerts)
    wait_until(lambda: whole_lines(result) >= expected, f"{expected} lines", 60)
    time.sleep(1)
    running["client"].send_signal(signal.SIGINT)
    running["client"].wait(20)

    text = result.read_bytes()
    assert text.endswith(b"\n"), "torn line at the end"
    rows = [json.loads(line) for line in text.splitlines()]
    counts = Counter(key(row) for row in rows)
    doubled = [item for item, count in counts.items() if count > 1]
    assert not doubled, f"{len(doubled)} events came twice after {dict(kills)}: {doubled[:5]}"
    assert Counter(row["event"] for row in rows) == {
        "intrusion_event": alerts,
        "packet": alerts,
        "connection_statistics": LINES - alerts,
    }


_LOGS = {"server": "serve.log", "feeder": "feed.log", "client": "stream.log"}
