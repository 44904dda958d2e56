"""The examples of the reference client as docs/reference-chapter.md has them, run against a server of ours.

Only addresses are replaced, by those of this machine.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from openstreamer.store import open_store
from support.hand_made import address
from support.hand_profiles import profile_ipv4
from support.log_servers import rsyslogd, snmptrapd
from support.processes import Place, end, eve_lines, wait_until
from support.programs import program

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference-chapter.md").read_text("utf-8")
COMMANDS = [line[2:] for line in PAGE.splitlines() if line.startswith("$ ")]
ALERTS = 12


def free_address() -> str:
    """An address of the loopback network at which nobody has the port of the protocol."""
    for number in range(2, 250):
        host = f"127.{os.getpid() % 200 + 20}.{number}.4"
        with socket.socket() as trial, contextlib.suppress(OSError):
            trial.bind((host, 8302))
            return host
    raise AssertionError("port 8302 is taken on every loopback address")


class Bench:
    """A server at the port of the protocol, and the folder of a client."""

    def __init__(self, folder: Path) -> None:
        self.place = Place(folder)
        self.host = free_address()
        self.folder = folder / "sdk"
        self.folder.mkdir()
        self.place.initialise("127.0.0.1", "--no-hostcheck")
        shutil.copy(folder / "client.pkcs12", self.folder)
        script = self.folder / "ssl_test.pl"
        script.write_text(f"#!{sys.executable}\nfrom openstreamer.cli.ssl_test import main\nmain()\n")
        script.chmod(0o700)
        (folder / "eve.json").write_bytes(b"".join(eve_lines(range(ALERTS * 5 // 4))))
        self.place.run("feed", "eve", folder / "eve.json")
        with contextlib.closing(open_store(self.place.state / "store" / "events.db")) as store:
            store.put_hosts(
                [([address(text)], profile_ipv4(92, text)) for text in ("10.0.0.1", "10.255.0.9", "11.0.0.1")]
            )
        self.place.port = 8302
        self.place.serve("--listen", "[::1]:0", host=self.host)

    def ipv6_port(self) -> str:
        import json

        listens = json.loads((self.place.state / "service.json").read_text("utf-8"))["listen"]
        return next(text for text in listens if text.startswith("[")).rpartition(":")[2]

    def start(self, command: str) -> subprocess.Popen[bytes]:
        """Start a command of the page in the client's folder, from the beginning."""
        (self.folder / "estreamer.bmark").write_text("0\n")
        words = shlex.split(command.replace("10.10.0.4", self.host))
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("wb") as err:
            process = subprocess.Popen(
                words, cwd=self.folder, env=self.place.environment, stdin=subprocess.DEVNULL,
                stdout=out, stderr=err,
            )  # fmt: skip
        self.place.processes.append(process)
        return process

    def out(self, name: str = "out") -> str:
        path = self.folder / name
        return path.read_bytes().decode() if path.exists() else ""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("chapter"))
    yield bench
    bench.place.stop()


def example(part: str) -> str:
    """The command of the page with these words."""
    return next(command for command in COMMANDS if command.startswith("./ssl_test.pl") and part in command)


def finish(bench: Bench, process: subprocess.Popen[bytes]) -> None:
    assert end(process, signal.SIGTERM) == 0, bench.out("err")
    assert not (bench.folder / "server.key").exists()
    assert not (bench.folder / "server.crt").exists()


def test_everything_readable(bench: Bench) -> None:
    process = bench.start("./ssl_test.pl 10.10.0.4")
    wait_until(lambda: bench.out().count("(EVENT)") >= ALERTS, "all alerts")
    finish(bench, process)
    text = bench.out()
    assert text.startswith("version: 1\nmsg_type: 4 (Data)\nmsg_length: ")
    assert "(RULE)\n" in text
    assert text.endswith("\n\n*************\n\n")
    assert "./ssl_test.pl 10.10.0.4" in COMMANDS


@pytest.mark.parametrize("value", ["10.0.0.0,10.255.255.255", "10.0.0.0/8"])
def test_hosts(value: str, bench: Bench) -> None:
    process = bench.start(example(f"-h {value}"))
    assert process.wait(30) == 0, bench.out("err")
    assert bench.out().count("msg_type: 7 (Host Data)\n") == 2
    assert "ip_address: 10.0.0.1\n" in bench.out()
    assert "ip_address: 10.255.0.9\n" in bench.out()


def test_packets(bench: Bench) -> None:
    (bench.folder / "test.pcap").unlink(missing_ok=True)
    process = bench.start(example("-o pcap"))
    whole = 24 + ALERTS * (16 + 34)
    wait_until(
        lambda: (
            len((bench.folder / "test.pcap").read_bytes() if (bench.folder / "test.pcap").exists() else b"")
            >= whole
        ),
        "packets",
    )
    finish(bench, process)
    told = subprocess.run(
        [program("capinfos"), "-c", "-M", str(bench.folder / "test.pcap")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert re.search(rf"Number of packets:\s+{ALERTS}\b", told.stdout)


@pytest.mark.parametrize(
    ("part", "name", "separator"), [("-f test.csv", "test.csv", ","), ("-pipe", "test.psv", "|")]
)
def test_tables(part: str, name: str, separator: str, bench: Bench) -> None:
    process = bench.start(example(part))
    wait_until(lambda: len(bench.out(name).splitlines()) >= ALERTS + 1, "rows")
    finish(bench, process)
    lines = bench.out(name).splitlines()
    assert len(lines) == ALERTS + 1
    assert lines[0].split(separator)[0] in ("time", "sensor_id")
    assert "198.51.0.1" in lines[1].split(separator)


def test_traps(bench: Bench, tmp_path: Path) -> None:
    with snmptrapd(tmp_path, "authCommunity log sf_community") as receiver:
        process = bench.start(example("-o snmp").replace("10.10.0.3", receiver.target))
        wait_until(lambda: bench.out("estreamer.bmark").strip() not in ("", "0"), "the bookmark")
        finish(bench, process)
        lines = receiver.wait_for(1)
    assert "sfEventMessage.0 = STRING" in lines[0]


def test_the_system_log(bench: Bench, tmp_path: Path) -> None:
    with rsyslogd(tmp_path, "local") as server:
        process = bench.start(f"{example('-o syslog')} -f {server.target}")
        wait_until(lambda: bench.out("estreamer.bmark").strip() not in ("", "0"), "the bookmark")
        finish(bench, process)
        lines = server.wait_for(1)
    assert lines[0].startswith("user|notice|")
    assert re.search(
        r"AlertPriority \d SourceIp 198\.51\.\S+ DestinationIp 192\.0\.2\.10 sfAlertCount \d+ ", lines[0]
    )


def test_over_ipv6(bench: Bench) -> None:
    command = example("-i 2001:").replace("2001:470:e09c:20:7c1e:5248:1bf7:2ea0", "::1")
    process = bench.start(f"{command} -port {bench.ipv6_port()}")
    wait_until(lambda: "*************" in bench.out(), "records")
    finish(bench, process)


@pytest.mark.parametrize("part", ["-flags FLAG_", "-flags 0x"])
def test_other_flags(part: str, bench: Bench) -> None:
    process = bench.start(example(part) + " -verbose")
    wait_until(lambda: "(RULE)" in bench.out(), "records")
    finish(bench, process)
    assert "flags 0x00900004" in bench.out("err")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_remove_the_files_and_verbose_tells_the_steps_in_order(
    number: signal.Signals, bench: Bench
) -> None:
    process = bench.start("./ssl_test.pl 10.10.0.4 -v")
    wait_until(lambda: "*************" in bench.out(), "records")
    assert (bench.folder / "server.key").stat().st_mode & 0o777 == 0o600
    assert end(process, number) == (130 if number == signal.SIGINT else 0)
    assert not (bench.folder / "server.key").exists()
    steps = [
        "setting up authentication", "pkcs12: found", "pkcs12: processed", "pkcs12: wrote server.crt",
        "pkcs12: wrote server.key", "starting at 0", "connecting to", "requesting the stream",
        "entering the loop", f"signal {number.name} received",
    ]  # fmt: skip
    text = bench.out("err")
    places = [text.find(step) for step in steps]
    assert -1 not in places, text
    assert places == sorted(places)


def test_the_certificate_by_hand(bench: Bench) -> None:
    """The two commands of openssl, in both forms; the PEM files are good for a connection."""
    program("openssl")
    folder = bench.place.folder / "by hand"
    folder.mkdir()
    shutil.copy(bench.place.folder / "client.pkcs12", folder)
    bench.place.run("clients", "add", "127.0.0.2", "--compat", "--out", folder / "old.pkcs12")
    for command in COMMANDS:
        if command.startswith(("openssl", "chmod 600 client.key")):
            subprocess.run(shlex.split(command), cwd=folder, check=True, capture_output=True)
    for name in ("client", "old"):
        assert b"BEGIN CERTIFICATE" in (folder / f"{name}.crt").read_bytes()
        assert b"PRIVATE KEY" in (folder / f"{name}.key").read_bytes()
    bench.place.run(
        "stream", bench.host, "--cert", folder / "client.crt", "--key", folder / "client.key",
        "--since", "beginning", "--count", "1",
    )  # fmt: skip


def test_adding_a_client_and_preparing_the_receiver(tmp_path: Path) -> None:
    """The other commands of the page, in one shell, in the order of the page."""
    programs = {"openstreamer": f"{sys.executable} -m openstreamer", "python3": sys.executable}
    commands = [
        re.sub(r"\b(openstreamer|python3)(?= )", lambda found: programs[found[1]], command)
        for command in COMMANDS
        if not command.startswith(("./ssl_test.pl", "openssl", "chmod 600 client.key"))
    ]
    assert len(commands) == 7
    environment = {**os.environ, "OPENSTREAMER_STATE": str(tmp_path / "state")}
    environment.pop("OPENSTREAMER_PASSWORD", None)
    subprocess.run(
        ["/bin/sh", "-e", "-c", "\n".join(commands)],
        cwd=tmp_path, env=environment, check=True, capture_output=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert (tmp_path / "sdk" / "client.pkcs12").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "sdk" / "mibs" / "OPENSTREAMER-MIB.txt").exists()
