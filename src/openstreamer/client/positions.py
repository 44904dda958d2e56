"""The saved positions of this machine, looked at and set from outside: the command `position`.

`stream` keeps one for each server and set of outputs (position.py), `run` a file for each output with its
place and its progress with each server or pair (service/state.py). Both have a generation before them and a
lock. Here they are read without being touched, also where one is damaged, and replaced as a whole where
nobody uses them.

What a new position means for outputs: their places say how far a file is written, so a file is cut back to
its place and goes on from there, wherever in the stream the position is. Events that come again after a step
back are therefore written a second time; what a step forward passes over is never written.

Rules: messages, sections 1.5 and 5.3 (archive time, resume); docs/position.md.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterable, Iterator, Mapping
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
from openstreamer.client.service.progress import load_position, save_position
from openstreamer.client.service.state import OutputState, OutputStateFile
from openstreamer.errors import UsageError

SUFFIXES = (".position", ".state")
"""Of a client's position, and of that of an output of `run`."""

State = SavedState | OutputState


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a client or an output stands with one server: its address, or its name in a configuration."""

    server: str
    position: Position
    pair: bool = False


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two files of a position: what it holds, or why it cannot be used."""

    path: str
    state: State | None = None
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
    def state(self) -> State | None:
        """What a client would go on with; None where no generation can be used."""
        for generation in (self.newest, self.previous):
            if generation is not None and generation.state is not None:
                return generation.state
        return None

    @property
    def standings(self) -> list[Standing]:
        """Where it stands with each server."""
        return [] if self.state is None else standings(self.state)

    @property
    def places(self) -> dict[str, dict[str, Any] | None]:
        """The places of the outputs, by their keys."""
        return {} if self.state is None else places(self.state)


def standings(state: State) -> list[Standing]:
    """Where a saved state stands with each server."""
    if isinstance(state, SavedState):
        return [Standing(server=state.server, position=state.position)]
    found = []
    for name, saved in state.progress.items():
        if "members" in saved:
            members = [load_position(each) for each in saved["members"]]
            newest = max(members, key=lambda each: (each.second, each.start != FROM_NOW, each.start))
            found.append(Standing(server=name, position=newest, pair=True))
        else:
            found.append(Standing(server=name, position=load_position(saved)))
    return found


def places(state: State) -> dict[str, dict[str, Any] | None]:
    """The places of the outputs in a saved state."""
    return dict(state.outputs) if isinstance(state, SavedState) else {state.key: state.place}


def _read(path: str) -> Generation | None:
    try:
        with open(path, "rb") as file:
            data = file.read()
        if not path.removesuffix(".previous").endswith(".state"):
            return Generation(path=path, state=decode_state(data))
        state = OutputStateFile(path).decode(data)
        standings(state)  # raises where it is something else
        return Generation(path=path, state=state)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Generation(path=path, problem=error.strerror or str(error))
    except (ValueError, KeyError, TypeError, msgspec.MsgspecError) as error:
        return Generation(path=path, problem=str(error))


def _lock_of(path: str) -> str:
    """The file that whoever uses a position holds locked; `run` has one for all its outputs."""
    if path.endswith(".state"):
        return os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(path))), "lock")
    return f"{path}.lock"


def holder(path: str | os.PathLike[str]) -> int | None:
    """The process that uses a position; 0 where its number is not known, None where nobody uses it."""
    try:
        descriptor = os.open(_lock_of(os.fspath(path)), os.O_RDONLY | os.O_CLOEXEC)
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
    if "/" in where or where.endswith(SUFFIXES):
        raise UsageError(f"there is no position {where}")
    found = [inspect(each) for each in _below(folder)]
    matching = [each for each in found if any(is_server(one.server, where) for one in each.standings)]
    if not matching:
        others = sorted({one.server for each in found for one in each.standings})
        known = f"; there are some of {', '.join(others)}" if others else ""
        raise UsageError(f"there is no position of {where} in {folder}{known}")
    return matching


def _below(folder: Path) -> list[Path]:
    paths: set[Path] = set()
    for suffix in SUFFIXES:
        paths |= {path for path in folder.rglob(f"*{suffix}") if path.is_file()}
        # A position whose newest generation is gone is still one.
        paths |= {Path(str(path).removesuffix(".previous")) for path in folder.rglob(f"*{suffix}.previous")}
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
) -> State:
    """Put another position in place of the present one; the present one becomes the generation before it.

    Args:
        found: what to replace. keep_places: whether files are to be cut back to their places; otherwise
            outputs begin anew behind what is there. server: whose position it is, where none is known; of
            an output of `run`, which of its servers is meant (all, if none is named).

    Raises:
        UsageError: a client uses it, or it is not known whose it is.
        OutputError: the disk does not take it.
    """
    state = found.state
    if isinstance(state, OutputState):
        return _replace_output(found.path, state, position, keep_places, server)
    if state is None and found.path.endswith(".state"):
        raise UsageError(
            f"{found.path}: nothing of it can be used; move it away, and 'since' says where to begin"
        )
    if state is None and server is None:
        raise UsageError(f"{found.path}: it is not known whose position it is: say --server HOST:PORT")
    refuse_if_used(found.path)
    file = PositionFile(found.path)
    file.acquire()
    try:
        changed = SavedState(
            server=state.server if state is not None else server or "",
            position=position,
            outputs=dict(state.outputs) if state is not None and keep_places else {},
            saved=int(time.time()),
        )
        file.save(changed)
        return changed
    finally:
        file.release()


def _replace_output(
    path: str, state: OutputState, position: Position, keep_places: bool, server: str | None
) -> OutputState:
    names = [server] if server is not None else list(state.progress)
    if server is not None and server not in state.progress:
        raise UsageError(f"{path} knows no server {server}; it knows {', '.join(state.progress) or 'none'}")
    one = save_position(position)
    # What a pair has shown before is forgotten with it, or events would be taken for known.
    both = {"newest": 0, "members": [one, one], "journal": None}
    progress = {name: both if "members" in state.progress[name] else one for name in names}
    changed = msgspec.structs.replace(
        state,
        progress=state.progress | progress,
        place=state.place if keep_places else None,
        saved=int(time.time()),
    )
    with _claimed(path):
        OutputStateFile(path).save(changed)
    return changed


@contextlib.contextmanager
def _claimed(path: str) -> Iterator[None]:
    """Hold the lock of `run` while its state is replaced. Raises UsageError if a client has it."""
    refuse_if_used(path)
    descriptor = os.open(_lock_of(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            refuse_if_used(path)
            raise
        yield
    finally:
        os.close(descriptor)


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


def effect(before: Position, position: Position, keys: Mapping[str, dict[str, Any] | None]) -> str:
    """What a new position means for the events and for the outputs of these places, in a sentence or two."""
    old = before.second or before.start
    new = position.start
    files = [key for key, place in keys.items() if place]
    if old == FROM_NOW or new == old:
        return "Events of that second may come again." if before.second else "That changes nothing."
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
    return ", ".join(filter(None, [_part_words(name, value) for name, value in place.items()]))


def _part_words(name: str, value: object) -> str:
    """A part of a place that has several: files by their length, what is held by its number."""
    if isinstance(value, dict):
        if isinstance(value.get("length"), int):
            return f"{name}: {value['length']:,} bytes"
        return ", ".join(filter(None, [_part_words(f"{name} {key}", part) for key, part in value.items()]))
    if isinstance(value, list):
        return f"{len(value):,} {name}" if value else ""
    return f"{name.replace('_', ' ')} {value}"


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
        about["saved"] = state.saved
        about["outputs"] = found.places
        about["servers"] = [
            {
                "server": each.server,
                "pair": each.pair,
                "second": each.position.second,
                "records": each.position.ordinal,
                "digest": each.position.digest,
                "start": each.position.start,
                "asks_from": each.position.initial_timestamp,
            }
            for each in found.standings
        ]
    return about
