"""Conversations with a session, written down as they are spoken.

    talk = Dialogue(ServerSession(0.0))
    talk >> "00010002 00000008 00000000 48900061"     # what the peer sends
    talk << "00010803 00000010 00001a0b ..."          # what the session answers
    talk >> hand_made.null() << nothing
    talk.after(60) << "00010000 00000000"

What the peer says is bytes put together by hand, never by the session's own encoder. Each `<<` takes one
message of the answers: bytes, hexadecimal, `anything`, `error(code)`, `of_type(number)`; `nothing` says that
there is no more, `ended` that the session wants to close and has said all. A failure prints the dialogue.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Protocol


class Session(Protocol):
    """What both sessions have in common."""

    def receive(self, data: bytes, now: float) -> list[Any]: ...
    def data_to_send(self) -> bytes: ...
    def handle_timer(self, now: float) -> None: ...


class Expected:
    """A message that is described, not spelt out."""

    def __init__(self, name: str, matches: Callable[[bytes], bool]) -> None:
        self.name = name
        self.matches = matches

    def __repr__(self) -> str:
        return self.name


def of_type(number: int) -> Expected:
    """Any message of a type."""
    return Expected(
        f"a message of type {number}", lambda data: struct.unpack_from(">H", data, 2)[0] == number
    )


def error(code: int, text: str = "") -> Expected:
    """An Error message with this code, and with this in its text."""

    def matches(data: bytes) -> bool:
        _, kind, length, found, size = struct.unpack_from(">HHIiH", data)
        return kind == 1 and found == code and length == 6 + size == len(data) - 8 and text.encode() in data

    return Expected(f"an Error with code {code} {text}".rstrip(), matches)


anything = Expected("any message", lambda data: True)
nothing = Expected("nothing", lambda data: False)
ended = Expected("the end", lambda data: False)


def octets(spoken: bytes | str) -> bytes:
    """Bytes as they are, hexadecimal with any spaces."""
    return bytes.fromhex(spoken) if isinstance(spoken, str) else spoken


def messages_of(stream: bytes) -> list[bytes]:
    """Cut well-formed bytes into messages, headers included."""
    found = []
    while stream:
        size = 8 + struct.unpack_from(">I", stream, 4)[0]
        assert size <= len(stream), f"the session sent half a message: {stream.hex()}"
        found.append(stream[:size])
        stream = stream[size:]
    return found


class Dialogue:
    """One session and everything said to it and by it.

    `events` holds what `receive` gave, all calls together; `heard` what the session said and no `<<` has
    taken.
    """

    def __init__(self, session: Any, now: float = 0.0) -> None:
        self.session = session
        self.now = now
        self.events: list[Any] = []
        self.heard: list[bytes] = []
        self._lines: list[str] = []

    def __rshift__(self, spoken: bytes | str) -> Dialogue:
        """The peer sends bytes."""
        data = octets(spoken)
        self._lines.append(f">> {data.hex(' ', 4)}")
        self.events += self.session.receive(data, self.now)
        self.hear(self.session.data_to_send())
        return self

    def __lshift__(self, expected: bytes | str | Expected) -> Dialogue:
        """The session's next message."""
        if expected is nothing or expected is ended:
            assert not self.heard, self._failure(expected)
            if expected is ended:
                assert self.closed, self._failure(expected)
            self._lines.append(f"<< {expected}")
            return self
        assert self.heard, self._failure(expected)
        if isinstance(expected, Expected):
            fits = expected.matches(self.heard[0])
        else:
            expected = octets(expected)
            fits = expected == self.heard[0]
        assert fits, self._failure(expected)
        self._lines.append(f"<< {self.heard.pop(0).hex(' ', 4)}")
        return self

    @property
    def closed(self) -> bool:
        """Whether the session has ended."""
        return bool(self.session.closing if hasattr(self.session, "closing") else self.session.closed)

    def hear(self, data: bytes) -> Dialogue:
        """Take bytes that the session gave otherwise, such as records or acknowledgements."""
        self.heard += messages_of(data)
        return self

    def after(self, seconds: float) -> Dialogue:
        """Let time pass."""
        self.now += seconds
        self._lines.append(f"   ... {seconds:g} s later")
        self.session.handle_timer(self.now)
        return self.hear(self.session.data_to_send())

    def _failure(self, expected: bytes | Expected | str) -> str:
        wanted = expected.hex(" ", 4) if isinstance(expected, bytes) else repr(expected)
        came = self.heard[0].hex(" ", 4) if self.heard else "nothing"
        return "\n".join(
            ["the dialogue so far:", *self._lines, f"expected << {wanted}", f"came     << {came}"]
        )
