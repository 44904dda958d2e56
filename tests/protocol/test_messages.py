"""Messages as values: worked examples byte for byte, both directions, and everything that cannot be."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openstreamer.errors import EncodeError, RemoteProtocolError
from openstreamer.protocol.messages import (
    Error,
    ErrorCode,
    EventData,
    EventStreamRequest,
    HostDataRequest,
    Message,
    MessageBundle,
    MessageType,
    MultipleHostData,
    Null,
    SingleHostData,
    StreamingInformation,
    StreamingRequest,
    UnknownMessage,
    decode_message,
    encode_message,
)
from openstreamer.protocol.records import Record
from openstreamer.protocol.services import Service
from support import hand_made

PACKET = bytes.fromhex("00000001 00000064 65000000 65000000 0003d090 00000001 00000004 deadbeef")
PRIORITY = bytes.fromhex("00000001 00046869 6768")
DEVICE = bytes.fromhex("00000005 00000004 666d6331")
EXTRA = bytes.fromhex("00000004 00000024 00000001 00000064 65000000 00000001 00000001 0000000c 61626364")
HOST_TYPE = bytes.fromhex(
    "00000001 00000000 02000000 00010100 65000000 00000000 000003e9 00000010 00000000 00000000"
    "00000000 00000000 0000ffff c0000201 00000001"
)
NEWEST = ((12, 11), (21, 4), (31, 9), (61, 11), (71, 17), (91, 7), (101, 8), (111, 7), (131, 2))
TIME = 0x65000005
ONE_RECORD = EventData(Record(4, PRIORITY))

EXAMPLES: dict[str, tuple[str, Message]] = {
    "null": ("00010000 00000000", Null()),
    "request for what comes from now on": (
        "00010002 00000008 ffffffff 48900061",
        EventStreamRequest(0xFFFFFFFF, 0x48900061),
    ),
    "request of the oldest clients": ("00010002 00000008 00000000 0000007f", EventStreamRequest(0, 0x7F)),
    "one service offered": (
        "00010803 00000010 00001a0b 00000008 00000000 00000000",
        StreamingInformation((Service(6667),)),
    ),
    "two services offered": (
        "00010803 00000020 00001a0b 00000008 00000000 00000000 00001389 00000008 00000000 00000000",
        StreamingInformation((Service(6667), Service(5001))),
    ),
    "list of a deployed client": (
        """
        00010801 00000038 00001a0b 00000038 48900061 ffffffff 000b000c 00040015 0009001f
        000b003d 00110047 0007005b 00080065 0007006f 00020083 00000000
        """,
        StreamingRequest((Service(6667, 0x48900061, 0xFFFFFFFF, NEWEST),)),
    ),
    "packet with the short header": (
        """
        00010004 00000028 00000002 00000020 00000001 00000064 65000000 65000000 0003d090
        00000001 00000004 deadbeef
        """,
        EventData(Record(2, PACKET)),
    ),
    "priority": ("00010004 00000012 00000004 0000000a 00000001 00046869 6768", ONE_RECORD),
    "device with a zero timestamp": (
        "00010004 0000001c 0000007b 0000000c 00000000 00000000 00000005 00000004 666d6331",
        EventData(Record(123, DEVICE), extended=True),
    ),
    "extra data": (
        """
        00010004 00000034 0000006e 00000024 65000005 00000000 00000004 00000024 00000001
        00000064 65000000 00000001 00000001 0000000c 61626364
        """,
        EventData(Record(110, EXTRA, TIME), extended=True),
    ),
    "host type behind a discovery header": (
        """
        00010004 0000004c 0000001f 0000003c 65000005 00000000 00000001 00000000 02000000
        00010100 65000000 00000000 000003e9 00000010 00000000 00000000 00000000 00000000
        0000ffff c0000201 00000001
        """,
        EventData(Record(31, HOST_TYPE, TIME), extended=True),
    ),
    "bundle of two": (
        """
        00010fa2 00000052 00000007 00000001 00000004 00000012 00000004 0000000a 00000001
        00046869 67680000 00040000 00280000 00020000 00200000 00010000 00646500 00006500
        00000003 d0900000 00010000 0004dead beef
        """,
        MessageBundle(7, 1, (ONE_RECORD, EventData(Record(2, PACKET)))),
    ),
    "error": ("00010001 00000011 ffffffff 000b6261 64207265 71756573 74", Error(-1, "bad request")),
    "host request, IPv4 form": (
        "00010005 00000010 00000004 00000000 c0000201 c0000201",
        HostDataRequest(4, 0, "192.0.2.1", "192.0.2.1", legacy=True),
    ),
    "host request, range": (
        """
        00010005 00000028 00000007 00000003 00000000 00000000 0000ffff c0000201 00000000
        00000000 0000ffff c000020a
        """,
        HostDataRequest(7, 3, "192.0.2.1", "192.0.2.10"),
    ),
    "one host of many": (
        "00010007 0000000c 0000006f 0000000c 00000000",
        MultipleHostData(bytes.fromhex("0000006f 0000000c 00000000")),
    ),
    "record with flag and domain": (
        "00010004 0000001a 80030004 0000000a 65000005 00000000 00000001 00046869 6768",
        EventData(Record(4, PRIORITY, TIME, 3), extended=True, flagged=True),
    ),
}
"""The worked examples of the protocol reference that both directions share."""

READ_ONLY: dict[str, tuple[str, Message]] = {
    "list with the length of the guide's sample": (
        "00010801 0000001c 00001a0b 00000014 40000000 00000000 0009000c 00040015 00000000",
        StreamingRequest((Service(6667, 0x40000000, 0, ((12, 9), (21, 4))),)),
    ),
    "bundle item with header version 1": (
        "00010fa2 00000022 00000007 00000002 00010004 00000012 00000004 0000000a 00000001 00046869 6768",
        MessageBundle(7, 2, (ONE_RECORD,)),
    ),
    "error text with a NUL": ("00010001 0000000f 00000013 00094e6f 20737061 636500", Error(19, "No space")),
    "record length that counts the header": (
        "00010004 00000012 00000004 00000012 00000001 00046869 6768",
        ONE_RECORD,
    ),
    "host request, IPv4 address behind zeros": (
        """
        00010005 00000028 00000006 00000000 00000000 00000000 00000000 c0000201 00000000
        00000000 00000000 c0000201
        """,
        HostDataRequest(6, 0, "192.0.2.1", "192.0.2.1"),
    ),
}
"""What others write differently from us."""


def decode(data: bytes) -> Message:
    version, message_type, length = struct.unpack_from(">HHI", data)
    assert version == 1
    assert length == len(data) - 8
    return decode_message(message_type, data[8:])


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_both_ways(name: str) -> None:
    text, message = EXAMPLES[name]
    data = bytes.fromhex(text)
    assert decode(data) == message
    assert encode_message(message) == data


@pytest.mark.parametrize("name", READ_ONLY)
def test_examples_that_are_only_read(name: str) -> None:
    text, message = READ_ONLY[name]
    assert decode(bytes.fromhex(text)) == message


def test_hand_made_messages_read_the_same() -> None:
    assert decode(hand_made.null()) == Null()
    assert decode(hand_made.error(-3, "no")) == Error(-3, "no")
    assert decode(hand_made.streaming_information((1, 6667))) == StreamingInformation(
        (Service(1), Service(6667))
    )
    body = hand_made.record(2, b"abc", 77)
    assert decode(hand_made.bundle(9, [body])) == MessageBundle(
        1, 9, (EventData(Record(2, b"abc", 77), extended=True),)
    )


def test_unknown_types_keep_their_body() -> None:
    assert decode_message(3, b"abc") == UnknownMessage(3, b"abc")
    assert encode_message(UnknownMessage(2052, b"abc")) == bytes.fromhex("00010804 00000003 616263")


def test_text_of_an_error_is_utf8_and_bounded() -> None:
    assert decode(encode_message(Error(-1, "größer"))) == Error(-1, "größer")
    assert decode(hand_made.header(1, struct.pack(">iH", 5, 2) + b"\xff\xfe")) == Error(5, "\ufffd\ufffd")
    assert len(encode_message(Error(1, "x" * 70_000))) == 8 + 6 + 65_535


@pytest.mark.parametrize(
    ("data_type", "is_range"), [(0, False), (1, True), (6, False), (7, True), (12, False), (13, True)]
)
def test_odd_host_requests_are_ranges(data_type: int, is_range: bool) -> None:
    assert HostDataRequest(data_type, 0, "::", "::").is_range is is_range


def test_ipv6_host_request() -> None:
    body = struct.pack(">II", 7, 0) + hand_made.address("2001:db8::1") + hand_made.address("2001:db8::ff")
    message = HostDataRequest(7, 0, "2001:db8::1", "2001:db8::ff")
    assert decode_message(5, body) == message
    assert encode_message(message) == hand_made.header(5, body)
    loopback = struct.pack(">II", 6, 0) + hand_made.address("::1") * 2
    assert decode_message(5, loopback) == HostDataRequest(6, 0, "::1", "::1")


BAD_BODIES = {
    "null with a body": (MessageType.NULL, "00"),
    "error of 5 bytes": (MessageType.ERROR, "ffffffff 00"),
    "error whose text is longer": (MessageType.ERROR, "ffffffff 0002 41"),
    "error whose text is shorter": (MessageType.ERROR, "ffffffff 0000 41"),
    "request of 7 bytes": (MessageType.EVENT_STREAM_REQUEST, "00000000 000000"),
    "request of 9 bytes": (MessageType.EVENT_STREAM_REQUEST, "00000000 00000000 00"),
    "request of none": (MessageType.EVENT_STREAM_REQUEST, ""),
    "record of 7 bytes": (MessageType.EVENT_DATA, "00000002 000000"),
    "record longer than the message": (MessageType.EVENT_DATA, "00000002 00000009 41424344"),
    "record one shorter": (MessageType.EVENT_DATA, "00000002 00000003 41424344"),
    "record of 4 GiB": (MessageType.EVENT_DATA, "00000002 ffffffff 41424344"),
    "host request of 15 bytes": (MessageType.HOST_DATA_REQUEST, "00" * 15),
    "host request of 24 bytes": (MessageType.HOST_DATA_REQUEST, "00" * 24),
    "host request of none": (MessageType.HOST_DATA_REQUEST, ""),
    "bundle of 7 bytes": (MessageType.MESSAGE_BUNDLE, "00" * 7),
    "bundle with half an item header": (MessageType.MESSAGE_BUNDLE, "00000001 00000001 00000004"),
    "bundle item over its end": (MessageType.MESSAGE_BUNDLE, "00000001 00000001 00000004 00000001"),
    "bundle item with header version 2": (MessageType.MESSAGE_BUNDLE, "00000001 00000001 00020000 00000000"),
    "bundle in a bundle": (
        MessageType.MESSAGE_BUNDLE,
        "00000001 00000001 00000fa2 00000008 00000001 00000001",
    ),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_bodies_that_cannot_be(name: str) -> None:
    message_type, text = BAD_BODIES[name]
    with pytest.raises(RemoteProtocolError) as caught:
        decode_message(message_type, bytes.fromhex(text))
    assert caught.value.code in (ErrorCode.BAD_LENGTH, ErrorCode.HEADER_VERSION)


@pytest.mark.parametrize(
    "message",
    [
        EventStreamRequest(-1, 0),
        EventStreamRequest(0, 1 << 32),
        Error(1 << 31, ""),
        HostDataRequest(6, 0, "not an address", "::"),
        HostDataRequest(4, 0, "2001:db8::1", "::", legacy=True),
        EventData(Record(70_000, b"")),
        EventData(Record(4, b"", None, 0x8000)),
        EventData(Record(4, b"", 1 << 32), extended=True),
        StreamingRequest((Service(6667, 0, 0, ((70_000, 1),)),)),
        MessageBundle(1 << 32, 1),
        UnknownMessage(70_000, b""),
    ],
    ids=str,
)
def test_values_that_do_not_fit(message: Message) -> None:
    with pytest.raises(EncodeError):
        encode_message(message)


@given(message_type=st.sampled_from([*MessageType, 3, 2052]), body=st.binary(max_size=200))
def test_any_body_decodes_or_is_refused(message_type: int, body: bytes) -> None:
    try:
        message = decode_message(message_type, body)
    except RemoteProtocolError:
        return
    again = encode_message(message)
    assert decode(again) == message


@given(
    data=st.binary(max_size=60), time=st.none() | st.integers(1, 0xFFFFFFFF), netmap=st.integers(0, 0x7FFF)
)
def test_records_come_back(data: bytes, time: int | None, netmap: int) -> None:
    message = EventData(Record(400, data, time, netmap), extended=time is not None)
    assert decode(encode_message(message)) == message


def test_empty_host_data() -> None:
    assert decode(bytes.fromhex("00010006 00000000")) == SingleHostData()
    assert encode_message(MultipleHostData()) == bytes.fromhex("00010007 00000000")


def test_examples_of_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "protocol" / "messages.md").read_text("utf-8")
    examples = re.findall(r"^```hex\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(examples) >= 10
    for text in examples:
        data = bytes.fromhex(text)
        assert encode_message(decode(data)) == data
    for kind in MessageType:
        assert f"| {int(kind)} |" in page


def test_error_codes_of_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "protocol" / "sessions.md").read_text("utf-8")
    for code in ErrorCode:
        assert f"| {int(code)} |" in page
