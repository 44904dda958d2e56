"""Both ends in memory: what one session writes, the other reads, however the bytes are cut."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openstreamer.errors import PeerError
from openstreamer.protocol.items import PendingChunk
from openstreamer.protocol.messages import HostDataRequest, MultipleHostData, Null, SingleHostData
from openstreamer.protocol.records import Record
from openstreamer.protocol.session_client import ClientSession, Records
from openstreamer.protocol.session_server import ServerOptions, ServerSession
from openstreamer.protocol.states import ClientState, ServerState
from openstreamer.protocol.transcode import render, render_records
from support import hand_made

FLAGS = 0x48900061
PAIRS = ((12, 11), (21, 4), (71, 17))
FLAT_FLAGS = 1 << 23 | 1 << 20 | 1 << 6 | 1


@dataclass(frozen=True)
class Chunk:
    data: bytes
    record_types: frozenset[int]


def chunk(records: list[tuple[int, int, bytes]], time: int) -> Chunk:
    pending = PendingChunk(records)
    return Chunk(pending.seal(time), pending.record_types)


class Link:
    """A server and a client, and the bytes between them."""

    def __init__(self, server: ServerSession, client: ClientSession, *, step: int = 1 << 20) -> None:
        self.server = server
        self.client = client
        self.step = step
        self.records: list[Record] = []
        self.events: list[object] = []
        self.to_server = client.start(0.0)
        self.to_client = b""

    def turn(self) -> None:
        """Carry bytes to and fro until both are silent."""
        for _ in range(10_000):
            if not self.to_server and not self.to_client:
                return
            data, self.to_server = self.to_server, b""
            for at in range(0, len(data), self.step):
                self.server.receive(data[at : at + self.step], 0.0)
            self.to_client += self.server.data_to_send()
            data, self.to_client = self.to_client, b""
            for at in range(0, len(data), self.step):
                for event in self.client.receive(data[at : at + self.step], 0.0):
                    if isinstance(event, Records):
                        self.records += event.records
                    else:
                        self.events.append(event)
                self.to_server += self.client.acknowledge()
        raise AssertionError("the two talk for ever")

    def send(self, one: Chunk) -> None:
        assert self.server.selection is not None
        self.to_client += self.server.send_items(render(one, self.server.selection), 0.0)
        self.turn()


def link(*, flat: bool, step: int = 1 << 20, **options: int) -> Link:
    server = ServerSession(0.0, options=ServerOptions(**options))  # type: ignore[arg-type]
    client = ClientSession(0, FLAT_FLAGS if flat else FLAGS, None if flat else PAIRS)
    both = Link(server, client, step=step)
    both.turn()
    assert server.streaming
    return both


@pytest.mark.parametrize("flat", [False, True], ids=["extended", "flat"])
def test_records_arrive(flat: bool) -> None:
    both = link(flat=flat)
    both.send(chunk([(2, 0, hand_made.packet(number)) for number in range(250)], 5))
    assert [record.record_type for record in both.records] == [2] * 250
    assert both.records[7] == Record(2, hand_made.packet(7), 5)
    assert both.server.unacknowledged == 0
    assert both.client.state is (ClientState.STREAM_FLAT if flat else ClientState.STREAM_BUNDLE)
    assert both.client.bundles == (0 if flat else 3)
    assert both.client.bundle_gaps == 0


def test_metadata_before_events_and_times_that_never_decrease() -> None:
    both = link(flat=False)
    device = Record(123, b"\0\0\0\1\0\0\0\4fmc1", 9)
    assert both.server.selection is not None
    both.to_client += both.server.send_items(render_records([device], both.server.selection), 0.0)
    both.send(chunk([(400, 0, hand_made.intrusion_85())], 9))
    both.send(chunk([(400, 0, hand_made.intrusion_85(2))], 10))
    assert [record.record_type for record in both.records] == [123, 400, 400]
    assert [record.archive_time for record in both.records] == [None, 9, 10]


def test_old_client_gets_old_records() -> None:
    both = link(flat=True)
    both.send(chunk([(400, 0, hand_made.intrusion_85()), (71, 0, hand_made.connection_174())], 5))
    assert [record.record_type for record in both.records] == [7]


def test_hosts_between_records() -> None:
    both = link(flat=False)
    both.to_server += both.client.send(HostDataRequest(6, 0, "192.0.2.1", "192.0.2.1"))
    both.to_server += both.client.send(HostDataRequest(7, 0, "192.0.2.1", "192.0.2.9"))
    both.turn()
    for _ in range(2):
        both.to_client += both.server.answer_hosts((), 0.0, last=True)
    both.turn()
    assert both.events[-4:] == [SingleHostData(), Null(), MultipleHostData(), Null()]


def test_a_client_that_ends() -> None:
    both = link(flat=False)
    both.to_server += both.client.close("the disk is full")
    both.turn()
    assert both.server.closing
    assert isinstance(both.server.error, PeerError)
    assert "the disk is full" in str(both.server.error)


def test_a_server_that_fails() -> None:
    both = link(flat=True)
    both.server.fail(-1, "the event log is damaged")
    both.to_client += both.server.data_to_send()
    both.turn()
    assert both.client.closed
    assert "damaged" in str(both.client.error)


def test_a_request_that_cannot_be_answered() -> None:
    both = Link(ServerSession(0.0), ClientSession(0, 1 << 30, ((12, 99),)))
    both.turn()
    assert both.server.state is ServerState.CLOSING
    assert isinstance(both.client.error, PeerError)
    assert both.client.error.code == -5


@settings(max_examples=60, deadline=None)
@given(
    flat=st.booleans(),
    step=st.integers(1, 400),
    window=st.integers(1, 5),
    sizes=st.lists(st.integers(0, 12), max_size=5),
)
def test_every_record_arrives_once_and_in_order(flat: bool, step: int, window: int, sizes: list[int]) -> None:
    both = link(flat=flat, step=step, window_messages=window, window_bundles=window)
    sent = []
    for time, size in enumerate(sizes, 1):
        records = [(2, 0, bytes([time, number])) for number in range(size)]
        sent += [Record(2, data, time) for _, _, data in records]
        both.send(chunk(records, time))
    assert both.records == sent
    assert both.server.unsent == 0
