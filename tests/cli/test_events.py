from __future__ import annotations

import json
from pathlib import Path

import pytest

from openstreamer.authority import EVENT_CLASSES
from openstreamer.cli.events import MEANINGS
from support.commands import run


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("events") / "state"
    assert run("init", state=path).status == 0
    return path


def switches(state: Path) -> dict[str, bool]:
    return json.loads(run("events", "--json", state=state).out)  # type: ignore[no-any-return]


def test_names_are_those_of_the_authority() -> None:
    assert tuple(MEANINGS) == EVENT_CLASSES


def test_all_are_on_after_init(state: Path) -> None:
    assert switches(state) == dict.fromkeys(MEANINGS, True)


def test_disable_and_enable(state: Path) -> None:
    assert run("events", "disable", "connection", "file", state=state).status == 0
    assert {name for name, on in switches(state).items() if not on} == {"connection", "file"}
    result = run("events", state=state)
    assert "connection    off" in result.out
    assert "intrusion     on" in result.out
    assert run("events", "enable", "connection,file", state=state).status == 0
    assert all(switches(state).values())


def test_all_stands_for_every_type(state: Path) -> None:
    run("events", "disable", "all", state=state)
    assert not any(switches(state).values())
    run("events", "enable", "all", state=state)
    assert all(switches(state).values())


def test_an_unknown_type_changes_nothing(state: Path) -> None:
    result = run("events", "disable", "intrusion", "flow", state=state)
    assert result.status == 2
    assert "'flow'" in result.err
    assert "connection" in result.err
    assert all(switches(state).values())


def test_an_action_without_names_is_refused(state: Path) -> None:
    assert run("events", "disable", state=state).status == 2
    assert run("events", "toggle", "file", state=state).status == 2
