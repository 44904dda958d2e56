"""How a service fares with many clients at once, a tenth of which stall.

    python bench/clients.py [megabytes] [clients ...]

A service as a process of its own holds some megabytes of packets; clients of another process take all of
them over TLS at the same time, check their order, and stall at random (`tests/support/swarm.py`). Printed
are, for each number of clients: when all were connected, when the healthy ones had everything, bytes a second
of these together and as a ratio to one client, the service's memory at its highest, the sessions dropped.
Clients and service share the machine: with few cores the clients are the greater part of the work.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from openstreamer.authority import read_pkcs12
from openstreamer.server.control import ask
from openstreamer.server.state import open_state
from openstreamer.store import open_store
from support.live_service import append, packet
from support.processes import Place, end

SIZE = 3000
EACH = 100
SETTINGS = """
[sessions]
connections_per_client = 100000
connections = 100000
handshakes_per_second = 1000
stalled_seconds = 2
window_bundles = 1000
"""


def peak(pid: int) -> int:
    """Megabytes of memory that a process had at most."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) // 1024
    return 0


def main(megabytes: int, counts: list[int]) -> None:
    """Measure and print."""
    swarm = Path(__file__).parents[1] / "tests" / "support" / "swarm.py"
    records = megabytes * 1_000_000 // SIZE
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        credentials = read_pkcs12(place.initialise("127.0.0.1"))
        certificate = place.folder / "client.pem"
        certificate.write_bytes(credentials.certificate_pem + credentials.private_key_pem)
        (place.state / "openstreamer.toml").write_text(SETTINGS)
        store = open_store(place.state / "store" / "events.db", synchronous="NORMAL")
        for begin in range(0, records, EACH):
            numbers = range(begin, min(begin + EACH, records))
            append(
                store, [(2, packet(number, SIZE)) for number in numbers], now=1_700_000_000 + begin // EACH
            )
        store.close()
        print("clients stalling connected  healthy done   MB/s  ratio  memory MB  dropped")
        alone = 0.0
        for clients in counts:
            service = place.serve(host="127.0.0.1")
            stalling = clients // 10
            done = subprocess.run(
                [sys.executable, str(swarm), "127.0.0.1", str(place.port), str(certificate)]
                + [str(value) for value in (clients, stalling, records - 1, 5)],
                capture_output=True,
                text=True,
                check=True,
            )
            got = json.loads(done.stdout)
            if got["problems"]:
                raise SystemExit(f"records out of order: {got['problems']}")
            rate = (clients - stalling) * records * SIZE / 1e6 / got["healthy_seconds"]
            alone = alone or rate
            dropped = ask(open_state(place.state), "status")["ended"].get("takes nothing", 0)
            print(
                f"{clients:7} {stalling:8} {got['connected_seconds']:8.2f}s {got['healthy_seconds']:12.2f}s "
                f"{rate:6.0f} {rate / alone:6.2f} {peak(service.pid):10} {dropped:8}"
            )
            end(service)


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(given[0] if given else 4, given[1:] or [1, 10, 50, 200])
