"""Data that lies beside the repository and is not part of it: tests that want it are skipped without it."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / ".." / "shared"


def shared(path: str) -> Path:
    """Give the path of a file or folder of the shared data; skip the test where it is not there."""
    found = (ROOT / path).resolve()
    if not found.exists():
        pytest.skip(f"not in this checkout: shared data {path}")
    return found
