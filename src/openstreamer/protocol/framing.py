"""Where a message begins and ends in a stream of bytes.

`FrameReader` takes bytes as they come and gives whole messages as (type, body). It trusts nothing: header
version and length are looked at as soon as the 8 bytes of the header are there, before anything of the body
is kept, so a peer can make it hold one message of the allowed size and not a byte more. What the body means
is none of its business (messages.py).

Rules: chapter 2 of the integration guide, "eStreamer Message Header". The guide names no size limit; ours is
configurable.
"""

from __future__ import annotations

from openstreamer.errors import RemoteProtocolError

from .messages import HEADER, HEADER_VERSION, ErrorCode

MESSAGE_LIMIT = 16 * 1024 * 1024
"""Default for the longest body accepted, in bytes. This is a security limit."""


class FrameReader:
    """Cuts a stream of bytes into messages.

    `limit` is the longest body accepted, in bytes. `error` is None until a header breaks the protocol; from
    then on everything that comes is thrown away, because the stream can never be in step again.
    """

    __slots__ = ("_buffer", "_need", "error", "limit")

    def __init__(self, limit: int = MESSAGE_LIMIT) -> None:
        self.limit = limit
        self.error: RemoteProtocolError | None = None
        self._buffer = bytearray()
        self._need = HEADER.size

    @property
    def pending(self) -> int:
        """Bytes kept of a message that is not complete yet; at most `limit` + 8."""
        return len(self._buffer)

    def receive(self, data: bytes) -> list[tuple[int, bytes]]:
        """Take bytes, however they are split, and give the messages that are now complete: (type, body).

        After the call, look at `error`: the messages returned came before the header that is wrong.
        """
        if self.error is not None:
            return []
        data = bytes(data)
        buffer = self._buffer
        if buffer:
            if len(buffer) + len(data) < self._need:
                buffer += data
                return []
            data = bytes(buffer) + data
            buffer.clear()
        frames: list[tuple[int, bytes]] = []
        position, size = 0, len(data)
        unpack, limit = HEADER.unpack_from, self.limit
        while size - position >= 8:
            version, message_type, length = unpack(data, position)
            if version != HEADER_VERSION or length > limit:
                self._fail(version, length)
                return frames
            end = position + 8 + length
            if end > size:
                self._need = 8 + length
                buffer += data[position:]
                return frames
            frames.append((message_type, data[position + 8 : end]))
            position = end
        self._need = HEADER.size
        if position < size:
            buffer += data[position:]
        return frames

    def _fail(self, version: int, length: int) -> None:
        if version != HEADER_VERSION:
            self.error = RemoteProtocolError(
                f"a message has header version {version}, not {HEADER_VERSION}", code=ErrorCode.HEADER_VERSION
            )
        else:
            self.error = RemoteProtocolError(
                f"a message of {length} bytes is longer than the {self.limit} allowed",
                code=ErrorCode.TOO_LARGE,
            )
