"""The command `hosts`, against a running service, and what it writes fed to another one."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from openstreamer.cli.hosts import command
from openstreamer.errors import UsageError
from openstreamer.inputs.uri import make_input
from openstreamer.layouts.records import EVENT_CLASSES
from openstreamer.protocol.host_profiles import decode_profile
from openstreamer.server.intake import Intake
from openstreamer.store import Store
from support.hand_made import address
from support.hand_profiles import profile_149, profile_ipv4
from support.live_service import LiveService, Start, start, template

__all__ = ["start", "template"]


def put(store: Store, *profiles: bytes) -> None:
    store.put_hosts([([address(text) for text in decode_profile(data).addresses], data) for data in profiles])


def run(live: LiveService, folder: Path, *arguments: str) -> Result:
    options = ["--cert", str(live.certificates["one"]), "--state", str(folder)]
    return CliRunner().invoke(
        command,
        [f"127.0.0.1:{live.port}", *arguments, *options],
        standalone_mode=False,
        catch_exceptions=False,
    )


def addresses(result: Result) -> list[list[str]]:
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert all(line["event"] == "full_host_profile" and "record_type" not in line for line in lines)
    return [
        [item["ip_address"] for item in line["data"].get("ip_addresses", [])] or [line["data"]["ip_address"]]
        for line in lines
    ]


@pytest.fixture
def live(start: Start) -> LiveService:
    service = start()
    put(
        service.store,
        profile_149("192.0.2.1", "2001:db8::1"),
        profile_149("192.0.2.2"),
        profile_149("2001:db8::2"),
        profile_ipv4(92, "10.0.0.1"),
    )
    return service


def test_addresses_ranges_and_networks(live: LiveService, tmp_path: Path) -> None:
    result = run(live, tmp_path, "192.0.2.2", "2001:db8::/64", "10.0.0.0-10.0.0.9")
    assert result.return_value == 0
    assert addresses(result) == [
        ["192.0.2.2"],
        ["192.0.2.1", "2001:db8::1"],
        ["2001:db8::2"],
        ["10.0.0.1"],
    ]
    assert json.loads(result.stdout.splitlines()[0])["server"] == f"127.0.0.1:{live.port}"
    assert result.stderr.count("\n") == 1, "only that the server was not known"


def test_unknown_hosts_are_named(live: LiveService, tmp_path: Path) -> None:
    run(live, tmp_path, "192.0.2.1")
    result = run(live, tmp_path, "192.0.2.77", "192.0.2.1", "10.9.0.0/16")
    assert result.stderr.splitlines() == [
        "openstreamer: 192.0.2.77: no such host",
        "openstreamer: 10.9.0.0/16: no hosts",
    ]
    assert len(addresses(result)) == 1
    assert run(live, tmp_path, "192.0.2.77", "--quiet").stderr == ""


def test_notes_and_banners(live: LiveService, tmp_path: Path) -> None:
    (line,) = run(live, tmp_path, "192.0.2.1").stdout.splitlines()
    data = json.loads(line)["data"]
    assert (data["notes"], data["tcp_servers"][0]["banner"]) == ("mine", "U1NILTIuMC1PcGVuU1NIXzkuMg0K")
    (line,) = run(live, tmp_path, "192.0.2.1", "--no-notes", "--no-banners").stdout.splitlines()
    data = json.loads(line)["data"]
    assert (data["notes"], data["tcp_servers"][0]["banner"]) == ("", "")


def test_other_ways_to_ask(live: LiveService, tmp_path: Path) -> None:
    for options, block_type in (
        (["--legacy"], 92),
        (["--legacy", "--data-type", "2"], 47),
        (["--data-type", "8"], 135),
        (["--extended"], 149),
        (["--flags", "0x0"], 149),
    ):
        (line,) = run(live, tmp_path, "192.0.2.1", *options).stdout.splitlines()
        assert json.loads(line)["data"]["block_type"] == block_type


def test_tree(live: LiveService, tmp_path: Path) -> None:
    lines = run(live, tmp_path, "192.0.2.1", "--tree").stdout.splitlines()
    assert lines[0] == "192.0.2.1, 2001:db8::1"
    assert "full_host_profile 149" in lines[1]
    assert any("netbios_name" in line and "'PC'" in line for line in lines)


def test_wrong_usage(live: LiveService, tmp_path: Path) -> None:
    for arguments in (["nowhere"], ["::1", "--legacy"], ["192.0.2.1", "--flags", "many"]):
        with pytest.raises(UsageError):
            run(live, tmp_path, *arguments)


def test_what_one_server_knows_is_fed_to_another(live: LiveService, start: Start, tmp_path: Path) -> None:
    path = tmp_path / "hosts.json"
    path.write_text(run(live, tmp_path, "0.0.0.0/0", "2001:db8::/32").stdout)
    other = start()
    source = make_input("json", {"path": str(path)})
    Intake(other.store, source, enabled=lambda: EVENT_CLASSES, stop=threading.Event()).run()
    highest = b"\xff" * 16
    assert [(host.address, host.data) for host in other.store.hosts(bytes(16), highest)] == [
        (host.address, host.data) for host in live.store.hosts(bytes(16), highest)
    ]
