"""One authority for all tests of this folder that do not change it; making keys takes time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from openstreamer.authority import Authority
from support.peers import NOW


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory with an authority that was made at `NOW`."""
    state = tmp_path_factory.mktemp("state")
    with Authority(state) as authority:
        authority.create(names=["server.example", "192.0.2.10"], now=NOW)
        authority.load()
    return state


@pytest.fixture
def authority(made: Path, tmp_path: Path) -> Iterator[Authority]:
    """A copy of it that a test may change."""
    state = tmp_path / "state"
    shutil.copytree(made, state)
    with Authority(state).load() as opened:
        yield opened
