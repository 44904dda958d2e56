"""The server that other projects test against, used as they would."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

import openstreamer
from openstreamer import aio
from openstreamer.errors import InputError, OpenStreamerError, RefusedError, UsageError
from openstreamer.layouts.records import EVENT_CLASSES
from openstreamer.protocol.records import Record, decode_record
from openstreamer.testing import LocalServer, estreamer_server, make_estreamer_server
from support.live_service import intrusion, rule_message

__all__ = ["estreamer_server", "make_estreamer_server"]

ALERT = {"event": "intrusion_event", "data": {"source_ip": "192.0.2.1", "event_id": 7, "signature_id": 1000}}


def receive(server: LocalServer, count: int | None = None, **options: object) -> list[openstreamer.Event]:
    """All that a client gets who comes now; where it is known how many those are, none is waited for."""
    with openstreamer.connect(
        server.host,
        port=server.port,
        pkcs12=server.pkcs12,
        password=server.password,
        idle_exit=1 if count is None else 30,
        count=count,
        **options,  # type: ignore[arg-type]
    ) as events:
        return list(events)


def test_events_in_every_form(estreamer_server: LocalServer) -> None:
    record = Record(400, intrusion(2), None)
    line = json.dumps({"event": "intrusion_event", "data": {"event_id": 3}})
    sent = estreamer_server.send(
        ALERT, record, decode_record(Record(400, intrusion(4), None)), line, line.encode()
    )
    assert sent == 5
    events = receive(estreamer_server, 5)
    assert [event.data.event_id for event in events] == [7, 2, 4, 3, 3]
    assert events[0].data.source_ip == "192.0.2.1"
    assert estreamer_server.send(events[0]) == 1, "what a client received can be sent again"
    assert len(receive(estreamer_server, 6)) == 6


def test_metadata_gives_names(estreamer_server: LocalServer) -> None:
    rule = decode_record(Record(66, rule_message(1000, "ET SCAN"), None))
    assert estreamer_server.send(rule, Record(400, intrusion(1), None)) == 1
    [event] = receive(estreamer_server, 1)
    assert event.names["rule"] == "ET SCAN"


def test_a_wrong_event_is_told(estreamer_server: LocalServer) -> None:
    with pytest.raises(InputError, match="no event is called 'sausage'"):
        estreamer_server.send({"event": "sausage"}, ALERT)
    assert len(receive(estreamer_server)) == 1, "the others are stored"
    with pytest.raises(UsageError, match="there are no events 'sausage'"):
        estreamer_server.switch_off("sausage")


def test_the_sample(estreamer_server: LocalServer) -> None:
    assert estreamer_server.send_sample() > 100
    kinds = Counter(event.id for event in receive(estreamer_server))
    assert {"intrusion_event", "packet", "connection_statistics", "file_event"} <= kinds.keys()


def test_archive_times(estreamer_server: LocalServer) -> None:
    estreamer_server.send(ALERT, archive_time=1_700_000_000)
    estreamer_server.send(ALERT, archive_time=1_700_000_010)
    assert [event.archive_time for event in receive(estreamer_server, 2)] == [1_700_000_000, 1_700_000_010]
    assert len(receive(estreamer_server, since=1_700_000_005)) == 1


def test_event_types_are_switched(estreamer_server: LocalServer) -> None:
    estreamer_server.switch_off("intrusion")
    assert estreamer_server.send(ALERT) == 0
    estreamer_server.switch_on("intrusion")
    assert estreamer_server.send(ALERT) == 1
    estreamer_server.switch_on("connection", only=True)
    assert receive(estreamer_server) == []


class Following:
    """A client that runs in a thread."""

    def __init__(self, server: LocalServer) -> None:
        self.seen: list[int] = []
        self.error: BaseException | None = None
        self._stream = openstreamer.connect(
            server.host, port=server.port, pkcs12=server.pkcs12, password=server.password
        )
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            with self._stream as events:
                for event in events:
                    self.seen.append(event.data.event_id)
        except OpenStreamerError as error:
            self.error = error

    def end(self) -> None:
        self._stream.stop()
        self._thread.join(30)
        assert not self._thread.is_alive()


def wait_until(condition: object, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_client_that_stays_through_everything(estreamer_server: LocalServer) -> None:
    client = Following(estreamer_server)
    try:
        estreamer_server.wait_for_client()
        estreamer_server.send({"event": "intrusion_event", "data": {"event_id": 1}})
        estreamer_server.wait_until_delivered()
        assert client.seen == [1]
        port = estreamer_server.port
        estreamer_server.restart()
        assert estreamer_server.port == port
        estreamer_server.send({"event": "intrusion_event", "data": {"event_id": 2}})
        wait_until(lambda: client.seen == [1, 2])
        assert estreamer_server.disconnect() == 1
        estreamer_server.send({"event": "intrusion_event", "data": {"event_id": 3}})
        wait_until(lambda: client.seen == [1, 2, 3])
        estreamer_server.revoke()
        assert estreamer_server.connections == 0
        wait_until(lambda: client.error is not None)
        assert isinstance(client.error, RefusedError)
    finally:
        client.end()


def test_revoked_and_admitted_again(estreamer_server: LocalServer) -> None:
    estreamer_server.send(ALERT)
    estreamer_server.revoke()
    with pytest.raises(RefusedError):
        receive(estreamer_server)

    async def in_asyncio() -> None:
        server = estreamer_server
        async with aio.connect(
            server.host, port=server.port, pkcs12=server.pkcs12, password=server.password, idle_exit=1
        ) as events:
            async for _ in events:
                pass

    with pytest.raises(RefusedError):
        asyncio.run(in_asyncio())
    estreamer_server.admit()
    assert len(receive(estreamer_server, 1)) == 1


def test_stopped_and_filled_meanwhile(estreamer_server: LocalServer) -> None:
    estreamer_server.stop()
    assert not estreamer_server.running
    assert estreamer_server.connections == estreamer_server.disconnect() == 0
    with pytest.raises(UsageError, match="not running"):
        estreamer_server.wait_for_client()
    assert estreamer_server.send(ALERT) == 1
    estreamer_server.start()
    estreamer_server.start()
    assert len(receive(estreamer_server, 1)) == 1


def test_several_servers_and_pem_files(make_estreamer_server: object) -> None:
    one, two = make_estreamer_server(), make_estreamer_server(host="::1", events=["user"])  # type: ignore[operator]
    assert one.port != two.port
    assert two.address == f"[::1]:{two.port}"
    one.send(ALERT)
    assert two.send(ALERT) == 0, "it is switched off there"
    with openstreamer.connect(
        one.host, port=one.port, cert=one.certificate, ca=one.ca, idle_exit=1
    ) as events:
        assert len(list(events)) == 1


async def test_asyncio(estreamer_server: LocalServer) -> None:
    """The server has a loop of its own, so the test may have one too."""
    estreamer_server.send(ALERT)
    server = estreamer_server
    async with aio.connect(
        server.host, port=server.port, pkcs12=server.pkcs12, password=server.password, count=1
    ) as events:
        async for event in events:
            assert event.data.event_id == 7
    await asyncio.sleep(0)


def test_without_pytest_and_with_a_temporary_directory() -> None:
    with LocalServer(settings={"sessions": {"window_bundles": 1}}) as server:
        folder = server.directory
        server.send(ALERT)
        assert len(receive(server, 1)) == 1
    assert not folder.exists()
    with pytest.raises(UsageError, match="settings of the server"):
        LocalServer(settings={"server": {"sausage": 1}})
    with pytest.raises(UsageError, match="there are no events"), LocalServer(events=["sausage"]):
        pass


def test_settings_and_a_taken_port(make_estreamer_server: object) -> None:
    one = make_estreamer_server()  # type: ignore[operator]
    with pytest.raises(OpenStreamerError, match="cannot listen"):
        make_estreamer_server(port=one.port)  # type: ignore[operator]
    with pytest.raises(OpenStreamerError, match=r"waited 0.1 s for a client"):
        one.wait_for_client(0.1)
    assert len(EVENT_CLASSES) == 10


def test_importing_it_loads_neither_pytest_nor_the_server() -> None:
    program = (
        "import sys, openstreamer.testing as t; assert dir(t); "
        "print([m for m in ('pytest', 'asyncio', 'ssl', 'openstreamer.server') if m in sys.modules]); "
        "t.LocalServer; print('pytest' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines() == ["[]", "False"]
    with pytest.raises(AttributeError):
        _ = openstreamer.testing.sausage  # type: ignore[attr-defined]


def test_in_a_project_of_its_own(tmp_path: Path) -> None:
    """As the page says: a line in conftest.py, and tests take the fixture."""
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["openstreamer.testing"]\n')
    (tmp_path / "test_it.py").write_text(
        "def test_it(estreamer_server):\n"
        "    assert estreamer_server.send({'event': 'intrusion_event', 'data': {}}) == 1\n"
        "    assert estreamer_server.pkcs12.exists()\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio", str(tmp_path)],
        capture_output=True, text=True, timeout=100, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
