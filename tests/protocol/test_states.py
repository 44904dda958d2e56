"""The tables of states: complete, true to what the sessions do, and printed in the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from openstreamer.protocol.items import PendingChunk, cut
from openstreamer.protocol.session_client import ClientSession
from openstreamer.protocol.session_server import ServerOptions, ServerSession
from openstreamer.protocol.states import (
    ALL_TYPES,
    CLIENT_STATES,
    CLIENT_TABLE,
    OTHER,
    SERVER_STATES,
    SERVER_TABLE,
    ClientAction,
    ClientState,
    ServerAction,
    ServerState,
    client_markdown,
    row_type,
    server_markdown,
)
from openstreamer.protocol.unbundle import MalformedRecord, Records
from support import hand_made
from support.dialogue import Dialogue, ended, error, nothing, octets

FLAT = "00010002 00000008 00000000 00000041"
EXTENDED = "00010002 00000008 00000000 48900061"
LIST = "00010801 0000001c 00001a0b 0000001c 48900061 00000000 000b000c 00040015 00000000"

FROM_CLIENT: dict[int, bytes] = {
    0: hand_made.null(),
    1: hand_made.error(-1, "bye"),
    2: octets(FLAT),
    4: hand_made.event_data(2, b"x"),
    5: octets("00010005 00000010 00000004 00000000 c0000201 c0000201"),
    6: hand_made.header(6, b""),
    7: hand_made.header(7, b""),
    2049: octets(LIST),
    2051: hand_made.streaming_information(),
    4002: hand_made.bundle(1, []),
    OTHER: hand_made.header(2052, b"x"),
}
"""One well-formed message of each type; every one is legal somewhere or nowhere, the table says."""


def server_in(state: ServerState, *, strict: bool = False) -> Dialogue:
    """A server's session in a state, led there by a conversation."""
    session = ServerSession(
        0.0,
        options=ServerOptions(window_messages=1, strict=strict),
        authenticated=state is not ServerState.TLS,
    )
    dialogue = Dialogue(session)
    if state is ServerState.OFFERED:
        dialogue >> EXTENDED
    elif state in (ServerState.FLAT, ServerState.PAUSED):
        dialogue >> FLAT
    elif state is ServerState.BUNDLE:
        dialogue >> EXTENDED >> LIST
    if state is ServerState.PAUSED:
        session.send_items(cut(PendingChunk([(2, 0, b"x")]).seal(1), flat=True), 0.0)
    if state is ServerState.CLOSING:
        dialogue >> FLAT
        session.stop()
    dialogue.heard.clear()
    dialogue.events.clear()
    assert session.state is state
    return dialogue


def client_in(state: ClientState) -> Dialogue:
    """A client's session in a state, led there by a conversation."""
    session = ClientSession(0, 0x41 if state is ClientState.STREAM_FLAT else 0x48900061, ((12, 11),))
    dialogue = Dialogue(session)
    if state is not ClientState.CONNECTED:
        session.start()
    if state is ClientState.STREAM_BUNDLE:
        dialogue >> hand_made.streaming_information()
    if state is ClientState.CLOSED:
        session.close()
    dialogue.heard.clear()
    dialogue.events.clear()
    assert session.state is state
    return dialogue


def test_tables_are_complete() -> None:
    assert set(SERVER_TABLE) == {(state, kind) for state in ServerState for kind in ALL_TYPES}
    assert set(CLIENT_TABLE) == {(state, kind) for state in ClientState for kind in ALL_TYPES}
    assert set(SERVER_STATES) == set(ServerState)
    assert set(CLIENT_STATES) == set(ClientState)
    assert {row.action for row in SERVER_TABLE.values()} == set(ServerAction)
    assert {row.action for row in CLIENT_TABLE.values()} == set(ClientAction)
    assert set(FROM_CLIENT) == set(ALL_TYPES)


def test_types_without_a_name_share_a_row() -> None:
    assert row_type(2051) == 2051
    assert {row_type(kind) for kind in (3, 8, 2050, 2052, 4004, 65535)} == {OTHER}


@pytest.mark.parametrize(("state", "kind"), SERVER_TABLE, ids=str)
def test_server_does_what_its_table_says(state: ServerState, kind: int) -> None:
    row = SERVER_TABLE[state, kind]
    dialogue = server_in(state) >> FROM_CLIENT[kind]
    session = dialogue.session
    assert session.state in row.following
    match row.action:
        case ServerAction.IGNORE | ServerAction.RELEASE:
            dialogue << nothing
            assert len(dialogue.events) == 1
        case ServerAction.UNKNOWN:
            dialogue << nothing
            assert len(dialogue.events) == 1
            server_in(state, strict=True) >> FROM_CLIENT[kind] << error(-3) << ended
        case ServerAction.BEGIN:
            dialogue << nothing
            assert session.state is row.following[0]
            other = server_in(state) >> EXTENDED << hand_made.streaming_information() << nothing
            assert other.session.state is row.following[1]
        case ServerAction.CHOOSE:
            dialogue << nothing
            assert session.state is row.following[0]
        case ServerAction.HOST_DATA:
            dialogue << nothing
            dialogue.hear(session.answer_hosts((), 0.0, last=True))
            dialogue << hand_made.header(6, b"") << hand_made.null() << nothing
            assert session.state is state
        case ServerAction.REFUSE:
            dialogue << error(-3) << ended
            assert not dialogue.events
        case ServerAction.PEER_GAVE_UP:
            dialogue << ended
            assert len(dialogue.events) == 1
        case ServerAction.DROP:
            dialogue << ended
            assert not dialogue.events
        case ServerAction.DISCARD:
            dialogue << ended
            assert not dialogue.events


@pytest.mark.parametrize(("state", "kind"), CLIENT_TABLE, ids=str)
def test_client_does_what_its_table_says(state: ClientState, kind: int) -> None:
    row = CLIENT_TABLE[state, kind]
    dialogue = client_in(state) >> FROM_CLIENT[kind]
    session = dialogue.session
    assert session.state in row.following
    match row.action:
        case ClientAction.STILL_THERE:
            assert session.nulls_received == 1
            dialogue << nothing
        case ClientAction.PEER_GAVE_UP:
            dialogue << ended
            assert "bye" in str(session.error)
        case ClientAction.CHOOSE:
            assert session.state is row.following[0]
            assert len(dialogue.heard) == 1
            other = client_in(state) >> hand_made.streaming_information((5000,)) << error(-5) << ended
            assert other.session.state is row.following[1]
        case ClientAction.RECORD:
            assert isinstance(dialogue.events[0], Records)
            assert session.unacknowledged == 1
        case ClientAction.BUNDLE:
            assert session.unacknowledged == 1
        case ClientAction.HOST_DATA:
            assert len(dialogue.events) == 1
            assert session.unacknowledged == 0
        case ClientAction.IGNORE:
            assert session.ignored == 1
            assert len(dialogue.events) == 1
            assert not isinstance(dialogue.events[0], Records | MalformedRecord)
            dialogue << nothing
        case ClientAction.DISCARD:
            assert not dialogue.events
            dialogue << ended


def test_documentation_prints_the_tables() -> None:
    page = (Path(__file__).parents[2] / "docs" / "protocol" / "sessions.md").read_text("utf-8")
    assert server_markdown() in page, "docs/protocol/sessions.md is out of date: make docs"
    assert client_markdown() in page, "docs/protocol/sessions.md is out of date: make docs"
