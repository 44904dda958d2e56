from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from openstreamer.errors import StateError, UsageError
from openstreamer.server.web.passwords import LEAST, PasswordFile, make_password, write_password


def test_made_up_passwords_are_strong_and_differ() -> None:
    made = {make_password() for _ in range(100)}
    assert len(made) == 100
    assert all(len(password) == 23 and password.count("-") == 3 for password in made)


def test_the_file_holds_a_hash_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "web-password"
    write_password(path, "correct horse")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"correct" not in path.read_bytes()
    assert path.read_text().startswith("$argon2id$")
    file = PasswordFile(path)
    assert file.verify("correct horse")
    assert not file.verify("Correct horse")
    assert not file.verify("")
    assert not file.verify("x" * 100_000)


def test_a_new_password_has_a_new_stamp(tmp_path: Path) -> None:
    path = tmp_path / "web-password"
    file = PasswordFile(path)
    assert file.stamp() == ""
    assert not file.verify("correct horse")
    write_password(path, "correct horse")
    first = file.stamp()
    assert first
    assert file.stamp() == first
    write_password(path, "correct horse")
    assert file.stamp() != first
    path.unlink()
    assert file.stamp() == ""


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff\xfe", b"$argon2id$v=19$m=1,t=1$"])
def test_a_damaged_file_lets_nobody_in(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "web-password"
    path.write_bytes(content)
    assert not PasswordFile(path).verify("")
    assert not PasswordFile(path).verify("nonsense")


def test_short_passwords_and_places_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="must have"):
        write_password(tmp_path / "file", "x" * (LEAST - 1))
    with pytest.raises(StateError, match="cannot write"):
        write_password(tmp_path / "missing" / "file", "x" * LEAST)
    assert os.listdir(tmp_path) == []
