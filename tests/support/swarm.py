"""Many clients in one process, some of which stall: for tests and measurements of a server under load.

    python -m swarm HOST PORT CERTIFICATE_AND_KEY CLIENTS STALLING LAST SEED

Each client asks for intrusion events and packets from the beginning and acknowledges each bundle. Event ids
of the packets must come in order, without a gap, from 0 to LAST; a client that is dropped connects again and
goes on from the last archive time, passing over what it had. The first STALLING of the clients stop reading
at random, some for a moment, some until they are dropped. One JSON object at the end.

It knows nothing of the program.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import socket
import ssl
import struct
import sys
import time
from typing import Any

NULL = struct.pack(">HHI", 1, 0, 0)
FLAGS = 0x40800001
PATIENCE = 60.0


def request(timestamp: int) -> bytes:
    """Both messages of an extended request, the second to be sent after the answer to the first."""
    return struct.pack(">HHIII", 1, 2, 8, timestamp, FLAGS)


def services(timestamp: int) -> bytes:
    """Intrusion events and their packets."""
    listed = struct.pack(">HHHH", 11, 12, 0, 0)
    body = struct.pack(">IIII", 6667, 16 + len(listed), FLAGS, timestamp) + listed
    return struct.pack(">HHI", 1, 2049, len(body)) + body


class Swarm:
    """What all clients have in common."""

    def __init__(self, arguments: list[str]) -> None:
        host, port, certificate, clients, stalling, last, seed = arguments
        self.address = host, int(port)
        self.clients, self.stalling, self.last = int(clients), int(stalling), int(last)
        self.random = random.Random(int(seed))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE
        self.context.load_cert_chain(certificate)
        self.connections = 0
        self.stalls = 0
        self.problems: list[str] = []
        self.connected: list[float] = []
        self.healthy: list[float] = []
        self.done: list[float] = []

    async def run(self) -> dict[str, Any]:
        """All clients to their end."""
        began = time.monotonic()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(self.client(number, began) for number in range(self.clients)))
        return {
            "clients": len(self.done),
            "connections": self.connections,
            "stalls": self.stalls,
            "problems": self.problems[:10],
            "connected_seconds": max(self.connected, default=0.0),
            "healthy_seconds": max(self.healthy, default=0.0),
            "seconds": max(self.done),
        }

    async def client(self, number: int, began: float) -> None:
        """One client, until it has all records."""
        state = {"next": 0, "time": 0, "stalls": self.random.choice((1, 2)) if number < self.stalling else 0}
        while state["next"] <= self.last:
            try:
                reader, writer = await asyncio.open_connection(
                    sock=await self.connect(small=number < self.stalling),
                    ssl=self.context,
                    server_hostname=self.address[0],
                    limit=1 << 14 if number < self.stalling else 1 << 17,
                )
            except OSError:
                await asyncio.sleep(0.1 + self.random.random() * 0.2)
                continue
            self.connections += 1
            if number >= self.stalling and state["next"] == 0:
                self.connected.append(time.monotonic() - began)
            try:
                await self.session(reader, writer, state)
            except (OSError, EOFError, asyncio.IncompleteReadError):
                await asyncio.sleep(self.random.random() * 0.3)
            finally:
                writer.transport.abort()
        self.done.append(time.monotonic() - began)
        if number >= self.stalling:
            self.healthy.append(self.done[-1])

    async def connect(self, *, small: bool) -> socket.socket:
        """A socket to the server; the system keeps little for those that stall, so the server notices."""
        connecting = socket.socket()
        try:
            if small:
                connecting.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connecting.setblocking(False)
            await asyncio.get_running_loop().sock_connect(connecting, self.address)
        except OSError:
            connecting.close()
            raise
        return connecting

    async def session(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: dict[str, int]
    ) -> None:
        """One connection."""
        writer.write(request(state["time"]))
        while state["next"] <= self.last:
            _, kind, length = struct.unpack(">HHI", await reader.readexactly(8))
            body = await reader.readexactly(length)
            if kind == 2051:
                writer.write(services(state["time"]))
            elif kind == 4002:
                self.records(body, state)
                if state["stalls"] and self.random.random() < 0.3:
                    state["stalls"] -= 1
                    self.stalls += 1
                    # Takes nothing and says nothing: for a moment, or for longer than the server bears.
                    await asyncio.sleep(self.random.choice((0.2, 0.5, 5.0, 5.0)))
                if writer.transport.is_closing():
                    raise EOFError
                writer.write(NULL)
            elif kind == 1:
                raise EOFError

    def records(self, body: bytes, state: dict[str, int]) -> None:
        """Check the order of a bundle's packets."""
        position = 8
        while position < len(body):
            _, length = struct.unpack_from(">II", body, position)
            word, _, archive_time = struct.unpack_from(">III", body, position + 8)
            if word & 0xFFFF == 2:
                (event,) = struct.unpack_from(">I", body, position + 8 + 16 + 4)
                if event > state["next"] or (event < state["next"] and archive_time < state["time"]):
                    self.problems.append(f"{event} came where {state['next']} was due")
                if event >= state["next"]:
                    state["next"] = event + 1
                    state["time"] = archive_time
            position += 8 + length


if __name__ == "__main__":
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # writes to connections that were dropped
    print(json.dumps(asyncio.run(Swarm(sys.argv[1:]).run())))
