"""Every example runs and does what it says."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from openstreamer.outputs import registry
from openstreamer.protocol.host_profiles import decode_profile, profile_line
from openstreamer.testing import LocalServer
from support import hand_made
from support.certificates import authority
from support.hand_made import SECOND, record
from support.hand_profiles import profile_149
from support.scripted_server import Conversation, serving
from support.streams import Run

EXAMPLES = Path(__file__).parents[1] / "examples"
PACKAGE = EXAMPLES / "output_package"
RUN_HERE = {
    "alerts.py",
    "follow_async.py",
    "host_profiles.py",
    "into_database.py",
    "output_rules.py",
    "top_talkers.py",
    "two_servers.py",
}
TESTED = EXAMPLES / "testing_a_client"


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


@pytest.mark.parametrize("name", sorted(RUN_HERE - {"output_rules.py"}))
def test_without_arguments_an_example_says_how_it_is_called(name: str) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / name], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert f": python examples/{name} " in done.stderr
    assert "Traceback" not in done.stderr


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


def test_follow_async(tmp_path: Path, pkcs12: str) -> None:
    with serving(script, tmp_path) as server:
        first = run(tmp_path, "follow_async.py", "127.0.0.1", pkcs12, str(server.port))
        assert [json.loads(line)["data"]["event_id"] for line in first] == [1, 2, 3]
        assert run(tmp_path, "follow_async.py", "127.0.0.1", pkcs12, str(server.port)) == []


def test_host_profiles(tmp_path: Path) -> None:
    profile = profile_line(decode_profile(profile_149("192.0.2.1", "2001:db8::1")), "here")
    with LocalServer(tmp_path) as server:
        server.send(profile)
        plain = tmp_path / "plain.pkcs12"
        plain.write_bytes(_without_password(server))
        lines = run(tmp_path, "host_profiles.py", server.host, str(plain), str(server.port), "192.0.2.0/24")
    assert lines == ["192.0.2.1, 2001:db8::1"]


def _without_password(server: LocalServer) -> bytes:
    from cryptography.hazmat.primitives.serialization import NoEncryption
    from cryptography.hazmat.primitives.serialization import pkcs12 as files

    found = files.load_pkcs12(server.pkcs12.read_bytes(), server.password.encode())
    assert found.cert is not None
    assert found.key is not None
    authorities = [each.certificate for each in found.additional_certs]
    key: Any = found.key
    return files.serialize_key_and_certificates(
        b"client", key, found.cert.certificate, authorities, NoEncryption()
    )


def pytest_in(folder: Path) -> str:
    """Run the tests of a folder as their authors would."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder, folder],
        capture_output=True,
        text=True,
        timeout=110,
        cwd=folder,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_client_tested_by_its_own_project(tmp_path: Path) -> None:
    shutil.copytree(TESTED, tmp_path / "project")
    assert "3 passed" in pytest_in(tmp_path / "project")


def test_the_page_about_testing_a_client(tmp_path: Path) -> None:
    """Its blocks are a conftest.py and a test, in this order."""
    page = (EXAMPLES.parent / "docs" / "testing-your-client.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "conftest.py").write_text(blocks[0])
    for number, block in enumerate(blocks[1:]):
        (tmp_path / f"test_{number}.py").write_text(block)
    assert "passed" in pytest_in(tmp_path)


def test_types_of_the_examples() -> None:
    """Whoever copies an example into a strictly typed project has nothing to add."""
    files = sorted(EXAMPLES.rglob("*.py"))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--explicit-package-bases", *files],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        cwd=EXAMPLES.parent,
        env={**os.environ, "MYPYPATH": f"{EXAMPLES}:{TESTED}:{PACKAGE}"},
    )
    assert done.returncode == 0, done.stdout + done.stderr


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
