"""How fast EVE lines become records, and how fast they are stored, on one core.

    python bench/eve.py [seconds per measurement] [EVE file]

Without a file, lines of about the size that Suricata writes are made up: an alert with payload and packet, a
flow, a file, a DNS line. Printed: lines per second for each kind turned into records, for a mixture of them,
and for the same mixture read from a file into an event log on disk, with every batch made durable.
"""

from __future__ import annotations

import base64
import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from openstreamer.inputs.eve import EveInput
from openstreamer.inputs.interface import Batch
from openstreamer.inputs.uri import make_input
from openstreamer.layouts.records import EVENT_CLASSES
from openstreamer.server.intake import Intake
from openstreamer.store import open_store

SERVER, CLIENTS = "198.51.100.80", [f"10.1.{number >> 8}.{number & 255}" for number in range(1000)]


class NoStore:
    """Numbers and places that nobody keeps."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._next = 1

    def identify(self, kind: str, names: Sequence[str]) -> list[int]:
        return [self._numbers.setdefault((kind, name), len(self._numbers) + 1) for name in names]

    def reserve(self, counter: str, count: int) -> int:
        self._next += count
        return self._next - count

    def places(self, prefix: str) -> Mapping[str, bytes]:
        return {}


def made_lines(kind: str, count: int) -> list[bytes]:
    """Lines of one kind that differ in what differs in life."""
    chance = random.Random(f"{kind} 8302")
    return [line(kind, number, chance) for number in range(count)]


def line(kind: str, number: int, chance: random.Random) -> bytes:
    """One line, without its end."""
    stamp = f"2024-05-06T07:{number // 60 % 60:02d}:{number % 60:02d}.{chance.randrange(1_000_000):06d}+0000"
    value: dict[str, Any] = {
        "timestamp": stamp,
        "flow_id": chance.getrandbits(50),
        "in_iface": "eth1",
        "event_type": kind,
        "src_ip": chance.choice(CLIENTS),
        "src_port": chance.randrange(1024, 65536),
        "dest_ip": SERVER,
        "dest_port": 80,
        "proto": "TCP",
    }
    payload = chance.randbytes(600)
    http = {
        "hostname": "www.example.net",
        "url": f"/catalogue/{number}.html",
        "http_user_agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/125.0",
        "http_method": "GET",
        "protocol": "HTTP/1.1",
        "status": 200,
        "length": 5120,
    }
    flow = {
        "pkts_toserver": 6,
        "pkts_toclient": 5,
        "bytes_toserver": 900,
        "bytes_toclient": 6000,
        "start": stamp,
    }
    if kind == "alert":
        value |= {
            "alert": {
                "action": "allowed",
                "gid": 1,
                "signature_id": 2_100_000 + number % 500,
                "rev": 7,
                "signature": f"EXAMPLE rule number {number % 500} matched a request",
                "category": "Web Application Attack",
                "severity": 1,
                "metadata": {"created_at": ["2010_09_23"], "updated_at": ["2019_07_26"]},
            },
            "http": http,
            "app_proto": "http",
            "direction": "to_server",
            "flow": {**flow, "src_ip": value["src_ip"], "dest_ip": SERVER},
            "payload": base64.b64encode(payload).decode(),
            "payload_printable": "".join(chr(byte) if 32 <= byte < 127 else "." for byte in payload),
            "packet": base64.b64encode(payload).decode(),
            "packet_info": {"linktype": 1},
        }
    elif kind == "flow":
        value |= {"app_proto": "http", "flow": {**flow, "end": stamp, "state": "closed", "alerted": False}}
        value["tcp"] = {"tcp_flags": "1b", "tcp_flags_ts": "1b", "tcp_flags_tc": "1b", "state": "closed"}
    elif kind == "fileinfo":
        digest = chance.randbytes(32).hex()
        value |= {"http": http, "app_proto": "http"}
        value["fileinfo"] = {"filename": http["url"], "state": "CLOSED", "sha256": digest, "size": 5120}
    else:
        value["dns"] = {
            "version": 2,
            "type": "query",
            "id": 1,
            "rrname": f"host{number}.example",
            "rrtype": "A",
        }
    return json.dumps(value, separators=(",", ":")).encode()


def map_rate(lines: list[bytes], seconds: float) -> tuple[float, float]:
    """Lines and records per second of the mapping alone: the best of several rounds."""
    source = make_input("eve", {"path": "-"})
    assert isinstance(source, EveInput)
    source.begin(NoStore())
    best, records = 0.0, 0
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        batch = Batch()
        begin = time.perf_counter()
        for item in lines:
            source.take_line(item, batch)
        best = max(best, len(lines) / (time.perf_counter() - begin))
        records = len(batch.records)
    return best, best * records / len(lines)


def store_rate(path: Path, folder: Path, number: int) -> tuple[float, int]:
    """Lines per second from a file into an event log, and how many lines there were."""
    with open_store(folder / f"events{number}.db") as store:
        intake = Intake(
            store,
            make_input("eve", {"path": str(path)}),
            enabled=lambda: EVENT_CLASSES,
            stop=threading.Event(),
            report=lambda level, sentence: None,
        )
        begin = time.perf_counter()
        intake.run()
        return intake.totals.lines / (time.perf_counter() - begin), intake.totals.lines


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    kinds = {kind: made_lines(kind, 2000) for kind in ("alert", "flow", "fileinfo", "dns")}
    for kind, lines in kinds.items():
        rate, records = map_rate(lines, seconds)
        size = sum(map(len, lines)) // len(lines)
        print(f"{kind:10} {rate:10,.0f} lines/s  {records:10,.0f} records/s  ({size} bytes a line)")
    mixture = [item for group in zip(*kinds.values(), strict=True) for item in group]
    rate, records = map_rate(mixture, seconds)
    print(f"{'mixture':10} {rate:10,.0f} lines/s  {records:10,.0f} records/s")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = Path(sys.argv[2]) if len(sys.argv) > 2 else folder / "eve.json"
        if len(sys.argv) <= 2:
            path.write_bytes(b"".join(item + b"\n" for item in mixture * 5))
        best, lines_read = max(store_rate(path, folder, number) for number in range(3))
        print(f"{'stored':10} {best:10,.0f} lines/s  ({lines_read} lines, {path.stat().st_size:,} bytes)")


if __name__ == "__main__":
    main()
