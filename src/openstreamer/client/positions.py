"""The saved positions of this machine, looked at and set from outside: the command `position`.

Each position file has a generation before it and a lock (position.py). Here they are read without being
touched, also where one is damaged, and replaced as a whole where nobody uses them.

What a new position means for outputs: their places say how far a file is written, so a file is cut back to
its place and goes on from there, wherever in the stream the position is. Events that come again after a step
back are therefore written a second time; what a step forward passes over is never written.

Rules: messages, sections 1.5 and 5.3 (archive time, resume); docs/position.md.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from openstreamer.client.position import (
    FROM_NOW,
    FROM_OLDEST,
    Position,
    PositionFile,
    SavedState,
    decode_state,
)
from openstreamer.errors import UsageError

SUFFIX = ".position"


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two files of a position: what it holds, or why it cannot be used."""

    path: str
    state: SavedState | None = None
    problem: str = ""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A position as it lies on disk.

    Attributes:
        path: of its newest generation. newest, previous: the two; None where there is no such file.
        holder: the process that uses it: its number, 0 where that is not known; None where nobody does.
    """

    path: str
    newest: Generation | None
    previous: Generation | None
    holder: int | None

    @property
    def state(self) -> SavedState | None:
        """What a client would go on with; None where no generation can be used."""
        for generation in (self.newest, self.previous):
            if generation is not None and generation.state is not None:
                return generation.state
        return None


def _read(path: str) -> Generation | None:
    try:
        with open(path, "rb") as file:
            return Generation(path=path, state=decode_state(file.read()))
    except FileNotFoundError:
        return None
    except OSError as error:
        return Generation(path=path, problem=error.strerror or str(error))
    except (ValueError, KeyError, TypeError, msgspec.MsgspecError) as error:
        return Generation(path=path, problem=str(error))


def holder(path: str | os.PathLike[str]) -> int | None:
    """The process that uses a position; 0 where its number is not known, None where nobody uses it."""
    try:
        descriptor = os.open(f"{os.fspath(path)}.lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
        return int(text) if text.isdecimal() else 0
    finally:
        os.close(descriptor)
    return None


def inspect(path: str | os.PathLike[str]) -> Found:
    """Read a position and the generation before it; never fails."""
    text = os.fspath(path)
    return Found(path=text, newest=_read(text), previous=_read(f"{text}.previous"), holder=holder(text))


def find_positions(where: str | None, folder: Path) -> list[Found]:
    """The positions that a word means: all in the folder (None), one file, all in a directory, a server's.

    Raises:
        UsageError: there is none.
    """
    if where is None:
        return [inspect(path) for path in _below(folder)]
    path = Path(where)
    if path.is_dir():
        found = [inspect(each) for each in _below(path)]
        if not found:
            raise UsageError(f"there is no position in {where}")
        return found
    one = inspect(path)
    if one.newest is not None or one.previous is not None:
        return [one]
    if "/" in where or where.endswith(SUFFIX):
        raise UsageError(f"there is no position {where}")
    found = [inspect(each) for each in _below(folder)]
    matching = [each for each in found if each.state is not None and is_server(each.state.server, where)]
    if not matching:
        others = sorted({each.state.server for each in found if each.state is not None})
        known = f"; there are some of {', '.join(others)}" if others else ""
        raise UsageError(f"there is no position of {where} in {folder}{known}")
    return matching


def _below(folder: Path) -> list[Path]:
    paths = {path for path in folder.rglob(f"*{SUFFIX}") if path.is_file()}
    # A position whose newest generation is gone is still one.
    paths |= {Path(str(path).removesuffix(".previous")) for path in folder.rglob(f"*{SUFFIX}.previous")}
    return sorted(paths)


def is_server(server: str, wanted: str) -> bool:
    """Whether "host:port" is what somebody calls `wanted`: with or without port, brackets optional."""
    host = server.rpartition(":")[0]
    return wanted in (server, host, host.strip("[]"))


def new_position(where: int | Literal["beginning", "now"], now: float | None = None) -> Position:
    """The position to go on with at a time, at the beginning, or behind what is there at this moment."""
    if where == "beginning":
        return Position(start=FROM_OLDEST)
    if where == "now":
        return Position(start=int(time.time() if now is None else now))
    return Position(start=where)


def replace(
    found: Found, position: Position, *, keep_places: bool = True, server: str | None = None
) -> SavedState:
    """Put another position in place of the present one; the present one becomes the generation before it.

    Args:
        found: what to replace. keep_places: whether files are to be cut back to their places; otherwise
            outputs begin anew behind what is there. server: whose position it is, where none is known.

    Raises:
        UsageError: a client uses it, or it is not known whose it is.
        OutputError: the disk does not take it.
    """
    state = found.state
    if state is None and server is None:
        raise UsageError(f"{found.path}: it is not known whose position it is: say --server HOST:PORT")
    refuse_if_used(found.path)
    file = PositionFile(found.path)
    file.acquire()
    try:
        changed = SavedState(
            server=server or (state.server if state is not None else ""),
            position=position,
            outputs=dict(state.outputs) if state is not None and keep_places else {},
            saved=int(time.time()),
        )
        file.save(changed)
        return changed
    finally:
        file.release()


def refuse_if_used(path: str) -> None:
    """Raise UsageError if a client uses this position at the moment."""
    process = holder(path)
    if process is not None:
        who = f" (process {process})" if process else ""
        raise UsageError(
            f"a client{who} uses {path}: stop it first, it would write its own position over this"
        )


# --- words ------------------------------------------------------------------------------------------------


def iso(seconds: int) -> str:
    """UNIX seconds as ISO 8601, UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def describe(position: Position) -> str:
    """Where a client goes on, in words."""
    if position.second:
        count = position.ordinal
        return (
            f"{iso(position.second)} ({position.second}), {count:,} record{'s' if count != 1 else ''} of that"
            " second taken"
        )
    if position.start == FROM_NOW:
        return "nothing taken yet; begins with what comes from the next connection on"
    if position.start == FROM_OLDEST:
        return "nothing taken yet; begins with the oldest event"
    return f"{iso(position.start)} ({position.start}), nothing of that second taken"


def effect(state: SavedState | None, position: Position) -> str:
    """What a new position means for the events and for the files, in a sentence or two."""
    if state is None:
        return "There was no position before."
    old = state.position.second or state.position.start
    new = position.start
    files = [key for key, place in state.outputs.items() if place]
    if old == FROM_NOW or new == old:
        return "Events of that second may come again." if state.position.second else "That changes nothing."
    if new < old:
        said = f"Events stored since {iso(new) if new else 'the beginning'} come again."
        if files:
            said += f" {_listed(files)} will hold them twice, unless emptied first."
        return said
    since = f"between {iso(old)} and {iso(new)}" if old else f"before {iso(new)}"
    return f"Events stored {since} that were not taken yet will not be delivered."


def _listed(keys: Iterable[str]) -> str:
    names = [key.partition(":")[2] or key for key in keys]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def place_words(place: dict[str, Any] | None) -> str:
    """The place of an output, short."""
    if not place:
        return "goes on where it is (no place is kept)"
    if isinstance(place.get("length"), int):
        return f"{place['length']:,} bytes"
    return ", ".join(f"{name} {value}" for name, value in place.items())


def for_programs(found: Found) -> dict[str, Any]:
    """A position as plain values."""
    state = found.state
    about: dict[str, Any] = {
        "path": found.path,
        "in_use_by": found.holder,
        "generations": [
            {"path": each.path, "usable": each.state is not None, "problem": each.problem or None}
            for each in (found.newest, found.previous)
            if each is not None
        ],
    }
    if state is not None:
        position = state.position
        about |= {
            "server": state.server,
            "second": position.second,
            "records": position.ordinal,
            "digest": position.digest,
            "start": position.start,
            "asks_from": position.initial_timestamp,
            "saved": state.saved,
            "outputs": state.outputs,
        }
    return about
