from __future__ import annotations

import stat
from pathlib import Path

from openstreamer.server.audit import AuditLog
from support.commands import run


def test_init_makes_everything_private(tmp_path: Path) -> None:
    state = tmp_path / "state"
    result = run("init", state=state)
    assert result.status == 0, result.err
    assert str(state) in result.out
    found = {path.relative_to(state).as_posix() for path in state.rglob("*")}
    assert {"schema", "openstreamer.toml", "authority", "authority/clients.db", "store/events.db"} <= found
    for path in [state, *state.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_init_twice_changes_nothing_and_says_so(tmp_path: Path) -> None:
    state = tmp_path / "state"
    run("init", state=state)
    before = {path: path.read_bytes() for path in state.rglob("*.pem")}
    result = run("init", state=state)
    assert result.status == 2
    assert "nothing was changed" in result.err
    assert result.err.count("\n") == 1
    assert {path: path.read_bytes() for path in state.rglob("*.pem")} == before


def test_force_completes_but_never_replaces(tmp_path: Path) -> None:
    state = tmp_path / "state"
    run("init", state=state)
    (state / "openstreamer.toml").unlink()
    before = {path: path.read_bytes() for path in state.rglob("*.pem")}
    assert run("init", "--force", state=state).status == 0
    assert (state / "openstreamer.toml").exists()
    (state / "openstreamer.toml").write_text("[log]\nlevel = 'error'\n")
    assert run("init", "--force", state=state).status == 0
    assert "error" in (state / "openstreamer.toml").read_text()
    assert {path: path.read_bytes() for path in state.rglob("*.pem")} == before


def test_an_init_that_was_interrupted_is_finished_by_the_next(tmp_path: Path) -> None:
    state = tmp_path / "state"
    run("init", state=state)
    (state / "openstreamer.toml").unlink()
    result = run("init", state=state)
    assert result.status == 0
    assert "Completed" in result.out


def test_init_leaves_foreign_directories_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    result = run("init", "--state", str(tmp_path))
    assert result.status == 2
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_the_option_goes_before_the_environment(tmp_path: Path) -> None:
    assert run("init", "--state", str(tmp_path / "a"), state=tmp_path / "b").status == 0
    assert (tmp_path / "a").exists()
    assert not (tmp_path / "b").exists()


def test_commands_without_a_state_directory_say_what_to_do(tmp_path: Path) -> None:
    for command in (["events"], ["clients", "list"], ["serve"], ["clients", "add", "localhost"]):
        result = run(*command, state=tmp_path / "nowhere", folder=tmp_path)
        assert result.status == 2, command
        assert "openstreamer init" in result.err
        assert result.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_help_shows_an_example() -> None:
    for command in (
        ["init"],
        ["serve"],
        ["events"],
        ["clients"],
        ["clients", "add"],
        ["clients", "list"],
        ["clients", "show"],
        ["clients", "download"],
        ["clients", "events"],
        ["clients", "revoke"],
    ):
        result = run(*command, "--help")
        assert result.status == 0
        assert "Example" in result.out, command


def test_it_stands_in_the_audit_log_without_the_password(tmp_path: Path) -> None:
    state = tmp_path / "state"
    (tmp_path / "secret").write_text("correct horse\n")
    run("init", "--name", "events.invalid", "--password-file", str(tmp_path / "secret"), state=state)
    password, made = AuditLog(state / "audit.log").newest(5)
    assert (made.action, made.details["names"]) == ("state directory made", ["events.invalid"])
    assert password.action == "password of the web pages set"
    assert made.user
    assert "correct" not in (state / "audit.log").read_text()
    run("init", "--force", state=state)
    assert [change.action for change in AuditLog(state / "audit.log").newest(1)] == [
        "state directory completed"
    ]
