"""The server's side of the conversation, as dialogues with a peer whose bytes are put together by hand."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openstreamer.errors import LocalProtocolError, PeerError, RemoteProtocolError
from openstreamer.protocol.items import Items, PendingChunk, cut
from openstreamer.protocol.messages import (
    Error,
    EventStreamRequest,
    HostDataRequest,
    Null,
    StreamingRequest,
    UnknownMessage,
)
from openstreamer.protocol.session_server import ServerOptions, ServerSession
from openstreamer.protocol.states import ServerState
from support import hand_made
from support.dialogue import Dialogue, anything, ended, error, messages_of, nothing, octets, of_type

NULL = "00010000 00000000"
FLAT = "00010002 00000008 00000000 00800041"
EXTENDED = "00010002 00000008 00000000 48900061"
OFFER = "00010803 00000010 00001a0b 00000008 00000000 00000000"
LIST = "00010801 0000001c 00001a0b 0000001c 48900061 00000000 000b000c 00040015 00000000"
HOST = "00010005 00000010 00000004 00000000 c0000201 c0000201"
HOSTS = "00010005 00000010 00000005 00000000 c0000201 c000020a"
NO_HOST = "00010006 00000000"
NO_MORE_HOSTS = "00010007 00000000"


def talk(**options: object) -> Dialogue:
    return Dialogue(ServerSession(0.0, options=ServerOptions(**options)))  # type: ignore[arg-type]


def flat(**options: object) -> Dialogue:
    return talk(**options) >> FLAT


def extended(**options: object) -> Dialogue:
    return talk(**options) >> EXTENDED << OFFER >> LIST << nothing


def packets(count: int, first: int = 0, *, is_flat: bool, bundle_items: int = 100) -> Items:
    """Packet records whose data is their number."""
    pending = PendingChunk([(2, 0, struct.pack(">I", first + at)) for at in range(count)])
    return cut(pending.seal(hand_made.SECOND), flat=is_flat, bundle_items=bundle_items)


def give(dialogue: Dialogue, items: Items) -> Dialogue:
    """Have the session send records."""
    return dialogue.hear(dialogue.session.send_items(items, dialogue.now))


def state(dialogue: Dialogue) -> ServerState:
    found: ServerState = dialogue.session.state
    return found


# --- the request ------------------------------------------------------------------------------------------


def test_flat_session() -> None:
    dialogue = flat() << nothing
    assert state(dialogue) is ServerState.FLAT
    session = dialogue.session
    assert session.streaming
    assert session.ready
    assert session.initial_timestamp == 0
    assert session.selection.flat
    assert dialogue.events == [EventStreamRequest(0, 0x00800041)]
    give(dialogue, packets(2, is_flat=True))
    dialogue << hand_made.event_data(2, b"\0\0\0\0") << hand_made.event_data(2, b"\0\0\0\1") << nothing


def test_extended_session() -> None:
    dialogue = talk() >> EXTENDED << OFFER << nothing
    assert state(dialogue) is ServerState.OFFERED
    assert not dialogue.session.streaming
    dialogue >> LIST << nothing
    assert state(dialogue) is ServerState.BUNDLE
    assert dialogue.session.selection.asked["intrusion"].version == 11
    assert isinstance(dialogue.events[1], StreamingRequest)
    give(dialogue, packets(3, is_flat=False, bundle_items=2))
    first = [hand_made.record(2, b"\0\0\0\0"), hand_made.record(2, b"\0\0\0\1")]
    dialogue << hand_made.bundle(1, first)
    dialogue << hand_made.bundle(2, [hand_made.record(2, b"\0\0\0\2")]) << nothing


def test_connection_id_is_in_every_bundle() -> None:
    dialogue = Dialogue(ServerSession(0.0, connection_id=0x0102030405)) >> EXTENDED << OFFER >> LIST
    give(dialogue, packets(1, is_flat=False))
    assert dialogue.heard[0][8:16] == octets("02030405 00000001")


def test_the_request_may_come_in_pieces() -> None:
    dialogue = talk()
    for octet in octets(EXTENDED + LIST):
        dialogue >> bytes([octet])
    dialogue << OFFER << nothing
    assert state(dialogue) is ServerState.BUNDLE


def test_everything_at_once() -> None:
    dialogue = talk() >> EXTENDED + NULL + LIST + NULL + HOST
    answer(dialogue << OFFER << nothing) << NO_HOST << NULL << nothing
    assert state(dialogue) is ServerState.BUNDLE


def test_a_list_with_the_length_of_the_guides_sample() -> None:
    sample = "00010801 0000001c 00001a0b 00000014 40000000 00000000 0009000c 00040015 00000000"
    dialogue = talk() >> EXTENDED << OFFER >> sample << nothing
    assert dialogue.session.selection.asked["intrusion"].version == 9


def test_flags_of_the_first_message_count() -> None:
    dialogue = talk() >> "00010002 00000008 00000007 40000000" << OFFER >> LIST << nothing
    assert not dialogue.session.selection.extended_header
    assert dialogue.session.initial_timestamp == 7


@pytest.mark.parametrize(
    "pairs",
    ["", "000c000c", "00010016", "ffffffff"],
    ids=["empty", "unknown version", "unknown type", "all ones"],
)
def test_a_list_without_anything_usable(pairs: str) -> None:
    size = 20 + len(pairs) // 2
    request = f"00010801 {size:08x} 00001a0b {size:08x} 40000000 00000000 {pairs} 00000000"
    dialogue = talk() >> "00010002 00000008 00000000 40800000" << OFFER >> request
    dialogue << error(-5, "nothing in the request can be answered") << ended
    assert isinstance(dialogue.session.error, RemoteProtocolError)


def test_a_list_for_another_service() -> None:
    request = "00010801 00000018 00001388 00000018 00000000 00000000 000b000c 00000000"
    talk() >> EXTENDED << OFFER >> request << error(-5, "6667") << ended


def test_a_second_service_is_passed_over() -> None:
    other = "00001388 00000014 00000000 00000000 00000000"
    both = f"00010801 00000030 {other} 00001a0b 0000001c 48900061 00000000 000b000c 00040015 00000000"
    dialogue = talk() >> EXTENDED << OFFER >> both << nothing
    assert state(dialogue) is ServerState.BUNDLE


def test_problems_of_a_list_are_words_for_the_log() -> None:
    request = "00010801 0000001c 00001a0b 0000001c 48900061 00000000 00ff000c 000b000c 00000000"
    dialogue = talk() >> EXTENDED << OFFER >> request << nothing
    assert dialogue.session.selection.problems == ("intrusion version 255 is not known",)


def test_allowed_classes_change_while_streaming() -> None:
    session = ServerSession(0.0, allowed={"intrusion"})
    dialogue = Dialogue(session) >> EXTENDED << OFFER
    session.allow({"packet"})
    dialogue >> LIST
    assert session.selection is not None
    assert session.selection.wants(2)
    session.allow({"intrusion", "packet"})
    assert session.selection.wants(400)


# --- acknowledgement --------------------------------------------------------------------------------------


def test_flat_window_is_exact_to_the_message() -> None:
    dialogue = flat(window_messages=3)
    give(dialogue, packets(8, is_flat=True, bundle_items=2))
    assert len(dialogue.heard) == 3
    assert state(dialogue) is ServerState.PAUSED
    assert not dialogue.session.ready
    assert dialogue.session.unsent == 5
    assert dialogue.session.unacknowledged == 3
    dialogue.heard.clear()
    dialogue >> NULL
    assert [message[-1] for message in dialogue.heard] == [3, 4, 5]
    dialogue.heard.clear()
    dialogue >> NULL >> NULL << anything << anything << nothing
    assert state(dialogue) is ServerState.FLAT
    assert dialogue.session.records_sent == 8


def test_bundle_window() -> None:
    dialogue = extended(window_bundles=2)
    give(dialogue, packets(5, is_flat=False, bundle_items=1))
    dialogue << of_type(4002) << of_type(4002) << nothing
    assert state(dialogue) is ServerState.PAUSED
    dialogue >> NULL << of_type(4002) << of_type(4002) << nothing
    dialogue >> NULL << of_type(4002) << nothing
    assert state(dialogue) is ServerState.BUNDLE
    assert dialogue.session.bundles_sent == 5


def test_one_unit_for_each_null() -> None:
    dialogue = extended(window_bundles=2, release_whole_window=False)
    give(dialogue, packets(5, is_flat=False, bundle_items=1))
    dialogue << of_type(4002) << of_type(4002) << nothing
    dialogue >> NULL << of_type(4002) << nothing
    assert state(dialogue) is ServerState.PAUSED


def test_surplus_nulls_in_any_state() -> None:
    dialogue = talk(window_messages=2) >> NULL >> NULL >> FLAT >> NULL >> NULL >> NULL << nothing
    give(dialogue, packets(4, is_flat=True))
    dialogue << anything << anything << nothing
    dialogue = talk() >> NULL >> EXTENDED >> NULL >> NULL << OFFER << nothing
    assert state(dialogue) is ServerState.OFFERED
    dialogue >> LIST >> NULL << nothing


def test_an_acknowledged_client_that_answers_everything() -> None:
    """A deployed client acknowledges the offer, each bundle, and Nulls."""
    dialogue = talk() >> EXTENDED << OFFER >> LIST + NULL
    for number in range(50):
        give(dialogue, packets(1, number, is_flat=False))
        dialogue << of_type(4002) >> NULL << nothing
    dialogue.after(60) << NULL
    dialogue >> NULL << nothing
    assert dialogue.session.nulls_received == 52


def test_default_windows() -> None:
    dialogue = flat()
    give(dialogue, packets(1500, is_flat=True))
    assert len(dialogue.heard) == 1000
    dialogue = extended()
    give(dialogue, packets(30, is_flat=False, bundle_items=1))
    assert len(dialogue.heard) == 20


@given(
    sizes=st.lists(st.integers(0, 12), max_size=8),
    window=st.integers(1, 6),
    is_flat=st.booleans(),
    nulls=st.lists(st.integers(0, 3), max_size=20),
)
def test_whatever_is_acknowledged_order_is_kept(
    sizes: list[int], window: int, is_flat: bool, nulls: list[int]
) -> None:
    options = {"window_messages": window, "window_bundles": window}
    dialogue = flat(**options) if is_flat else extended(**options)
    first = 0
    for size in sizes:
        give(dialogue, packets(size, first, is_flat=is_flat, bundle_items=3))
        first += size
        for _ in range(nulls.pop() if nulls else 1):
            dialogue >> NULL
    for _ in range(first):
        dialogue >> NULL
    sent = b"".join(message[8:] if is_flat else message[16:] for message in dialogue.heard)
    step, place = (20, 16) if is_flat else (28, 24)
    found = [sent[at + place : at + place + 4] for at in range(0, len(sent), step)]
    assert found == [struct.pack(">I", number) for number in range(first)]


# --- host data --------------------------------------------------------------------------------------------


def answer(dialogue: Dialogue, *profiles: bytes, last: bool = True) -> Dialogue:
    """Have the session answer the host data request that waits."""
    return dialogue.hear(dialogue.session.answer_hosts(profiles, dialogue.now, last=last))


def test_no_such_host() -> None:
    for dialogue in (flat(), extended(), talk() >> EXTENDED << OFFER):
        answer(dialogue >> HOST << nothing) << NO_HOST << NULL << nothing
        answer(dialogue >> HOSTS << nothing) << NO_MORE_HOSTS << NULL << nothing
        assert isinstance(dialogue.events[-1], HostDataRequest)
        assert dialogue.session.host_question is None


def test_hosts_that_are_known() -> None:
    dialogue = flat() >> HOST
    question = dialogue.session.host_question
    assert question.request == HostDataRequest(4, 0, "192.0.2.1", "192.0.2.1", legacy=True)
    assert question.selection is dialogue.session.selection
    answer(dialogue, b"first", b"second") << hand_made.header(6, b"first") << nothing
    answer(dialogue >> HOSTS, b"first", b"second") << hand_made.header(7, b"first")
    dialogue << hand_made.header(7, b"second") << NO_MORE_HOSTS << NULL << nothing


def test_many_hosts_in_portions_with_events_in_between() -> None:
    dialogue = extended() >> HOSTS
    answer(dialogue, b"1", b"2", last=False) << hand_made.header(7, b"1") << hand_made.header(7, b"2")
    give(dialogue, packets(3, is_flat=False))
    dialogue << of_type(4002) >> NULL << nothing
    answer(dialogue, last=False) << nothing
    answer(dialogue, b"3", last=False) << hand_made.header(7, b"3") << nothing
    answer(dialogue) << NO_MORE_HOSTS << NULL << nothing


def test_host_requests_are_answered_in_order() -> None:
    dialogue = flat() >> HOSTS + HOST + HOSTS
    answer(dialogue, b"1") << hand_made.header(7, b"1") << NO_MORE_HOSTS << NULL
    answer(dialogue, b"2") << hand_made.header(6, b"2") << nothing
    answer(dialogue) << NO_MORE_HOSTS << NULL << nothing
    with pytest.raises(LocalProtocolError):
        answer(dialogue)


def test_the_examples_of_the_reference() -> None:
    """X17, X18: requests; X19: an answer."""
    dialogue = flat() >> "00010005 00000010 00000004 00000000 c0000201 c0000201"
    assert dialogue.session.host_question.request == HostDataRequest(
        4, 0, "192.0.2.1", "192.0.2.1", legacy=True
    )
    answer(dialogue) << NO_HOST << NULL
    dialogue >> (
        "00010005 00000028 00000007 00000003 00000000 00000000 0000ffff c0000201"
        "00000000 00000000 0000ffff c000020a"
    )
    assert dialogue.session.host_question.request == HostDataRequest(7, 3, "192.0.2.1", "192.0.2.10")
    (
        answer(dialogue, bytes.fromhex("0000006f0000000c00000000"))
        << "00010007 0000000c 0000006f 0000000c 00000000"
    )
    dialogue << NO_MORE_HOSTS << NULL << nothing


def test_a_host_request_keeps_what_was_asked_for_before_it() -> None:
    dialogue = talk() >> EXTENDED << OFFER >> HOST + LIST + HOST
    assert dialogue.session.host_question.selection is None
    answer(dialogue) << NO_HOST << NULL
    assert dialogue.session.host_question.selection is dialogue.session.selection


def test_hosts_are_answered_while_paused() -> None:
    dialogue = flat(window_messages=1)
    give(dialogue, packets(3, is_flat=True))
    answer(dialogue << anything >> HOST) << NO_HOST << NULL << nothing
    assert state(dialogue) is ServerState.PAUSED


def test_a_flood_of_host_requests_ends_the_session() -> None:
    dialogue = flat() >> octets(HOST) * 20_000 << nothing
    dialogue >> HOST << error(-1, "20000 host data requests") << ended
    assert dialogue.session.host_question is None


@pytest.mark.parametrize("data_type", [14, 0x7FFFFFFF, 0xFFFFFFFF])
def test_unknown_kinds_of_host_data(data_type: int) -> None:
    request = f"00010005 00000010 {data_type:08x} 00000000 c0000201 c0000201"
    flat() >> request << error(-5, "host data type") << ended


# --- time -------------------------------------------------------------------------------------------------


def test_keep_alive() -> None:
    dialogue = flat()
    assert dialogue.session.next_timer() == 60
    dialogue.after(59) << nothing
    dialogue.after(1) << NULL << nothing
    assert dialogue.session.next_timer() == 120
    dialogue.after(30) << nothing
    give(dialogue, packets(1, is_flat=True))
    dialogue << anything
    assert dialogue.session.next_timer() == 150
    dialogue.after(60) << NULL << nothing


def test_keep_alive_while_paused_and_after_the_offer() -> None:
    dialogue = extended(keep_alive=5, window_bundles=1)
    give(dialogue, packets(3, is_flat=False, bundle_items=1))
    dialogue << of_type(4002)
    for _ in range(100):
        dialogue.after(5) << NULL << nothing
    assert state(dialogue) is ServerState.PAUSED
    offered = talk(keep_alive=5) >> EXTENDED << OFFER
    offered.after(5) << NULL << nothing


def test_time_for_the_first_request() -> None:
    dialogue = talk()
    dialogue.after(119) << nothing
    assert not dialogue.closed
    dialogue >> NULL
    dialogue.after(1) << error(-1, "no request") << ended
    assert dialogue.session.next_timer() is None


def test_time_to_acknowledge_where_it_is_limited() -> None:
    dialogue = flat(window_messages=1, acknowledge_timeout=10, keep_alive=4)
    give(dialogue, packets(2, is_flat=True))
    dialogue << anything
    dialogue.after(4) << NULL
    dialogue.after(4) << NULL
    dialogue.after(2) << error(-7) << ended
    patient = flat(window_messages=1)
    give(patient, packets(2, is_flat=True))
    patient.after(100_000)
    assert not patient.closed


# --- what is not allowed ----------------------------------------------------------------------------------


@pytest.mark.parametrize("request_again", [FLAT, EXTENDED])
def test_a_second_request(request_again: str) -> None:
    flat() >> request_again << error(-3, "message type 2 is not allowed") << ended
    extended() >> request_again << error(-3) << ended
    talk() >> EXTENDED << OFFER >> request_again << error(-3) << ended


def test_a_list_out_of_place() -> None:
    talk() >> LIST << error(-3, "2049") << ended
    flat() >> LIST << error(-3) << ended
    extended() >> LIST << error(-3) << ended


def test_host_request_before_the_request() -> None:
    talk() >> HOST << error(-3) << ended


@pytest.mark.parametrize("kind", [4, 6, 7, 2051, 4002])
def test_messages_that_only_servers_send(kind: int) -> None:
    message = hand_made.header(kind, b"")
    for dialogue in (talk(), flat(), extended(), talk() >> EXTENDED << OFFER):
        dialogue >> message << error(-3) << ended


@pytest.mark.parametrize("kind", [3, 2050, 2052, 4004, 0xFFFF])
def test_unknown_types_are_reported(kind: int) -> None:
    for dialogue in (talk(), flat(), extended(), talk() >> EXTENDED << OFFER):
        dialogue >> hand_made.header(kind, b"body") << nothing
        assert dialogue.events[-1] == UnknownMessage(kind, b"body")
        assert not dialogue.closed


def test_unknown_types_end_a_strict_session() -> None:
    flat(strict=True) >> hand_made.header(2052, b"") << error(-3) << ended


def test_client_gives_up() -> None:
    for dialogue in (talk(), flat(), extended(), talk() >> EXTENDED << OFFER):
        dialogue >> hand_made.error(-1, "bye") << ended
        assert dialogue.events[-1] == Error(-1, "bye")
        assert isinstance(dialogue.session.error, PeerError)


def test_an_error_that_cannot_be_read_is_one_all_the_same() -> None:
    for body in (b"", b"\xff\xff\xff\xff\xff\xff", bytes(5)):
        dialogue = flat() >> hand_made.header(1, body) << ended
        assert isinstance(dialogue.session.error, PeerError)


def test_nothing_is_heard_after_the_end() -> None:
    dialogue = flat() >> hand_made.error(-1, "bye") + octets(HOST) << ended
    dialogue >> HOST >> "ff" * 100 << ended
    dialogue.after(1000) << ended
    assert dialogue.session.unsent == 0


def test_end_drops_what_waits() -> None:
    dialogue = flat(window_messages=1)
    give(dialogue, packets(3, is_flat=True))
    dialogue << anything >> FLAT << error(-3) << ended
    assert dialogue.session.unsent == 0


BAD_LENGTHS = {
    "null of 1": "00010000 00000001 00",
    "request of 7": "00010002 00000007 00000000 000000",
    "request of 9": "00010002 00000009 00000000 00000000 00",
    "request of 0": "00010002 00000000",
}


@pytest.mark.parametrize("name", BAD_LENGTHS)
def test_bodies_of_the_wrong_length(name: str) -> None:
    talk() >> BAD_LENGTHS[name] << error(-4) << ended


@pytest.mark.parametrize("size", [0, 4, 12, 17, 18, 19, 27, 29])
def test_lists_of_the_wrong_length(size: int) -> None:
    body = (octets(LIST)[8:] + bytes(8))[:size]
    talk() >> EXTENDED << OFFER >> hand_made.header(2049, body) << error(-4) << ended


@pytest.mark.parametrize("size", [0, 15, 17, 24, 39, 41])
def test_host_requests_of_the_wrong_length(size: int) -> None:
    flat() >> hand_made.header(5, bytes(size)) << error(-4) << ended


@pytest.mark.parametrize("version", [0, 2, 0xFFFF])
def test_header_version(version: int) -> None:
    for dialogue in (talk(), flat(), extended()):
        dialogue >> struct.pack(">HHI", version, 0, 0) << error(-2, "version") << ended


@pytest.mark.parametrize("length", [16 * 1024 * 1024 + 1, 0x80000000, 0xFFFFFFFF])
def test_length_above_the_limit(length: int) -> None:
    for dialogue in (talk(), flat(), extended()):
        dialogue >> struct.pack(">HHI", 1, 2, length) << error(-6, str(length)) << ended


def test_limit_is_configurable() -> None:
    talk(message_limit=100) >> struct.pack(">HHI", 1, 2052, 101) << error(-6) << ended
    dialogue = talk(message_limit=100) >> struct.pack(">HHI", 1, 2052, 100) + bytes(100) << nothing
    assert not dialogue.closed


def test_messages_before_a_bad_one_count() -> None:
    dialogue = talk() >> FLAT + HOST + "00020000 00000000"
    assert isinstance(dialogue.events[1], HostDataRequest)
    dialogue << error(-2) << ended
    assert dialogue.session.host_question is None


@pytest.mark.parametrize("message", [FLAT, EXTENDED, LIST, HOST], ids=["flat", "extended", "list", "host"])
def test_every_word_of_every_message(message: str) -> None:
    """Whatever stands in a field: an answer, an Error and close, or waiting for more; never a crash."""
    whole = octets(message)
    for place in range(0, len(whole), 2):
        word = struct.unpack_from(">H", whole, place)[0]
        for value in {0, 1, 0xFFFF, (word + 1) & 0xFFFF, (word - 1) & 0xFFFF} - {word}:
            data = whole[:place] + struct.pack(">H", value) + whole[place + 2 :]
            for dialogue in (talk(), flat(), extended(), talk() >> EXTENDED << OFFER):
                dialogue >> data
                kinds = [message[3] for message in dialogue.heard]
                assert kinds.count(1) <= 1
                if dialogue.closed:
                    assert not kinds or kinds[-1] == 1
                    assert dialogue.session.error is not None


@pytest.mark.parametrize("message", [FLAT, EXTENDED, LIST, HOST], ids=["flat", "extended", "list", "host"])
def test_every_cut_of_every_message(message: str) -> None:
    """A message that breaks off is waited for; cut short and declared so, it is an Error or legal."""
    whole = octets(message)
    for size in range(len(whole)):
        for dialogue in (talk(), flat(), extended()):
            dialogue >> whole[:size] << nothing
            assert not dialogue.closed
        if size >= 8:
            cut_short = talk() >> EXTENDED << OFFER
            cut_short >> hand_made.header(struct.unpack_from(">H", whole, 2)[0], whole[8:size])
            cut_short << error(-3 if message in (FLAT, EXTENDED) else -4) << ended


@given(
    opening=st.sampled_from(["", FLAT, EXTENDED, EXTENDED + LIST]),
    noise=st.lists(
        st.one_of(
            st.binary(max_size=20),
            st.builds(hand_made.header, st.sampled_from([0, 1, 2, 3, 5, 2049, 9]), st.binary(max_size=40)),
            st.sampled_from([octets(item) for item in (NULL, FLAT, EXTENDED, LIST, HOST, HOSTS)]),
        ),
        max_size=8,
    ),
)
def test_noise(opening: str, noise: list[bytes]) -> None:
    dialogue = talk() >> opening
    for data in noise:
        dialogue >> data
    assert all(message[:2] == b"\0\1" for message in dialogue.heard)
    assert [message[3] for message in dialogue.heard].count(1) <= 1


# --- the server's own ends --------------------------------------------------------------------------------


def test_stop_is_silent() -> None:
    dialogue = flat()
    dialogue.session.stop()
    dialogue << ended
    assert dialogue.session.error is None
    dialogue.session.stop()


def test_fail_tells_the_client() -> None:
    dialogue = flat()
    dialogue.session.fail(-1, "the event log cannot be read")
    dialogue.session.fail(-1, "once more")
    dialogue.hear(dialogue.session.data_to_send()) << error(-1, "the event log cannot be read") << ended


def test_certificate_checks_come_first() -> None:
    session = ServerSession(0.0, authenticated=False)
    assert session.state is ServerState.TLS
    assert session.next_timer() is None
    Dialogue(session) >> FLAT << ended
    session = ServerSession(0.0, authenticated=False)
    Dialogue(session) >> "00020000 00000000" << ended
    session = ServerSession(0.0, authenticated=False)
    session.authenticate(50.0)
    session.authenticate(60.0)
    assert session.next_timer() == 170.0
    Dialogue(session) >> EXTENDED << OFFER


def test_records_are_for_streaming_sessions() -> None:
    session = ServerSession(0.0)
    with pytest.raises(LocalProtocolError):
        session.send_items(packets(1, is_flat=True), 0.0)
    with pytest.raises(LocalProtocolError):
        session.send(Null(), 0.0)
    session = flat().session
    with pytest.raises(LocalProtocolError):
        session.send_items(packets(1, is_flat=False), 0.0)
    assert session.send_items(packets(0, is_flat=False), 0.0) == b""
    assert messages_of(session.send(Null(), 0.0)) == [octets(NULL)]
    session.stop()
    with pytest.raises(LocalProtocolError):
        session.send_items(packets(1, is_flat=True), 0.0)
