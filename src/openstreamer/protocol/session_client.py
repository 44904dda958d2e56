"""The client's side of one conversation: bytes in, records out.

    session = ClientSession(initial_timestamp, flags, event_types)
    write(session.start())
    for event in session.receive(data, now): ...    # Records, other messages, MalformedRecord
    write(session.acknowledge())                    # once the records are safe; answers go with it
    session.handle_timer(now)                       # at session.next_timer()
    if session.closed: ...                          # write data_to_send(), then close; `error` says why

All records that one call of `receive` completes come in one `Records` event, before other events; a bundle is
acknowledged by one Null, in flat mode each message is. What each message does in each state is a row of
states.CLIENT_TABLE. Nothing here touches a socket or a clock.

Rules: chapter 2 of the integration guide, "Understanding the eStreamer Application Protocol"; the page on
sessions in docs/protocol says what is ours where the guide is silent.
"""

from __future__ import annotations

from collections.abc import Sequence

from openstreamer.errors import (
    LocalProtocolError,
    OpenStreamerError,
    PeerError,
    RemoteProtocolError,
    TransportError,
)

from .framing import MESSAGE_LIMIT, FrameReader
from .messages import (
    Error,
    ErrorCode,
    EventStreamRequest,
    HostDataRequest,
    Message,
    MessageType,
    Null,
    StreamingInformation,
    StreamingRequest,
    UnknownMessage,
    decode_message,
    encode_message,
)
from .selection import EXTENDED_REQUEST
from .services import EVENT_STREAMING, Service
from .states import CLIENT_TABLE, ClientAction, ClientState, row_type
from .unbundle import Event, MalformedRecord, RecordReader, Records

_NULL = encode_message(Null())

DEAD_AFTER = 300.0
"""Seconds without any message after which the link is taken for dead; servers send a Null now and then."""


class ClientSession:
    """One conversation of a client; see the head of this module.

    Args:
        initial_timestamp: archive time to begin with, in UNIX seconds; 0 the oldest, all ones now.
        flags: the request flags; bit 30 decides about the mode.
        event_types: (event type, version) pairs of the extended request.
        dead_after: seconds without any message after which the link is taken for dead; None for never.
        message_limit: longest message accepted, in bytes. This is a security limit.
        answer_all: answer every message with a Null, as the reference client does, not only those that are
            to be acknowledged.

    Attributes that others read: `error` (why the session ended), `services` (what the server offered),
    `bundles`, `bundle_gaps` (bundles whose number did not follow the last one's), `ignored` (messages that
    had no business where they came), `nulls_received`.
    """

    def __init__(
        self,
        initial_timestamp: int,
        flags: int,
        event_types: Sequence[tuple[int, int]] | None = None,
        *,
        dead_after: float | None = DEAD_AFTER,
        message_limit: int = MESSAGE_LIMIT,
        answer_all: bool = False,
    ) -> None:
        self.state = ClientState.CONNECTED
        self.error: OpenStreamerError | None = None
        self.services: tuple[Service, ...] = ()
        self.bundles = self.bundle_gaps = self.ignored = self.nulls_received = 0
        self._request = EventStreamRequest(initial_timestamp, flags)
        self._event_types = tuple(event_types or ())
        self._dead_after = dead_after
        self._answer_all = answer_all
        self._reader = FrameReader(message_limit)
        self._records = RecordReader()
        self._out: list[bytes] = []
        self._unacknowledged = 0
        self._sequence: int | None = None
        self._heard: float | None = None

    # --- what the client asks -----------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether the session has ended: send what `data_to_send` gives, then close."""
        return self.state is ClientState.CLOSED

    @property
    def malformed(self) -> int:
        """Records reported as MalformedRecord so far."""
        return self._records.malformed

    @property
    def flag_mismatches(self) -> int:
        """Record headers whose top bit disagrees with their length so far."""
        return self._records.flag_mismatches

    @property
    def unacknowledged(self) -> int:
        """Messages (flat) or bundles that `acknowledge` will answer."""
        return self._unacknowledged

    # --- bytes to the server ------------------------------------------------------------------------------

    def start(self, now: float | None = None) -> bytes:
        """The first message, to be sent at once; with `now` the watch over a dead link begins.

        Raises:
            LocalProtocolError: it was given before.
        """
        if self.state is not ClientState.CONNECTED:
            raise LocalProtocolError("the session was started before")
        extended = self._request.flags & EXTENDED_REQUEST
        self.state = ClientState.WAIT_INFORMATION if extended else ClientState.STREAM_FLAT
        self._heard = now
        return encode_message(self._request)

    def data_to_send(self) -> bytes:
        """Take the answers that wait to be written."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def acknowledge(self) -> bytes:
        """Acknowledge everything received so far, once it is safe: answers and Nulls to be written."""
        count, self._unacknowledged = self._unacknowledged, 0
        if self._out:
            return self.data_to_send() + _NULL * count
        return _NULL * count

    def send(self, message: HostDataRequest) -> bytes:
        """Ask for host profiles; answers come as SingleHostData or MultipleHostData events.

        Raises:
            LocalProtocolError: the session has not begun or has ended.
        """
        if self.state in (ClientState.CONNECTED, ClientState.CLOSED):
            raise LocalProtocolError(f"no host request can be sent in state {self.state.value}")
        return self.data_to_send() + encode_message(message)

    def close(self, text: str = "", code: int = ErrorCode.GENERAL) -> bytes:
        """End the session; with a text, the bytes are the Error message that tells the server why."""
        if self.closed:
            return self.data_to_send()
        self.state = ClientState.CLOSED
        if text:
            self._out.append(encode_message(Error(code, text)))
        return self.data_to_send()

    # --- bytes from the server ----------------------------------------------------------------------------

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take bytes from the server, however they are split; gives what they complete.

        If the session ends here, `closed` is set, and `error` says why; the events came before that. Deliver
        them, then write `data_to_send`.

        Raises:
            PeerError, RemoteProtocolError, TransportError: the session had ended in an earlier call.
        """
        if self.closed:
            if self.error is not None:
                raise self.error
            return []
        self._heard = now
        for message_type, body in self._reader.receive(data):
            self._take(message_type, body)
            if self.closed:
                break
        else:
            if self._reader.error is not None:
                self._fail(self._reader.error)
        return self._records.take()

    def _take(self, message_type: int, body: bytes) -> None:
        action = CLIENT_TABLE[self.state, row_type(message_type)].action
        if self._answer_all and action not in (ClientAction.BUNDLE, ClientAction.RECORD):
            self._unacknowledged += 1
        if action is ClientAction.BUNDLE:
            self._count_bundle(self._records.bundle(body))
            self._unacknowledged += 1
            if self._records.error is not None:
                self._peer_gave_up(self._records.error)
        elif action is ClientAction.STILL_THERE:
            self.nulls_received += 1
            self._records.report(Null())
        elif action is ClientAction.RECORD:
            self._records.message(body)
            self._unacknowledged += 1
        elif action is ClientAction.IGNORE:
            self.ignored += 1
            self._records.report(UnknownMessage(message_type, body))
        elif action is not ClientAction.DISCARD:
            try:
                message = decode_message(message_type, body)
            except RemoteProtocolError as error:
                if action is not ClientAction.PEER_GAVE_UP:
                    self._fail(error)
                    return
                message = Error(ErrorCode.GENERAL, "an Error message that cannot be read")
            self._answer(message)

    def _peer_gave_up(self, message: Error) -> None:
        self.state = ClientState.CLOSED
        self.error = PeerError(message.code, message.text)

    def _answer(self, message: Message) -> None:
        if isinstance(message, Error):
            self._peer_gave_up(message)
        elif isinstance(message, StreamingInformation):
            self.services = message.services
            if all(service.type != EVENT_STREAMING for service in message.services):
                offered = ", ".join(str(service.type) for service in message.services)
                self._fail(
                    RemoteProtocolError(
                        f"the server offers no event streaming (service {EVENT_STREAMING}), only {offered}",
                        code=ErrorCode.UNSUPPORTED_REQUEST,
                    )
                )
                return
            request = self._request
            service = Service(EVENT_STREAMING, request.flags, request.initial_timestamp, self._event_types)
            self._out.append(encode_message(StreamingRequest((service,))))
            self.state = ClientState.STREAM_BUNDLE
        self._records.report(message)

    def _count_bundle(self, sequence: int | None) -> None:
        self.bundles += 1
        if sequence is not None:
            if self._sequence is not None and sequence != (self._sequence + 1) & 0xFFFFFFFF:
                self.bundle_gaps += 1
            self._sequence = sequence

    # --- time and the end ---------------------------------------------------------------------------------

    def next_timer(self) -> float | None:
        """When `handle_timer` wants to be called, None for never."""
        if self.closed or self._heard is None or self._dead_after is None:
            return None
        return self._heard + self._dead_after

    def handle_timer(self, now: float) -> None:
        """Take the link for dead if nothing was heard for too long: then `closed` and `error` are set."""
        due = self.next_timer()
        if due is not None and now >= due:
            self.state = ClientState.CLOSED
            self.error = TransportError(f"the server sent nothing for {self._dead_after:g} s")

    def _fail(self, error: RemoteProtocolError) -> None:
        """End the session because the server broke the protocol, and tell it so."""
        self.state = ClientState.CLOSED
        self.error = error
        self._out.append(encode_message(Error(error.code, str(error))))


__all__ = ["DEAD_AFTER", "ClientSession", "Event", "MalformedRecord", "MessageType", "Records"]
