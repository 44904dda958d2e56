"""The service's log in each form and at each place; syslog with a real log server."""

from __future__ import annotations

import json
import logging
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from openstreamer.authority import read_pkcs12
from openstreamer.errors import UsageError
from openstreamer.log_forms import Peer
from openstreamer.server import logs
from support.log_servers import rsyslogd
from support.processes import Place, end, wait_until
from support.raw_client import RawClient, request

log = logging.getLogger("openstreamer.server")


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger(logs.LOGGER)
    before = root.handlers[:], root.level, root.propagate
    yield
    for handler in root.handlers:
        if handler not in before[0]:
            handler.close()
    root.handlers[:], root.level, root.propagate = before[0], before[1], before[2]


def test_json_lines_have_peer_and_client_as_fields(tmp_path: Path) -> None:
    file = tmp_path / "log"
    logs.configure("info", form="json", target=file)
    log.info("%s: connected", Peer("192.0.2.1:5", "siem.invalid"))
    log.warning("%s: refused: %s", Peer("192.0.2.1:6"), 'a "cause"\nof two lines')
    log.debug("not written")
    try:
        raise ValueError("a fault")
    except ValueError:
        log.exception("100 %s", "%")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["level"] for line in lines] == ["info", "warning", "error"]
    assert (lines[0]["peer"], lines[0]["client"]) == ("192.0.2.1:5", "siem.invalid")
    assert lines[1]["peer"] == "192.0.2.1:6"
    assert "client" not in lines[1]
    assert lines[1]["message"].endswith('a "cause"\nof two lines')
    assert "ValueError: a fault" in lines[2]["traceback"]
    assert lines[0]["time"].endswith("Z")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_text_stays_one_line_and_a_renamed_file_is_begun_anew(tmp_path: Path) -> None:
    file = tmp_path / "log"
    logs.configure("info", target=file)
    log.info("%s: %s", Peer("192.0.2.1:5", "siem.invalid"), "x\nERROR forged\r")
    file.rename(tmp_path / "log.1")
    logs.set_form("json")
    log.info("second")
    first = (tmp_path / "log.1").read_text()
    assert first.endswith("INFO 192.0.2.1:5: x\\nERROR forged\\r\n")
    assert first.count("\n") == 1
    assert json.loads(file.read_text())["message"] == "second"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_log_that_cannot_be_had_is_named_and_one_that_goes_away_is_survived(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match=r"cannot open the log .*/none/log: No such file"):
        logs.configure("info", target=tmp_path / "none" / "log")
    place = tmp_path / "syslog"
    with pytest.raises(UsageError, match=r"no syslog listens at .*: start it, or log elsewhere"):
        logs.configure("info", target="syslog", syslog_socket=str(place))
    for _ in range(2):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
            server.bind(str(place))
            server.settimeout(5)
            logs.configure("info", target="syslog", syslog_socket=str(place))
            log.info("heard")
            assert server.recv(1000).endswith(b": heard")
        log.info("%s: while it is away", Peer("192.0.2.1:5"))
        place.unlink()
        log.info("gone")
        shown = capsys.readouterr().err
        assert "Traceback" not in shown
        assert [line.split(" INFO ")[1] for line in shown.splitlines()] == [
            "192.0.2.1:5: while it is away",
            "gone",
        ]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
            server.bind(str(place))
            server.settimeout(5)
            log.info("back")
            assert server.recv(1000).endswith(b": back")
        place.unlink()


SERVE = """
import sys
from openstreamer.server import logs
logs.SYSLOG_SOCKET = sys.argv[1]
from openstreamer.cli import main
main(sys.argv[2:])
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_daemon_logs_to_a_real_log_server(tmp_path: Path, form: str) -> None:
    place = Place(tmp_path)
    place.run("init")
    with rsyslogd(tmp_path, "local") as server:
        command = ("serve", "--daemon", "--syslog", "--log-format", form)
        done = subprocess.run(
            [
                *(sys.executable, "-c", SERVE, server.target, *command),
                *("--listen", "127.0.0.1:0", "--web", "off"),
            ],
            env=place.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        try:
            wait_until(lambda: any("listening on" in line for line in server.lines()), "the first message")
        finally:
            place.run("manage", "stop")
        wait_until(lambda: any("stopped" in line for line in server.lines()), "the last message")
        line = next(line for line in server.lines() if "listening on" in line)
    assert "openstreamer" in line
    if form == "json":
        assert json.loads(line[line.index("{") : line.rindex("}") + 1])["level"] == "info"


def test_the_service_names_peer_and_client(tmp_path: Path) -> None:
    place = Place(tmp_path)
    credentials = read_pkcs12(place.initialise("127.0.0.1"))
    (tmp_path / "client.pem").write_bytes(credentials.certificate_pem + credentials.private_key_pem)
    try:
        file = tmp_path / "own.log"
        service = place.serve("--log-file", str(file), "--log-format", "json", host="127.0.0.1")
        with RawClient(("127.0.0.1", place.port), tmp_path / "client.pem") as client:
            client.send(request(0, 0x48900061))
            client.message()
        place.run("manage", "reload")
        assert end(service) == 0
    finally:
        place.stop()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    connected = [line for line in lines if "connected" in line["message"]]
    assert connected[0]["client"] == "127.0.0.1"
    assert connected[0]["peer"].startswith("127.0.0.1:")
    assert lines[-1]["message"] == "stopped", "a reload keeps the form that was asked for"
    assert place.log("serve.log") == ""
