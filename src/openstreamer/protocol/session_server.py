"""The server's side of one conversation: bytes and records in, bytes out.

    session = ServerSession(now, options=ServerOptions(...), allowed={"intrusion", ...})
    for message in session.receive(data, now): ...  # what the client said; answers are made by the session
    write(session.data_to_send())
    if session.ready:                               # `selection` and `initial_timestamp` are known
        write(session.send_items(items, now))       # what the window does not admit waits in the session
    if session.host_question is not None:           # host profiles were asked for
        write(session.answer_hosts(profiles, now, last=True))   # or in portions; records may go in between
    session.handle_timer(now)                       # at session.next_timer()
    if session.closing: ...                         # write data_to_send(), then close; `error` says why

What each message does in each state is a row of states.SERVER_TABLE; the methods below carry the rows out.
Times are seconds of any clock that does not go back. Nothing here touches a socket, a clock or the store.

Rules: chapter 2 of the integration guide, "Understanding the eStreamer Application Protocol"; the page on
sessions in docs/protocol says what is ours where the guide is silent (windows, codes, periods).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import msgspec

from openstreamer.errors import LocalProtocolError, OpenStreamerError, PeerError, RemoteProtocolError
from openstreamer.layouts.host_requests import HOST_DATA_TYPES
from openstreamer.layouts.records import EVENT_CLASSES

from .framing import MESSAGE_LIMIT, FrameReader
from .items import Items
from .messages import (
    Error,
    ErrorCode,
    EventStreamRequest,
    HostDataRequest,
    Message,
    MessageType,
    MultipleHostData,
    Null,
    SingleHostData,
    StreamingInformation,
    StreamingRequest,
    decode_message,
    encode_message,
)
from .selection import EXTENDED_REQUEST, HeaderOptions, Selection, select
from .services import EVENT_STREAMING, Service
from .states import SERVER_TABLE, ServerAction, ServerState, row_type
from .window import Pieces, SendWindow

_NULL = encode_message(Null())
_MOST_QUESTIONS = 20_000
"""Host data requests that may wait for their answer in one session. This is a security limit."""


class HostQuestion(msgspec.Struct, frozen=True):
    """A host data request, with what decides about the form of its answer.

    `selection` is what the session had asked for when it came (None: nothing yet), `any_form` as in
    `ServerOptions`.
    """

    request: HostDataRequest
    selection: Selection | None
    any_form: bool = False


class ServerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator may choose. Times are in seconds, sizes in bytes."""

    window_messages: int = 1000
    """Messages sent without acknowledgement before the session pauses, in flat mode."""
    window_bundles: int = 20
    """Bundles sent without acknowledgement before the session pauses, in extended mode."""
    release_whole_window: bool = True
    """A Null from the client releases the whole window; otherwise one message or bundle."""
    keep_alive: float = 60.0
    """A Null is sent after this long without anything sent."""
    request_timeout: float = 120.0
    """Time for the first request."""
    acknowledge_timeout: float | None = None
    """Time that a full window may last; None for ever, as the guide has it."""
    message_limit: int = MESSAGE_LIMIT
    """Longest message accepted. This is a security limit."""
    strict: bool = False
    """Messages of unknown types end the session instead of being reported."""
    nearest_lower: bool = False
    """A version that is not known is answered with the nearest lower one."""
    headers: HeaderOptions = HeaderOptions()
    """What is written into record headers besides."""
    any_form: bool = False
    """The client tells forms apart by itself: host data requests for 5.0 and later get the newest block."""


class ServerSession:
    """One client's conversation with the server; see the head of this module.

    Attributes that others read: `selection` and `initial_timestamp` (None until the client has asked),
    `error` (why the session ended, None while it lives or after `stop`), `connection_id`, and the counter
    `nulls_received`.
    """

    def __init__(
        self,
        now: float,
        *,
        connection_id: int = 1,
        options: ServerOptions | None = None,
        allowed: Iterable[str] = EVENT_CLASSES,
        authenticated: bool = True,
    ) -> None:
        self.connection_id = connection_id & 0xFFFFFFFF
        self.options = options or ServerOptions()
        self.selection: Selection | None = None
        self.initial_timestamp: int | None = None
        self.error: OpenStreamerError | None = None
        self.nulls_received = 0
        self._allowed = frozenset(allowed)
        self._state = ServerState.WAIT_REQUEST if authenticated else ServerState.TLS
        self._reader = FrameReader(self.options.message_limit)
        self._flags = 0
        self._events: list[Message] = []
        self._out: Pieces = []
        self._window: SendWindow | None = None
        self._questions: deque[HostQuestion] = deque()
        self._began = self._sent_at = self._paused_at = now

    # --- what the server asks -----------------------------------------------------------------------------

    @property
    def state(self) -> ServerState:
        """The state in which the next message is looked up."""
        if self.streaming and self._window is not None and self._window.full:
            return ServerState.PAUSED
        return self._state

    @property
    def streaming(self) -> bool:
        """Whether the client has asked and gets records, paused or not."""
        return self._state in (ServerState.FLAT, ServerState.BUNDLE)

    @property
    def ready(self) -> bool:
        """Whether `send_items` would send at once: streaming, window not full, nothing waiting inside."""
        window = self._window
        return self.streaming and window is not None and not window.full and not window.waiting

    @property
    def unsent(self) -> int:
        """Records that were given to `send_items` and wait for the window."""
        return self._window.waiting if self._window is not None else 0

    @property
    def unacknowledged(self) -> int:
        """Messages (flat) or bundles (extended) sent since the client's last acknowledgement."""
        return self._window.unacknowledged if self._window is not None else 0

    @property
    def records_sent(self) -> int:
        """Records given out so far."""
        return self._window.records_sent if self._window is not None else 0

    @property
    def bundles_sent(self) -> int:
        """Bundles given out so far; 0 in flat mode."""
        return self._window.bundles_sent if self._window is not None else 0

    @property
    def allowed(self) -> frozenset[str]:
        """The event classes that may be sent."""
        return self._allowed

    @property
    def host_question(self) -> HostQuestion | None:
        """The host data request whose answer `answer_hosts` takes; they are answered in order."""
        return self._questions[0] if self._questions else None

    @property
    def host_questions(self) -> int:
        """Host data requests that wait for their answer."""
        return len(self._questions)

    @property
    def closing(self) -> bool:
        """Whether the session has ended: send what `data_to_send` gives, then close."""
        return self._state is ServerState.CLOSING

    def data_to_send(self) -> bytes:
        """Take the bytes that wait to be written: answers, Nulls, records that an acknowledgement freed."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    # --- bytes from the client ----------------------------------------------------------------------------

    def authenticate(self, now: float) -> None:
        """Say that the TLS handshake and the certificate checks are passed (state S0 to S1)."""
        if self._state is ServerState.TLS:
            self._state, self._began, self._sent_at = ServerState.WAIT_REQUEST, now, now

    def receive(self, data: bytes, now: float) -> list[Message]:
        """Take bytes from the client; gives its messages, in order, that were legal or unknown.

        Answers are made here: write `data_to_send` afterwards, then look at `closing`.
        """
        self._events = []
        if self.closing:
            return self._events
        for message_type, body in self._reader.receive(data):
            self._take(message_type, body, now)
            if self.closing:
                return self._events
        if self._reader.error is not None:
            if self._state is ServerState.TLS:
                self._end(self._reader.error)
            else:
                self._fail(self._reader.error)
        return self._events

    def _take(self, message_type: int, body: bytes, now: float) -> None:
        state = self.state
        action = SERVER_TABLE[state, row_type(message_type)].action
        try:
            if action is ServerAction.PEER_GAVE_UP:
                self._peer_gave_up(body)
            elif action is ServerAction.DROP:
                self._end(RemoteProtocolError("a message came before the certificate checks were passed"))
            elif action is ServerAction.REFUSE or (action is ServerAction.UNKNOWN and self.options.strict):
                raise RemoteProtocolError(
                    f"message type {message_type} is not allowed in state {state.value} ({state.name})",
                    code=ErrorCode.NOT_ALLOWED,
                )
            elif action is not ServerAction.DISCARD:
                message = decode_message(message_type, body)
                self._events.append(message)
                if action is ServerAction.RELEASE:
                    self._release(now)
                elif action is ServerAction.BEGIN and isinstance(message, EventStreamRequest):
                    self._begin(message, now)
                elif action is ServerAction.CHOOSE and isinstance(message, StreamingRequest):
                    self._choose(message, now)
                elif action is ServerAction.HOST_DATA and isinstance(message, HostDataRequest):
                    self._take_host_request(message)
        except RemoteProtocolError as error:
            self._fail(error)

    # --- one method per row of the table ------------------------------------------------------------------

    def _begin(self, message: EventStreamRequest, now: float) -> None:
        self.initial_timestamp = message.initial_timestamp
        self._flags = message.flags
        if message.flags & EXTENDED_REQUEST:
            self._write(StreamingInformation((Service(EVENT_STREAMING),)), now)
            self._state = ServerState.OFFERED
        else:
            self._stream(ServerState.FLAT, None, self.options.window_messages)

    def _choose(self, message: StreamingRequest, now: float) -> None:
        pairs = [
            pair
            for service in message.services
            if service.type == EVENT_STREAMING
            for pair in service.event_types
        ]
        if all(service.type != EVENT_STREAMING for service in message.services):
            raise RemoteProtocolError(
                f"the request does not name service {EVENT_STREAMING}", code=ErrorCode.UNSUPPORTED_REQUEST
            )
        self._stream(ServerState.BUNDLE, pairs, self.options.window_bundles)

    def _stream(self, state: ServerState, pairs: list[tuple[int, int]] | None, window: int) -> None:
        self.selection = select(
            self._flags,
            pairs,
            self._allowed,
            nearest_lower=self.options.nearest_lower,
            headers=self.options.headers,
        )
        self._state = state
        self._window = SendWindow(self.connection_id, flat=state is ServerState.FLAT, size=window)

    def _release(self, now: float) -> None:
        self.nulls_received += 1
        if self._window is not None:
            self._window.acknowledge(whole=self.options.release_whole_window)
            self._send_waiting(now)

    def _take_host_request(self, request: HostDataRequest) -> None:
        if request.data_type & ~1 not in HOST_DATA_TYPES:
            raise RemoteProtocolError(
                f"host data type {request.data_type} is not known", code=ErrorCode.UNSUPPORTED_REQUEST
            )
        if len(self._questions) >= _MOST_QUESTIONS:
            raise RemoteProtocolError(f"{_MOST_QUESTIONS} host data requests wait for their answers already")
        self._questions.append(HostQuestion(request, self.selection, self.options.any_form))

    def _peer_gave_up(self, body: bytes) -> None:
        try:
            message = decode_message(MessageType.ERROR, body)
        except RemoteProtocolError:
            message = Error(ErrorCode.GENERAL, "an Error message that cannot be read")
        assert isinstance(message, Error)
        self._events.append(message)
        self._end(PeerError(message.code, message.text))

    # --- records and messages to the client ---------------------------------------------------------------

    def allow(self, classes: Iterable[str]) -> None:
        """Replace the event classes that may be sent; holds for what is rendered from now on."""
        self._allowed = frozenset(classes)
        if self.selection is not None:
            self.selection = self.selection.with_allowed(self._allowed)

    def send_items(self, items: Items, now: float) -> bytes:
        """Send records: as far as the window admits now, the rest when the client acknowledges.

        Gives all bytes that wait to be written. Order is kept over any number of calls, but a caller that
        looks at `ready` first holds no more than one batch.

        Raises:
            LocalProtocolError: the session does not stream, or the items are in the other mode's form.
        """
        if not self.streaming or self._window is None:
            raise LocalProtocolError(f"records cannot be sent in state {self.state.value}")
        self._window.add(items)
        self._send_waiting(now)
        return self.data_to_send()

    def send(self, message: Message, now: float) -> bytes:
        """Send one message that is no record (a host profile, a Null); gives all that waits to be written.

        Raises:
            LocalProtocolError: the session has ended or has not begun.
        """
        if self._state in (ServerState.TLS, ServerState.WAIT_REQUEST, ServerState.CLOSING):
            raise LocalProtocolError(f"nothing can be sent in state {self.state.value}")
        self._write(message, now)
        return self.data_to_send()

    def answer_hosts(self, profiles: Iterable[bytes], now: float, *, last: bool) -> bytes:
        """Answer the request in `host_question`, or go on doing so; gives all that waits to be written.

        `profiles` are full host profile blocks with their headers, in order; of a single host the first one
        counts and is the whole answer. `last` says that there are no more: then comes what ends the answer.

        Raises:
            LocalProtocolError: no request waits for an answer.
        """
        if not self._questions:
            raise LocalProtocolError("no host data request waits for an answer")
        is_range = self._questions[0].request.is_range
        answer = MultipleHostData if is_range else SingleHostData
        for profile in profiles:
            self._write(answer(profile), now)
            if not is_range:
                self._questions.popleft()
                return self.data_to_send()
        if last:
            self._write(answer(), now)
            self._write(Null(), now)
            self._questions.popleft()
        return self.data_to_send()

    def _write(self, message: Message, now: float) -> None:
        self._out.append(encode_message(message))
        self._sent_at = now

    def _send_waiting(self, now: float) -> None:
        if self._window is not None and self._window.send(self._out):
            self._sent_at = now
            if self._window.full:
                self._paused_at = now

    # --- time ---------------------------------------------------------------------------------------------

    def next_timer(self) -> float | None:
        """When `handle_timer` wants to be called, None for never."""
        if self._state in (ServerState.TLS, ServerState.CLOSING):
            return None
        if self._state is ServerState.WAIT_REQUEST:
            return self._began + self.options.request_timeout
        times = [self._sent_at + self.options.keep_alive]
        if self.options.acknowledge_timeout is not None and self.state is ServerState.PAUSED:
            times.append(self._paused_at + self.options.acknowledge_timeout)
        return min(times)

    def handle_timer(self, now: float) -> None:
        """Do what is due: a keep-alive Null, or the end of a session that waited too long.

        Write `data_to_send` afterwards, then look at `closing`.
        """
        due = self.next_timer()
        if due is None or now < due:
            return
        limit = self.options.acknowledge_timeout
        if self._state is ServerState.WAIT_REQUEST:
            self._fail(RemoteProtocolError(f"no request came within {self.options.request_timeout:g} s"))
        elif limit is not None and self.state is ServerState.PAUSED and now >= self._paused_at + limit:
            self._fail(
                RemoteProtocolError(
                    f"nothing was acknowledged for {limit:g} s", code=ErrorCode.NOT_ACKNOWLEDGED
                )
            )
        else:
            self._out.append(_NULL)
            self._sent_at = now

    # --- the end ------------------------------------------------------------------------------------------

    def fail(self, code: int, text: str) -> None:
        """End the session with an Error message, because the server cannot go on."""
        if not self.closing:
            self._out.append(encode_message(Error(code, text)))
            self._end(LocalProtocolError(text))

    def stop(self) -> None:
        """End the session without an Error: the service stops, or the client may no longer connect."""
        if not self.closing:
            self._end(None)

    def _fail(self, error: RemoteProtocolError) -> None:
        self._out.append(encode_message(Error(error.code, str(error))))
        self._end(error)

    def _end(self, error: OpenStreamerError | None) -> None:
        self._state = ServerState.CLOSING
        self.error = error
        self._questions.clear()
        if self._window is not None:
            self._window.clear()


__all__ = ["HostQuestion", "ServerOptions", "ServerSession"]
