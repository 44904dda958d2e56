"""The file that keeps how far an output is: its place, and its progress with each server, in one piece.

Because both are replaced together, an output that can be cut back goes on exactly after a crash at any
moment. Two generations with checksum, as for the command `stream` (client/position.py).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from openstreamer.client.position import GenerationsFile, Position
from openstreamer.client.service.pair import Journal, PairProgress
from openstreamer.client.service.plan import OutputPlan, SourcePlan
from openstreamer.client.service.progress import Progress, ServerProgress, save_position
from openstreamer.errors import OutputError
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


class Memory:
    """How far one output is, in memory and on disk.

    Attributes:
        progress: with each source. place, letters_place: what the output and its dead letters are to be cut
        back to when they are opened.
    """

    def __init__(self, plan: OutputPlan, sources: Mapping[str, SourcePlan], folder: str) -> None:
        """Nothing is read yet. `folder` is the client's state directory."""
        self.progress: dict[str, Progress] = {}
        self.place: Place | None = None
        self.letters_place: Place | None = None
        self._plan = plan
        self._sources = sources
        self._folder = folder
        self._file = OutputStateFile(f"{folder}/outputs/{plan.name}.state")
        self._others: dict[str, dict[str, Any]] = {}

    def load(self) -> list[str]:
        """Read what was saved; returns what the operator should know.

        Raises:
            ConfigurationError: it is damaged.
            OutputError: it does not fit.
        """
        state, problem = self._file.load()
        notices = [problem] if problem else []
        saved = state.progress if state is not None else {}
        self._others = {name: each for name, each in saved.items() if name not in self._sources}
        self.place = self.letters_place = None
        if state is not None:
            self.letters_place = state.dead_letters
            if state.key == self._plan.spec.key:
                self.place = state.place
            else:
                notices.append(f"goes on in {self._plan.spec.target}")
        self.close()
        for name, source in self._sources.items():
            self.progress[name] = self._make(source, saved.get(name) or _of_members(source, saved))
        return notices

    def _make(self, source: SourcePlan, saved: dict[str, Any] | None) -> Progress:
        try:
            if not source.is_pair:
                return ServerProgress(source.members[0].start, saved)
            starts = (source.members[0].start, source.members[1].start)
            journal = Journal(f"{self._folder}/outputs/{self._plan.name}.{source.name}.seen")
            return PairProgress(starts, source.overlap, journal, saved)
        except (KeyError, TypeError, ValueError) as error:
            raise OutputError(f"what was saved of {source.name} cannot be used ({error!r})") from error

    def save(self, place: Place | None, letters_place: Place | None) -> None:
        """Replace what was saved. Raises OutputError; the old state is then as it was."""
        progress = {name: each.saved() for name, each in self.progress.items()}
        self._file.save(
            OutputState(
                key=self._plan.spec.key,
                place=place,
                dead_letters=letters_place,
                progress=self._others | progress,
                saved=int(time.time()),
            )
        )

    def close(self) -> None:
        """Let go of files."""
        for progress in self.progress.values():
            if isinstance(progress, PairProgress):
                progress.close()


def _of_members(source: SourcePlan, saved: Mapping[str, dict[str, Any]]) -> dict[str, Any] | None:
    """Progress with a pair made of that with its servers alone, from before they were a pair."""
    alone = [saved.get(member.name) for member in source.members]
    if not source.is_pair or not any(alone):
        return None
    members = [
        each or save_position(Position(start=member.start))
        for each, member in zip(alone, source.members, strict=True)
    ]
    return {"newest": max(each["second"] for each in members), "members": members, "journal": None}
