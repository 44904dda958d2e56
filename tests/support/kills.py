"""`openstreamer run` killed with SIGKILL again and again while events come, and the bill at the end."""

from __future__ import annotations

import contextlib
import json
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from support.client_service import numbers_of, output_section, server_section
from support.live_service import LiveService, append, intrusion, wait_until

EVENT_ID = re.compile(rb'"event_id":(\d+)')


class Collector:
    """A log server that reads octet-counted messages over TCP and remembers which events they told."""

    def __init__(self) -> None:
        self.events: Counter[int] = Counter()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection: socket.socket) -> None:
        rest = b""
        with connection:
            while True:
                try:
                    data = connection.recv(1 << 20)
                except OSError:
                    return
                if not data:
                    return
                rest += data
                while (blank := rest.find(b" ")) > 0 and len(rest) >= blank + 1 + int(rest[:blank]):
                    end = blank + 1 + int(rest[:blank])
                    self.events.update(map(int, EVENT_ID.findall(rest[blank:end])[:1]))
                    rest = rest[end:]

    def close(self) -> None:
        self._listener.close()


class Cable:
    """What leads to a server, and can be pulled: a relay that drops its connections while it is out."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._out = False
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                if self._out:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                return
            self._open += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._relay, args=(source, target), daemon=True).start()

    @staticmethod
    def _relay(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def pull(self) -> None:
        """Nothing gets through any more."""
        self._out = True
        ends, self._open = self._open, []
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def plug(self) -> None:
        """It works again."""
        self._out = False

    def close(self) -> None:
        """Nobody is connected any more."""
        self.pull()
        self._listener.close()


class Bill(msgspec.Struct):
    """What a run of kills came to; the first four are to be zero."""

    missing: int
    double: int
    missing_rotated: int
    missing_syslog: int
    events: int
    kills: int
    double_rotated: int
    repeated_syslog: int
    killed_with_unsaved: int
    take_overs: int


@contextmanager
def _appending(*services: LiveService) -> Iterator[list[int]]:
    """Events come all the time, many to a second; the same to each service."""
    stop = threading.Event()
    counted = [0]

    def work() -> None:
        from openstreamer.store import open_store

        stores = [open_store(live.state.store) for live in services]
        while not stop.wait(0.03):
            for store in stores:
                append(store, [(400, intrusion(number)) for number in range(counted[0], counted[0] + 60)])
            counted[0] += 60
        for store in stores:
            store.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield counted
    finally:
        stop.set()
        thread.join(30)


def kill_often(
    folder: Path,
    live: LiveService,
    times: int,
    chance: random.Random,
    *,
    secondary: LiveService | None = None,
) -> Bill:
    """Kill it so many times at random moments, then let it finish.

    With a secondary the two are a pair, and the cable of the primary is pulled now and then.
    """
    collector = Collector()
    cable = Cable(live.port)
    pair = ""
    if secondary is not None:
        pair = server_section("second", secondary)
        pair += '[pairs.ha]\nprimary = "fmc"\nsecondary = "second"\n'
        pair += "take_over_seconds = 0.2\noverlap_seconds = 5\n"

    file = folder / "client.toml"
    rotated = {"rotate_size": "200k"}
    file.write_text(
        '[client]\nstate = "state"\nhealth = "off"\nsave_seconds = 0.2\n'
        + server_section("fmc", live).replace(f"port = {live.port}", f"port = {cable.port}")
        + pair
        + output_section("file", "json", "events.json")
        + output_section("rotated", "json", "rotated.json")
        + "".join(f"settings.{key} = {json.dumps(value)}\n" for key, value in rotated.items())
        + output_section("siem", "syslog", f"tcp://127.0.0.1:{collector.port}")
        + 'settings.content = "json"\n'
    )
    command = [sys.executable, "-m", "openstreamer", "run", "--config", str(file)]
    log = (folder / "run.log").open("ab")
    plain = folder / "events.json"
    unsaved = 0

    def begin() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    services = [live] if secondary is None else [live, secondary]
    with _appending(*services) as counted:
        for _ in range(times):
            before = _size(plain)
            if secondary is not None:
                (cable.pull if chance.random() < 0.5 else cable.plug)()
            process = begin()
            # half of them at once after it began to write, the others at any moment
            if chance.random() < 0.5:
                deadline = time.monotonic() + 30
                while _size(plain) == before and time.monotonic() < deadline:
                    time.sleep(0.002)
                time.sleep(chance.random() * 0.15)
            else:
                time.sleep(chance.random() * 1.2)
            if secondary is not None and chance.random() < 0.5:
                (cable.pull if chance.random() < 0.5 else cable.plug)()
                time.sleep(chance.random())
            process.send_signal(signal.SIGKILL)
            process.wait(30)
            unsaved += _size(plain) > _saved_length(folder)
    total = counted[0]
    cable.plug()
    process = begin()
    try:
        wait_until(
            lambda: (
                plain.exists()
                and sum(1 for _ in plain.open("rb")) >= total
                and len(_rotated(folder)) >= total
                and len(collector.events) >= total
            ),
            90,
            "everything to arrive",
        )
    finally:
        process.terminate()
        process.wait(60)
        log.close()
        collector.close()
        cable.close()
    wanted = Counter(range(total))
    written, turned = Counter(numbers_of(plain)), Counter(_rotated(folder))
    return Bill(
        missing=(wanted - written).total(),
        double=(written - wanted).total(),
        missing_rotated=(wanted - turned).total(),
        double_rotated=(turned - wanted).total(),
        missing_syslog=len(wanted.keys() - collector.events.keys()),
        repeated_syslog=(collector.events - wanted).total(),
        events=total,
        kills=times,
        killed_with_unsaved=unsaved,
        take_overs=(folder / "run.log").read_text().count("has taken over"),
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _rotated(folder: Path) -> list[int]:
    files = [*sorted(folder.glob("rotated.json.*")), folder / "rotated.json"]
    return [number for path in files for number in numbers_of(path)]


def _saved_length(folder: Path) -> int:
    try:
        state = json.loads((folder / "state/outputs/file.state").read_bytes().splitlines()[1])
    except OSError:
        return 0
    return int(state["place"]["length"])
