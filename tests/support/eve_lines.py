"""EVE lines made by hand, so that tests of the EVE input need no sensor and no data from elsewhere."""

from __future__ import annotations

import base64
import json
from typing import Any

ETHERNET_UDP = bytes.fromhex(
    "0200000000020200000000010800"  # Ethernet
    "4500001c000000004011f96f0a0000010a000002"  # IPv4, UDP
    "10920035000800aa"
)
"""A whole frame: UDP from 10.0.0.1 port 4242 to 10.0.0.2 port 53, no payload."""


def alert(number: int = 1, **changes: Any) -> dict[str, Any]:
    """An alert with a packet; `number` makes it different from others."""
    line: dict[str, Any] = {
        "timestamp": f"2024-05-06T07:08:{number % 60:02d}.{number % 1_000_000:06d}+0000",
        "flow_id": 1000 + number,
        "in_iface": "eth1",
        "event_type": "alert",
        "src_ip": "10.0.0.1",
        "src_port": 4242,
        "dest_ip": "10.0.0.2",
        "dest_port": 53,
        "proto": "UDP",
        "pkt_src": "wire/pcap",
        "alert": {
            "action": "allowed",
            "gid": 1,
            "signature_id": 2_000_000 + number,
            "rev": 3,
            "signature": f"TEST rule {number}",
            "category": "Misc activity",
            "severity": 3,
        },
        "app_proto": "dns",
        "direction": "to_server",
        "packet": base64.b64encode(ETHERNET_UDP).decode(),
        "packet_info": {"linktype": 1},
    }
    return change(line, changes)


def flow(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A flow that has ended."""
    line: dict[str, Any] = {
        "timestamp": "2024-05-06T07:09:00.000000+0000",
        "flow_id": 1000 + number,
        "event_type": "flow",
        "src_ip": "10.0.0.1",
        "src_port": 4242,
        "dest_ip": "10.0.0.2",
        "dest_port": 80,
        "proto": "TCP",
        "app_proto": "http",
        "flow": {
            "pkts_toserver": 6,
            "pkts_toclient": 4,
            "bytes_toserver": 522,
            "bytes_toclient": 5_000_000_000,
            "start": "2024-05-06T07:08:01.500000+0000",
            "end": "2024-05-06T07:08:03.250000+0000",
            "age": 2,
            "state": "closed",
            "reason": "timeout",
            "alerted": False,
        },
        "tcp": {"tcp_flags": "1b", "tcp_flags_ts": "1a", "tcp_flags_tc": "13"},
    }
    return change(line, changes)


def fileinfo(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A file that was downloaded."""
    line: dict[str, Any] = {
        "timestamp": "2024-05-06T07:08:02.000000+0000",
        "flow_id": 1000 + number,
        "event_type": "fileinfo",
        "src_ip": "10.0.0.2",
        "src_port": 80,
        "dest_ip": "10.0.0.1",
        "dest_port": 4242,
        "proto": "TCP",
        "http": {"hostname": "files.example", "url": "/a/b.bin", "http_method": "GET", "status": 200},
        "app_proto": "http",
        "fileinfo": {
            "filename": "/a/b.bin",
            "magic": "data",
            "gaps": False,
            "state": "CLOSED",
            "sha256": "ab" * 32,
            "stored": False,
            "size": 12345,
            "tx_id": 0,
        },
    }
    return change(line, changes)


def change(line: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The line with members replaced, left out (None) or, for objects, changed in part."""
    for name, value in changes.items():
        if value is None:
            line.pop(name, None)
        elif isinstance(value, dict) and isinstance(line.get(name), dict):
            change(line[name], value)
        else:
            line[name] = value
    return line


def text(*lines: dict[str, Any]) -> bytes:
    """Lines as Suricata writes them: no blanks, each with its line end."""
    return b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)


def alerts(first: int, last: int) -> bytes:
    """Alerts with the numbers `first` to `last`."""
    return text(*(alert(number) for number in range(first, last + 1)))
