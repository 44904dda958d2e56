"""What a client asks for, in words, for the log.

Names of flag bits and event types are those of `openstreamer explain`. Rules: chapter 2 of the integration
guide, "Event Stream Request Flags".
"""

from __future__ import annotations

import time

from openstreamer.layouts.requests import EVENT_TYPES, FLAG_BITS
from openstreamer.protocol.messages import (
    NOW,
    Error,
    EventStreamRequest,
    HostDataRequest,
    Message,
    Null,
    StreamingRequest,
    UnknownMessage,
)


def message_words(message: Message) -> str:
    """A client's message in words, for the log."""
    match message:
        case EventStreamRequest(timestamp, flags):
            names = [row.name for bit, row in FLAG_BITS.items() if flags & row.mask]
            return (
                f"asks for events from {_time_words(timestamp)}, flags {flags:#010x} "
                f"({', '.join(names) or 'none'})"
            )
        case StreamingRequest(services):
            pairs = [
                f"{EVENT_TYPES.get(event_type, event_type)} v{version}"
                for service in services
                for event_type, version in service.event_types
            ]
            return f"asks for {', '.join(pairs) or 'no event type'}"
        case HostDataRequest(data_type, _, start, end):
            return f"asks for hosts {start} to {end}" if data_type & 1 else f"asks for host {start}"
        case Null():
            return "ready for more"
        case Error(code, text):
            return f"reports error {code}: {text!r}"
        case UnknownMessage(message_type, body):
            return f"message of unknown type {message_type} with {len(body)} bytes; passed over"
        case _:
            return type(message).__name__


def _time_words(timestamp: int) -> str:
    if timestamp == NOW:
        return "now"
    if timestamp == 0:
        return "the beginning"
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(timestamp))
