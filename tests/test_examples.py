"""Every example runs and does what it says."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from openstreamer.outputs import registry
from support import hand_made
from support.certificates import authority
from support.hand_made import SECOND, record
from support.scripted_server import Conversation, serving
from support.streams import Run

EXAMPLES = Path(__file__).parents[1] / "examples"
PACKAGE = EXAMPLES / "output_package"
RUN_HERE = {"alerts.py", "top_talkers.py", "into_database.py", "two_servers.py", "output_rules.py"}


def script(conversation: Conversation) -> None:
    since, _ = conversation.greet()
    if since <= SECOND:
        conversation.bundles(
            [
                record(66, hand_made.rule_message(1, 2001219, 20, "ET SCAN"), None),
                *[record(400, hand_made.intrusion_85(event_id=number), SECOND) for number in (1, 2, 3)],
            ]
        )
    conversation.wait_for_end()


def run(folder: Path, name: str, *arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, EXAMPLES / name, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def pkcs12(tmp_path: Path) -> str:
    return str(authority().pkcs12(tmp_path / "client.pkcs12", "client"))


def test_all_examples_are_tested() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == RUN_HERE


def test_alerts(tmp_path: Path, pkcs12: str) -> None:
    with serving(script, tmp_path) as server:
        lines = run(tmp_path, "alerts.py", "127.0.0.1", pkcs12, str(server.port))
    assert lines[:3] == ["192.0.2.1 -> 198.51.100.7 ET SCAN"] * 3


def test_top_talkers(tmp_path: Path, pkcs12: str) -> None:
    def connections(conversation: Conversation) -> None:
        conversation.greet()
        conversation.bundles([record(71, hand_made.connection_174(number), SECOND) for number in (1, 2, 1)])
        conversation.wait_for_end()

    with serving(connections, tmp_path) as server:
        lines = run(tmp_path, "top_talkers.py", "127.0.0.1", pkcs12, str(server.port))
    assert [line.split() for line in lines] == [["3,002", "10.0.0.1"], ["1,502", "10.0.0.2"]]


def test_into_database_twice_keeps_each_once(tmp_path: Path, pkcs12: str) -> None:
    def alerts(conversation: Conversation) -> None:
        conversation.greet()
        conversation.bundles([record(400, hand_made.intrusion_85(event_id=n), SECOND) for n in (1, 2, 3)])
        conversation.wait_for_end()

    with serving(alerts, tmp_path) as server:
        for _ in range(2):
            lines = run(tmp_path, "into_database.py", "127.0.0.1", pkcs12, "alerts.db", str(server.port))
            assert lines == ["3 alerts"]


def test_two_servers(tmp_path: Path, pkcs12: str) -> None:
    with serving(script, tmp_path) as one, serving(script, tmp_path) as two:
        servers = [f"127.0.0.1:{server.port}" for server in (one, two)]
        lines = run(tmp_path, "two_servers.py", pkcs12, *servers)
    for server in servers:
        assert sum(line.startswith(server) for line in lines) == 3


def test_an_output_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    described = importlib.util.spec_from_file_location("output_rules", EXAMPLES / "output_rules.py")
    assert described is not None
    assert described.loader is not None
    module = importlib.util.module_from_spec(described)
    described.loader.exec_module(module)

    class Entry:
        name, value = "rules", "output_rules:RulesOutput"

        def load(self) -> object:
            return module.RulesOutput

    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [Entry()])
    assert "How many rules" in registry.manual("rules")
    with serving(script, tmp_path) as server:
        for _ in range(2):
            Run(
                tmp_path, server.port, outputs=(("rules:top=1", "rules.txt"),), record_types=frozenset({400})
            )()
    assert (tmp_path / "rules.txt").read_text().split() == ["3", "ET", "SCAN"]


def test_an_output_from_a_package_of_its_own(tmp_path: Path, pkcs12: str) -> None:
    """Installed by pip, found by the command, run against a server and a StatsD port."""
    source, place = tmp_path / "source", tmp_path / "installed"
    shutil.copytree(PACKAGE, source)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    subprocess.run([*pip, "--target", place, source], check=True, timeout=60, capture_output=True)
    lines = (PACKAGE / "openstreamer_statsd.py").read_text().splitlines()
    assert len([line for line in lines if line]) <= 30
    environment = {**os.environ, "PYTHONPATH": str(place), "OPENSTREAMER_STATE": str(tmp_path / "state")}
    command = [sys.executable, "-m", "openstreamer", "stream"]
    helped = subprocess.run(
        [*command, "-o", "statsd:help"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=True,
    )
    assert "What the names of all counters begin with." in helped.stdout
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd, serving(script, tmp_path) as server:
        statsd.bind(("127.0.0.1", 0))
        statsd.settimeout(20)
        address = f"127.0.0.1:{statsd.getsockname()[1]}"
        target = [f"127.0.0.1:{server.port}", "--pkcs12", pkcs12, "--count", "3"]
        done = subprocess.run(
            [*command, *target, "-o", "statsd:prefix=here", "-f", address],
            capture_output=True, text=True, env=environment, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert statsd.recv(1000) == b"here.intrusion_event:3|c"
