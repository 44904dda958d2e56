"""Sockets that a service manager passes: the rules in memory, and the service with a real one."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from openstreamer.authority import read_pkcs12
from openstreamer.errors import UsageError
from openstreamer.server.activation import take
from support.log_servers import free_port
from support.processes import Place, wait_until
from support.raw_client import RawClient, request


@contextlib.contextmanager
def passed(*sockets: socket.socket) -> Iterator[int]:
    """The sockets under consecutive descriptors, as a service manager leaves them; gives the first."""
    first = 200
    for number, item in enumerate(sockets):
        os.dup2(item.fileno(), first + number, inheritable=True)
    try:
        yield first
    finally:
        for number in range(len(sockets)):
            with contextlib.suppress(OSError):
                os.close(first + number)


def variables(count: int, names: str = "", process: int = 7) -> dict[str, str]:
    return {"LISTEN_PID": str(process), "LISTEN_FDS": str(count), "LISTEN_FDNAMES": names, "OTHER": "1"}


def test_sockets_are_told_apart_by_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        environment = variables(2, "clients:web")
        with passed(one, two) as first:
            found = take(environment, process=7, first=first)
            assert [item.getsockname() for item in found.clients] == [one.getsockname()]
            assert [item.getsockname() for item in found.web] == [two.getsockname()]
            for item in (*found.clients, *found.web):
                assert not item.get_inheritable()
                assert not item.getblocking()
                item.close()
    assert environment == {"OTHER": "1"}


def test_what_is_for_another_process_is_left_alone() -> None:
    environment = variables(1, process=8)
    assert take(environment, process=7) == take({}, process=7)
    assert environment == {"OTHER": "1"}, "no child may believe that it is meant"


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_what_does_not_listen_is_refused(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as other, passed(other) as first:
        with pytest.raises(UsageError, match="not a TCP socket that listens"):
            take(variables(1, "clients"), process=7, first=first)


def test_numbers_that_are_none() -> None:
    for count in ("-1", "x", "99999"):
        with pytest.raises(UsageError, match="LISTEN_FDS"):
            take({"LISTEN_PID": "7", "LISTEN_FDS": count}, process=7)
    with pytest.raises(UsageError, match="no socket"):
        take(variables(1), process=7, first=999)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    found = Place(tmp_path)
    credentials = read_pkcs12(found.initialise("127.0.0.1"))
    (tmp_path / "client.pem").write_bytes(credentials.certificate_pem + credentials.private_key_pem)
    try:
        yield found
    finally:
        found.stop()


def speaks(place: Place, port: int) -> None:
    with RawClient(("127.0.0.1", port), place.folder / "client.pem") as client:
        client.send(request(0, 0x48900061))
        assert client.message()[0] == 2051


LAUNCH = """
import os, sys
os.dup2(int(sys.argv[1]), 203); os.dup2(int(sys.argv[2]), 204)
os.dup2(203, 3); os.dup2(204, 4)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES="clients:web")
os.execv(sys.executable, [sys.executable, "-m", "openstreamer", "serve", *sys.argv[3:]])
"""


def test_service_and_pages_listen_on_what_was_passed(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        with (place.folder / "serve.log").open("wb") as log:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-c", LAUNCH, str(one.fileno()), str(two.fileno())),
                    *("--listen", "127.0.0.1:1", "--web", "127.0.0.1:1"),
                ],
                pass_fds=(one.fileno(), two.fileno()),
                env=place.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        place.processes.append(process)
        # The first connection is made before anybody accepts: it waits, as with a service manager.
        speaks(place, one.getsockname()[1])
        address = f"http://127.0.0.1:{two.getsockname()[1]}/healthz"
        with urllib.request.urlopen(address, timeout=20) as answer:
            assert answer.status == 200
    process.terminate()
    assert process.wait(20) == 0, place.log("serve.log")


def test_systemd_passes_the_port(place: Place) -> None:
    program = shutil.which("systemd-socket-activate")
    if program is None:
        pytest.skip("systemd-socket-activate is not installed here")
    port = free_port()
    command = [program, "-l", f"127.0.0.1:{port}", "--fdname=clients"]
    kept = [f"--setenv={name}" for name in place.environment if name.startswith(("OPENSTREAMER", "XDG"))]
    with (place.folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *kept, sys.executable, "-m", "openstreamer", "serve", "--web", "off"],
            env=place.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    place.processes.append(process)
    wait_until(lambda: "Listening on" in place.log("serve.log"), "systemd-socket-activate")
    speaks(place, port)
    assert f"listening on 127.0.0.1:{port}" in place.log("serve.log")
    process.terminate()
    assert process.wait(20) == 0
