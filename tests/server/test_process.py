"""The service as a process: signals, what other commands do to it, what it says."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from openstreamer.authority import read_pkcs12
from support.processes import Place, end, eve_lines, wait_until
from support.raw_client import NULL, Closed, RawClient, bundle_items, request, streaming_request

FLAGS = 0x48900061
PAIRS = [(12, 11), (21, 4), (71, 17)]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    found = Place(tmp_path)
    credentials = read_pkcs12(found.initialise("127.0.0.1"))
    (tmp_path / "client.pem").write_bytes(credentials.certificate_pem + credentials.private_key_pem)
    try:
        yield found
    finally:
        found.stop()


def connect(place: Place, timestamp: int = 0) -> RawClient:
    client = RawClient(("127.0.0.1", place.port), place.folder / "client.pem")
    client.send(request(timestamp, FLAGS))
    assert client.message()[0] == 2051
    client.send(streaming_request(timestamp, FLAGS, PAIRS))
    return client


def test_a_stop_stores_and_delivers_the_last_batch(place: Place) -> None:
    log = place.folder / "eve.json"
    log.touch()
    service = place.serve("--input", f"eve:{log}", host="127.0.0.1")
    with connect(place) as client:
        lines = eve_lines(range(1000))
        with log.open("ab") as file:
            file.writelines(lines[:500])
        wait_until(lambda: (place.state / "store" / "events.db-wal").stat().st_size > 100_000, "a batch")
        with log.open("ab") as file:
            file.writelines(lines[500:])
        service.send_signal(signal.SIGTERM)
        events = 0
        try:
            while True:
                kind, body = client.message()
                if kind == 4002:
                    events += sum(item.type in (400, 71) for item in bundle_items(body))
                client.send(NULL)
        except (Closed, OSError):
            pass
    assert service.wait(10) == 0, place.log("serve.log")
    service = place.serve("--input", f"eve:{log}", host="127.0.0.1")
    wait_until(lambda: "reading" in place.log("serve.log"), "the input")
    with connect(place) as client:
        whole = client.records(1000, timeout=10)
        while sum(item.type in (400, 71) for item in whole) < 1000:
            whole += client.records(1, timeout=10)
        client.silence(0.3)
    assert events >= 500
    stored = sum(item.type in (400, 71) for item in whole)
    assert stored == 1000
    assert end(service) == 0


def test_revoking_by_command_ends_the_session_within_a_second(place: Place) -> None:
    place.serve(host="127.0.0.1")
    with connect(place) as client:
        client.silence(0.1)
        place.run("clients", "revoke", "127.0.0.1")
        began = time.monotonic()
        client.closed(timeout=1)
        assert time.monotonic() - began < 1
    wait_until(lambda: "revoked" in place.log("serve.log"), "the log")


def test_debug_prints_requests_in_words(place: Place) -> None:
    service = place.serve("--debug", "--nodaemon", "--web", "off", host="127.0.0.1")
    with connect(place, 0xFFFFFFFF) as client:
        client.silence(0.2)
    assert end(service, signal.SIGINT) == 0
    text = place.log("serve.log")
    for words in (
        "listening on 127.0.0.1:",
        "accepted",
        "client 127.0.0.1 connected (TLSv1.",
        "from now, flags 0x48900061 (packets, impact_alerts,",
        "extended_request)",
        "intrusion v11, metadata v4, connection v17",
        "left",
        "stopped",
    ):
        assert words in text, (words, text)


def test_a_second_sigint_ends_at_once(place: Place) -> None:
    (place.state / "openstreamer.toml").write_text("[server]\nstop_seconds = 60\n")
    service = place.serve(host="127.0.0.1")
    with connect(place) as client:
        client.silence(0.1)
        place.run("feed", "eve", _fed(place))
        client.message()  # unacknowledged: the orderly stop would wait
        service.send_signal(signal.SIGINT)
        wait_until(lambda: "stopping" in place.log("serve.log"), "the stop to begin")
        service.send_signal(signal.SIGINT)
        assert service.wait(3) == 130


def _fed(place: Place) -> Path:
    path = place.folder / "fed.json"
    path.write_bytes(b"".join(eve_lines(range(10_000))))
    return path
