"""The client's side of the conversation, as dialogues with a server whose bytes are put together by hand."""

from __future__ import annotations

import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openstreamer.errors import (
    LocalProtocolError,
    OpenStreamerError,
    PeerError,
    RemoteProtocolError,
    TransportError,
)
from openstreamer.protocol.messages import (
    Error,
    HostDataRequest,
    MultipleHostData,
    Null,
    SingleHostData,
    StreamingInformation,
    UnknownMessage,
)
from openstreamer.protocol.records import Record
from openstreamer.protocol.services import Service
from openstreamer.protocol.session_client import ClientSession, MalformedRecord, Records
from openstreamer.protocol.states import ClientState
from support import hand_made
from support.dialogue import Dialogue, ended, error, nothing, octets

DEPLOYED_FLAGS = 0x48900061
DEPLOYED_PAIRS = ((12, 11), (21, 4), (31, 9), (61, 11), (71, 17), (91, 7), (101, 8), (111, 7), (131, 2))
REQUEST = "00010002 00000008 ffffffff 48900061"
LIST = """
    00010801 00000038 00001a0b 00000038 48900061 ffffffff 000b000c 00040015 0009001f
    000b003d 00110047 0007005b 00080065 0007006f 00020083 00000000
"""
OFFER = "00010803 00000010 00001a0b 00000008 00000000 00000000"
NULL = "00010000 00000000"
TIME = hand_made.SECOND


def extended() -> Dialogue:
    session = ClientSession(0xFFFFFFFF, DEPLOYED_FLAGS, DEPLOYED_PAIRS)
    dialogue = Dialogue(session).hear(session.start()) << REQUEST
    return dialogue >> OFFER << LIST << nothing


def flat() -> Dialogue:
    session = ClientSession(5, 0x7F)
    return Dialogue(session).hear(session.start(0.0)) << "00010002 00000008 00000005 0000007f" << nothing


def acknowledged(dialogue: Dialogue) -> Dialogue:
    return dialogue.hear(dialogue.session.acknowledge())


def records(dialogue: Dialogue) -> list[Record]:
    found = [event.records for event in dialogue.events if isinstance(event, Records)]
    return [record for batch in found for record in batch]


def test_extended_session() -> None:
    dialogue = extended()
    assert dialogue.session.state is ClientState.STREAM_BUNDLE
    assert dialogue.session.services == (Service(6667),)
    assert dialogue.events == [StreamingInformation((Service(6667),))]
    acknowledged(dialogue) << nothing
    dialogue >> hand_made.bundle(1, [hand_made.record(400, b"a"), hand_made.record(4, b"b", None)])
    assert records(dialogue) == [Record(400, b"a", TIME), Record(4, b"b")]
    acknowledged(dialogue) << NULL << nothing
    acknowledged(dialogue) << nothing


def test_flat_session() -> None:
    dialogue = flat() >> hand_made.event_data(7, b"a") + hand_made.event_data(7, b"b", None)
    assert records(dialogue) == [Record(7, b"a", TIME), Record(7, b"b")]
    acknowledged(dialogue) << NULL << NULL << nothing


def test_answers_go_with_acknowledgements() -> None:
    session = ClientSession(0xFFFFFFFF, DEPLOYED_FLAGS, DEPLOYED_PAIRS)
    session.start()
    session.receive(octets(OFFER) + hand_made.bundle(1, []), 0.0)
    assert session.acknowledge() == octets(LIST) + octets(NULL)


def test_one_event_for_all_records_of_a_call() -> None:
    stream = b"".join(
        hand_made.bundle(number, [hand_made.record(400, bytes([number]))] * 3) + hand_made.null()
        for number in range(1, 6)
    )
    dialogue = extended()
    before = len(dialogue.events)
    dialogue >> stream
    assert len(dialogue.events[before].records) == 15
    assert dialogue.events[before + 1 :] == [Null()] * 5
    acknowledged(dialogue)
    assert len(dialogue.heard) == 5


def test_nothing_is_acknowledged_before_it_is_whole() -> None:
    message = hand_made.bundle(1, [hand_made.record(400, b"abc")])
    dialogue = extended()
    for octet in message[:-1]:
        dialogue >> bytes([octet])
        acknowledged(dialogue) << nothing
    dialogue >> message[-1:]
    acknowledged(dialogue) << NULL << nothing


def test_nulls_are_not_answered() -> None:
    for dialogue in (extended(), flat()):
        dialogue >> NULL >> NULL
        acknowledged(dialogue) << nothing
        assert dialogue.session.nulls_received == 2


def test_a_null_with_a_body_is_tolerated() -> None:
    dialogue = flat() >> "00010000 00000001 00"
    assert dialogue.events == [Null()]
    assert not dialogue.closed


def test_records_before_the_offer_and_single_ones_after_it() -> None:
    session = ClientSession(0, DEPLOYED_FLAGS, DEPLOYED_PAIRS)
    session.start()
    dialogue = Dialogue(session) >> hand_made.event_data(2, b"a") >> hand_made.bundle(1, [])
    assert records(dialogue) == [Record(2, b"a", TIME)]
    dialogue >> OFFER
    dialogue >> hand_made.event_data(2, b"b")
    assert len(records(dialogue)) == 2
    assert session.unacknowledged == 3


def test_offer_of_several_services() -> None:
    session = ClientSession(0, DEPLOYED_FLAGS)
    session.start()
    Dialogue(session) >> hand_made.streaming_information((5001, 6667))
    assert session.state is ClientState.STREAM_BUNDLE


def test_offer_without_event_streaming() -> None:
    session = ClientSession(0, DEPLOYED_FLAGS)
    session.start()
    Dialogue(session) >> hand_made.streaming_information((5001,)) << error(-5, "6667") << ended
    assert isinstance(session.error, RemoteProtocolError)


def test_an_offer_that_cannot_be_read() -> None:
    session = ClientSession(0, DEPLOYED_FLAGS)
    session.start()
    Dialogue(session) >> hand_made.header(2051, b"abc") << error(-4) << ended


def test_error_comes_after_the_records_before_it() -> None:
    dialogue = extended()
    dialogue >> hand_made.bundle(1, [hand_made.record(2, b"a")]) + hand_made.error(19, "No space\0")
    assert records(dialogue) == [Record(2, b"a", TIME)]
    assert dialogue.events[-1] == Error(19, "No space")
    assert isinstance(dialogue.session.error, PeerError)
    dialogue << ended
    with pytest.raises(PeerError, match="No space"):
        dialogue.session.receive(b"", 0.0)


def test_error_inside_a_bundle() -> None:
    body = struct.pack(">II", 1, 1) + struct.pack(">HHI", 0, 1, 6) + struct.pack(">iH", -1, 0)
    dialogue = extended() >> hand_made.header(4002, body) << ended
    assert isinstance(dialogue.session.error, PeerError)


def test_an_error_that_cannot_be_read() -> None:
    dialogue = flat() >> hand_made.header(1, b"\1")
    assert isinstance(dialogue.session.error, PeerError)


@pytest.mark.parametrize(
    ("data", "code"), [("00020000 00000000", -2), ("00000000 00000000", -2), ("00010004 ffffffff", -6)]
)
def test_a_stream_out_of_step(data: str, code: int) -> None:
    dialogue = flat() >> hand_made.event_data(2, b"a") + octets(data) << error(code) << ended
    assert records(dialogue) == [Record(2, b"a", TIME)]
    assert isinstance(dialogue.session.error, RemoteProtocolError)
    with pytest.raises(RemoteProtocolError):
        dialogue.session.receive(octets(NULL), 0.0)


def test_malformed_records_are_events_of_their_own() -> None:
    dialogue = flat() >> hand_made.header(4, b"\0\0\0\4\0\0\0\1ab") + hand_made.event_data(2, b"a")
    assert dialogue.events[0] == Records([Record(2, b"a", TIME)])
    assert isinstance(dialogue.events[1], MalformedRecord)
    assert dialogue.session.malformed == 1
    acknowledged(dialogue) << NULL << NULL << nothing
    assert dialogue.session.flag_mismatches == 0


def test_unknown_messages_are_reported() -> None:
    dialogue = flat() >> hand_made.header(2052, b"x") >> hand_made.bundle(1, [])
    assert [event.type for event in dialogue.events] == [2052, 4002]
    assert all(isinstance(event, UnknownMessage) for event in dialogue.events)
    assert dialogue.session.ignored == 2
    acknowledged(dialogue) << nothing


def test_gaps_between_bundles_are_counted() -> None:
    dialogue = extended()
    for number in (1, 2, 4, 5, 5, 0xFFFFFFFF, 0):
        dialogue >> hand_made.bundle(number, [])
    assert dialogue.session.bundles == 7
    assert dialogue.session.bundle_gaps == 3
    dialogue >> hand_made.header(4002, b"")
    assert dialogue.session.bundles == 8


def test_host_data() -> None:
    dialogue = flat()
    request = HostDataRequest(7, 3, "192.0.2.1", "192.0.2.10")
    dialogue.hear(dialogue.session.send(request))
    dialogue << "00010005 00000028 00000007 00000003" + "0" * 20 + "ffffc0000201" + "0" * 20 + "ffffc000020a"
    dialogue >> hand_made.header(7, b"profile") >> hand_made.header(7, b"") >> hand_made.header(6, b"")
    assert dialogue.events == [MultipleHostData(b"profile"), MultipleHostData(), SingleHostData()]
    acknowledged(dialogue) << nothing


def test_dead_link() -> None:
    dialogue = flat()
    assert dialogue.session.next_timer() == 300
    dialogue.after(299)
    assert not dialogue.closed
    dialogue >> NULL
    dialogue.after(299)
    assert not dialogue.closed
    dialogue.after(1) << ended
    assert isinstance(dialogue.session.error, TransportError)
    assert dialogue.session.next_timer() is None
    with pytest.raises(TransportError):
        dialogue.session.receive(b"", 0.0)


def test_no_watch_without_a_time() -> None:
    session = ClientSession(0, 0x41)
    session.start()
    assert session.next_timer() is None
    session.receive(octets(NULL), 7.0)
    assert session.next_timer() == 307.0
    endless = ClientSession(0, 0x41, dead_after=None)
    endless.start(0.0)
    assert endless.next_timer() is None


def test_close() -> None:
    dialogue = flat()
    dialogue.hear(dialogue.session.close("the disk is full")) << error(-1, "the disk is full") << ended
    assert dialogue.session.close() == b""
    assert dialogue.session.receive(octets(NULL), 0.0) == []
    assert flat().session.close() == b""


def test_misuse() -> None:
    session = ClientSession(0, 0x41)
    request = HostDataRequest(6, 0, "::1", "::1")
    with pytest.raises(LocalProtocolError):
        session.send(request)
    session.start()
    with pytest.raises(LocalProtocolError):
        session.start()
    session.close()
    with pytest.raises(LocalProtocolError):
        session.send(request)


messages = st.one_of(
    st.builds(
        hand_made.bundle,
        st.integers(0, 9),
        st.lists(st.builds(hand_made.record, st.integers(0, 0xFFFFFFFF), st.binary(max_size=9)), max_size=4),
    ),
    st.builds(
        hand_made.event_data,
        st.integers(0, 0xFFFFFFFF),
        st.binary(max_size=9),
        st.none() | st.integers(0, 9),
    ),
    st.builds(hand_made.header, st.sampled_from([0, 1, 3, 4, 6, 7, 2051, 4002]), st.binary(max_size=30)),
    st.just(hand_made.null()),
)


def heard(session: ClientSession, pieces: list[bytes]) -> tuple[list[Record], list[object], bytes]:
    found: list[Record] = []
    others: list[object] = []
    for piece in pieces:
        try:
            events = session.receive(piece, 0.0)
        except OpenStreamerError:
            break
        for event in events:
            if isinstance(event, Records):
                found += event.records
            else:
                others.append(event)
    return found, others, session.acknowledge()


@given(
    is_flat=st.booleans(),
    said=st.lists(messages, max_size=8),
    noise=st.binary(max_size=12),
    places=st.lists(st.integers(0, 400), max_size=10),
)
def test_any_split_gives_the_same(is_flat: bool, said: list[bytes], noise: bytes, places: list[int]) -> None:
    opening = b"" if is_flat else hand_made.streaming_information()
    stream = opening + b"".join(said) + noise
    bounds = [0, *sorted(min(place, len(stream)) for place in places), len(stream)]
    pieces = [stream[start:end] for start, end in itertools.pairwise(bounds)]
    results = []
    for way in ([stream], pieces, [bytes([octet]) for octet in stream]):
        session = ClientSession(0, 0x41 if is_flat else DEPLOYED_FLAGS, DEPLOYED_PAIRS)
        session.start()
        results.append((*heard(session, way), session.state, str(session.error), session.malformed))
    assert results[0] == results[1] == results[2]
