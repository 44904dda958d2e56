from __future__ import annotations

import re
import stat
import sys
from pathlib import Path

import pytest

from openstreamer.server.audit import AuditLog
from openstreamer.server.web.passwords import PasswordFile
from support.commands import run

SHOWN = re.compile(r"shown only now: (\S+)")


def verify(state: Path, password: str) -> bool:
    return PasswordFile(state / "web-password").verify(password)


def test_init_makes_a_password_up_and_shows_it_once(tmp_path: Path) -> None:
    state = tmp_path / "state"
    result = run("init", state=state)
    found = SHOWN.search(result.out)
    assert found is not None
    assert verify(state, found[1])
    assert stat.S_IMODE((state / "web-password").stat().st_mode) == 0o600
    assert "shown only now" not in run("init", "--force", state=state).out, "it is never replaced by accident"
    assert verify(state, found[1])


def test_init_takes_a_password_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("correct horse\nsecond line\n")
    state = tmp_path / "state"
    result = run("init", "--password-file", str(tmp_path / "secret"), state=state)
    assert result.status == 0
    assert "correct" not in result.out
    assert verify(state, "correct horse")


def test_a_password_that_is_too_short_makes_nothing(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("short\n")
    state = tmp_path / "state"
    result = run("init", "--password-file", str(tmp_path / "secret"), state=state)
    assert result.status == 2
    assert "8 to 1000 characters" in result.err
    assert not state.exists()
    assert run("init", "--password-file", str(tmp_path / "missing"), state=state).status == 2


def test_web_password_sets_it_again(tmp_path: Path) -> None:
    state = tmp_path / "state"
    run("init", state=state)
    result = run("web-password", state=state)
    found = SHOWN.search(result.out)
    assert found is not None
    assert verify(state, found[1])
    (tmp_path / "secret").write_text("correct horse")
    assert run("web-password", "--password-file", str(tmp_path / "secret"), state=state).status == 0
    assert verify(state, "correct horse")
    assert not verify(state, found[1])
    noted = [change.action for change in AuditLog(state / "audit.log").newest(9)]
    assert noted[:3] == ["password of the web pages set"] * 3, "by init too"
    (tmp_path / "secret").write_text("\n")
    assert run("web-password", "--password-file", str(tmp_path / "secret"), state=state).status == 2
    assert verify(state, "correct horse")


def test_the_password_of_client_files_is_not_that_of_the_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENSTREAMER_PASSWORD", "for a PKCS#12 file")
    run("init", state=tmp_path / "state")
    assert not verify(tmp_path / "state", "for a PKCS#12 file")


def test_without_the_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "openstreamer.server.web.passwords", raising=False)
    monkeypatch.setitem(sys.modules, "argon2", None)
    state = tmp_path / "state"
    result = run("init", state=state)
    assert result.status == 0
    assert "assword" not in result.out
    result = run("web-password", state=state)
    assert result.status == 2
    assert "pip install 'openstreamer[web]'" in result.err


def test_without_a_state_directory(tmp_path: Path) -> None:
    result = run("web-password", state=tmp_path / "nothing")
    assert result.status == 2
    assert "openstreamer init" in result.err
