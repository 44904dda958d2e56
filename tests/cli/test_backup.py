"""Commands backup and restore: a service that stores events meanwhile, and a client that moves over."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from openstreamer.server.audit import AuditLog
from support.processes import Place, end, eve_lines, wait_until

COUNT = 4000


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    found = Place(tmp_path)
    try:
        yield found
    finally:
        found.stop()


def stream(place: Place, pkcs12: Path) -> None:
    place.run(
        *("stream", f"localhost:{place.port}", "--pkcs12", pkcs12, "--idle-exit", "1.5"),
        *("-o", "json", "-f", place.folder / "out.json"),
        seconds=60,
    )


def got(place: Place) -> list[int]:
    """Source ports of the events that the client has, each of which names the line it came from."""
    events = [json.loads(line) for line in (place.folder / "out.json").read_bytes().splitlines()]
    return [
        event["data"].get("source_port_or_icmp_type", event["data"].get("initiator_port"))
        for event in events
        if event["event"] in ("intrusion_event", "connection_statistics")
    ]


def test_a_backup_of_a_busy_service_goes_on_elsewhere(place: Place) -> None:
    pkcs12 = place.initialise()
    log = place.folder / "eve.json"
    lines = eve_lines(range(COUNT))
    log.write_bytes(b"".join(lines[:1000]))
    service = place.serve("--input", f"eve:{log}")
    wait_until(lambda: "reading" in place.log("serve.log"), "the input")
    stream(place, pkcs12)
    before = got(place)
    assert before

    def feed() -> None:
        with log.open("ab", buffering=0) as file:
            for start in range(1000, COUNT, 100):
                file.write(b"".join(lines[start : start + 100]))

    feeder = threading.Thread(target=feed)
    feeder.start()
    archive = place.folder / "backup.tar.gz"
    said = place.run("backup", archive).stdout
    assert "packed to" in said
    feeder.join()
    assert end(service) == 0

    place.state = place.folder / "elsewhere"
    place.environment["OPENSTREAMER_STATE"] = str(place.state)
    assert f"to {place.state}" in place.run("restore", archive).stdout
    (last,) = AuditLog(place.state / "audit.log").newest(1)
    assert last.action == "backup restored"
    service = place.serve("--input", f"eve:{log}")
    wait_until(lambda: place.log("serve.log").count("reading") > 1, "the input")
    stream(place, pkcs12)
    ports = got(place)
    assert ports[: len(before)] == before
    assert sorted(ports) == [1024 + number for number in range(COUNT)]
    assert end(service) == 0


def test_what_goes_wrong_is_a_sentence(place: Place) -> None:
    archive = place.folder / "b.tar.gz"
    assert "no state directory" in place.run("backup", archive, status=2).stderr
    place.run("init")
    said = place.run("backup", archive, "--without-events").stdout
    assert "the event log is not in it" in said
    assert "--force" in place.run("backup", archive, status=1).stderr
    place.run("backup", archive, "--force")
    pipe = archive.with_name("pipe")
    os.mkfifo(pipe)
    assert "is no regular file" in place.run("backup", pipe, "--force", status=1).stderr
    assert [change.action for change in AuditLog(place.state / "audit.log").newest(2)] == [
        "backup written",
        "backup written",
    ]
    assert "not empty" in place.run("restore", archive, status=2).stderr
    assert (
        "damaged, or is no backup"
        in place.run("restore", place.state / "schema", "--state", place.folder / "x", status=2).stderr
    )
