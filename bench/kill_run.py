"""Kill `openstreamer run` at random moments and count what is missing or double at the end.

    python bench/kill_run.py [times] [seed] [--pair]

A service of this process stores events all the time; the client delivers them to a file, to rotated files and
over TCP to a log server, is killed with SIGKILL and begun again. In the files each event is to stand once, at
the log server none is to be missing. With --pair there are two services with the same events, and the way to
the first one is cut now and then. Takes about a second a kill.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.kills import kill_often
from support.live_service import Template, starter


def main() -> int:
    numbers = [int(word) for word in sys.argv[1:] if word.isdecimal()]
    times = numbers[0] if numbers else 200
    seed = numbers[1] if len(numbers) > 1 else random.randrange(1_000_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "run").mkdir()
        with starter(Template(folder), folder) as start:
            secondary = start() if "--pair" in sys.argv else None
            bill = kill_often(folder / "run", start(), times, random.Random(seed), secondary=secondary)
        print(f"seed {seed}")
        for field in bill.__struct_fields__:
            print(f"{field.replace('_', ' '):24} {getattr(bill, field):>9,}")
    return int(
        bool(
            bill.missing or bill.double or bill.missing_rotated or bill.double_rotated or bill.missing_syslog
        )
    )


if __name__ == "__main__":
    sys.exit(main())
