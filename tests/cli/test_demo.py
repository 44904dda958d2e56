"""The demonstration: real events within seconds, nothing left behind, and it ends where nobody watches."""

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

COMMAND = [sys.executable, "-m", "openstreamer", "demo"]


def environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "TMPDIR": str(folder),
        "TERM": "xterm-256color",
        "OPENSTREAMER_PASSWORD": "of someone else",
    }


def test_it_shows_events_and_ends_by_itself(tmp_path: Path) -> None:
    started = time.monotonic()
    done = subprocess.run(
        COMMAND,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(tmp_path),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - started < 40
    for name, count in (("intrusion_event", 138), ("connection_statistics", 378), ("file_event", 88)):
        assert re.search(rf"^ +{count}  {name}$", done.stdout, re.MULTILINE)
    assert "919 events came through" in done.stdout
    assert "SAMPLE WEB password file asked for in a request" in done.stdout
    assert re.search(r"^Its pages are on http://127\.0\.0\.1:\d+/", done.stdout, re.MULTILINE)
    assert "\x1b[" not in done.stdout
    assert list(tmp_path.iterdir()) == []


def read_until(descriptor: int, word: bytes, seconds: float) -> bytes:
    data, deadline = b"", time.monotonic() + seconds
    while word not in data:
        assert time.monotonic() < deadline, data[-2000:].decode("utf-8", "replace")
        if select.select([descriptor], [], [], 0.5)[0]:
            data += os.read(descriptor, 65536)
    return data


def test_on_a_terminal_it_stays_up_until_interrupted(tmp_path: Path) -> None:
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        COMMAND,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=environment(tmp_path),
        start_new_session=True,
    )
    os.close(follower)
    try:
        shown = read_until(leader, b"Ctrl-C stops", 80).decode("utf-8", "replace")
        assert "\x1b[" in shown
        assert "INTRUSION" in shown
        assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)
        read_until(leader, b"everything is gone", 30)
        assert process.wait(30) == 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        os.close(leader)
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_on_the_way_leaves_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen(
        COMMAND,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**environment(tmp_path), "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if b"listens" in line:
                break
        os.killpg(process.pid, signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(30) == 130
    assert b"Traceback" not in rest
    assert list(tmp_path.iterdir()) == []
