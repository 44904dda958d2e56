"""`openstreamer run` as a process: killed, ended, reloaded, watched by a manager, in front of rsyslogd."""

from __future__ import annotations

import json
import logging
import random
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from openstreamer.client.service.configuration import ClientSection
from openstreamer.client.service.process import configure_logging
from support.client_service import numbers_of, output_section, server_section
from support.kills import kill_often
from support.live_service import LiveService, Start, append, intrusion, wait_until
from support.log_servers import free_port, rsyslogd


def fill(live: LiveService, numbers: range, second: int | None = None) -> None:
    append(live.store, [(400, intrusion(number)) for number in numbers], now=second)


def rows(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


class Client:
    """A started `openstreamer run`."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes], port: int) -> None:
        self.folder = folder
        self.process = process
        self.port = port

    def log(self) -> str:
        return (self.folder / "run.log").read_text()

    def health(self) -> tuple[int, dict[str, Any]]:
        """Status and body of /healthz."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)
        except OSError:
            return 0, {}

    def metrics(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            return str(answer.read().decode())


@contextmanager
def client(folder: Path, text: str, *, stalled: float = 60, **environment: str) -> Iterator[Client]:
    """Run the command on this configuration."""
    port = free_port(socket.SOCK_STREAM)
    file = folder / "client.toml"
    head = (
        f'[client]\nstate = "state"\nhealth = "127.0.0.1:{port}"\nsave_seconds = 0.2\nstalled_seconds = 3\n'
    )
    file.write_text(head + text)
    command = [sys.executable, "-m", "openstreamer", "run", "--config", str(file)]
    with (folder / "run.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={"PATH": "/usr/bin:/bin", **environment},
        )
    try:
        yield Client(folder, process, port)
    finally:
        process.kill()
        process.wait(30)


def rewrite(client: Client, text: str) -> None:
    """Another configuration with the same head, and SIGHUP."""
    file = client.folder / "client.toml"
    head = file.read_text().partition("[servers")[0]
    file.write_text(head + text)
    client.process.send_signal(signal.SIGHUP)


def test_the_log_is_lines_of_text_or_of_json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    root = logging.getLogger("openstreamer")
    before = root.handlers[:], root.level, root.propagate
    try:
        configure_logging(ClientSection())
        logging.getLogger("openstreamer.client").warning("fmc: %s", "x\nERROR forged")
        configure_logging(ClientSection(log_format="json", log_level="error"))
        logging.getLogger("openstreamer.client").warning("not written")
        logging.getLogger("openstreamer.client").error("fmc: %s", "y\nz")
    finally:
        root.handlers[:], root.level, root.propagate = before[0], before[1], before[2]
    text, line = capsys.readouterr().err.splitlines()
    assert text.endswith(" WARNING fmc: x\\nERROR forged")
    assert (json.loads(line)["level"], json.loads(line)["message"]) == ("error", "fmc: y\nz")


@pytest.mark.slow
def test_killed_at_a_dozen_random_moments_nothing_is_lost_and_nothing_double(
    start: Start, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    seed = random.randrange(1_000_000)
    bill = kill_often(folder, start(), 12, random.Random(seed))
    assert (bill.missing, bill.double) == (0, 0), f"seed {seed}: {bill}"
    assert (bill.missing_rotated, bill.double_rotated, bill.missing_syslog) == (0, 0, 0), (
        f"seed {seed}: {bill}"
    )
    assert bill.killed_with_unsaved, "no kill came at a moment that matters"


@pytest.mark.slow
def test_a_pair_with_a_loose_cable_and_a_client_that_is_killed_deliver_each_event_once(
    start: Start, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    seed = random.randrange(1_000_000)
    bill = kill_often(folder, start(), 6, random.Random(seed), secondary=start())
    assert (bill.missing, bill.double) == (0, 0), f"seed {seed}: {bill}"
    assert (bill.missing_rotated, bill.double_rotated) == (0, 0), f"seed {seed}: {bill}"
    assert bill.missing_syslog == 0, f"seed {seed}: {bill}"


def test_health_and_metrics_say_when_a_server_is_gone(start: Start, tmp_path: Path) -> None:
    live = start()
    fill(live, range(20))
    text = server_section("fmc", live) + output_section("file", "json", "events.json")
    with client(tmp_path, text, stalled=2) as run:
        wait_until(lambda: run.health()[0] == 200, 30, "health")
        wait_until(lambda: len(numbers_of(tmp_path / "events.json")) == 20, 30, "the events")
        assert 'openstreamer_client_output_written_total{output="file"} 20' in run.metrics()
        live.stop()
        wait_until(lambda: run.health()[0] == 503, 30, "the silence to be noticed")
        _, body = run.health()
        assert "fmc has said nothing for" in body["reasons"][0]
        assert "cannot connect" in body["reasons"][0]
        assert "openstreamer_client_healthy 0" in run.metrics()
        assert run.log().count("cannot connect") == 1, "a cause is told once"
        run.process.send_signal(signal.SIGTERM)
        assert run.process.wait(30) == 0


def test_a_reload_with_a_mistake_changes_nothing_and_one_without_takes_over(
    start: Start, tmp_path: Path
) -> None:
    live = start()
    fill(live, range(10))
    text = server_section("fmc", live) + output_section("file", "json", "events.json")
    with client(tmp_path, text) as run:
        wait_until(lambda: len(numbers_of(tmp_path / "events.json")) == 10, 30, "the events")
        rewrite(run, text.replace("json", "jsn"))
        wait_until(lambda: "there is no output 'jsn'" in run.log(), 30, "the mistake to be told")
        rewrite(run, text + output_section("table", "csv", "events.csv"))
        wait_until(lambda: "reloaded: 2 outputs" in run.log(), 30, "the reload")
        wait_until(lambda: rows(tmp_path / "events.csv") == 11, 30, "the table")
        fill(live, range(10, 15))
        wait_until(lambda: len(numbers_of(tmp_path / "events.json")) == 15, 30, "more")
        rewrite(run, server_section("fmc", live) + output_section("table", "csv", "events.csv"))
        wait_until(lambda: "reloaded: 1 outputs" in run.log(), 30, "the reload")
        fill(live, range(15, 20))
        wait_until(lambda: rows(tmp_path / "events.csv") == 21, 30, "the table")
        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(30) == 130
    assert numbers_of(tmp_path / "events.json") == list(range(15))


def test_the_service_manager_hears_ready_reloading_alive_and_stopping(start: Start, tmp_path: Path) -> None:
    live = start()
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(30)
        text = server_section("fmc", live) + output_section("file", "json", "events.json")

        def hear(word: str) -> str:
            while True:
                message = manager.recv(4096).decode()
                if word in message:
                    return message

        with client(tmp_path, text, NOTIFY_SOCKET=str(path), WATCHDOG_USEC="900000") as run:
            assert f"MAINPID={run.process.pid}" in hear("READY=1")
            hear("WATCHDOG=1")
            run.process.send_signal(signal.SIGHUP)
            assert "MONOTONIC_USEC=" in hear("RELOADING=1")
            hear("READY=1")
            run.process.send_signal(signal.SIGTERM)
            hear("STOPPING=1")
            assert run.process.wait(30) == 0


def test_two_processes_do_not_share_a_state_directory(start: Start, tmp_path: Path) -> None:
    live = start()
    text = server_section("fmc", live) + output_section("file", "json", "events.json")
    with client(tmp_path, text) as run:
        wait_until(lambda: run.health()[0] == 200, 30, "health")
        second = tmp_path / "second.toml"
        second.write_text((tmp_path / "client.toml").read_text().replace(str(run.port), "0"))
        done = subprocess.run(
            [sys.executable, "-m", "openstreamer", "run", "--config", str(second)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert f"process {run.process.pid} works with the state directory" in done.stderr


def test_a_log_server_that_is_killed_and_comes_back_misses_nothing_and_the_file_waits_for_nobody(
    start: Start, tmp_path: Path
) -> None:
    live = start()
    logs = tmp_path / "logs"
    logs.mkdir()
    port = free_port(socket.SOCK_STREAM)
    siem = output_section("siem", "syslog", f"tcp://127.0.0.1:{port}") + 'settings.content = "json"\n'
    text = server_section("fmc", live) + output_section("file", "json", "events.json") + siem

    def arrived() -> Counter[int]:
        lines = (logs / "received.log").read_text().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith("\n")]
        return Counter(int(line.partition('"event_id":')[2].partition(",")[0]) for line in whole)

    with client(tmp_path, text) as run:
        with rsyslogd(logs, "tcp", port) as server:
            fill(live, range(100))
            wait_until(lambda: len(server.lines()) >= 100, 30, "the first events")
        # rsyslogd is gone
        fill(live, range(100, 400))
        wait_until(lambda: len(numbers_of(tmp_path / "events.json")) == 400, 30, "the file to go on alone")
        wait_until(lambda: "output siem" in run.log(), 30, "the failure to be told")
        with rsyslogd(logs, "tcp", port) as server:
            fill(live, range(400, 500))
            wait_until(lambda: len(arrived()) >= 500, 60, "all to arrive")
        run.process.send_signal(signal.SIGTERM)
        assert run.process.wait(60) == 0
    assert arrived().keys() == set(range(500))
    assert numbers_of(tmp_path / "events.json") == list(range(500))
