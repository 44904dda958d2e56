from __future__ import annotations

import logging
import stat
from pathlib import Path

import pytest

from openstreamer.server.audit import COMMAND, SERVICE, AuditLog, system_user


def test_changes_are_lines_and_come_back_newest_first(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    audit = AuditLog(path)
    assert audit.newest(5) == []
    audit.write("192.0.2.1", "login")
    audit.write("192.0.2.1", "client added", host="siem\nforged", names=["siem", "10.0.0.1"], on=[])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes().count(b"\n") == 2, "a line break in a value makes no line"
    newest, oldest = audit.newest(5)
    assert (newest.action, oldest.action) == ("client added", "login")
    assert newest.words == "host: siem\nforged, names: siem 10.0.0.1"
    assert len(audit.newest(1)) == 1


def test_damaged_lines_and_rotation_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    audit = AuditLog(path)
    audit.write("192.0.2.1", "login")
    with path.open("ab") as file:
        file.write(b"\x00\xff broken\n")
        file.write(path.read_bytes().replace(b"login", b"log\xffin"))
    assert [change.action for change in audit.newest(5)] == ["login"]
    path.rename(tmp_path / "audit.log.1")
    audit.write("192.0.2.1", "logout")
    assert [change.action for change in audit.newest(5)] == ["logout"]


def test_what_cannot_be_written_is_still_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="openstreamer.audit")
    logging.getLogger("openstreamer").propagate = True
    AuditLog(tmp_path / "missing" / "audit.log").write("192.0.2.1", "login")
    assert "192.0.2.1: login" in caplog.text
    assert "cannot be written" in caplog.text


def test_who_made_a_change(tmp_path: Path) -> None:
    audit = AuditLog(tmp_path / "audit.log")
    audit.write("192.0.2.1", "login")
    audit.write(COMMAND, "client added", user="ada", host="siem")
    audit.write(SERVICE, "server certificate renewed")
    assert [change.who for change in audit.newest(3)] == [
        "by the service",
        "by the command of ada",
        "from 192.0.2.1",
    ]
    assert b'"user":"ada"' in (tmp_path / "audit.log").read_bytes()


def test_who_gives_a_command() -> None:
    assert system_user({}, user_id=0) == "root"
    assert system_user({"SUDO_USER": "ada"}, user_id=0) == "ada as root"
    assert system_user({"SUDO_USER": "ada"}, user_id=4_000_000_000) == "4000000000"
