"""Real log servers and trap receivers for tests: rsyslogd, snmptrapd, started and ended here, on loopback."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from support.certificates import authority
from support.processes import wait_until
from support.programs import program


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of the loopback address that nobody uses just now."""
    with socket.socket(socket.AF_INET, kind) as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended by its own id."""
    with log.open("ab") as file:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


class LogServer:
    """An rsyslogd: where it listens, and what it wrote."""

    def __init__(self, folder: Path, transport: str, port: int) -> None:
        self.folder = folder
        self.transport = transport
        self.port = port
        self.path = folder / "received.log"

    @property
    def target(self) -> str:
        if self.transport == "local":
            return str(self.folder / "log.sock")
        return f"{self.transport}://127.0.0.1:{self.port}"

    def lines(self) -> list[str]:
        return self.path.read_text("utf-8").splitlines() if self.path.exists() else []

    def wait_for(self, count: int) -> list[str]:
        wait_until(lambda: len(self.lines()) >= count, f"{count} messages, there are {len(self.lines())}", 15)
        time.sleep(0.05)
        return self.lines()


_INPUTS = {
    "udp": 'module(load="imudp")\ninput(type="imudp" address="127.0.0.1" port="{port}" ruleset="keep")',
    "tcp": 'module(load="imtcp")\ninput(type="imtcp" address="127.0.0.1" port="{port}" ruleset="keep")',
    "tls": """global(defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="{folder}/ca.pem"
  defaultNetstreamDriverCertFile="{certificate}" defaultNetstreamDriverKeyFile="{key}")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon")
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="keep")""",
    "local": 'module(load="imuxsock" sysSock.use="off")\n'
    'input(type="imuxsock" socket="{folder}/log.sock" createPath="on" ruleset="keep" rateLimit.interval="0")',
}


@contextlib.contextmanager
def rsyslogd(folder: Path, transport: str, port: int = 0) -> Iterator[LogServer]:
    """A log server that writes what it understood of each message, parts separated by "|".

    The certificate of `tls` comes from the test authority; its PEM is `ca.pem` in the folder.
    """
    path = program("rsyslogd")
    port = port or free_port(socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM)
    (folder / "ca.pem").write_bytes(authority().pem)
    certificate, key = authority().pem_files(folder, "logserver", server=True)
    source = _INPUTS[transport].format(port=port, folder=folder, certificate=certificate, key=key)
    configuration = folder / "rsyslog.conf"
    configuration.write_text(
        f"""global(workDirectory="{folder}" maxMessageSize="64k")
template(name="all" type="string"
  string="%syslogfacility-text%|%syslogseverity-text%|%timestamp:::date-rfc3339%|%hostname%|"""
        f"""%app-name%|%msgid%|%structured-data%|%msg%\\n")
ruleset(name="keep") {{ action(type="omfile" file="{folder}/received.log" template="all"
  flushOnTXEnd="on" asyncWriting="off") }}
{source}
"""
    )
    command = [path, "-n", "-f", str(configuration), "-i", str(folder / "rsyslog.pid")]
    server = LogServer(folder, transport, port)
    log = folder / "rsyslog.out"
    with running(command, log) as process:

        def listens() -> bool:
            assert process.poll() is None, log.read_text()
            if transport in ("udp", "local"):
                return (folder / "rsyslog.pid").exists() and _answers(server)
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True
            return False

        wait_until(listens, "rsyslogd to listen", 15)
        yield server


def _answers(server: LogServer) -> bool:
    """Whether a datagram socket is there."""
    if server.transport == "local":
        return (server.folder / "log.sock").exists()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        try:
            trial.bind(("127.0.0.1", server.port))
        except OSError:
            return True
        return False


# Debian does not ship the modules that every MIB builds on; what ours needs of them, in the least form.
_BASE_MODULES = {
    "SNMPv2-SMI": """SNMPv2-SMI DEFINITIONS ::= BEGIN
org OBJECT IDENTIFIER ::= { iso 3 }
dod OBJECT IDENTIFIER ::= { org 6 }
internet OBJECT IDENTIFIER ::= { dod 1 }
private OBJECT IDENTIFIER ::= { internet 4 }
enterprises OBJECT IDENTIFIER ::= { private 1 }
END
""",
    "SNMPv2-TC": """SNMPv2-TC DEFINITIONS ::= BEGIN
DisplayString ::= TEXTUAL-CONVENTION DISPLAY-HINT "255a" STATUS current DESCRIPTION "text"
    SYNTAX OCTET STRING (SIZE (0..255))
DateAndTime ::= TEXTUAL-CONVENTION DISPLAY-HINT "2d-1d-1d,1d:1d:1d.1d,1a1d:1d" STATUS current
    DESCRIPTION "time" SYNTAX OCTET STRING (SIZE (8 | 11))
END
""",
    "SNMPv2-CONF": "SNMPv2-CONF DEFINITIONS ::= BEGIN\nEND\n",
}


def mib_folder(folder: Path) -> Path:
    """A folder of MIB files with ours and what it builds on."""
    from openstreamer.outputs.snmp import MIB

    mibs = folder / "mibs"
    mibs.mkdir(exist_ok=True)
    for name, text in _BASE_MODULES.items():
        (mibs / f"{name}.txt").write_text(text)
    (mibs / MIB.name).write_bytes(MIB.read_bytes())
    return mibs


class TrapReceiver:
    """A snmptrapd: its port, and what it wrote."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.path = folder / "traps.log"

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    def lines(self) -> list[str]:
        text = self.path.read_text("utf-8", "replace") if self.path.exists() else ""
        return [line for line in text.splitlines() if line.startswith("TRAP ")]

    def wait_for(self, count: int) -> list[str]:
        wait_until(lambda: len(self.lines()) >= count, f"{count} traps in {self.path.read_text()!r}", 10)
        time.sleep(0.2)
        return self.lines()


@contextlib.contextmanager
def snmptrapd(folder: Path, *settings: str) -> Iterator[TrapReceiver]:
    """A trap receiver; it writes each notification as one line that begins with TRAP."""
    path = program("snmptrapd")
    port = free_port(socket.SOCK_DGRAM)
    configuration = folder / "snmptrapd.conf"
    configuration.write_text(
        "\n".join(
            [
                *settings,
                f"[snmp] persistentDir {folder}/persistent",
                "format1 TRAP v1 %N %w.%q %v\\n",
                "format2 TRAP v2 %v\\n",
                "",
            ]
        )
    )
    mibs = mib_folder(folder)
    receiver = TrapReceiver(folder, port)
    command = [
        path, "-f", "-C", "-c", str(configuration), "-Lf", str(receiver.path), "-n", "-M", str(mibs),
        "-m", "OPENSTREAMER-MIB", "-p", str(folder / "snmptrapd.pid"), f"udp:127.0.0.1:{port}",
    ]  # fmt: skip
    log = folder / "snmptrapd.out"
    with running(command, log) as process:

        def listens() -> bool:
            assert process.poll() is None, log.read_text()
            return receiver.path.exists() and "NET-SNMP version" in receiver.path.read_text()

        wait_until(listens, "snmptrapd to listen", 10)
        yield receiver
