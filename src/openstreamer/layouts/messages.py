"""Bodies of the messages, as far as they are plain fields.

The conversation itself (protocol/messages.py) writes these few words by hand; the declarations say what
they mean, to the reference pages and to `openstreamer decode --tree`. Rules: chapter 2 of the integration
guide, "Understanding the eStreamer Application Protocol". Where two forms differ in size only, the key of
`records` is the size in bytes; else it is the message type.
"""

from __future__ import annotations

from openstreamer.wire import I32, IP, U16, U32, CountedText, Fields, IPv4, f


class MessageHeader(Fields, id="message_header", records={1: "all"}):
    """The 8 bytes before every message; the key is the header version."""

    version: U16 = f("Header version, always 1.")
    message_type: U16 = f("What the message is.", values="message_type")
    message_length: U32 = f("Bytes that follow this header.")


class ErrorMessage(Fields, id="error", records={1: "all"}):
    """Message 1: the sender gives up and will close."""

    code: I32 = f("Error code.")
    text_length: U16 = f("Bytes in the text.")
    text: CountedText = f("What is wrong, in words.", length="text_length")


class EventStreamRequest(Fields, id="event_stream_request", records={2: "all"}):
    """Message 2: the client asks for events."""

    initial_timestamp: U32 = f("Archive time to begin with; 0 is the oldest record, all ones is now.")
    request_flags: U32 = f("What is asked for: a bit mask.", values="request_flags")


class HostDataRequest(
    Fields,
    id="host_data_request",
    records={16: "before 5.2", 40: "5.2+"},
    notes={16: "Later servers still answer it."},
):
    """Message 5: the client asks for host profiles."""

    data_type: U32 = f("Single host or range, and in which layout.")
    flags: U32 = f("Bit 0 fills notes, bit 1 fills server banners.")
    start_ip: IP = f("The host, or the first of the range.", was={16: IPv4})
    end_ip: IP = f("The last of the range.", was={16: IPv4})


class StreamingService(Fields, id="streaming_service", records={2049: "5.0+", 2051: "5.0+"}):
    """One service offered (message 2051) or asked for (message 2049); a list of event types follows."""

    service: U32 = f("Service; 6667 is event streaming.")
    length: U32 = f("Bytes of the structure; some count the first two words and some do not.")
    flags: U32 = f("Flags of the event stream request; 0 from the server.", values="request_flags")
    initial_timestamp: U32 = f("Time of the event stream request; 0 from the server.")


class StreamingEventType(Fields, id="streaming_event_type", records={2049: "5.0+"}):
    """One event type of a streaming request; version 0 with type 0 ends the list."""

    version: U16 = f("Version of the event type.")
    event_type: U16 = f("Event type.")


class MessageBundle(Fields, id="message_bundle", records={4002: "5.0+"}):
    """The head of message 4002; items follow to its end."""

    connection_id: U32 = f("One number for the whole connection.")
    sequence: U32 = f("1 for the first bundle, then one more each.")


class BundleItem(Fields, id="bundle_item", records={4: "5.0+"}):
    """The 8 bytes before each message inside a bundle."""

    version: U16 = f("0 on the wire; the guide says 1.")
    message_type: U16 = f("What the message is, normally 4.", values="message_type")
    message_length: U32 = f("Bytes that follow this header.")


class RecordHeader(Fields, id="record_header", records={8: "all", 16: "4.9+"}):
    """The head of an event data message (type 4); the record's data follows."""

    record_type: U32 = f(
        "Bit 31 may announce the long form, bits 30 to 16 are the domain, the rest is the type."
    )
    record_length: U32 = f("Bytes of data, this header not counted.")
    archive_time: U32 = f(
        "When the server stored the record, UNIX seconds; 0 if it made it itself.", since=16
    )
    reserved: U32 = f("Reserved, zero.", since=16)


class BlockHeader(Fields, id="block_header", records={8: "all"}):
    """The 8 bytes before the content of every data block."""

    block_type: U32 = f("Type of the block, within its series.")
    block_length: U32 = f("Bytes of the block, these 8 included.")


ERROR_CODES: dict[int, tuple[str, str]] = {
    19: ("No space", "The code in the guide's example; a server ran out of room."),
    0: ("No error", "Not sent."),
    -1: ("General error", "What known clients send when they have nothing better to say."),
    -2: ("Bad header version", "A message header that does not begin with version 1."),
    -3: ("Not allowed now", "A message type that the present state of the session does not allow."),
    -4: ("Bad length", "A body whose length does not fit its message type."),
    -5: ("Unsupported request", "Nothing of what was asked for can be sent."),
    -6: ("Message too large", "A message longer than the receiver accepts."),
    -7: ("No acknowledgement", "The client did not acknowledge in time."),
}
"""Error codes with name and meaning. The product's own list is not public; the negative ones are ours."""
