"""Make docs/images/demo.svg from a real run of `openstreamer demo` on a pseudo-terminal.

Here: running it, choosing lines so that the picture is not a wall, and writing them as SVG with rich. The
lines themselves are what the program wrote; only the name of the temporary directory is made short.
"""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS, ROWS = 124, 60
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "demo.svg"
EVENT_LINES = 18
"""How many of the event lines are shown."""

FIRST_EVENT = 130
"""Where in the events the shown part begins: where many kinds follow one another."""


def run() -> list[str]:
    """What `openstreamer demo` writes to a terminal, until it waits."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(ROWS)}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "openstreamer", "demo"],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=environment,
        start_new_session=True,
    )
    os.close(follower)
    data = b""
    deadline = time.monotonic() + 90
    while b"Ctrl-C" not in data and time.monotonic() < deadline:
        if select.select([leader], [], [], 1)[0]:
            data += os.read(leader, 65536)
    os.killpg(process.pid, signal.SIGINT)
    process.wait(20)
    text = re.sub(r"/tmp/openstreamer-demo-\w+", "/tmp/demo", data.decode("utf-8", "replace"))
    return text.replace("\r\n", "\n").splitlines()


def choose(lines: list[str]) -> list[str]:
    """Everything but the middle of the long parts."""
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    events = [at for at, line in enumerate(plain) if re.match(r"20\d\d-\d\d-\d\d ", line)]
    first, last = events[0], events[-1]
    start = min(first + FIRST_EVENT, last - EVENT_LINES)
    hidden = len(events) - EVENT_LINES
    chosen = [
        *lines[:first],
        *lines[start : start + EVENT_LINES],
        f"… {hidden} more lines …",
        *lines[last + 1 :],
    ]
    shown = []
    for line in chosen:
        text = re.sub(r"\x1b\[[0-9;]*m", "", line)
        if text.startswith("{"):
            line = text[: COLUMNS * 2 - 1] + "…"
        shown.append(line)
    return shown


def write(lines: list[str]) -> None:
    """The picture, with the reader's own monospace font."""
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"), color_system="standard")  # noqa: SIM115
    for line in lines:
        console.print(Text.from_ansi(line), soft_wrap=False, highlight=False)
    svg = console.export_svg(title="openstreamer demo", clear=True)
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code", "DejaVu Sans Mono, Menlo, Consolas")
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(
        "\n".join(line.rstrip() for line in svg.splitlines() if line.strip()) + "\n", encoding="utf-8"
    )


def main() -> int:
    """Make the picture."""
    write(choose(run()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
