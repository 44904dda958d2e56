"""What can be seen of a running client at one moment: the body of `/healthz`, and what metrics are made of.

Times are in seconds; an age is None where the thing has never happened. Data only.
"""

from __future__ import annotations

import msgspec


class ServerHealth(msgspec.Struct, kw_only=True):
    """One server.

    Attributes:
        asked: whether its events are wanted just now; not so a secondary whose primary answers.
        connected: in a session in which it has said something. message_age, event_age: since it last did.
        newest: archive second of the newest event received. lag: from being stored to coming here.
        waiting_for: the output whose queue is full, so that nothing is read. trouble: why not connected.
    """

    name: str
    address: str
    asked: bool
    connected: bool
    alive: bool
    message_age: float | None
    event_age: float | None
    newest: int
    lag: float
    waiting_for: str
    trouble: str
    sessions: int
    received: int
    metadata: int
    filtered: int
    undecodable: int
    bytes: int


class SourceHealth(msgspec.Struct, kw_only=True):
    """A server alone or a pair.

    Attributes:
        active: the server that counts. take_over_gap: seconds in which neither had said anything at the last
        take-over; take_over_gaps: all of them together.
    """

    name: str
    pair: bool
    active: str
    take_overs: int
    take_over_gap: float
    take_over_gaps: float
    running: float
    servers: list[ServerHealth]


class OutputHealth(msgspec.Struct, kw_only=True):
    """One output.

    Attributes:
        trouble, failing_for: what is wrong and since when. busy_for: with the batch at hand.
        behind: it catches up later with what its queue had no room for.
        lag: archive seconds between the newest event received for it and the newest it has.
        written, filtered, dropped, refused, repeated: records; retries of a batch; restarts after an error.
    """

    name: str
    format: str
    target: str
    state: str
    alive: bool
    trouble: str
    failing_for: float
    busy_for: float
    queue_bytes: int
    queue_limit: int
    behind: bool
    lag: float
    saved_age: float | None
    written: int
    filtered: int
    dropped: int
    refused: int
    repeated: int
    retries: int
    restarts: int


class ServiceHealth(msgspec.Struct, kw_only=True):
    """Everything. `reasons` say why it is not healthy."""

    healthy: bool = True
    reasons: list[str] = []
    uptime: float
    reloads: int
    sources: list[SourceHealth]
    outputs: list[OutputHealth]
