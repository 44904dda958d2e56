from __future__ import annotations

import pytest

from openstreamer.protocol.messages import (
    Error,
    EventStreamRequest,
    HostDataRequest,
    Message,
    Null,
    Service,
    StreamingRequest,
    UnknownMessage,
)
from openstreamer.server.words import message_words


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            EventStreamRequest(0xFFFFFFFF, 0x40800001),
            "asks for events from now, flags 0x40800001 (packets, archive_timestamps, extended_request)",
        ),
        (EventStreamRequest(0, 0), "asks for events from the beginning, flags 0x00000000 (none)"),
        (
            EventStreamRequest(1_700_000_000, 4),
            "asks for events from 2023-11-14 22:13:20 UTC, flags 0x00000004 (intrusion_events)",
        ),
        (
            StreamingRequest((Service(event_types=((12, 11), (99, 1))),)),
            "asks for intrusion v11, 99 v1",
        ),
        (StreamingRequest((Service(),)), "asks for no event type"),
        (HostDataRequest(6, 0, "192.0.2.1", "::"), "asks for host 192.0.2.1"),
        (HostDataRequest(7, 0, "192.0.2.1", "192.0.2.9"), "asks for hosts 192.0.2.1 to 192.0.2.9"),
        (Error(-1, "no\nroom"), "reports error -1: 'no\\nroom'"),
        (UnknownMessage(2052, b"abc"), "message of unknown type 2052 with 3 bytes; passed over"),
        (Null(), "ready for more"),
    ],
)
def test_messages_in_words(message: Message, words: str) -> None:
    assert message_words(message) == words
