"""The control socket: who gets at it, what it answers, what it bears."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from openstreamer.errors import OpenStreamerError, StateError, TransportError
from openstreamer.notify import Notifier
from openstreamer.server.control import CONNECTIONS, REQUEST_BYTES, ControlServer, ask
from openstreamer.server.state import StateDirectory, create, find


async def good() -> object:
    return {"number": 1}


async def bad() -> object:
    raise OpenStreamerError("it cannot be done")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateDirectory]:
    """A listening socket, with a path longer than the system's limit for one."""
    directory = find(tmp_path / ("deep" * 30))
    create(directory)
    directory.control.write_text("left by another")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = ControlServer(directory, {"good": good, "bad": bad})
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
    try:
        yield directory
    finally:
        asyncio.run_coroutine_threadsafe(server.close(), loop).result(10)
        assert not directory.control.exists()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def connect(state: StateDirectory, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    monkeypatch.chdir(state.path)
    asker = socket.socket(socket.AF_UNIX)
    asker.settimeout(10)
    asker.connect("control")
    return asker


def test_only_the_owner_gets_at_it(state: StateDirectory) -> None:
    mode = state.control.stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600


def test_answers(state: StateDirectory) -> None:
    assert ask(state, "good") == {"number": 1}
    with pytest.raises(StateError, match="it cannot be done"):
        ask(state, "bad")
    with pytest.raises(StateError, match="there are good, bad"):
        ask(state, "other")


@pytest.mark.parametrize(
    "given",
    [
        b"\n",
        b"[]\n",
        b"nonsense\n",
        b'{"command": []}\n',
        b'{"command": {}}\n',
        b"\xff\x00\n",
        b"[" * 4000 + b"\n",
    ],
)
def test_what_is_no_request_is_told_so(
    state: StateDirectory, given: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(state, monkeypatch) as asker:
        asker.sendall(given)
        assert json.loads(asker.makefile("rb").readline())["ok"] is False
    assert ask(state, "good")


def test_a_long_request_is_cut_off(state: StateDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    with connect(state, monkeypatch) as asker:
        asker.sendall(b"x" * (3 * REQUEST_BYTES))
        try:
            assert asker.recv(100) == b""
        except ConnectionResetError:
            pass
    assert ask(state, "good")


def test_askers_beyond_the_limit_are_turned_away(
    state: StateDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = [connect(state, monkeypatch) for _ in range(CONNECTIONS)]
    with pytest.raises(TransportError):
        ask(state, "good")
    for asker in silent:
        asker.close()
    for _ in range(100):
        try:
            assert ask(state, "good")
            break
        except TransportError:
            pass
    else:
        raise AssertionError("the places are not given back")


def test_without_a_service_the_asker_is_told(tmp_path: Path) -> None:
    with pytest.raises(TransportError, match="does not answer"):
        ask(find(tmp_path), "good")


def test_a_watchdog_of_another_process_is_not_ours() -> None:
    assert Notifier({"WATCHDOG_USEC": "3000000"}).watchdog_seconds == 3.0
    assert Notifier({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}).watchdog_seconds == 0.0
    assert Notifier({"WATCHDOG_USEC": "soon"}).watchdog_seconds == 0.0
    Notifier({"NOTIFY_SOCKET": "/nowhere/at/all"}).send("READY=1")
