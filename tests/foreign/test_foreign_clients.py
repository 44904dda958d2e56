"""Clients that share no line with the package read the values that stand in the sensor's file."""

from __future__ import annotations

import base64
import ipaddress
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from support.processes import Place
from support.programs import perl_module, program

HERE = Path(__file__).parent
PROTOCOLS = {"TCP": 6, "UDP": 17, "ICMP": 1, "IPv6-ICMP": 58}

Row = dict[str, Any]


def eve() -> list[Row]:
    text = (resources.files("openstreamer.samples") / "sample.eve.json").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def of(kind: str) -> list[Row]:
    return [row for row in eve() if row["event_type"] == kind]


def values(row: Row, names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names.split())


def second(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def address(text: str) -> str:
    return str(ipaddress.ip_address(text))


def ports(row: Row) -> tuple[int, int]:
    """Ports, or ICMP type and code in their place."""
    return (
        row.get("src_port", row.get("icmp_type", 0)),
        row.get("dest_port", row.get("icmp_code", 0)),
    )


def tuple_of(row: Row) -> tuple[object, ...]:
    return (address(row["src_ip"]), address(row["dest_ip"]), *ports(row), PROTOCOLS[row["proto"]])


ALERTS = Counter(
    (
        *values(row["alert"], "gid signature_id rev severity"),
        second(row["timestamp"]),
        *tuple_of(row),
    )
    for row in of("alert")
)
PACKETS = Counter(
    (base64.b64decode(row["packet"]).hex(), row["packet_info"]["linktype"]) for row in of("alert")
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A running service with the sample in its store."""
    place = Place(tmp_path_factory.mktemp("foreign"))
    place.initialise()
    with resources.as_file(resources.files("openstreamer.samples") / "sample.eve.json") as sample:
        place.run("feed", "eve", sample)
    place.serve()
    yield place
    place.stop()


@pytest.fixture(scope="module")
def extended(service: Place) -> list[Row]:
    """What the client of the 6.x to 7.x era printed."""
    program("openssl")
    done = subprocess.run(
        [
            sys.executable,
            HERE / "extended_client.py",
            "localhost",
            str(service.port),
            service.folder / "client.pkcs12",
        ],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


class TestExtendedMode:
    """A Python client of the 6.x to 7.x era."""

    def rows(self, extended: list[Row], *types: int) -> list[Row]:
        return [row for row in extended if row["recordType"] in types]

    def test_alerts(self, extended: list[Row]) -> None:
        found = Counter(
            (
                *(
                    row[name]
                    for name in ("generatorId", "ruleId", "ruleRevision", "priorityId", "eventSecond")
                ),
                *(
                    row[name]
                    for name in ("sourceIp", "destinationIp", "sourcePort", "destinationPort", "protocol")
                ),
            )
            for row in self.rows(extended, 400)
        )
        assert found == ALERTS

    def test_packets(self, extended: list[Row]) -> None:
        assert Counter((row["data"], row["linkType"]) for row in self.rows(extended, 2)) == PACKETS

    def test_packets_belong_to_their_alerts(self, extended: list[Row]) -> None:
        names = ("sensorId", "eventId", "eventSecond")
        events = {tuple(row[name] for name in names) for row in self.rows(extended, 400)}
        packets = {tuple(row[name] for name in names) for row in self.rows(extended, 2)}
        assert len(events) == ALERTS.total()
        assert packets == events

    def test_extra_data(self, extended: list[Row]) -> None:
        found = Counter(
            (row["type"], row["text"]) for row in self.rows(extended, 110) if row["type"] in (9, 10)
        )
        facts = Counter(
            (number, row["http"][name])
            for row in of("alert")
            for number, name in ((9, "url"), (10, "hostname"))
            if name in row.get("http", {})
        )
        assert found == facts

    def test_forwarded_addresses(self, extended: list[Row]) -> None:
        found = Counter(
            str(ipaddress.ip_address(bytes.fromhex(row["data"])))
            for row in self.rows(extended, 110)
            if row["type"] in (1, 2)
        )
        assert found == Counter(address(row["alert"]["xff"]) for row in of("alert") if "xff" in row["alert"])

    def test_connections(self, extended: list[Row]) -> None:
        found = Counter(
            (
                *(
                    row[name]
                    for name in ("initiatorIp", "responderIp", "protocol", "firstPacket", "lastPacket")
                ),
                *(
                    row[name]
                    for name in ("initiatorPackets", "responderPackets", "initiatorBytes", "responderBytes")
                ),
                *((row["initiatorPort"], row["responderPort"]) if row["protocol"] in (6, 17) else ()),
            )
            for row in self.rows(extended, 71)
        )
        facts = Counter(
            (
                *(address(row["src_ip"]), address(row["dest_ip"]), PROTOCOLS[row["proto"]]),
                *(second(row["flow"][name]) for name in ("start", "end")),
                *(
                    row["flow"][name]
                    for name in ("pkts_toserver", "pkts_toclient", "bytes_toserver", "bytes_toclient")
                ),
                *((row["src_port"], row["dest_port"]) if row["proto"] in ("TCP", "UDP") else ()),
            )
            for row in of("flow")
        )
        assert found == facts

    def test_files(self, extended: list[Row]) -> None:
        found = Counter(
            tuple(row[name] for name in ("sha256", "fileSize", "protocol"))
            for row in self.rows(extended, 500, 502)
        )
        assert found == Counter(
            (row["fileinfo"]["sha256"], row["fileinfo"]["size"], PROTOCOLS[row["proto"]])
            for row in of("fileinfo")
        )

    def test_metadata_comes_before_the_event_that_needs_it(self, extended: list[Row]) -> None:
        rules: dict[tuple[int, int], str] = {}
        classes: dict[int, str] = {}
        priorities: dict[int, str] = {}
        names: Counter[tuple[str, str]] = Counter()
        for row in extended:
            if row["recordType"] == 66:
                rules[row["generatorId"], row["ruleId"]] = row["message"]
            elif row["recordType"] == 67:
                classes[row["id"]] = row["description"]
            elif row["recordType"] == 4:
                priorities[row["id"]] = row["name"]
            elif row["recordType"] == 400:
                assert priorities[row["priorityId"]]
                names[rules[row["generatorId"], row["ruleId"]], classes[row["classificationId"]]] += 1
        assert names == Counter((row["alert"]["signature"], row["alert"]["category"]) for row in of("alert"))

    def test_archive_times_never_decrease(self, extended: list[Row]) -> None:
        times = [row["archiveTimestamp"] for row in extended if row["archiveTimestamp"]]
        assert times == sorted(times)
        assert all(row["archiveTimestamp"] is None for row in self.rows(extended, 4, 66, 67, 123))


@pytest.fixture(scope="module")
def flat(service: Place) -> list[dict[str, str]]:
    """What the client of the 4.9 era printed; its PKCS#12 file is an old one, split by openssl."""
    perl = perl_module("IO::Socket::SSL", "libio-socket-ssl-perl")
    openssl = program("openssl")
    pkcs12 = service.folder / "old.pkcs12"
    (service.folder / "password").write_text("old secret\n")
    service.run(
        "clients",
        "add",
        "127.0.0.1",
        "--compat",
        "--password-file",
        service.folder / "password",
        "--out",
        pkcs12,
    )
    files = []
    command = [openssl, "pkcs12", "-legacy", "-in", pkcs12, "-passin", "pass:old secret"]
    for name, parts in (("certificate", ["-clcerts", "-nokeys"]), ("key", ["-nocerts", "-nodes"])):
        files.append(str(service.folder / f"old.{name}.pem"))
        subprocess.run([*command, *parts, "-out", files[-1]], check=True, capture_output=True, timeout=30)
    done = subprocess.run(
        [perl, HERE / "flat_client.pl", "127.0.0.1", str(service.port), *files, "3"],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = []
    for line in done.stdout.splitlines():
        record, *values = line.split("\t")
        rows.append({"record": record, **dict(value.split("=", 1) for value in values)})
    return rows


class TestFlatMode:
    """A Perl client of the 4.9 era."""

    def test_alerts(self, flat: list[dict[str, str]]) -> None:
        numbers = ("generator", "signature", "revision", "priority", "second")
        found = Counter(
            (
                *(int(row[name]) for name in numbers),
                *(address(row[name]) for name in ("source", "destination")),
                *(int(row[name]) for name in ("source_port", "destination_port", "protocol")),
            )
            for row in flat
            if row["record"] in ("7", "72")
        )
        assert found == ALERTS

    def test_each_address_family_has_its_record(self, flat: list[dict[str, str]]) -> None:
        facts = Counter("72" if ":" in row["src_ip"] else "7" for row in of("alert"))
        assert Counter(row["record"] for row in flat if row["record"] in facts) == facts
        assert {row["length"] for row in flat if row["record"] == "7"} == {"52"}
        assert {row["length"] for row in flat if row["record"] == "72"} == {"76"}

    def test_packets(self, flat: list[dict[str, str]]) -> None:
        assert Counter((row["data"], int(row["link"])) for row in flat if row["record"] == "2") == PACKETS

    def test_names(self, flat: list[dict[str, str]]) -> None:
        rules = {(row["generator"], row["rule"]): row["message"] for row in flat if row["record"] == "66"}
        classes = {row["id"]: row["description"] for row in flat if row["record"] == "67"}
        found = Counter(
            (rules[row["generator"], row["signature"]], classes[row["classification"]])
            for row in flat
            if row["record"] in ("7", "72")
        )
        assert found == Counter((row["alert"]["signature"], row["alert"]["category"]) for row in of("alert"))

    def test_nothing_comes_that_was_not_asked_for(self, flat: list[dict[str, str]]) -> None:
        asked = {"7", "72", "2", "66", "67", "4"}
        metadata = {"54", "63", "68", "115", "116", "117", "118", "123"}
        assert asked <= {row["record"] for row in flat} <= asked | metadata


def test_the_openssl_command_gets_a_stream(service: Place) -> None:
    """The words of a request piped into `openssl s_client`; what comes back begins with a message header."""
    openssl = program("openssl")
    pem = service.folder / "client.pem"
    split = [openssl, "pkcs12", "-in", service.folder / "client.pkcs12", "-nodes", "-passin", "pass:"]
    subprocess.run([*split, "-out", pem], check=True, capture_output=True, timeout=30)
    server = f"localhost:{service.port}"
    process = subprocess.Popen(
        [openssl, "s_client", "-quiet", "-connect", server, "-cert", pem, "-CAfile", pem],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(bytes.fromhex("00010002 00000008 00000000 00900041"))
        process.stdin.flush()
        answer = process.stdout.read(8)
        process.kill()
    assert answer[:4] in (b"\0\1\0\4", b"\0\1\0\0")
