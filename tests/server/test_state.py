from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from openstreamer.errors import StateError
from openstreamer.server import state as state_module
from openstreamer.server.state import (
    ServiceLock,
    create,
    default_path,
    find,
    open_state,
    read_version,
    running_service,
    write_private,
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_default_path_prefers_the_environment() -> None:
    assert default_path({"OPENSTREAMER_STATE": "/somewhere"}, user_id=0) == Path("/somewhere")
    assert default_path({}, user_id=0) == Path("/var/lib/openstreamer")
    assert default_path({"XDG_DATA_HOME": "/data"}, user_id=1000) == Path("/data/openstreamer")
    assert default_path({}, user_id=1000).parts[-3:] == (".local", "share", "openstreamer")


def test_a_relative_data_home_is_ignored_as_its_specification_says() -> None:
    assert default_path({"XDG_DATA_HOME": "data"}, user_id=1000).parts[-3:] == (
        ".local",
        "share",
        "openstreamer",
    )


def test_create_makes_private_folders_and_a_version(tmp_path: Path) -> None:
    state = find(tmp_path / "new" / "state")
    old = os.umask(0)
    try:
        create(state)
    finally:
        os.umask(old)
    assert mode(state.path) == 0o700
    assert mode(state.authority) == 0o700
    assert mode(state.store.parent) == 0o700
    assert mode(state.schema) == 0o600
    assert open_state(state.path).path == state.path
    create(state)  # again: nothing happens


def test_create_takes_an_empty_directory_and_makes_it_private(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.mkdir()
    path.chmod(0o755)
    create(find(path))
    assert mode(path) == 0o700


def test_create_refuses_a_directory_with_other_files(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(StateError, match="holds other files"):
        create(find(tmp_path))


def test_create_refuses_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="not a directory"):
        create(find(tmp_path / "file"))


def test_open_says_what_to_do_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="openstreamer init"):
        open_state(tmp_path / "nowhere")


def test_open_refuses_a_newer_layout(tmp_path: Path) -> None:
    state = find(tmp_path / "state")
    create(state)
    state.schema.write_text("99\n")
    with pytest.raises(StateError, match="newer program"):
        open_state(state.path)


@pytest.mark.parametrize("content", ["", "abc", "-1", "0", "1.5", "\xff"])
def test_open_refuses_a_damaged_version(tmp_path: Path, content: str) -> None:
    state = find(tmp_path / "state")
    create(state)
    state.schema.write_text(content, "latin-1")
    with pytest.raises(StateError):
        open_state(state.path)


def test_open_upgrades_step_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = find(tmp_path / "state")
    create(state)
    steps: list[int] = []
    monkeypatch.setattr(state_module, "SCHEMA_VERSION", 3)
    monkeypatch.setattr(
        state_module, "MIGRATIONS", {1: lambda path: steps.append(1), 2: lambda path: steps.append(2)}
    )
    open_state(state.path)
    open_state(state.path)
    assert steps == [1, 2]
    assert read_version(state) == 3


def test_a_failing_upgrade_step_leaves_the_version_it_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = find(tmp_path / "state")
    create(state)
    monkeypatch.setattr(state_module, "SCHEMA_VERSION", 3)
    monkeypatch.setattr(state_module, "MIGRATIONS", {1: lambda path: None})
    with pytest.raises(StateError, match="version 2"):
        open_state(state.path)
    assert read_version(state) == 2


def test_write_private_replaces_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, b"new")
    assert path.read_text() == "new"
    assert mode(path) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_only_one_service_holds_the_lock(tmp_path: Path) -> None:
    state = find(tmp_path / "state")
    create(state)
    assert running_service(state) is None
    lock = ServiceLock(state)
    lock.acquire()
    lock.write({"listen": ["127.0.0.1:1"]})
    assert running_service(state) == {"pid": os.getpid(), "listen": ["127.0.0.1:1"]}
    with pytest.raises(StateError, match=f"process {os.getpid()}"):
        ServiceLock(state).acquire()
    lock.release()
    assert running_service(state) is None
    ServiceLock(state).acquire()


def test_a_client_may_have_been_there_first(tmp_path: Path) -> None:
    (tmp_path / "state" / "client").mkdir(parents=True)
    directory = state_module.find(tmp_path / "state")
    state_module.create(directory)
    assert state_module.exists(directory)
    assert directory.client.is_dir()
