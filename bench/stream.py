"""How many connection events a second the client takes from TLS to its outputs, on one core.

    python bench/stream.py [events]

A process of its own sends prepared bundles of connection events (block 174, some 900 bytes each, all
different, 50,000 to an archive second) over TLS as fast as they are taken. Measured is this process alone,
held to one core: received only (the bare lower bound: TLS and nothing else), received and cut into records,
JSON lines with names to /dev/null and to a file, a table; relayed into an event log by the input
`estreamer`. Wall and processor time are both given: the first
is what a user sees, the second is what is left of it on a busy machine.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import ssl
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from openstreamer.client.connection import Connection
from openstreamer.client.credentials import ClientCredentials, make_context
from openstreamer.client.feed import Feed, FeedSettings
from openstreamer.client.position import PositionFile, PositionTracker
from openstreamer.client.request import make_request
from openstreamer.client.stop import Stop
from openstreamer.client.stream import OpenedOutput, Stream
from openstreamer.inputs.uri import input_from_uri
from openstreamer.outputs.registry import OutputSpec, create
from openstreamer.protocol.session_client import ClientSession, Records
from openstreamer.server.intake import BATCH_RECORDS, Intake
from openstreamer.store import open_store
from support import hand_made
from support.certificates import authority
from support.streams import Notices

IN_BUNDLE = 75
DISTINCT = 15_000
IN_SECOND = 50_000
FIRST_SECOND = 1_700_000_000


def metadata() -> list[bytes]:
    """What a server says before such events."""
    number = b"\0" * 15 + b"\x01"
    named = struct.pack(">II", 14, 8 + 16 + 16) + number + hand_made.string_block("outside")
    records = [
        hand_made.record(123, hand_made.id_name(1, "sensor-1"), None),
        hand_made.record(63, hand_made.id_name(1122, "HTTPS"), None),
        hand_made.record(55, hand_made.id_name(1296, "SSL client"), None),
        hand_made.record(115, named, None),
        hand_made.record(116, named, None),
    ]
    for rule in range(20):
        content = number + struct.pack(">I", 268_435_456 + rule) + hand_made.string_block(f"rule {rule}")
        records.append(hand_made.record(119, hand_made.block(15, content), None))
    return records


def prepare(events: int) -> list[bytes]:
    """All messages that the sender will send after the greeting."""
    bodies = [hand_made.connection_174(number, text=number % 80) for number in range(DISTINCT)]
    messages = [hand_made.bundle(1, metadata())]
    for start in range(0, events, IN_BUNDLE):
        second = FIRST_SECOND + start // IN_SECOND
        items = [
            struct.pack(">IIIIII", 4, 16 + len(body), 71, len(body), second, 0) + body
            for body in (bodies[number % DISTINCT] for number in range(start, min(start + IN_BUNDLE, events)))
        ]
        body = struct.pack(">II", 1, 2 + start // IN_BUNDLE) + b"".join(items)
        messages.append(struct.pack(">HHI", 1, 4002, len(body)) + body)
    return messages


def send_for_ever(pipe: Pipe, folder: str, events: int) -> None:
    """The sender's process: for every connection the greeting, then everything."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    certificate, key = authority().pem_files(Path(folder), "server", server=True)
    authority().pkcs12(Path(folder) / "client.pkcs12", "client")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    messages = prepare(events)
    pieces = [b"".join(messages[at : at + 4]) for at in range(0, len(messages), 4)]
    listener = socket.create_server(("127.0.0.1", 0))
    pipe.send((listener.getsockname()[1], sum(map(len, pieces))))
    while True:
        raw, _ = listener.accept()
        connection = context.wrap_socket(raw, server_side=True)
        connection.recv(16)
        connection.sendall(hand_made.streaming_information())
        connection.recv(1000)
        threading.Thread(target=_drain, args=(connection,), daemon=True).start()
        try:
            for piece in pieces:
                connection.sendall(piece)
            time.sleep(0.3)
            connection.close()
        except OSError:
            pass


def _drain(connection: ssl.SSLSocket) -> None:
    try:
        while connection.recv(65536):
            pass
    except (OSError, ValueError):
        pass


def greeted(folder: str, port: int) -> tuple[Connection, ClientSession]:
    connection = Connection.open("127.0.0.1", port, make_context(credentials(folder)))
    request = make_request()
    session = ClientSession(0, request.flags, request.event_types)
    connection.send(session.start())
    session.receive(connection.receive(10) or b"", 0.0)
    connection.send(session.acknowledge())
    return connection, session


def credentials(folder: str) -> ClientCredentials:
    return ClientCredentials(pkcs12=f"{folder}/client.pkcs12")


def bare(folder: str, port: int, size: int) -> None:
    connection, _ = greeted(folder, port)
    received = 0
    while received < size:
        received += len(connection.receive(10) or b"")
    connection.close()


def cut_only(folder: str, port: int, size: int) -> None:
    connection, session = greeted(folder, port)
    received = records = 0
    while received < size:
        data = connection.receive(10) or b""
        received += len(data)
        for event in session.receive(data, 0.0):
            if isinstance(event, Records):
                records += len(event.records)
        connection.send(session.acknowledge())
    connection.close()


def whole(folder: str, port: int, events: int, output: str, target: str) -> None:
    """The client as the command runs it: names, position file, acknowledgements and all."""
    notices, stop = Notices(), Stop()
    settings = FeedSettings(
        host="127.0.0.1", port=port, credentials=credentials(folder), request=make_request(), count=events
    )
    feed = Feed(settings, PositionTracker(), stop=stop, notice=notices.notice)
    name, _, configuration = output.partition(":")
    opened = create(OutputSpec(name, configuration, target))
    opened.open(None)
    file = PositionFile(f"{folder}/position")
    Stream(feed, [OpenedOutput("x", opened)], notices, position_file=file, stop=stop).run()
    if feed.counts.delivered != events or feed.counts.undecodable:
        raise SystemExit(f"{feed.counts} {notices.told}")


def relay(folder: str, port: int, events: int) -> None:
    """A server that takes them from another one, into an event log of its own."""
    with tempfile.TemporaryDirectory(dir=folder) as fresh, open_store(f"{fresh}/events.db") as store:
        stop = threading.Event()
        source = input_from_uri(f"estreamer://127.0.0.1:{port}?pkcs12={folder}/client.pkcs12")
        intake = Intake(store, source, enabled=lambda: frozenset({"connection"}), stop=stop)
        source.open(intake)
        while intake.totals.lines - intake.totals.metadata < events:
            if batch := source.read(BATCH_RECORDS, 0.2):
                intake._take(batch)
        source.close()
        if store.statistics().records < events:
            raise SystemExit(f"{store.statistics()}")


def measure(name: str, events: int, once: Callable[[], None], rounds: int = 3) -> float:
    best_wall = best_cpu = float("inf")
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        once()
        best_wall = min(best_wall, time.perf_counter() - wall)
        best_cpu = min(best_cpu, time.process_time() - cpu)
    print(f"{name:<44} {events / best_wall:>11,.0f} events/s {events / best_cpu:>11,.0f} events/processor-s")
    return events / best_cpu


def main(events: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        sender = context.Process(target=send_for_ever, args=(theirs, folder, events), daemon=True)
        sender.start()
        port, size = ours.recv()
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        print(f"{events:,} connection events, {size / events:.0f} bytes each on the wire")
        bound = measure("received only (bare lower bound)", events, lambda: bare(folder, port, size))
        measure("received and cut into records", events, lambda: cut_only(folder, port, size))
        lines = measure(
            "JSON lines to /dev/null", events, lambda: whole(folder, port, events, "json", "/dev/null")
        )
        target = f"{folder}/events.json"
        measure("JSON lines to a file", events, lambda: whole(folder, port, events, "json", target))
        measure("table, common columns", events, lambda: whole(folder, port, events, "csv", "/dev/null"))
        columns = "csv:columns=time,source_ip,destination_ip,protocol,bytes_sent"
        measure("table, five columns", events, lambda: whole(folder, port, events, columns, "/dev/null"))
        relayed = measure("relayed into an event log", events, lambda: relay(folder, port, events))
        print(f"a relayed event costs {bound / relayed:.1f} times the bare lower bound")
        print(f"JSON lines cost {bound / lines:.1f} times the bare lower bound")
        sender.terminate()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
