"""What the parts of the EVE mapping share: the form of a line, times, addresses, and what a flow was.

A line is decoded once, into the few fields that are mapped; the others are passed over. Rules: the EVE
chapter of the Suricata manual for the lines, `docs/inputs-eve.md` for what becomes of them. Not here: numbers
for names (eve_names.py) and the records themselves (eve_alert.py, eve_flow.py, eve_file.py).
"""

from __future__ import annotations

import re
import socket
from datetime import date
from functools import lru_cache

import msgspec

from openstreamer.inputs.line_input import LineError

LATEST = 0xFFFFFFFF
"""Last second that a record can carry (in the year 2106)."""

_EPOCH = date(1970, 1, 1).toordinal()
_TIME = re.compile(
    r"([+-]?\d{4,12})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?\s*(Z|z|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
_MOST_CACHED = 4096


class Part(msgspec.Struct, gc=False):
    """A nested object of a line."""


class Http(Part):
    hostname: str | None = None
    url: str | None = None
    http_user_agent: str | None = None
    http_refer: str | None = None
    http_method: str | None = None
    http_port: int = 0
    status: int = 0


class Smtp(Part):
    mail_from: str | None = None
    rcpt_to: list[str] = []


class Email(Part):
    attachment: list[str] = []


class FlowOfAlert(Part):
    start: str | None = None
    src_ip: str | None = None


class Head(msgspec.Struct, gc=False):
    """What tells the kind of a line."""

    event_type: str | None = None


class EventLine(msgspec.Struct, gc=False):
    """What lines of all kinds have in common."""

    timestamp: str
    event_type: str = ""
    flow_id: int = 0
    src_ip: str | None = None
    dest_ip: str | None = None
    src_port: int = 0
    dest_port: int = 0
    icmp_type: int | None = None
    icmp_code: int | None = None
    proto: str | None = None
    vlan: list[int] | int | None = None
    in_iface: str | None = None
    host: str | None = None
    app_proto: str | None = None


def outermost_vlan(line: EventLine) -> int:
    """The outermost VLAN tag of a line, 0 without one."""
    vlan = line.vlan
    if not vlan:
        return 0
    return vlan if isinstance(vlan, int) else vlan[0]


class Clock:
    """Reads timestamps; a second is worked out once and remembered.

    `clamped` counts the times that do not fit into a record and were bent to its first or last second.
    """

    def __init__(self) -> None:
        self.clamped = 0
        self._seconds: dict[str, int] = {}

    def parse(self, text: str) -> tuple[int, int]:
        """Epoch second and microsecond of a timestamp.

        Suricata prints microseconds with at least six digits; where there are more, the number is still one
        of microseconds (a capture may say so) and is carried over. Other writers' further digits, told by the
        form of the zone, are parts of a microsecond and are cut off. Without a zone, it is UTC.

        Raises:
            LineError: it is no timestamp.
        """
        # by far the most are of this form: 2018-02-16T20:49:12.820418+0000
        if len(text) == 31 and text[19] == ".":
            second = self._seconds.get(text[:19] + text[26:])
            fraction = text[20:26]
            if second is not None and fraction.isdigit():
                return second, int(fraction)
        match = _TIME.fullmatch(text)
        if match is None:
            raise LineError(f"no timestamp: {text[:40]!r}")
        fraction, zone = match[7] or "", match[8] or ""
        second = self._second(match, zone)
        if len(fraction) <= 6:
            microsecond = int(fraction.ljust(6, "0"))
        elif len(zone) == 5:
            carry, microsecond = divmod(int(fraction[:20]), 1_000_000)
            second += carry
        else:
            microsecond = int(fraction[:6])
        if 0 <= second <= LATEST:
            if len(text) == 31:
                if len(self._seconds) >= _MOST_CACHED:
                    self._seconds.clear()
                self._seconds[text[:19] + text[26:]] = second
            return second, microsecond
        self.clamped += 1
        return (0, 0) if second < 0 else (LATEST, 999_999)

    @staticmethod
    def _second(match: re.Match[str], zone: str) -> int:
        year = int(match[1])
        if year > 9999:
            return LATEST + 1
        if year < 1:
            return -1
        hour, minute, second = int(match[4]), int(match[5]), int(match[6])
        if hour > 23 or minute > 59 or second > 60:
            raise LineError(f"no timestamp: {match[0]!r}")
        try:
            days = date(year, int(match[2]), int(match[3])).toordinal() - _EPOCH
        except ValueError as error:
            raise LineError(f"no timestamp: {match[0]!r}") from error
        east = 0
        if len(zone) > 1:
            digits = zone[1:].replace(":", "").ljust(4, "0")
            east = (int(digits[:2]) * 3600 + int(digits[2:]) * 60) * (-1 if zone[0] == "-" else 1)
        return days * 86400 + hour * 3600 + minute * 60 + second - east


@lru_cache(maxsize=65_536)
def packed_address(text: str) -> bytes | None:
    """An address as 4 or 16 bytes, or None if it is none."""
    try:
        return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
    except (OSError, ValueError):
        return None


def address(text: str | None) -> str:
    """An address of a line as records take it; `::` where there is none.

    Raises:
        LineError: it is no address.
    """
    if text is None:
        return "::"
    if packed_address(text) is None:
        raise LineError(f"no address: {text[:60]!r}")
    return text


class FlowDetails(msgspec.Struct):
    """What earlier lines of a flow told."""

    client: str | None = None
    """Who opened the flow."""
    start: int = 0
    """First second of the flow."""
    alerts: int = 0
    files: int = 0
    http: Http | None = None
    original_client: str | None = None
    tls_server_name: str = ""
    tls_fingerprint: str = ""
    tls_version: str = ""
    dns_name: str = ""
    dns_type: str = ""
    dns_code: str = ""
    dns_ttl: int = 0


class FlowTable:
    """The flows that are going on, the least recently seen forgotten first."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.forgotten = 0
        self._flows: dict[int, FlowDetails] = {}

    def __len__(self) -> int:
        return len(self._flows)

    def get(self, flow_id: int) -> FlowDetails:
        """The details of a flow, new ones for a new flow. Flow 0 is no flow: its details are not kept."""
        flows = self._flows
        details = flows.pop(flow_id, None)
        if details is None:
            details = FlowDetails()
            if not flow_id or not self.limit:
                return details
            if len(flows) >= self.limit:
                del flows[next(iter(flows))]
                self.forgotten += 1
        flows[flow_id] = details
        return details

    def find(self, flow_id: int) -> FlowDetails | None:
        """The details of a flow, if any are kept."""
        return self._flows.get(flow_id)

    def end(self, flow_id: int) -> FlowDetails | None:
        """The details of a flow that has ended; they are kept no longer."""
        return self._flows.pop(flow_id, None)


def connection_numbers(flow_id: int) -> tuple[int, int]:
    """Instance and counter by which the records of one flow find each other, taken from its id."""
    return flow_id >> 31 & 0xFFFF, flow_id & 0xFFFF


def web_address(http: Http) -> str:
    """The URL of a request: with its host where that is known."""
    url = http.url or ""
    if not http.hostname or not url.startswith("/"):
        return url
    host = (
        f"[{http.hostname}]" if ":" in http.hostname and not http.hostname.startswith("[") else http.hostname
    )
    port = f":{http.http_port}" if http.http_port and http.http_port != 80 else ""
    return f"http://{host}{port}{url}"
