"""The benchmark runs, and the sessions cost little beside the least that Python can do."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parents[2] / "bench" / "protocol.py"


def test_benchmark_of_the_conversation() -> None:
    done = subprocess.run([sys.executable, str(BENCH), "0.1"], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    ratio = re.search(r"client against the lower bound +([0-9.]+)", done.stdout)
    assert ratio is not None
    assert float(ratio[1]) > 0.3
    sends = re.search(r"cuts a chunk and sends it, nothing filtered +([0-9,]+)", done.stdout)
    assert sends is not None
    assert int(sends[1].replace(",", "")) > 200_000
