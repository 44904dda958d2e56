"""The command `test`: what it prints, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from openstreamer.authority import Authority
from support.commands import Result, run
from support.live_service import LiveService, Start, append, intrusion, start, template

__all__ = ["start", "template"]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openstreamer.client.diagnosis_events.QUIET_SECONDS", 0.8)


@pytest.fixture
def live(start: Start, tmp_path: Path) -> LiveService:
    """A service with one event and a client whose file lies in the folder."""
    service = start()
    append(service.store, [(400, intrusion(1))])
    with Authority(service.state.path).load() as own:
        (tmp_path / "client.pkcs12").write_bytes(own.issue("localhost", password="secret"))
    return service


def ask(live: LiveService, folder: Path, *options: str, password: str = "secret") -> Result:
    environment = {"OPENSTREAMER_PASSWORD": password} if password else {}
    return run(
        "test",
        f"localhost:{live.port}",
        *options,
        state=folder / "state",
        folder=folder,
        environment=environment,
    )


def test_all_is_well(live: LiveService, tmp_path: Path) -> None:
    done = ask(live, tmp_path, "--events", "intrusion,user")
    assert done.status == 0, done.out
    lines = done.out.splitlines()
    assert lines[0].split()[:3] == ["ok", "client", "client.pkcs12:"]
    assert any(line.startswith("ok   trust ") for line in lines)
    assert any(
        line.startswith("ok   events       intrusion: arrives (record 400, block 85") for line in lines
    )
    assert "Nothing arrives of user: nothing of it is stored there, or the event type is off" in done.out
    assert lines[-1] == f"localhost:{live.port}: works"
    assert not (tmp_path / "state").exists(), "a check leaves nothing behind"
    assert done.err == ""


def test_a_failure_says_why_and_what_to_do(live: LiveService, tmp_path: Path) -> None:
    with Authority(live.state.path).load() as own:
        own.revoke("localhost")
    done = ask(live, tmp_path, "--events", "intrusion")
    assert done.status == 3
    said = done.out.splitlines()
    at = next(n for n, line in enumerate(said) if line.startswith("FAIL admission"))
    assert said[at + 1].strip().startswith("why: ")
    assert said[at + 2].strip().startswith("do: ")
    assert said[-1].endswith(": failed at the step admission")


def test_for_programs(live: LiveService, tmp_path: Path) -> None:
    done = ask(live, tmp_path, "--events", "intrusion", "--json")
    assert done.status == 0
    report = json.loads(done.out)
    assert report["ok"] is True
    assert report["exit_status"] == 0
    assert report["server"] == f"localhost:{live.port}"
    states = [step["details"].get("state") for step in report["steps"] if step["step"] == "events"]
    assert states == ["arrives"]
    without = ask(live, tmp_path, "--events", "intrusion", "--json", password="")
    assert without.status == 2
    failed = [step for step in json.loads(without.out)["steps"] if step["mark"] == "failed"]
    assert failed[0]["cause"] == "no password was given"


def test_wrong_usage_ends_at_once(tmp_path: Path) -> None:
    assert (
        "there are no events 'sausages'" in run("test", "fmc1", "--events", "sausages", folder=tmp_path).err
    )
    both = run("test", "fmc1", "--pkcs12", "a", "--cert", "b", folder=tmp_path)
    assert (both.status, both.out) == (2, "")
    assert run("test", "fmc1:99999", folder=tmp_path).status == 2


def test_without_a_file_the_network_is_checked(live: LiveService, tmp_path: Path) -> None:
    (tmp_path / "client.pkcs12").unlink()
    done = ask(live, tmp_path)
    assert done.status == 2
    assert "no client certificate is given" in done.out
    assert "ok   certificate" in done.out
