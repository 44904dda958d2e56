"""The states of a session and what each message does in them: two tables, one for each side.

Every pair of state and message type has a row: the action taken and the state that follows. The session
classes look every message up here and do nothing else of their own accord; the documentation prints the same
tables (`markdown`). Message types without a name share the row OTHER.

Rules: chapter 2 of the integration guide, "Understanding the eStreamer Application Protocol". What the guide
leaves open (it does not say what a server answers to wrong messages) is our choice and marked in the docs.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Generic, TypeVar

import msgspec

from .messages import MessageType

OTHER = -1
"""Stands for every message type that has no name."""

ALL_TYPES: tuple[int, ...] = (*MessageType, OTHER)


class ServerState(Enum):
    """Where a server's session is."""

    TLS = "S0"
    WAIT_REQUEST = "S1"
    OFFERED = "S2"
    FLAT = "S3"
    BUNDLE = "S4"
    PAUSED = "S5"
    CLOSING = "S6"


class ClientState(Enum):
    """Where a client's session is."""

    CONNECTED = "C0"
    WAIT_INFORMATION = "C1"
    STREAM_FLAT = "C2"
    STREAM_BUNDLE = "C3"
    CLOSED = "C4"


class ServerAction(Enum):
    """What a server does with a message; the values are the words of the printed table."""

    DROP = "close without an Error"
    IGNORE = "nothing"
    BEGIN = "bit 30 clear: begin to stream; bit 30 set: answer 2051"
    CHOOSE = "keep the list and begin to stream; nothing usable in it: Error -5, close"
    RELEASE = "open the window"
    HOST_DATA = "answer with 6 or 7"
    PEER_GAVE_UP = "close"
    REFUSE = "Error -3, close"
    UNKNOWN = "report it; strict: Error -3, close"
    DISCARD = "discard"


class ClientAction(Enum):
    """What a client does with a message; the values are the words of the printed table."""

    STILL_THERE = "note that the server is alive"
    PEER_GAVE_UP = "report it, close"
    CHOOSE = "answer 2049; service 6667 is missing: close"
    RECORD = "deliver the record, acknowledge it"
    BUNDLE = "deliver the records, acknowledge the bundle"
    HOST_DATA = "deliver"
    IGNORE = "report it, stay"
    DISCARD = "discard"


SERVER_STATES: Mapping[ServerState, tuple[str, str]] = {
    ServerState.TLS: ("TCP accept", "handshake and certificate checks, outside the session"),
    ServerState.WAIT_REQUEST: ("checks passed", "nothing; after a limit without a request: Error -1, close"),
    ServerState.OFFERED: ("2051 sent", "2051, keep-alive 0"),
    ServerState.FLAT: ("request without bit 30", "4, keep-alive 0; 6 or 7 on request"),
    ServerState.BUNDLE: ("list accepted", "4002, keep-alive 0; 6 or 7 on request"),
    ServerState.PAUSED: ("window full", "keep-alive 0; 6 or 7 on request"),
    ServerState.CLOSING: ("fatal error, or stop", "1 unless stopped or refused, then TLS and TCP close"),
}
"""State -> how it is entered, what is sent in it."""

CLIENT_STATES: Mapping[ClientState, tuple[str, str]] = {
    ClientState.CONNECTED: ("TLS done", "2 at once"),
    ClientState.WAIT_INFORMATION: ("2 with bit 30 sent", "nothing"),
    ClientState.STREAM_FLAT: ("2 without bit 30 sent", "0 for each message; 5"),
    ClientState.STREAM_BUNDLE: ("2051 received", "2049, then 0 for each bundle; 5"),
    ClientState.CLOSED: ("Error, fatal error, or end", "1 if possible, then close"),
}
"""State -> how it is entered, what is sent in it."""

Action = TypeVar("Action", ServerAction, ClientAction)
State = TypeVar("State", ServerState, ClientState)


class Row(msgspec.Struct, Generic[Action, State], frozen=True):
    """What one message does in one state.

    `following` are the states that may come next; the first one is the ordinary case.
    """

    action: Action
    following: tuple[State, ...]


def _server_table() -> dict[tuple[ServerState, int], Row[ServerAction, ServerState]]:
    closing = ServerState.CLOSING
    table: dict[tuple[ServerState, int], Row[ServerAction, ServerState]] = {}

    def put(state: ServerState, message_type: int, action: ServerAction, *following: ServerState) -> None:
        table[state, message_type] = Row(action, following)

    for message_type in ALL_TYPES:
        put(ServerState.TLS, message_type, ServerAction.DROP, closing)
        put(closing, message_type, ServerAction.DISCARD, closing)
    for state in ServerState:
        if state in (ServerState.TLS, closing):
            continue
        for message_type in ALL_TYPES:
            put(state, message_type, ServerAction.REFUSE, closing)
        put(state, OTHER, ServerAction.UNKNOWN, state, closing)
        put(state, MessageType.ERROR, ServerAction.PEER_GAVE_UP, closing)
        put(state, MessageType.HOST_DATA_REQUEST, ServerAction.HOST_DATA, state)
    for state in (ServerState.WAIT_REQUEST, ServerState.OFFERED):
        put(state, MessageType.NULL, ServerAction.IGNORE, state)
    for state in (ServerState.FLAT, ServerState.BUNDLE):
        put(state, MessageType.NULL, ServerAction.RELEASE, state)
    put(
        ServerState.PAUSED, MessageType.NULL, ServerAction.RELEASE,
        ServerState.FLAT, ServerState.BUNDLE, ServerState.PAUSED,
    )  # fmt: skip
    waiting = ServerState.WAIT_REQUEST
    put(waiting, MessageType.HOST_DATA_REQUEST, ServerAction.REFUSE, closing)
    put(
        waiting, MessageType.EVENT_STREAM_REQUEST, ServerAction.BEGIN,
        ServerState.FLAT, ServerState.OFFERED,
    )  # fmt: skip
    put(
        ServerState.OFFERED, MessageType.STREAMING_REQUEST, ServerAction.CHOOSE,
        ServerState.BUNDLE, closing,
    )  # fmt: skip
    return table


def _client_table() -> dict[tuple[ClientState, int], Row[ClientAction, ClientState]]:
    closed = ClientState.CLOSED
    table: dict[tuple[ClientState, int], Row[ClientAction, ClientState]] = {}

    def put(state: ClientState, message_type: int, action: ClientAction, *following: ClientState) -> None:
        table[state, message_type] = Row(action, following)

    for state in ClientState:
        for message_type in ALL_TYPES:
            put(state, message_type, ClientAction.IGNORE, state)
    for message_type in ALL_TYPES:
        put(closed, message_type, ClientAction.DISCARD, closed)
    streaming = (ClientState.STREAM_FLAT, ClientState.STREAM_BUNDLE)
    for state in (ClientState.WAIT_INFORMATION, *streaming):
        put(state, MessageType.NULL, ClientAction.STILL_THERE, state)
        put(state, MessageType.ERROR, ClientAction.PEER_GAVE_UP, closed)
        put(state, MessageType.EVENT_DATA, ClientAction.RECORD, state)
        put(state, MessageType.SINGLE_HOST_DATA, ClientAction.HOST_DATA, state)
        put(state, MessageType.MULTIPLE_HOST_DATA, ClientAction.HOST_DATA, state)
    for state in (ClientState.WAIT_INFORMATION, ClientState.STREAM_BUNDLE):
        put(state, MessageType.MESSAGE_BUNDLE, ClientAction.BUNDLE, state)
    put(
        ClientState.WAIT_INFORMATION, MessageType.STREAMING_INFORMATION, ClientAction.CHOOSE,
        ClientState.STREAM_BUNDLE, closed,
    )  # fmt: skip
    return table


SERVER_TABLE = _server_table()
"""(state, message type from the client) -> what the server does."""

CLIENT_TABLE = _client_table()
"""(state, message type from the server) -> what the client does."""

_KNOWN = frozenset(MessageType)


def row_type(message_type: int) -> int:
    """The message type under which the tables keep a type: itself, or OTHER."""
    return message_type if message_type in _KNOWN else OTHER


# --- printing ---------------------------------------------------------------------------------------------


def _type_words(message_types: list[int]) -> str:
    return ", ".join("any other" if item == OTHER else str(int(item)) for item in message_types)


def _print(
    states: Mapping[State, tuple[str, str]], table: Mapping[tuple[State, int], Row[Action, State]]
) -> str:
    lines = ["| state | entered by | sends |", "| --- | --- | --- |"]
    for state, (entered, sends) in states.items():
        lines.append(f"| {state.value} {state.name} | {entered} | {sends} |")
    lines += ["", "| in state | on message | does | goes to |", "| --- | --- | --- | --- |"]
    for state in states:
        grouped: dict[Row[Action, State], list[int]] = {}
        for message_type in ALL_TYPES:
            grouped.setdefault(table[state, message_type], []).append(message_type)
        for row, message_types in sorted(grouped.items(), key=lambda item: (item[1][0] == OTHER, item[1])):
            following = " or ".join(item.value for item in row.following)
            words = "all" if len(message_types) == len(ALL_TYPES) else _type_words(message_types)
            lines.append(f"| {state.value} | {words} | {row.action.value} | {following} |")
    return "\n".join(lines) + "\n"


def server_markdown() -> str:
    """The server's states and table, as the documentation prints them."""
    return _print(SERVER_STATES, SERVER_TABLE)


def client_markdown() -> str:
    """The client's states and table, as the documentation prints them."""
    return _print(CLIENT_STATES, CLIENT_TABLE)
