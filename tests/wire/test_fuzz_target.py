"""The fuzz target runs, for a moment, as part of the suite."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

TARGET = Path(__file__).resolve().parents[2] / "fuzz" / "fuzz_decode.py"


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed here (Python 3.11 only)")
def test_fuzz_decode(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(TARGET), "-runs=2000", "-seed=1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr[-3000:]
