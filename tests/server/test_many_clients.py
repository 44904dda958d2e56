"""Many clients at once, some of which stall; reload and restart in the middle. The service is a process."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openstreamer.authority import read_pkcs12
from openstreamer.server.control import ask
from openstreamer.server.state import open_state
from openstreamer.store import open_store
from support.live_service import append, packet
from support.processes import Place, end, wait_until

SWARM = Path(__file__).parents[1] / "support" / "swarm.py"
HOST = "127.0.0.1"
SETTINGS = """
[sessions]
connections_per_client = 500
stalled_seconds = 2
window_bundles = 1000
bundle_bytes = 16384
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    found = Place(tmp_path)
    credentials = read_pkcs12(found.initialise(HOST))
    (tmp_path / "client.pem").write_bytes(credentials.certificate_pem + credentials.private_key_pem)
    (found.state / "openstreamer.toml").write_text(SETTINGS)
    try:
        yield found
    finally:
        found.stop()


def swarm(place: Place, clients: int, stalling: int, last: int) -> subprocess.Popen[str]:
    arguments = [HOST, place.port, place.folder / "client.pem", clients, stalling, last, 5]
    return subprocess.Popen(
        [sys.executable, str(SWARM), *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )


def store_packets(place: Place, begin: int, end: int, size: int, second: int, each: int = 100) -> None:
    """Packets of events `begin` to `end`, one chunk an archive second."""
    store = open_store(place.state / "store" / "events.db", synchronous="NORMAL")
    try:
        for first in range(begin, end, each):
            numbers = range(first, min(first + each, end))
            append(store, [(2, packet(n, size)) for n in numbers], now=second + first // each)
    finally:
        store.close()


def memory(pid: int) -> int:
    """The most bytes of memory that a process ever had."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) * 1024


def result(running: subprocess.Popen[str]) -> dict[str, Any]:
    out, _ = running.communicate(timeout=90)
    assert running.returncode == 0, out
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the memory of a process is read from /proc")
def test_two_hundred_clients_a_tenth_of_which_stall(place: Place) -> None:
    records = 1200
    store_packets(place, 0, records // 2, 3000, 1_700_000_000)
    service = place.serve(host=HOST)
    before = memory(service.pid)
    state = open_state(place.state)
    running = swarm(place, 200, 20, records - 1)
    slowest = 0.0
    stored = False
    while running.poll() is None:
        began = time.monotonic()
        ask(state, "status")
        slowest = max(slowest, time.monotonic() - began)
        if not stored and "connected" in place.log("serve.log"):
            stored = True
            store_packets(place, records // 2, records, 3000, 1_700_000_000)
        time.sleep(0.3)
    got = result(running)
    assert got["clients"] == 200
    assert got["problems"] == [], "every client, stalled or not, gets every record in order"
    assert got["stalls"] >= 20
    assert got["connected_seconds"] < 30
    assert slowest < 10, "the event loop answers under load"
    assert memory(service.pid) - before < 400e6
    wait_until(lambda: not ask(state, "status")["sessions"], "the sessions to end")
    assert ask(state, "status")["ended"].get("takes nothing", 0) >= 1, "the rule for those that take nothing"
    assert end(service) == 0


def test_reload_and_restart_under_load_lose_nothing(place: Place) -> None:
    records, each = 1500, 50
    store_packets(place, 0, 300, 2000, 1_700_000_000, each)
    service = place.serve(host=HOST)
    running = swarm(place, 8, 0, records - 1)
    wait_until(lambda: place.log("serve.log").count(" connected (") >= 8, "the clients")

    def feed() -> None:
        for begin in range(300, records, 100):
            store_packets(place, begin, begin + 100, 2000, 1_700_000_000, each)
            time.sleep(0.1)

    feeding = threading.Thread(target=feed)
    feeding.start()
    service.send_signal(signal.SIGHUP)
    wait_until(lambda: "reloaded; open sessions: 8" in place.log("serve.log"), "the reload")
    assert end(service) == 0
    service = place.serve(host=HOST)
    service.send_signal(signal.SIGHUP)
    feeding.join()
    got = result(running)
    assert got["problems"] == []
    assert got["clients"] == 8
    assert got["connections"] >= 16, "each came back after the restart"
    assert end(service) == 0
