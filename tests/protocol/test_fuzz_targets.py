"""The fuzz targets of the conversation run, for a moment, as part of the suite."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

FUZZ = Path(__file__).resolve().parents[2] / "fuzz"


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed here (Python 3.11 only)")
@pytest.mark.parametrize("name", ["fuzz_frames.py", "fuzz_session.py"])
def test_fuzz_target(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(FUZZ / name), "-runs=2000", "-seed=1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr[-3000:]
