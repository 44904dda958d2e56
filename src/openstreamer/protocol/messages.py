"""The messages of the protocol as values: one frozen struct each, the same on both sides.

`encode_message` turns one into bytes, header included; `decode_message` takes type and body, as
framing.py delivers them. Nothing here knows who may send what and when (states.py), nor what the data of a
record means (records.py). Types that are not known come out as UnknownMessage.

Rules: chapter 2 of the integration guide, "Understanding the eStreamer Application Protocol"; the pages on
messages in docs/protocol say where sources contradict each other and which reading is taken.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import IntEnum
from typing import TypeAlias, Union

import msgspec

from openstreamer.errors import EncodeError, RemoteProtocolError
from openstreamer.wire.values import ip_bytes, ip_text, ipv4_bytes, ipv4_text

from .records import Record
from .services import Service, read_offered, read_requested, write_offered, write_requested

HEADER_VERSION = 1
HEADER = struct.Struct(">HHI")
"""Message header, and item header of a bundle: version, message type, length of what follows."""

BEGINNING = 0
"""Initial timestamp that asks for everything held."""

NOW = 0xFFFFFFFF
"""Initial timestamp that asks for what comes from the moment of connecting."""

EXTENDED_HEADER_FLAG = 0x80000000
"""Top bit of the record type word: the long record header follows."""

ALPN_NAME = "openstreamer/1"
"""What a client offers in the TLS handshake (ALPN) if it tells all forms apart by itself.

No source knows of it and no other server minds it. Ours then leaves the domain in record type words, and
answers host data requests for 5.0 and later with the newest block, as it does for no other client unasked.
"""

_WORD = struct.Struct(">I")
_TWO_WORDS = struct.Struct(">II")
_FOUR_WORDS = struct.Struct(">IIII")
_ERROR_HEAD = struct.Struct(">iH")
_LEGACY_HOST_REQUEST = struct.Struct(">II4s4s")
_HOST_REQUEST = struct.Struct(">II16s16s")


class MessageType(IntEnum):
    """Numbers of the messages."""

    NULL = 0
    ERROR = 1
    EVENT_STREAM_REQUEST = 2
    EVENT_DATA = 4
    HOST_DATA_REQUEST = 5
    SINGLE_HOST_DATA = 6
    MULTIPLE_HOST_DATA = 7
    STREAMING_REQUEST = 2049
    STREAMING_INFORMATION = 2051
    MESSAGE_BUNDLE = 4002


class ErrorCode(IntEnum):
    """Error codes of our own Error messages; negative, so that they stay clear of a product's codes."""

    GENERAL = -1
    HEADER_VERSION = -2
    NOT_ALLOWED = -3
    BAD_LENGTH = -4
    UNSUPPORTED_REQUEST = -5
    TOO_LARGE = -6
    NOT_ACKNOWLEDGED = -7


# --- the messages -----------------------------------------------------------------------------------------


class Null(msgspec.Struct, frozen=True):
    """Message 0. From the client: ready for more; from the server: still there."""


class Error(msgspec.Struct, frozen=True):
    """Message 1: the sender gives up, and the connection ends. `text` is without final NULs."""

    code: int
    text: str = ""


class EventStreamRequest(msgspec.Struct, frozen=True):
    """Message 2: the client's first.

    `initial_timestamp` is an archive time in UNIX seconds, BEGINNING or NOW; `flags` the 32 request flags.
    """

    initial_timestamp: int
    flags: int


class StreamingInformation(msgspec.Struct, frozen=True):
    """Message 2051: the services that the server offers."""

    services: tuple[Service, ...] = (Service(),)


class StreamingRequest(msgspec.Struct, frozen=True):
    """Message 2049: which event types the client wants, in which versions."""

    services: tuple[Service, ...]


class HostDataRequest(msgspec.Struct, frozen=True):
    """Message 5: the client asks for host profiles.

    `data_type` even asks for one host, odd for a range; `flags` bit 0 for notes, bit 1 for banners. Addresses
    are text. `legacy` is the 16-byte form, which has room for IPv4 only.
    """

    data_type: int
    flags: int
    start_ip: str
    end_ip: str
    legacy: bool = False

    @property
    def is_range(self) -> bool:
        """Whether all hosts from `start_ip` to `end_ip` are asked for, not `start_ip` alone."""
        return bool(self.data_type & 1)


class SingleHostData(msgspec.Struct, frozen=True):
    """Message 6: a host profile (one block with its header), or empty if there is no such host."""

    data: bytes = b""


class MultipleHostData(msgspec.Struct, frozen=True):
    """Message 7: one of the hosts of a range, or empty at its end."""

    data: bytes = b""


class EventData(msgspec.Struct, frozen=True):
    """Message 4: a record.

    `extended` is the record header with archive time; a time of None is written as 0 there. `flagged` sets
    the top bit of the record type word, which says the same and which deployed clients do not expect.
    """

    record: Record
    extended: bool = False
    flagged: bool = False


class MessageBundle(msgspec.Struct, frozen=True):
    """Message 4002: several messages in one, to be acknowledged by one Null. `sequence` counts from 1."""

    connection_id: int
    sequence: int
    messages: tuple[Message, ...] = ()


class UnknownMessage(msgspec.Struct, frozen=True):
    """A message of a type that is not known, with its body."""

    type: int
    body: bytes = b""


Message: TypeAlias = Union[  # noqa: UP007 - a string inside would not survive `|`
    Null,
    Error,
    EventStreamRequest,
    StreamingInformation,
    StreamingRequest,
    HostDataRequest,
    SingleHostData,
    MultipleHostData,
    EventData,
    MessageBundle,
    UnknownMessage,
]


# --- decoding ---------------------------------------------------------------------------------------------


def bad_length(what: str, length: int, expected: str) -> RemoteProtocolError:
    """The error for a message body of impossible length."""
    return RemoteProtocolError(
        f"{what} has a body of {length} bytes, but {expected}", code=ErrorCode.BAD_LENGTH
    )


def _decode_null(body: bytes) -> Null:
    if body:
        raise bad_length("a Null message", len(body), "it has none")
    return Null()


def _decode_error(body: bytes) -> Error:
    if len(body) < _ERROR_HEAD.size:
        raise bad_length("an Error message", len(body), "6 is the least")
    code, length = _ERROR_HEAD.unpack_from(body)
    if length != len(body) - _ERROR_HEAD.size:
        raise bad_length("an Error message", len(body), f"its text length {length} makes {length + 6}")
    text = body[_ERROR_HEAD.size :]
    return Error(code, text.rstrip(b"\0").decode("utf-8", "replace"))


def _decode_event_stream_request(body: bytes) -> EventStreamRequest:
    if len(body) != _TWO_WORDS.size:
        raise bad_length("an Event Stream Request", len(body), "8 are expected")
    return EventStreamRequest(*_TWO_WORDS.unpack(body))


def _decode_streaming_request(body: bytes) -> StreamingRequest:
    try:
        return StreamingRequest(read_requested(body))
    except ValueError as error:
        raise bad_length("a Streaming Request", len(body), str(error)) from None


def _decode_streaming_information(body: bytes) -> StreamingInformation:
    try:
        return StreamingInformation(read_offered(body))
    except ValueError as error:
        raise bad_length("a Streaming Information message", len(body), str(error)) from None


def _host_address(data: bytes) -> str:
    """Sixteen bytes as text; an IPv4 address may stand behind twelve zero bytes as well as mapped."""
    if not any(data[:12]) and any(data[12:14]):
        return ipv4_text(data[12:])
    return ip_text(data)


def _decode_host_data_request(body: bytes) -> HostDataRequest:
    if len(body) == _HOST_REQUEST.size:
        data_type, flags, start, end = _HOST_REQUEST.unpack(body)
        return HostDataRequest(data_type, flags, _host_address(start), _host_address(end))
    if len(body) == _LEGACY_HOST_REQUEST.size:
        data_type, flags, start, end = _LEGACY_HOST_REQUEST.unpack(body)
        return HostDataRequest(data_type, flags, ipv4_text(start), ipv4_text(end), legacy=True)
    raise bad_length("a Host Data Request", len(body), "40 or 16 are expected")


def _decode_event_data(body: bytes) -> EventData:
    """Tell the two record headers apart by the length, which is what all sources agree on."""
    size = len(body)
    if size < 8:
        raise bad_length("an Event Data message", size, "8 is the least")
    word, length = _TWO_WORDS.unpack_from(body)
    archive_time = None
    difference = size - length
    if difference == 16:
        archive_time = _WORD.unpack_from(body, 8)[0] or None
    elif difference not in (8, 0):
        raise bad_length("an Event Data message", size, f"its record of {length} makes {length + 8}")
    extended = difference == 16
    record = Record(word & 0xFFFF, body[16 if extended else 8 :], archive_time, word >> 16 & 0x7FFF)
    return EventData(record, extended, bool(word & EXTENDED_HEADER_FLAG))


def _decode_message_bundle(body: bytes) -> MessageBundle:
    end, position = len(body), _TWO_WORDS.size
    if end < position:
        raise bad_length("a Message Bundle", end, "8 is the least")
    connection_id, sequence = _TWO_WORDS.unpack_from(body)
    messages = []
    while position < end:
        if end - position < HEADER.size:
            raise bad_length("a Message Bundle", end, "its last item has no room for a header")
        version, message_type, length = HEADER.unpack_from(body, position)
        position += HEADER.size
        if version > 1:
            raise RemoteProtocolError(
                f"an item of a Message Bundle has header version {version}", code=ErrorCode.HEADER_VERSION
            )
        if length > end - position or message_type == MessageType.MESSAGE_BUNDLE:
            raise bad_length("a Message Bundle", end, f"an item in it claims {length}")
        messages.append(decode_message(message_type, body[position : position + length]))
        position += length
    return MessageBundle(connection_id, sequence, tuple(messages))


_DECODERS: dict[int, Callable[[bytes], Message]] = {
    MessageType.NULL: _decode_null,
    MessageType.ERROR: _decode_error,
    MessageType.EVENT_STREAM_REQUEST: _decode_event_stream_request,
    MessageType.EVENT_DATA: _decode_event_data,
    MessageType.HOST_DATA_REQUEST: _decode_host_data_request,
    MessageType.SINGLE_HOST_DATA: SingleHostData,
    MessageType.MULTIPLE_HOST_DATA: MultipleHostData,
    MessageType.STREAMING_REQUEST: _decode_streaming_request,
    MessageType.STREAMING_INFORMATION: _decode_streaming_information,
    MessageType.MESSAGE_BUNDLE: _decode_message_bundle,
}


def decode_message(message_type: int, body: bytes) -> Message:
    """Decode a message from its type and its body (what follows the 8-byte header).

    Raises:
        RemoteProtocolError: the body does not fit the type; `code` is the error code to answer with.
    """
    decode = _DECODERS.get(message_type)
    return UnknownMessage(message_type, body) if decode is None else decode(body)


# --- encoding ---------------------------------------------------------------------------------------------


def _encode_event_data(message: EventData) -> bytes:
    record = message.record
    word = (EXTENDED_HEADER_FLAG if message.flagged else 0) | record.netmap_id << 16 | record.record_type
    if record.record_type > 0xFFFF or record.netmap_id > 0x7FFF:
        raise EncodeError("record type or domain is too large", record_type=record.record_type)
    if message.extended:
        return _FOUR_WORDS.pack(word, len(record.data), record.archive_time or 0, 0) + record.data
    return _TWO_WORDS.pack(word, len(record.data)) + record.data


def _encode_message_bundle(message: MessageBundle) -> bytes:
    parts = [_TWO_WORDS.pack(message.connection_id, message.sequence)]
    for item in message.messages:
        message_type, body = encode_body(item)
        parts += [HEADER.pack(0, message_type, len(body)), body]
    return b"".join(parts)


def encode_body(message: Message) -> tuple[int, bytes]:
    """Encode a message without its header; gives type and body.

    Raises:
        EncodeError: a value does not fit its field.
    """
    try:
        match message:
            case Null():
                return MessageType.NULL, b""
            case Error(code, text):
                octets = text.encode("utf-8", "replace")[:0xFFFF]
                return MessageType.ERROR, _ERROR_HEAD.pack(code, len(octets)) + octets
            case EventStreamRequest(timestamp, flags):
                return MessageType.EVENT_STREAM_REQUEST, _TWO_WORDS.pack(timestamp, flags)
            case StreamingInformation(services):
                return MessageType.STREAMING_INFORMATION, write_offered(services)
            case StreamingRequest(services):
                return MessageType.STREAMING_REQUEST, write_requested(services)
            case HostDataRequest(data_type, flags, start, end, legacy):
                form, address = (_LEGACY_HOST_REQUEST, ipv4_bytes) if legacy else (_HOST_REQUEST, ip_bytes)
                return MessageType.HOST_DATA_REQUEST, form.pack(
                    data_type, flags, address(start), address(end)
                )
            case SingleHostData(data):
                return MessageType.SINGLE_HOST_DATA, data
            case MultipleHostData(data):
                return MessageType.MULTIPLE_HOST_DATA, data
            case EventData():
                return MessageType.EVENT_DATA, _encode_event_data(message)
            case MessageBundle():
                return MessageType.MESSAGE_BUNDLE, _encode_message_bundle(message)
            case UnknownMessage(message_type, raw):
                return message_type, raw
    except (struct.error, ValueError) as error:
        raise EncodeError(f"{type(message).__name__} cannot be written: {error}") from None


def encode_message(message: Message) -> bytes:
    """Encode a message with its header: the bytes that go on the wire, in one piece.

    Raises:
        EncodeError: a value does not fit its field.
    """
    message_type, body = encode_body(message)
    try:
        return HEADER.pack(HEADER_VERSION, message_type, len(body)) + body
    except struct.error as error:
        raise EncodeError(f"message type {message_type} cannot be written: {error}") from None
