"""Our own commands as processes, with a state directory and a home of their own.

Used by tests that need the whole program: foreign clients, chaos, the demonstration. Not for anything that
can be tested in memory.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

PACKET = bytes.fromhex("0200000000010200000000000800450000140001000040060000c6336401c000020a")
"""The frame that every alert of `eve_lines` carries."""

PATIENCE = 30.0
"""How long anything may take before a test fails."""


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Wait for something that another process does; AssertionError if it does not happen."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.05)


class Place:
    """A folder with a state directory; starts commands that work on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.port = 0
        self.environment = {
            **os.environ,
            "OPENSTREAMER_STATE": str(self.state),
            "XDG_STATE_HOME": str(folder / "home"),
            "XDG_CACHE_HOME": str(folder / "home"),
            "XDG_DATA_HOME": str(folder / "home"),
            "PYTHONUNBUFFERED": "1",
        }
        self.environment.pop("OPENSTREAMER_PASSWORD", None)
        self.processes: list[subprocess.Popen[bytes]] = []

    def run(
        self, *arguments: str | Path, status: int | None = 0, seconds: float = PATIENCE, **options: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; AssertionError if it ends with another status (None: any)."""
        done = subprocess.run(
            [sys.executable, "-m", "openstreamer", *map(str, arguments)],
            env={**self.environment, **options},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert status is None or done.returncode == status, f"{arguments}\n{done.stdout}{done.stderr}"
        return done

    def start(self, *arguments: str | Path, log: str = "process.log") -> subprocess.Popen[bytes]:
        """Start a command; what it writes is appended to a file of the folder."""
        with (self.folder / log).open("ab") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "openstreamer", *map(str, arguments)],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        self.processes.append(process)
        return process

    def log(self, name: str = "process.log") -> str:
        """What a started command wrote."""
        path = self.folder / name
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def initialise(self, client: str = "localhost", *options: str) -> Path:
        """Make the state directory and one client. Returns the client's PKCS#12 file."""
        pkcs12 = self.folder / "client.pkcs12"
        self.run("init")
        self.run("clients", "add", client, "--out", pkcs12, *options)
        return pkcs12

    def serve(self, *options: str, host: str = "localhost") -> subprocess.Popen[bytes]:
        """Start the service and wait until it listens; the port of the first time is used again."""
        address = f"{host}:{self.port}"
        process = self.start("serve", "--listen", address, "--web", "off", *options, log="serve.log")

        def listens() -> bool:
            assert process.poll() is None, self.log("serve.log")
            return self._listening(process.pid)

        wait_until(listens, "the service to listen")
        return process

    def _listening(self, pid: int) -> bool:
        try:
            about = json.loads((self.state / "service.json").read_text("utf-8"))
        except (OSError, ValueError):
            return False
        if about.get("pid") != pid or not about.get("listen"):
            return False
        self.port = int(about["listen"][0].rpartition(":")[2])
        return True

    def stop(self) -> None:
        """End everything that was started here."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
        for process in self.processes:
            process.wait(PATIENCE)


def end(process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> int:
    """Ask a process to end and return its status."""
    process.send_signal(number)
    return process.wait(PATIENCE)


def eve_lines(numbers: Iterable[int]) -> list[bytes]:
    """EVE lines for numbers, each recognisable by its source port and address; one in five a flow or file."""
    lines = []
    row: dict[str, object]
    for number in numbers:
        address = f"198.51.{number >> 14 & 255}.{1 + number % 250}"
        clock = f"{9 + number // 3600 % 10:02}:{number // 60 % 60:02}:{number % 60:02}"
        row = {
            "timestamp": f"2026-01-01T{clock}.000000+0000",
            "flow_id": number + 1,
            "event_type": "alert",
            "src_ip": address,
            "src_port": 1024 + number % 60000,
            "dest_ip": "192.0.2.10",
            "dest_port": 80,
            "proto": "TCP",
            "app_proto": "http",
        }
        if number % 5 == 4:
            stamp = row["timestamp"]
            row["event_type"] = "flow"
            row["flow"] = {
                "pkts_toserver": 4,
                "pkts_toclient": 3,
                "bytes_toserver": 400,
                "bytes_toclient": 300,
                "start": stamp,
                "end": stamp,
                "age": 0,
                "state": "closed",
                "reason": "shutdown",
                "alerted": False,
            }
        else:
            row["alert"] = {
                "action": "allowed",
                "gid": 1,
                "signature_id": 1000001 + number % 7,
                "rev": 1,
                "signature": f"TEST rule {number % 7}",
                "category": "Misc activity",
                "severity": 1 + number % 3,
            }
            row["packet"] = base64.b64encode(PACKET).decode()
            row["packet_info"] = {"linktype": 1}
        lines.append(json.dumps(row, separators=(",", ":")).encode() + b"\n")
    return lines
