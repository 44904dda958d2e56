"""The file that keeps how far an output is: its place, and its progress with each server, in one piece.

Because both are replaced together, an output that can be cut back goes on exactly after a crash at any
moment. Two generations with checksum, as for the command `stream` (client/position.py).
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from openstreamer.client.position import GenerationsFile
from openstreamer.outputs.interface import Place

_FORMAT = b"openstreamer-output-state 1"


class OutputState(msgspec.Struct, frozen=True, kw_only=True):
    """What is saved of one output.

    Attributes:
        key: format and target; a place belongs to these and no others.
        place: what the output can be cut back to; None where it cannot.
        dead_letters: the same of the file of dead letters.
        progress: for each server or pair, by name, what `Progress.saved` gave.
        saved: when, UNIX seconds; for people.
    """

    key: str
    place: Place | None = None
    dead_letters: Place | None = None
    progress: dict[str, dict[str, Any]] = {}
    saved: int = 0


class OutputStateFile(GenerationsFile[OutputState]):
    """`OutputState` on disk."""

    advice = "move both away to let this output begin anew (servers, since), or put back a copy"

    def encode(self, state: OutputState) -> bytes:
        body = _FORMAT + b"\n" + msgspec.json.encode(state) + b"\n"
        return body + _checksum(body) + b"\n"

    def decode(self, data: bytes) -> OutputState:
        lines = data.split(b"\n")
        if lines[0] != _FORMAT:
            raise ValueError("it is no state of an output, or of a newer program")
        if len(lines) != 4 or lines[3]:
            raise ValueError("it is incomplete")
        if _checksum(data[: -len(lines[2]) - 1]) != lines[2]:
            raise ValueError("its checksum is wrong")
        return msgspec.json.decode(lines[1], type=OutputState)


def _checksum(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).hexdigest().encode()
