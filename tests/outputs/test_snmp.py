"""SNMP: against a real snmptrapd in every version; the MIB against snmptranslate."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from openstreamer.errors import MissingExtra, UsageError
from openstreamer.outputs.batch import Batch
from openstreamer.outputs.interface import OutputFull, Refused
from openstreamer.outputs.mappings.traps import ARC, OBJECTS, date_and_time
from openstreamer.outputs.registry import OutputSpec, create
from openstreamer.outputs.snmp import MIB, SnmpOutput
from openstreamer.protocol.identity import stable_id
from support import batches
from support.log_servers import mib_folder, snmptrapd
from support.programs import program

ENGINE = "80007ed9046f74686572"


def output(target: str, settings: str = "") -> SnmpOutput:
    made = create(OutputSpec("snmp", settings, target))
    assert isinstance(made, SnmpOutput)
    return made


def send(target: str, settings: str, *parts: Batch) -> None:
    made = output(target, settings)
    made.open(None)
    for part in parts:
        made.write(part)
    made.finish()
    made.close()


def phrases(folder: Path) -> tuple[Path, Path]:
    one, two = folder / "auth", folder / "privacy"
    one.write_text("signing-phrase\n")
    two.write_text("hiding-phrase\n")
    return one, two


def check(line: str) -> None:
    identity = stable_id(batches.alert())
    for part in (
        "OPENSTREAMER-MIB::sfAlertPriority.0 = INTEGER: 2",
        "OPENSTREAMER-MIB::sfSourceIpString.0 = STRING: 192.0.2.1",
        "OPENSTREAMER-MIB::sfDestinationIpString.0 = STRING: 198.51.100.7",
        "OPENSTREAMER-MIB::sfAlertCount.0 = Gauge32: 1",
        "OPENSTREAMER-MIB::sfAlertDateAndTime.0 = STRING: 2023-11-14,22:13:20.1,+0:0",
        "OPENSTREAMER-MIB::sfSignatureGenerator.0 = Gauge32: 1",
        "OPENSTREAMER-MIB::sfSignatureId.0 = Gauge32: 2001219",
        "OPENSTREAMER-MIB::sfSignatureRevision.0 = Gauge32: 20",
        "OPENSTREAMER-MIB::sfIpProtocol.0 = INTEGER: 6",
        "OPENSTREAMER-MIB::sfSourcePort.0 = INTEGER: 51515",
        "OPENSTREAMER-MIB::sfDestinationPort.0 = INTEGER: 22",
        "OPENSTREAMER-MIB::sfSourceIP.0 = Hex-STRING: C0 00 02 01",
        "OPENSTREAMER-MIB::sfDestinationIP.0 = Hex-STRING: C6 33 64 07",
        f'OPENSTREAMER-MIB::sfEventMessage.0 = STRING: "ET SCAN Potential SSH Scan [{identity}]"',
    ):
        assert part in line, line


def test_version_1(tmp_path: Path) -> None:
    with snmptrapd(tmp_path, "authCommunity log sf_community") as receiver:
        send(receiver.target, "version=1", batches.batch(batches.alert()))
        lines = receiver.wait_for(1)
    assert len(lines) == 1
    assert lines[0].startswith("TRAP v1 OPENSTREAMER-MIB::openStreamer 6.OPENSTREAMER-MIB::sfEvent ")
    check(lines[0])


@pytest.mark.parametrize("settings", ["version=2c", "inform=yes"])
def test_version_2(settings: str, tmp_path: Path) -> None:
    parts = batches.batch(batches.alert(), batches.connection(), batches.packet(), batches.unknown())
    with snmptrapd(tmp_path, "authCommunity log sf_community") as receiver:
        send(receiver.target, settings, parts)
        lines = receiver.wait_for(4)
    assert len(lines) == 4
    assert "6.3.1.1.4.1.0 = OID: OPENSTREAMER-MIB::sfEvent" in lines[0]
    check(lines[0])
    assert 'sfEventMessage.0 = STRING: "Connection [' in lines[1]
    assert "sfSourcePort.0 = INTEGER: 1025" in lines[1]
    assert "unknown type 31000" in lines[3]


@pytest.mark.parametrize(
    ("settings", "created", "level"),
    [
        ("auth=none", "", "noauth"),
        ("auth=sha,auth_file={0}", 'SHA "signing-phrase"', "auth"),
        (
            "auth=md5,auth_file={0},privacy=des,privacy_file={1}",
            'MD5 "signing-phrase" DES "hiding-phrase"',
            "priv",
        ),
        (
            "auth=sha256,auth_file={0},privacy=aes,privacy_file={1}",
            'SHA-256 "signing-phrase" AES "hiding-phrase"',
            "priv",
        ),
    ],
)
def test_version_3(settings: str, created: str, level: str, tmp_path: Path) -> None:
    files = phrases(tmp_path)
    with snmptrapd(
        tmp_path, f"createUser -e 0x{ENGINE} sensor {created}", f"authUser log sensor {level}"
    ) as receiver:
        chosen = f"version=3,user=sensor,engine_id={ENGINE}," + settings.format(*files)
        send(receiver.target, chosen, batches.batch(batches.alert()))
        send(receiver.target, chosen, batches.batch(batches.alert()))
        lines = receiver.wait_for(2)
    assert len(lines) == 2
    check(lines[0])


def test_a_community_that_is_not_known_gets_no_answer(tmp_path: Path) -> None:
    with snmptrapd(tmp_path, "authCommunity log other") as receiver:
        made = output(receiver.target, "inform=yes,timeout=0.1")
        made.open(None)
        with pytest.raises(OutputFull, match="does not take it"):
            made.write(batches.batch(batches.alert()))
        made.close()
        assert receiver.lines() == []


def test_addresses_of_version_6_and_the_appliances_numbers(tmp_path: Path) -> None:
    with snmptrapd(tmp_path, "authCommunity log sf_community") as receiver:
        six = batches.batch(batches.alert(source="2001:db8::1"))
        send(receiver.target, "objects=own", six)
        send(receiver.target, "objects=appliance", six)
        send(receiver.target, "arc=1.3.6.1.4.1.9.9", six)
        lines = receiver.wait_for(3)
    assert "sfSourceIpString.0 = STRING: 2001:db8::1" in lines[0]
    assert "sfSourceIP.0 = Hex-STRING: 20 01 0D B8" in lines[0]
    assert ".14223.1.1.3.0 = Gauge32: 2001219" in lines[1]
    assert ".9.9.1.7.0 = Gauge32: 2001219" in lines[2]


def test_the_mib_says_what_the_table_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # where it keeps its indexes: at its first run on a machine it would say that it makes that folder
    monkeypatch.setenv("SNMP_PERSISTENT_DIR", str(tmp_path))
    (tmp_path / "cert_indexes").mkdir()
    mibs = mib_folder(tmp_path)
    translate = [program("snmptranslate"), "-M", str(mibs), "-m", "OPENSTREAMER-MIB", "-On"]
    names = [f"OPENSTREAMER-MIB::{row.name}" for row in OBJECTS]
    done = subprocess.run(
        [*translate, *names, "OPENSTREAMER-MIB::sfEvent"],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert done.stderr == ""
    numbers = done.stdout.split()
    assert numbers == [f".{ARC}.1.{row.number}" for row in OBJECTS] + [f".{ARC}.0.1"]
    text = MIB.read_text("utf-8")
    for row in OBJECTS:
        assert row.meaning in text
    shown = subprocess.run(
        [*translate[:-1], "-Td", "OPENSTREAMER-MIB::sfEvent"],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    ).stdout
    assert ", ".join(row.name for row in OBJECTS) in " ".join(shown.split())
    assert len(OBJECTS) == 14


def test_date_and_time() -> None:
    assert date_and_time(1_700_000_000, 999_999).hex() == "07e70b0e160d14092b0000"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("version=1,inform=yes", "version 1 has no informs"),
        ("version=3", "needs a user"),
    ],
)
def test_settings_that_do_not_fit(settings: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        output("127.0.0.1:1", settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("version=3,user=a", "auth_file"),
        ("version=3,user=a,auth=none,privacy=aes", "not signed"),
    ],
)
def test_secrets_that_are_missing(settings: str, said: str) -> None:
    made = output("127.0.0.1:1", settings)
    with pytest.raises(UsageError, match=said):
        made.open(None)


def test_a_receiver_is_needed() -> None:
    with pytest.raises(UsageError, match="needs a receiver"):
        SnmpOutput.complete_target("-")
    assert SnmpOutput.complete_target("host") == "host:162"
    assert SnmpOutput.complete_target("::1") == "[::1]:162"


def test_without_the_library_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("pysnmp.hlapi.v3arch")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pysnmp.hlapi.v3arch", None)
    with pytest.raises(MissingExtra, match=r"pip install 'openstreamer\[snmp\]'"):
        output("127.0.0.1:1").open(None)


class Answering:
    """A receiver of informs that answers the second one with an error: a peer made of the library's
    message classes, because snmptrapd cannot refuse.
    """

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.target = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.seen: list[bytes] = []
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self) -> None:
        from pyasn1.codec.ber import decoder, encoder
        from pysnmp.proto import api

        module = api.PROTOCOL_MODULES[api.SNMP_VERSION_2C]
        with contextlib.suppress(OSError):
            while True:
                data, place = self.socket.recvfrom(65536)
                message, _ = decoder.decode(data, asn1Spec=module.Message())
                request = module.apiMessage.get_pdu(message)
                answer = module.ResponsePDU()
                module.apiPDU.set_defaults(answer)
                module.apiPDU.set_request_id(answer, module.apiPDU.get_request_id(request))
                if data not in self.seen:
                    self.seen.append(data)
                if len(self.seen) == 2:
                    module.apiPDU.set_error_status(answer, 5)
                module.apiMessage.set_pdu(message, answer)
                self.socket.sendto(encoder.encode(message), place)


def test_an_inform_that_is_answered_with_an_error_is_refused_and_the_others_taken() -> None:
    receiver = Answering()
    made = output(receiver.target, "inform=yes,timeout=5")
    made.open(None)
    with pytest.raises(Refused, match="genErr") as caught:
        made.write(batches.batch(*[batches.alert(event_id=number) for number in range(4)]))
    assert [row.index for row in caught.value.refused] == [1]
    assert len(receiver.seen) == 4
    made.close()
    receiver.socket.close()
