"""Captures of TCP connections, made by hand: Ethernet, IPv4, TCP, in a pcap file.

    Conversation()                 a connection; `client` and `server` send bytes, cut as one likes
    write_capture(path, frames)    the file

For tests of what reads captures. Sequence numbers and checksums are right, times are made up.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

ETHERNET = 1
SERVER_PORT = 8302
_CLIENT = (bytes.fromhex("02005e000001"), bytes([192, 0, 2, 1]))
_SERVER = (bytes.fromhex("02005e000002"), bytes([192, 0, 2, 2]))
_SYN, _ACK, _PUSH = 0x02, 0x10, 0x08


def checksum(data: bytes) -> int:
    """The Internet checksum."""
    total = sum(struct.unpack(f">{len(data) // 2}H", data[: len(data) & ~1]))
    if len(data) % 2:
        total += data[-1] << 8
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Conversation:
    """One TCP connection from its handshake on; `frames` are the Ethernet frames so far."""

    def __init__(self, client_port: int = 50_000, server_port: int = SERVER_PORT) -> None:
        self.ports = (client_port, server_port)
        self.frames: list[bytes] = []
        self._sent = [1_000, 900_000]
        self._frame(0, _SYN)
        self._frame(1, _SYN | _ACK)
        self._frame(0, _ACK)

    def client(self, data: bytes, *sizes: int) -> None:
        """Send from the client, in segments of the given sizes, the last one repeated (none: in one)."""
        self._send(0, data, sizes)

    def server(self, data: bytes, *sizes: int) -> None:
        """Send from the server, likewise."""
        self._send(1, data, sizes)

    def _send(self, side: int, data: bytes, sizes: tuple[int, ...]) -> None:
        sizes = sizes or (1_400,)
        position = turn = 0
        while position < len(data):
            size = sizes[min(turn, len(sizes) - 1)]
            self._frame(side, _ACK | _PUSH, data[position : position + size])
            position += size
            turn += 1

    def _frame(self, side: int, flags: int, payload: bytes = b"") -> None:
        (source_mac, source), (target_mac, target) = (_CLIENT, _SERVER) if side == 0 else (_SERVER, _CLIENT)
        source_port, target_port = self.ports if side == 0 else self.ports[::-1]
        acknowledged = self._sent[1 - side] if flags & _ACK else 0
        head = struct.pack(
            ">HHIIBBHHH",
            source_port,
            target_port,
            self._sent[side],
            acknowledged,
            5 << 4,
            flags,
            65_535,
            0,
            0,
        )
        pseudo = source + target + struct.pack(">BBH", 0, 6, len(head) + len(payload))
        head = head[:16] + checksum(pseudo + head + payload).to_bytes(2, "big") + head[18:]
        total = 20 + len(head) + len(payload)
        network = struct.pack(">BBHHHBBH", 0x45, 0, total, 0, 0x4000, 64, 6, 0) + source + target
        network = network[:10] + checksum(network).to_bytes(2, "big") + network[12:]
        self.frames.append(target_mac + source_mac + b"\x08\x00" + network + head + payload)
        self._sent[side] = (self._sent[side] + len(payload) + (flags & _SYN != 0)) & 0xFFFF_FFFF


def write_capture(path: Path, frames: Iterable[bytes], *, limit: int = 262_144) -> Path:
    """Write a pcap file; of each frame at most `limit` bytes."""
    parts = [struct.pack(">IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, limit, ETHERNET)]
    for number, frame in enumerate(frames):
        kept = frame[:limit]
        parts.append(
            struct.pack(">IIII", 1_700_000_000 + number // 1000, number % 1000, len(kept), len(frame))
        )
        parts.append(kept)
    path.write_bytes(b"".join(parts))
    return path
