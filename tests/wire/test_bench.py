"""The benchmark runs, and the generated decoder is well ahead of the interpreter."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parents[2] / "bench" / "codec.py"


def test_codec_benchmark() -> None:
    done = subprocess.run([sys.executable, str(BENCH), "0.1"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    ratio = re.search(r"generated / interpreter: ([0-9.]+)", done.stdout)
    assert ratio is not None
    assert float(ratio[1]) >= 3
