"""A log server that rests, is killed, comes back: a real rsyslogd, and sockets that do what it does not."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
from pathlib import Path

import pytest

from openstreamer.outputs import stream_sender
from openstreamer.outputs.batch import Batch
from openstreamer.outputs.interface import OutputFull
from openstreamer.outputs.registry import OutputSpec, create
from openstreamer.outputs.syslog import SyslogOutput
from support import batches
from support.log_servers import LogServer, rsyslogd
from support.processes import wait_until


def opened(target: str, settings: str = "") -> SyslogOutput:
    made = create(OutputSpec("syslog", settings, target))
    assert isinstance(made, SyslogOutput)
    made.open(None)
    return made


def many(count: int, first: int = 0) -> Batch:
    return batches.batch(*[batches.alert(event_id=number) for number in range(first, first + count)])


def ids(lines: list[str]) -> list[str]:
    return [found for line in lines for found in re.findall(r" id=([0-9a-f]{24}) ", line)]


def process_of(server: LogServer) -> int:
    return int((server.folder / "rsyslog.pid").read_text())


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_sender, "SEND_SECONDS", 0.2)


def rests(made: SyslogOutput, batch: Batch) -> None:
    with pytest.raises(OutputFull, match="does not read what is sent"):
        made.write(batch)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_a_server_that_rests_gets_everything_once(transport: str, tmp_path: Path) -> None:
    with rsyslogd(tmp_path, transport) as server:
        made = opened(server.target, f"ca={tmp_path}/ca.pem" if transport == "tls" else "")
        made.write(many(1))
        server.wait_for(1)
        os.kill(process_of(server), signal.SIGSTOP)
        try:
            batch = many(12_000, 1)
            for _ in range(3):
                rests(made, batch)
        finally:
            os.kill(process_of(server), signal.SIGCONT)
        monkey = pytest.MonkeyPatch()
        monkey.setattr(stream_sender, "SEND_SECONDS", 20.0)
        made._sender._socket.settimeout(20.0)  # type: ignore[union-attr]
        made.write(batch)
        made.close()
        monkey.undo()
        lines = server.wait_for(12_001)
    assert len(lines) == len(set(ids(lines))) == 12_001


@pytest.mark.parametrize("transport", ["tcp", "local"])
def test_a_server_that_is_killed_and_comes_back(transport: str, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    with rsyslogd(one, transport) as server:
        made = opened(server.target)
        made.write(many(5))
        server.wait_for(5)
        os.kill(process_of(server), signal.SIGKILL)
    batch = many(7, 5)
    for _ in range(2):
        with pytest.raises(OutputFull):
            made.write(batch)
    (one / "received.log").rename(two / "first.log")
    (one / "rsyslog.pid").unlink(missing_ok=True)
    (one / "log.sock").unlink(missing_ok=True)
    with rsyslogd(one, transport, server.port) as again:
        made.write(batch)
        made.close()
        assert len(set(ids(again.wait_for(7)))) == 7


class Reader:
    """A listener that reads only when it is told to, and takes counted messages apart."""

    def __init__(self, family: socket.AddressFamily, place: object) -> None:
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.bind(place)  # type: ignore[arg-type]
        self.socket.listen()
        self.data = b""

    def read(self) -> None:
        connection, _ = self.socket.accept()
        with connection:
            parts = []
            while part := connection.recv(1 << 20):
                parts.append(part)
            self.data = b"".join(parts)

    def start(self) -> threading.Thread:
        thread = threading.Thread(target=self.read, daemon=True)
        thread.start()
        return thread

    def messages(self) -> list[bytes]:
        found, start = [], 0
        while start < len(self.data):
            blank = self.data.index(b" ", start)
            end = blank + 1 + int(self.data[start:blank])
            found.append(self.data[blank + 1 : end])
            start = end
        return found


@pytest.mark.usefixtures("soon")
def test_another_batch_does_not_break_a_message_that_is_half_sent() -> None:
    """What a group of alerts does that is due while a batch waits."""
    reader = Reader(socket.AF_INET, ("127.0.0.1", 0))
    made = opened(f"tcp://127.0.0.1:{reader.socket.getsockname()[1]}")
    first = many(15_000)
    rests(made, first)
    thread = reader.start()
    made._sender._socket.settimeout(20.0)  # type: ignore[union-attr]
    made.write(many(3, 90_000))
    made.close()
    thread.join(20)
    messages = reader.messages()
    assert len(messages) == 15_003
    assert all(message.startswith(b"<12>1 ") for message in messages)


@pytest.mark.usefixtures("soon")
def test_a_machine_that_gives_no_sign_of_life_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_sender, "_seconds_since_answer", lambda opened: 151.0)
    reader = Reader(socket.AF_INET, ("127.0.0.1", 0))
    made = opened(f"tcp://127.0.0.1:{reader.socket.getsockname()[1]}")
    with pytest.raises(OutputFull, match="no answer for 151 seconds"):
        made.write(many(15_000))
    assert made._sender._socket is None  # type: ignore[union-attr]
    made.close()
    reader.socket.close()


def test_the_local_service_as_a_stream(tmp_path: Path) -> None:
    """Where it is one, messages end in zero; the sender finds out by itself."""
    path = str(tmp_path / "log")
    reader = Reader(socket.AF_UNIX, path)
    made = opened(path)
    thread = reader.start()
    batch = many(3)
    made.write(batch)
    made.write(many(3))
    made.close()
    thread.join(10)
    messages = reader.data.split(b"\0")
    assert messages.pop() == b""
    assert len(messages) == 6
    assert all(
        re.match(rb"<12>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d openstreamer\[\d+\]: ", one) for one in messages
    )
    wait_until(lambda: not thread.is_alive(), "the reader to end")
