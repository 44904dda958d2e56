#!/usr/bin/env python3
"""A client of the 6.x to 7.x era, in extended mode, that shares no line with OpenStreamer.

    extended_client.py HOST PORT PKCS12 [--password P] [--seconds N] [--start NUMBER]

It behaves as a widely deployed client of 2018-2022 does, its habits included:

- the PKCS#12 file is split by the `openssl` command; TLS 1.2 only, IPv4 only, no check of the server, no SNI;
- two connections at each start: one that asks from "now", reads one message and drops the socket without a
  TLS farewell, and 30 ms later the real one;
- flags 0x48900061 (bits 0, 5, 6, 20, 23, 27, 30) and nine pairs of event type and version;
- the first answer must come within two seconds; a silent line later means "no data";
- every message is answered with a Null, Nulls too;
- the first four bytes of each item of a bundle are one number that must be 4;
- the record type is the whole first word; the record header has 8 or 16 bytes as the lengths say;
- the block type is read at fixed offsets: 72 for connections, 16 for file and intrusion events.

Every record becomes a line of JSON on standard output, with the names of its own tables; it ends after
N seconds without a record.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

FLAGS = 0x48900061
PAIRS = [(11, 12), (4, 21), (9, 31), (11, 61), (17, 71), (7, 91), (8, 101), (7, 111), (2, 131)]
SERVICE = 6667


class Broken(Exception):
    """The server said something this client cannot live with."""


class Reader:
    """Takes values off the front of a buffer."""

    def __init__(self, data: bytes, offset: int = 0) -> None:
        self.data, self.offset = data, offset

    def take(self, form: str) -> int:
        value: int = struct.unpack_from(">" + form, self.data, self.offset)[0]
        self.offset += struct.calcsize(">" + form)
        return value

    def bytes(self, count: int) -> bytes:
        if self.offset + count > len(self.data):
            raise Broken(f"{count} bytes wanted at {self.offset} of {len(self.data)}")
        value = self.data[self.offset : self.offset + count]
        self.offset += count
        return value

    def address(self) -> str:
        value = ipaddress.IPv6Address(self.bytes(16))
        return str(value.ipv4_mapped or value)

    def string(self) -> str:
        kind, length = self.take("I"), self.take("I")
        if kind != 0:
            raise Broken(f"block type {kind} where a string stands")
        return self.bytes(length - 8).replace(b"\0", b"").decode("utf-8")


def fields(reader: Reader, table: str) -> dict[str, object]:
    """Read fields by a table of `name:form`: a struct letter, `a` address, `s` string block, or a size."""
    values: dict[str, object] = {}
    for row in table.split():
        name, form = row.split(":")
        if form == "a":
            values[name] = reader.address()
        elif form == "s":
            values[name] = reader.string()
        elif form.isdigit():
            values[name] = reader.bytes(int(form)).hex()
        else:
            values[name] = reader.take(form)
    return values


INTRUSION_85 = """
    sensorId:I eventId:I eventSecond:I eventMicrosecond:I ruleId:I generatorId:I ruleRevision:I
    classificationId:I priorityId:I sourceIp:a destinationIp:a sourcePort:H destinationPort:H protocol:B
    impactFlags:B impact:B blocked:B blockedReason:B mplsLabel:I vlanId:H pad:H policy:16 userId:I webApp:I
    clientApp:I appProto:I acRule:I acPolicy:16 ingressInterface:16 egressInterface:16 ingressZone:16
    egressZone:16 connectionTimestamp:I instance:H counter:H sourceCountry:H destinationCountry:H ioc:H
    context:16 certificate:20 sslAction:H sslStatus:H napPolicy:16 httpResponse:I ingressVrf:s egressVrf:s
    snortVersion:B originalSource:a httpHost:s httpUri:s smtpAttachments:s smtpFrom:s smtpHeaders:s smtpTo:s
"""

CONNECTION_174 = """
    sensorId:I ingressZone:16 egressZone:16 ingressInterface:16 egressInterface:16 initiatorIp:a responderIp:a
    originalClient:a policy:16 ruleId:I tunnelRule:I ruleAction:H ruleReason:I initiatorPort:H responderPort:H
    tcpFlags:H protocol:B netflow:a instance:H counter:H firstPacket:I lastPacket:I initiatorPackets:Q
    responderPackets:Q initiatorBytes:Q responderBytes:Q droppedA:Q droppedB:Q droppedC:Q droppedD:Q
    qosInterface:16 qosRule:I userId:I appProto:I urlCategory:I urlReputation:I clientApp:I webApp:I
    clientUrl:s netbios:s clientVersion:s monitor1:I monitor2:I monitor3:I monitor4:I monitor5:I monitor6:I
    monitor7:I monitor8:I siSide:B siLayer:B fileCount:H intrusionCount:H countryA:H countryB:H countryC:H
    ioc:H asA:I asB:I snmpIn:H snmpOut:H tosA:B tosB:B maskA:B maskB:B context:16 vlanId:H referencedHost:s
    userAgent:s referrer:s
"""

FILE_79 = """
    sensorId:I instance:H counter:H connectionTimestamp:I fileTimestamp:I sourceIp:a destinationIp:a
    disposition:B spero:B storage:B analysis:B localAnalysis:B archiveStatus:B threatScore:B action:B
    sha256:32 fileType:I fileName:s fileSize:Q direction:B appProto:I userId:I uri:s signature:s sourcePort:H
    destinationPort:H protocol:B policy:16 countryA:H countryB:H webApp:I clientApp:I
"""


def short_text(reader: Reader, length: int) -> str:
    return reader.bytes(length).replace(b"\0", b"").decode("utf-8")


def decode(record_type: int, message: bytes, header: int) -> dict[str, object]:
    """What this client knows of a record; `header` is the length of the record header."""
    reader = Reader(message, header)
    if record_type == 71:
        block = struct.unpack_from(">I", message, 72)[0]
        reader.offset = 80
        if block != 174:
            raise Broken(f"connection block {block} was not asked for")
        host = ipaddress.IPv6Address(message[56:72])
        return {"block": block, "host": str(host.ipv4_mapped or host), **fields(reader, CONNECTION_174)}
    if record_type in (400, 500, 502):
        block = struct.unpack_from(">I", message, 16)[0]
        reader.offset = 24
        wanted, table = {400: (85, INTRUSION_85)}.get(record_type, (79, FILE_79))
        if block != wanted:
            raise Broken(f"block {block} in record {record_type} was not asked for")
        return {"block": block, **fields(reader, table)}
    if record_type == 2:
        values = fields(
            reader, "sensorId:I eventId:I eventSecond:I second:I microsecond:I linkType:I length:I"
        )
        return {**values, "data": reader.bytes(int(str(values["length"]))).hex()}
    if record_type == 110:
        values = fields(
            reader, "block:I length:I sensorId:I eventId:I eventSecond:I type:I blob:I blobLength:I"
        )
        data = reader.bytes(int(str(values["blobLength"])) - 8)
        return {**values, "data": data.hex(), "text": data.decode("utf-8", "replace").rstrip("\0")}
    if record_type == 111:
        return fields(reader, "block:I length:I type:I name:s encoding:s")
    if record_type == 66:
        values = fields(
            reader, "generatorId:I ruleId:I revision:I renderedId:I length:H uuid:16 revisionUuid:16"
        )
        return {**values, "message": short_text(reader, int(str(values["length"])))}
    if record_type == 67:
        number = reader.take("I")
        name = short_text(reader, reader.take("H"))
        return {"id": number, "name": name, "description": short_text(reader, reader.take("H"))}
    if record_type == 4:
        return {"id": reader.take("I"), "name": short_text(reader, reader.take("H"))}
    if record_type in (63, 123):
        return {"id": reader.take("I"), "name": short_text(reader, reader.take("I"))}
    return {}


class Session:
    """One connection."""

    def __init__(self, host: str, port: int, files: tuple[str, str]) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(*files)
        plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        plain.settimeout(10)
        plain.connect((host, port))
        self.socket = context.wrap_socket(plain)
        self.socket.settimeout(2)

    def send(self, kind: int, body: bytes = b"") -> None:
        self.socket.sendall(struct.pack(">HHI", 1, kind, len(body)) + body)

    def exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def read(self) -> tuple[int, bytes] | None:
        """The next message, or None if the line was silent for two seconds."""
        try:
            first = self.exactly(8)
        except TimeoutError:
            return None
        version, kind, length = struct.unpack(">HHI", first)
        if version != 1:
            raise Broken(f"header version {version}")
        return kind, self.exactly(length)

    def drop(self) -> None:
        """Close without a TLS farewell."""
        socket.socket(fileno=self.socket.detach()).close()


def split_pkcs12(path: str, password: str, folder: str) -> tuple[str, str]:
    """Let the openssl command take the file apart."""
    certificate, key = os.path.join(folder, "client.cert"), os.path.join(folder, "client.key")
    for options, target in ((["-clcerts", "-nokeys"], certificate), (["-nocerts", "-nodes"], key)):
        command = ["openssl", "pkcs12", "-in", path, "-passin", f"pass:{password}", *options, "-out", target]
        subprocess.run(command, check=True, capture_output=True, timeout=30)
    return certificate, key


def show(message: bytes) -> bool:
    """Print one type 4 message. Returns whether it was a record."""
    word, length = struct.unpack_from(">II", message)
    header = len(message) - length
    if header not in (8, 16):
        raise Broken(f"record header of {header} bytes")
    archive = struct.unpack_from(">I", message, 8)[0] if header == 16 else None
    row = {"recordType": word, "archiveTimestamp": archive, **decode(word, message, header)}
    print(json.dumps(row), flush=False)
    return True


def stream(session: Session, start: int, seconds: float) -> None:
    session.send(2, struct.pack(">II", start, FLAGS))
    sequence = 0
    quiet_since = time.monotonic()
    first = True
    while time.monotonic() - quiet_since < seconds:
        answer = session.read()
        if answer is None:
            if first:
                raise Broken("no answer within two seconds")
            continue
        first = False
        kind, body = answer
        if kind == 2051:
            offset, services = 0, []
            while offset < len(body):
                service, length = struct.unpack_from(">II", body, offset)
                services.append(service)
                offset += 8 + length
            if SERVICE not in services or offset != len(body):
                raise Broken(f"services {services}")
            pairs = b"".join(struct.pack(">HH", *pair) for pair in [*PAIRS, (0, 0)])
            session.send(2049, struct.pack(">IIII", SERVICE, 16 + len(pairs), FLAGS, start) + pairs)
        elif kind == 4002:
            _, number = struct.unpack_from(">II", body)
            if number != sequence + 1:
                raise Broken(f"bundle {number} after {sequence}")
            sequence, offset = number, 8
            while offset < len(body):
                item, length = struct.unpack_from(">II", body, offset)
                if item != 4:
                    raise Broken(f"item of type {item:#x} in a bundle")
                show(body[offset + 8 : offset + 8 + length])
                offset += 8 + length
                quiet_since = time.monotonic()
        elif kind == 4:
            show(body)
            quiet_since = time.monotonic()
        session.send(0)
    sys.stdout.flush()
    session.drop()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("pkcs12")
    parser.add_argument("--password", default="")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--start", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = split_pkcs12(options.pkcs12, options.password, folder)
        scout = Session(options.host, options.port, files)
        scout.send(2, struct.pack(">II", 0xFFFFFFFF, FLAGS))
        if scout.read() is None:
            raise Broken("no answer within two seconds")
        scout.drop()
        time.sleep(0.03)
        stream(Session(options.host, options.port, files), options.start, options.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
