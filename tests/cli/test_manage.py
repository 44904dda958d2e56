"""The command manage, with real processes: starting, stopping, reloading, the menu, options that are kept."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from openstreamer.authority import read_pkcs12
from openstreamer.cli import kept_options, manage
from openstreamer.server.audit import AuditLog
from openstreamer.server.state import find
from support.commands import run
from support.processes import Place, eve_lines, wait_until
from support.raw_client import NULL, RawClient, bundle_items, request, streaming_request

FLAGS = 0x48900061
PAIRS = [(12, 11), (21, 4), (71, 17)]
OPTIONS = ("--listen", "127.0.0.1:0", "--web", "off")
ROOT = Path(__file__).parents[2]


class Managed(Place):
    """A place whose service is started by `manage`."""

    def manage(self, *arguments: str, status: int | None = 0) -> str:
        done = self.run("manage", *arguments, status=status)
        return done.stdout + done.stderr

    def about(self) -> dict[str, object]:
        found: dict[str, object] = json.loads((self.state / "service.json").read_text("utf-8") or "{}")
        return found

    def service_log(self) -> str:
        return (self.state / "service.log").read_text("utf-8")

    def connect(self) -> RawClient:
        listen = self.about()["listen"]
        assert isinstance(listen, list)
        port = int(listen[0].rpartition(":")[2])
        client = RawClient(("127.0.0.1", port), self.folder / "client.pem")
        client.send(request(0, FLAGS))
        assert client.message()[0] == 2051
        client.send(streaming_request(0, FLAGS, PAIRS))
        return client


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Managed]:
    found = Managed(tmp_path)
    credentials = read_pkcs12(found.initialise("127.0.0.1"))
    (tmp_path / "client.pem").write_bytes(credentials.certificate_pem + credentials.private_key_pem)
    try:
        yield found
    finally:
        found.run("manage", "stop", status=None)
        found.stop()


def test_start_status_reload_restart_stop(place: Managed) -> None:
    assert "does not run" in place.manage("status", status=1)
    assert "does not run" in place.manage("reload", status=1)
    assert "does not run" in place.manage("stop")
    assert re.search(
        r"has started \(process \d+\); it listens on 127\.0\.0\.1:\d+", place.manage("start", *OPTIONS)
    )
    first = place.about()["pid"]
    assert f"runs already (process {first})" in place.manage("start")
    assert "restart' with these options" in place.manage("start", "--nohostcheck", status=2)
    assert f"(process {first}, version" in place.manage("status")
    numbers = json.loads(place.manage("status", "--json"))
    assert numbers["listen"] == place.about()["listen"]
    assert [client["host"] for client in numbers["clients"]] == ["127.0.0.1"]
    assert place.manage("reload") == "reloaded; open sessions: 0\n"
    assert "has started" in place.manage("restart")
    assert place.about()["pid"] != first
    assert "has stopped" in place.manage("stop")
    assert not (place.state / "control").exists()
    changes = [
        change
        for change in reversed(AuditLog(place.state / "audit.log").newest(20))
        if change.action.startswith("service")
    ]
    assert [change.action.partition(" ")[2] for change in changes] == [
        "started", "reloaded", "stopped", "started", "stopped",
    ]  # fmt: skip
    assert changes[0].details == {"options": ["--listen", "--web"]}, "names, no values"
    assert all(change.user and change.peer == "command" for change in changes)
    for path in ("service.log", "service-options.json"):
        assert stat.S_IMODE((place.state / path).stat().st_mode) == 0o600


def test_options_are_kept_until_others_are_given(place: Managed) -> None:
    place.manage("start", *OPTIONS, "--nohostcheck", "--debug")
    kept = json.loads((place.state / "service-options.json").read_text("utf-8"))
    assert kept["options"] == [*OPTIONS, "--nohostcheck", "--debug"]
    assert f"with the options {shlex.join(kept['options'])}\n" in place.manage("restart")
    assert json.loads(place.manage("status", "--json"))["host_check"] is False
    place.manage("restart", *OPTIONS)
    assert json.loads(place.manage("status", "--json"))["host_check"] is True
    pid = place.about()["pid"]
    assert "No such option" in place.manage("restart", "--nonsense", status=2)
    assert "--nodaemon cannot be passed" in place.manage("restart", "--nodaemon", status=2)
    assert place.about()["pid"] == pid, "a wrong option must not stop the service"
    (place.state / "openstreamer.toml").write_text("[sessions]\nconnections = 0\n")
    assert "sessions.connections: expected" in place.manage("restart", status=2)
    assert place.about()["pid"] == pid, "nor may a wrong setting"
    (place.state / "openstreamer.toml").unlink()
    (place.state / "authority" / "server.pem").write_text("no certificate\n")
    assert "server.pem (it does not hold" in place.manage("restart", status=1)
    assert place.about()["pid"] == pid, "nor a certificate that cannot be used"


def test_a_start_that_fails_says_why_and_keeps_nothing(place: Managed) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        said = place.manage("start", "--listen", address, "--web", "off", status=2)
    assert said == f"openstreamer: cannot listen on {address}: Address already in use\n"
    assert not (place.state / "service-options.json").exists()
    assert "does not run" in place.manage("status", status=1)


def test_a_socket_and_a_number_left_by_a_killed_service_are_no_hindrance(place: Managed) -> None:
    place.manage("start", *OPTIONS)
    pid = place.about()["pid"]
    assert isinstance(pid, int)
    os.kill(pid, 9)
    wait_until(lambda: "does not run" in place.manage("status", status=None), "the end of the service")
    assert stat.S_ISSOCK((place.state / "control").stat().st_mode)
    place.manage("start")
    assert place.about()["pid"] != pid
    assert "the service runs since" in place.manage("status")


def test_a_foreground_service_is_managed_too_also_without_its_socket(place: Managed) -> None:
    process = place.serve("--nodaemon", host="127.0.0.1")
    wait_until(lambda: (place.state / "control").exists(), "the socket")
    place.manage("reload")
    (place.state / "control").unlink()
    assert "does not answer" in place.manage("status", status=1)
    assert "has stopped" in place.manage("stop")
    assert process.wait(10) == 0


def test_a_reload_under_load_loses_nothing_and_keeps_the_session(place: Managed) -> None:
    log = place.folder / "eve.json"
    log.touch()
    place.manage("start", *OPTIONS, "--input", f"eve:{log}")
    count, reloads = 6000, 4
    lines = eve_lines(range(count))

    def feed() -> None:
        with log.open("ab", buffering=0) as file:
            for start in range(0, count, 100):
                file.write(b"".join(lines[start : start + 100]))
                time.sleep(0.03)  # so that it goes on while the reloads are done

    got: list[int] = []
    with place.connect() as client:
        feeder = threading.Thread(target=feed)
        feeder.start()
        reloader = threading.Thread(target=lambda: [place.manage("reload") for _ in range(reloads)])
        reloader.start()
        while len(got) < count:
            kind, body = client.message()
            if kind == 4002:
                got += [item.type for item in bundle_items(body) if item.type in (400, 71)]
                client.send(NULL)
        feeder.join()
        reloader.join()
        client.silence(0.3)
        assert len(json.loads(place.manage("status", "--json"))["sessions"]) == 1
    assert len(got) == count
    assert place.service_log().count("reloaded; open sessions: 1") == reloads
    wait_until(lambda: "\nended: left 1\n" in place.manage("status"), "the end of the session")


def test_a_restart_under_load_loses_nothing(place: Managed) -> None:
    log = place.folder / "eve.json"
    lines = eve_lines(range(2000))
    log.write_bytes(b"".join(lines[:1000]))
    place.manage("start", *OPTIONS, "--input", f"eve:{log}")
    with log.open("ab") as file:
        file.writelines(lines[1000:])
    place.manage("restart")
    with place.connect() as client:
        got = 0
        while got < 2000:
            kind, body = client.message()
            if kind == 4002:
                got += sum(item.type in (400, 71) for item in bundle_items(body))
                client.send(NULL)
        client.silence(0.3)
    assert got == 2000


def test_reload_takes_over_settings_and_says_what_needs_a_restart(place: Managed) -> None:
    place.manage("start", *OPTIONS)
    settings = place.state / "openstreamer.toml"
    settings.write_text('[server]\nhost_check = false\n[store]\nbatch_records = 7\n[log]\nlevel = "debug"\n')
    assert "need a restart: store.batch_records" in place.manage("reload")
    assert json.loads(place.manage("status", "--json"))["host_check"] is False
    settings.write_text("[server]\nhost_chek = true\n")
    assert "server.host_chek: there is no such setting" in place.manage("reload", status=2)
    assert json.loads(place.manage("status", "--json"))["host_check"] is False
    settings.write_text("")
    os.kill(int(str(place.about()["pid"])), 1)  # SIGHUP
    wait_until(lambda: json.loads(place.manage("status", "--json"))["host_check"] is True, "the reload")


def test_reload_takes_over_a_certificate_unless_it_cannot_be_used(place: Managed) -> None:
    def shown() -> str:
        listen = place.about()["listen"]
        assert isinstance(listen, list)
        return ssl.get_server_certificate(("127.0.0.1", int(listen[0].rpartition(":")[2])), timeout=10)

    place.manage("start", *OPTIONS)
    before = shown()
    file = place.state / "authority" / "server.pem"
    file.write_text("no certificate")
    with place.connect() as client:
        client.silence(0.1)
    assert "nothing was reloaded: " in place.manage("reload", status=2)
    assert shown() == before
    file.unlink()
    place.run("init", "--force")
    with place.connect() as client:
        place.manage("reload")
        client.silence(0.2)
    assert shown() != before


def test_the_menu(place: Managed) -> None:
    place.manage("start", *OPTIONS)

    def menu(given: str) -> str:
        done = run("manage", state=place.state, given=given)
        assert done.status == 0, done.err
        return done.out + done.err

    out = menu("5\n3\n9\nq\n5\n")
    for number, action in manage.MENU.items():
        assert f"  {number}  {action}\n" in out
    assert out.count("the service runs since") == 1, "q leaves"
    assert "reloaded" in out
    assert "'9' is none of the choices" in out
    out = menu("4\n2\n3\n1\n")
    assert out.index("has stopped") < out.index("has started")
    assert "the service does not run; 'openstreamer manage start'" in out
    assert "the service runs since" in place.manage("status")


def test_wrong_usage(place: Managed) -> None:
    assert "there is no action 'begin'" in place.manage("begin", status=2)
    assert "only start and restart" in place.manage("stop", "--nohostcheck", status=2)
    assert "--json goes with status" in place.manage("stop", "--json", status=2)
    assert "--forget goes with" in place.manage("stop", "--forget", status=2)
    assert "systemd has no unit" in place.manage("enable", status=2)
    (place.state / "service-options.json").write_text("no")
    assert "--forget" in place.manage("start", status=2)
    place.manage("start", "--forget", *OPTIONS)


SYSTEMCTL = """#!/bin/sh
echo "$*" >> "$CALLS"
"""


def test_systemd_is_asked_where_it_has_the_unit(
    place: Managed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a stand-in for systemctl that only notes what it is asked."""
    program = tmp_path / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(SYSTEMCTL)
    program.chmod(0o700)
    calls = tmp_path / "calls"
    monkeypatch.setattr(manage, "UNIT_STATE", find(place.state).path)
    monkeypatch.setattr(manage, "SYSTEMD_RUNS", tmp_path)
    environment = {"PATH": f"{program.parent}:{os.environ['PATH']}", "CALLS": str(calls)}
    assert run("manage", "enable", state=place.state, environment=environment).status == 0
    assert run("manage", "start", "--nohostcheck", state=place.state, environment=environment).status == 0
    called = [line for line in calls.read_text().splitlines() if not line.startswith("cat ")]
    assert called == ["enable openstreamer.service", "start openstreamer.service"]
    kept = json.loads((place.state / "service-options.json").read_text("utf-8"))
    assert kept == {"options": ["--nohostcheck"], "directory": str(place.state)}


def test_the_unit_runs_with_the_options_kept(place: Managed) -> None:
    kept_options.write_kept(
        find(place.state), {"options": [*OPTIONS, "--nohostcheck"], "directory": str(place.folder)}
    )
    process = place.start("serve", "--kept")
    wait_until(lambda: "listening on" in place.log(), "the service to listen")
    wait_until(lambda: (place.state / "control").exists(), "the socket")
    assert "the host check is off" in place.manage("status")
    place.manage("stop")
    assert process.wait(10) == 0


def test_the_service_manager_is_told(place: Managed) -> None:
    told: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(20)
        address = f"openstreamer-test-{os.getpid()}"
        manager.bind("\0" + address)
        place.environment.update(NOTIFY_SOCKET="@" + address, WATCHDOG_USEC="300000")

        def until(word: str) -> None:
            for _ in range(1000):
                told.append(manager.recv(4096).decode())
                if told[-1].startswith(word):
                    return
            raise AssertionError(told)

        process = place.serve(host="127.0.0.1")
        until("READY=1\nMAINPID=")
        until("WATCHDOG=1\nSTATUS=0 sessions")
        until("WATCHDOG=1")
        process.send_signal(1)
        until("RELOADING=1\nMONOTONIC_USEC=")
        until("READY=1")
        process.terminate()
        until("STOPPING=1")
    assert process.wait(10) == 0


def test_the_unit_is_hardened() -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed here")
    unit = ROOT / "deploy" / "openstreamer.service"
    done = subprocess.run(
        [program, "security", "--offline=true", "--threshold=20", str(unit)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_help_needs_no_heavy_library() -> None:
    code = (
        "import sys\nfrom openstreamer.cli import main\n"
        "try:\n    main(['manage', '--help'])\nexcept SystemExit:\n    pass\n"
        "assert not {'ssl', 'asyncio', 'cryptography'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=30)
