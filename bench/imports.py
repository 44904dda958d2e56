"""What importing the package costs over a bare interpreter, in milliseconds.

    python bench/imports.py [rounds]

Each figure is the best of many fresh interpreters, because everything else that a machine does only adds to
it.
"""

from __future__ import annotations

import subprocess
import sys
import time

STATEMENTS = (
    ("bare interpreter", "pass"),
    ("import openstreamer", "import openstreamer"),
    ("openstreamer.connect", "import openstreamer; openstreamer.connect"),
    ("openstreamer --help", "import sys; sys.argv[1:] = ['--help']; import openstreamer.cli as c; c.main()"),
)


def best(statement: str, rounds: int) -> float:
    found = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], stdout=subprocess.DEVNULL, check=False)
        found = min(found, time.perf_counter() - began)
    return 1000 * found


def main(rounds: int) -> None:
    bare = best(STATEMENTS[0][1], rounds)
    print(f"{STATEMENTS[0][0]:<24} {bare:6.1f} ms")
    for name, statement in STATEMENTS[1:]:
        print(f"{name:<24} {best(statement, rounds) - bare:6.1f} ms more")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
