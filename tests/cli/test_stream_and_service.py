"""`stream` and the real service, both as processes: what only the two together can show."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.processes import Place, eve_lines, wait_until

LINES = 200
ALERTS = sum(number % 5 != 4 for number in range(LINES))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.stop()


def filled(place: Place) -> Path:
    """A running service with events. Returns the client's file."""
    pkcs12 = place.initialise()
    log = place.folder / "eve.json"
    log.write_bytes(b"".join(eve_lines(range(LINES))))
    place.run("feed", "eve", log)
    place.serve()
    return pkcs12


def test_a_revoked_client_is_put_out_and_told(place: Place) -> None:
    pkcs12 = filled(place)
    server = ("stream", "localhost", "--port", str(place.port), "--pkcs12", pkcs12)
    result = place.folder / "events.json"
    client = place.start(*server, "-o", "json", "-f", result, log="stream.log")
    wait_until(lambda: result.exists() and result.read_bytes().count(b"\n") >= LINES, "the events")
    place.run("clients", "revoke", "localhost")
    assert client.wait(30) == 3
    assert "does not let this client in" in place.log("stream.log")
    place.run(*server, "--idle-exit", "5", status=3)


def test_a_client_of_another_address_is_told(place: Place) -> None:
    filled(place)
    other = place.folder / "other.pkcs12"
    place.run("clients", "add", "192.0.2.77", "--out", other)
    done = place.run("stream", "localhost", "--port", str(place.port), "--pkcs12", other, status=3)
    assert "address is not the one in its certificate" in done.stderr


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), {(400, 85), (2, None), (71, 174)}),
        (("--no-extended",), {(7, None), (2, None), (71, 125)}),
        (("--events", "intrusion@8,connection@12"), {(400, 45), (71, 155)}),
        (("--flags", "0x00800001"), {(2, None)}),
    ],
)
def test_the_form_that_is_asked_for_is_the_form_that_comes(
    place: Place, options: tuple[str, ...], expected: set[tuple[int, int | None]]
) -> None:
    pkcs12 = filled(place)
    server = ("stream", "localhost", "--port", str(place.port), "--pkcs12", pkcs12)
    done = place.run(*server, "-o", "json", "--since", "beginning", "--idle-exit", "1", *options)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {(row["record_type"], row["data"].get("block_type")) for row in rows} == expected
    kinds = Counter(row["event"] for row in rows)
    for event in kinds:
        assert kinds[event] == (LINES - ALERTS if event == "connection_statistics" else ALERTS)


def test_two_outputs_with_one_command_agree(place: Place) -> None:
    pkcs12 = filled(place)
    server = ("stream", "localhost", "--port", str(place.port), "--pkcs12", pkcs12, "--idle-exit", "1")
    files = [place.folder / name for name in ("a.json", "a.csv", "a.pcap", "a.pcapng", "a.txt")]
    pairs = [
        part
        for path in files
        for part in ("-o", {"txt": "print"}.get(path.suffix[1:], path.suffix[1:]), "-f", path)
    ]
    place.run(*server, *pairs)
    lines = [json.loads(line) for line in files[0].read_bytes().splitlines()]
    assert len(lines) == LINES + ALERTS
    assert len(files[1].read_bytes().splitlines()) == len(lines) + 1
    assert len(files[4].read_bytes().splitlines()) == len(lines)
    packet = sum(16 + row["data"]["packet_length"] for row in lines if row["event"] == "packet")
    assert files[2].stat().st_size == 24 + packet
    assert files[3].read_bytes().count(b"TEST rule") == ALERTS


def test_ctrl_c_while_nothing_comes(place: Place) -> None:
    pkcs12 = filled(place)
    server = ("stream", "localhost", "--port", str(place.port), "--pkcs12", pkcs12)
    client = place.start(*server, "--since", "now", log="stream.log")
    wait_until(lambda: "connected" in place.log("serve.log"), "the client to be there")
    client.send_signal(signal.SIGINT)
    assert client.wait(20) == 130
    assert "Traceback" not in place.log("stream.log")
