"""Importing the package costs next to nothing; what is public is there when it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import openstreamer

HEAVY = {
    "asyncio", "click", "cryptography", "importlib.metadata", "json", "logging", "msgspec", "rich", "socket",
    "sqlite3", "ssl", "threading", "typing",
}  # fmt: skip

PROGRAM = """
import sys
sys.path[:0] = {path!r}
before = set(sys.modules)
try:
    {statement}
except SystemExit:
    pass
print(*sorted(set(sys.modules) - before), file=sys.stderr)
"""


def modules_after(statement: str) -> set[str]:
    """What a fresh interpreter has loaded after a statement, over what it has anyway."""
    program = PROGRAM.format(path=sys.path, statement=statement)
    done = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stderr.split())


def test_the_import_loads_two_modules() -> None:
    loaded = modules_after("import openstreamer")
    assert {name for name in loaded if name.startswith("openstreamer")} == {
        "openstreamer",
        "openstreamer.version",
    }
    assert loaded.isdisjoint(HEAVY)
    assert len(loaded) < 6, loaded


@pytest.mark.parametrize("arguments", [["--help"], ["stream", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    loaded = modules_after(f"import openstreamer.cli; openstreamer.cli.main({arguments!r})")
    assert "openstreamer.cli" in loaded
    assert loaded.isdisjoint({"asyncio", "cryptography", "ssl", "sqlite3", "msgspec"})


def test_everything_public_is_there() -> None:
    for name in openstreamer.__all__:
        assert getattr(openstreamer, name) is not None
    assert dir(openstreamer) == sorted(openstreamer.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = openstreamer.nonsense
