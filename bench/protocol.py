"""How many records a second pass through the conversation, on one core and without a network.

    python bench/protocol.py [seconds per measurement]

Records are 900 bytes long. Printed: what the client's session takes in from bundles of 75 and from single
messages, what the server's session gives out when nothing is filtered (with and without cutting the stored
chunk), when every record is looked at, and when every one is encoded in an older layout. The lower bound is
a bare loop over the same bundles: one struct call, one slice and one list entry a record.
"""

from __future__ import annotations

import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from openstreamer.layouts.intrusion import IntrusionEvent
from openstreamer.protocol.items import PendingChunk, cut
from openstreamer.protocol.messages import EventStreamRequest, Null, Service, StreamingRequest, encode_message
from openstreamer.protocol.selection import Selection, select
from openstreamer.protocol.session_client import ClientSession, Records
from openstreamer.protocol.session_server import ServerOptions, ServerSession
from openstreamer.protocol.transcode import render
from openstreamer.wire import encoder

FLAGS = 0x48900061
PAIRS = ((12, 11), (21, 4), (31, 9), (61, 11), (71, 17), (91, 7), (101, 8), (111, 7), (131, 2))
SIZE, IN_BUNDLE, BUNDLES = 900, 75, 40
COUNT = IN_BUNDLE * BUNDLES
SECOND = 1_700_000_000


@dataclass(frozen=True)
class Chunk:
    """A stored chunk."""

    data: bytes
    record_types: frozenset[int]


def rate(name: str, once: Callable[[], int], seconds: float) -> float:
    """Run for about so many seconds, print and give the best rate of five rounds, in records a second."""
    once()
    best = 0.0
    for _ in range(5):
        records, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds / 5:
            records += once()
        best = max(best, records / (time.perf_counter() - began))
    print(f"{name:<58} {best:>12,.0f} records/s")
    return best


def bundle_bytes() -> bytes:
    """The stream of bundles, put together without the program's own encoder."""
    data = bytes(SIZE)
    item = struct.pack(">IIIIII", 4, 16 + SIZE, 71, SIZE, SECOND, 0) + data
    body = item * IN_BUNDLE
    return b"".join(
        struct.pack(">HHIII", 1, 4002, 8 + len(body), 1, number + 1) + body for number in range(BUNDLES)
    )


def bare_loop(stream: bytes) -> int:
    """The least that reading records costs in Python."""
    unpack = struct.Struct(">IIIII").unpack_from
    found = []
    append = found.append
    position = 0
    while position < len(stream):
        end = position + 8 + unpack(stream, position)[1]
        position += 16
        while position < end:
            _, length, word, _, archive_time = unpack(stream, position)
            stop = position + 8 + length
            append((word, stream[position + 24 : stop], archive_time))
            position = stop
    return len(found)


def client_receives(stream: bytes, *, flat: bool) -> Callable[[], int]:
    """Feed the stream in the pieces that TLS gives."""
    session = ClientSession(0, FLAGS & ~(1 << 30) if flat else FLAGS, PAIRS)
    session.start()
    pieces = [stream[at : at + 65536] for at in range(0, len(stream), 65536)]

    def once() -> int:
        count = 0
        for piece in pieces:
            for event in session.receive(piece, 0.0):
                if isinstance(event, Records):
                    count += len(event.records)
            session.acknowledge()
        return count

    return once


def server_session() -> ServerSession:
    session = ServerSession(0.0, options=ServerOptions(window_bundles=1_000_000))
    session.receive(encode_message(EventStreamRequest(0, FLAGS)), 0.0)
    session.receive(encode_message(StreamingRequest((Service(6667, FLAGS, 0, PAIRS),))), 0.0)
    session.data_to_send()
    return session


def rendering(chunk: Chunk, selection: Selection) -> Callable[[], int]:
    """Bring a chunk into the form of a selection, as is done once for all sessions of that form."""

    def once() -> int:
        items = render(chunk, selection)
        assert items.count == COUNT, items.lost
        return items.count

    return once


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    stream = bundle_bytes()
    bound = rate("lower bound: bare loop over bundles", lambda: bare_loop(stream), seconds)
    taken = rate("client takes bundles of 75", client_receives(stream, flat=False), seconds)
    message = struct.pack(">HHIIIII", 1, 4, 16 + SIZE, 71, SIZE, SECOND, 0) + bytes(SIZE)
    rate("client takes single messages", client_receives(message * COUNT, flat=True), seconds)
    print(f"{'client against the lower bound':<58} {taken / bound:>12.2f}")

    session = server_session()
    null = encode_message(Null())
    body = encoder(IntrusionEvent, 85)(IntrusionEvent(85))
    filler = bytes(SIZE - len(body))
    stored = PendingChunk([(400, 0, body + filler)] * COUNT)
    chunk = Chunk(stored.seal(SECOND), stored.record_types)
    selection = select(FLAGS, PAIRS)
    items = cut(chunk.data)

    def sends() -> int:
        session.receive(null, 0.0)
        session.send_items(items, 0.0)
        return COUNT

    def renders_and_sends() -> int:
        session.receive(null, 0.0)
        session.send_items(render(chunk, selection), 0.0)
        return COUNT

    rate("server sends what was cut before (other sessions' work)", sends, seconds)
    rate("server cuts a chunk and sends it, nothing filtered", renders_and_sends, seconds)
    packets = PendingChunk([(2, 0, bytes(SIZE))] * COUNT)
    packed = Chunk(packets.seal(SECOND), packets.record_types)
    mixed = Chunk(packed.data, packed.record_types | {400})
    flat, short, older = select(1 | 1 << 23, None), select(1, ()), select(FLAGS, ((12, 10),))
    rate("server makes flat messages of it", rendering(packed, flat), seconds)
    rate("server shortens the record headers", rendering(packed, short), seconds)
    rate("server looks at each record, all leave as they are", rendering(mixed, older), seconds)
    rate("server encodes each alert down from block 85 to 81", rendering(chunk, older), seconds)


if __name__ == "__main__":
    main()
