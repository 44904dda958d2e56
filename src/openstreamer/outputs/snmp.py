"""Events as SNMP notifications: traps of version 1, 2c and 3, or informs, which are acknowledged.

`-f HOST[:PORT]` is the receiver. Each event becomes one notification `sfEvent` with the fourteen objects of
OPENSTREAMER-MIB.txt (`MIB` here is its path). A trap of version 3 is signed and encrypted by keys of the
sender's engine, whose id the receiver must know: set `engine_id`, and give the receiver the same.

Delivery: traps are sent and nobody answers; with `inform=yes` the receiver answers each, and a batch counts
as taken when all were answered. `group=120` is the reference client's rule for alerts of low priority.
pysnmp does the protocol; it is an optional part. Not here: objects and their values (mappings/traps.py).
"""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from openstreamer.errors import MissingExtra, OutputError, UsageError
from openstreamer.outputs.interface import IS_FILE, Guarantee, OutputFull
from openstreamer.outputs.mappings.describe import Described
from openstreamer.outputs.mappings.traps import APPLIANCE_ARC, ARC, OBJECTS, value_of
from openstreamer.outputs.messages import Counted, MessageOutput

MIB = Path(__file__).with_name("OPENSTREAMER-MIB.txt")
"""The file for receivers, to be put where they look for MIBs."""

_UPTIME = "1.3.6.1.2.1.1.3.0"
_TRAP = "1.3.6.1.6.3.1.1.4.1.0"


class SnmpConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the snmp output."""

    version: Annotated[Literal["1", "2c", "3"], msgspec.Meta(description="Version of the protocol.")] = "2c"
    community: Annotated[str, msgspec.Meta(description="Community, for versions 1 and 2c.")] = "sf_community"
    inform: Annotated[
        bool, msgspec.Meta(description="Send informs, which the receiver answers (versions 2c and 3).")
    ] = False
    user: Annotated[str, msgspec.Meta(description="User, for version 3.")] = ""
    auth: Annotated[
        Literal["none", "md5", "sha", "sha256", "sha512"],
        msgspec.Meta(description="How notifications of version 3 are signed."),
    ] = "sha"
    auth_file: Annotated[
        str, msgspec.Meta(description="File with the pass phrase for signing.", extra=IS_FILE)
    ] = ""
    privacy: Annotated[
        Literal["none", "des", "aes"],
        msgspec.Meta(description="How notifications of version 3 are encrypted."),
    ] = "none"
    privacy_file: Annotated[
        str, msgspec.Meta(description="File with the pass phrase for encrypting.", extra=IS_FILE)
    ] = ""
    engine_id: Annotated[
        str,
        msgspec.Meta(
            description="Engine id of this sender, hexadecimal (version 3); empty: made of the"
            " machine's name.",
            pattern="^([0-9a-fA-F]{2})*$",
        ),
    ] = ""
    objects: Annotated[
        Literal["own", "appliance"],
        msgspec.Meta(description="Numbers of the objects: of our MIB, or as management centers use them."),
    ] = "own"
    arc: Annotated[
        str,
        msgspec.Meta(
            description="Arc of our MIB, where it is not the usual one.", pattern=r"^[0-9]+(\.[0-9]+)+$"
        ),
    ] = ARC
    timeout: Annotated[
        float, msgspec.Meta(description="Seconds to wait for the answer to an inform.", gt=0)
    ] = 3.0
    group: Annotated[
        int,
        msgspec.Meta(
            description="Hold alerts of low priority, tell each rule's last with its count after so many"
            " seconds; 0 sends all at once.",
            ge=0,
        ),
    ] = 0


def parse_receiver(text: str) -> tuple[str, int]:
    """`host`, `host:port`, an IPv6 address, `[address]:port`.

    Raises:
        UsageError: it is none of these.
    """
    host, port = text, ""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if host in ("", "-") or (port and not (port.isdecimal() and 0 < int(port) < 65536)):
        raise UsageError("the output 'snmp' needs a receiver: -f HOST or -f HOST:PORT")
    return host, int(port or 162)


_INFORMS = Guarantee(
    where="with `inform=yes`",
    taken="the receiver has answered",
    after="none is missing, some may come twice",
    may_lose=False,
    may_repeat=True,
)
_TRAPS = Guarantee(
    where="as traps",
    taken="it has been sent",
    after="some may be missing, and nobody can tell; some may come twice",
    may_lose=True,
    may_repeat=True,
)


class SnmpOutput(MessageOutput):
    """`-o snmp`."""

    Config = SnmpConfig
    title = "SNMP notifications (traps of version 1, 2c, 3; informs)"
    example = "openstreamer stream SERVER --events intrusion -o snmp:version=2c -f traps.example.org"
    guarantees = (_INFORMS, _TRAPS)

    def __init__(self, config: msgspec.Struct, target: str) -> None:
        assert isinstance(config, SnmpConfig)
        super().__init__(config, target, config.group)
        self._settings = config
        self._receiver = parse_receiver(target)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._snmp: Any = None
        self._engine: Any = None
        self._authentication: Any = None
        self._transport: Any = None
        self._began = time.monotonic()
        if config.inform and config.version == "1":
            raise UsageError("the output 'snmp': version 1 has no informs; take inform=no or version=2c")
        if config.version == "3" and not config.user:
            raise UsageError("the output 'snmp': version 3 needs a user; write user=NAME")

    @classmethod
    def complete_target(cls, target: str) -> str:
        host, port = parse_receiver(target)
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def guarantee(self) -> Guarantee:
        return _INFORMS if self._settings.inform else _TRAPS

    def connect(self) -> None:
        try:
            from pysnmp.hlapi.v3arch import asyncio as snmp  # type: ignore[import-untyped,unused-ignore]
        except ImportError as error:
            raise MissingExtra("the output 'snmp'", "snmp") from error
        self._snmp = snmp
        self._loop = asyncio.new_event_loop()
        settings = self._settings
        if settings.version == "3":
            self._engine = snmp.SnmpEngine(snmp.OctetString(hexValue=self.engine_id()))
            self._authentication = self._user(snmp)
            if not settings.engine_id:
                self._told.append(f"traps of version 3 come from the engine 0x{self.engine_id()}")
        else:
            self._engine = snmp.SnmpEngine()
            model = 0 if settings.version == "1" else 1
            self._authentication = snmp.CommunityData(settings.community, mpModel=model)

    def engine_id(self) -> str:
        """The engine id, hexadecimal: as set, or one made of this machine's name (RFC 3411, text)."""
        name = socket.gethostname().encode("ascii", "replace")[:27]
        return self._settings.engine_id or "80007ed904" + name.hex()

    def _user(self, snmp: Any) -> Any:
        settings = self._settings
        signing = {
            "none": snmp.usmNoAuthProtocol,
            "md5": snmp.usmHMACMD5AuthProtocol,
            "sha": snmp.usmHMACSHAAuthProtocol,
            "sha256": snmp.usmHMAC192SHA256AuthProtocol,
            "sha512": snmp.usmHMAC384SHA512AuthProtocol,
        }[settings.auth]
        encrypting = {
            "none": snmp.usmNoPrivProtocol,
            "des": snmp.usmDESPrivProtocol,
            "aes": snmp.usmAesCfb128Protocol,
        }[settings.privacy]
        if settings.privacy != "none" and settings.auth == "none":
            raise UsageError("the output 'snmp': nothing is encrypted that is not signed; set auth too")
        return snmp.UsmUserData(
            settings.user,
            authKey=_pass_phrase(settings.auth, settings.auth_file, "auth_file"),
            privKey=_pass_phrase(settings.privacy, settings.privacy_file, "privacy_file"),
            authProtocol=signing,
            privProtocol=encrypting,
        )

    def deliver(self, events: list[Counted]) -> None:
        assert self._loop is not None
        done = 0
        try:
            for event, count in events:
                try:
                    bindings = self._bindings(event, count)
                except Exception as error:  # pyasn1 refuses a value in its own words
                    self.refuse(event, f"it does not fit into a notification ({error})")
                else:
                    self._loop.run_until_complete(self._send(event, bindings))
                done += 1
        finally:
            del events[:done]
        self._loop.run_until_complete(asyncio.sleep(0))

    async def _send(self, event: Described, bindings: list[tuple[Any, Any]]) -> None:
        """Send one notification; of an inform the answer decides."""
        snmp = self._snmp
        host, port = self._receiver
        try:
            if self._transport is None:
                kind = snmp.Udp6TransportTarget if ":" in host else snmp.UdpTransportTarget
                self._transport = await kind.create((host, port), timeout=self._settings.timeout, retries=2)
            trouble, status, _, _ = await snmp.send_notification(
                self._engine,
                self._authentication,
                self._transport,
                snmp.ContextData(),
                "inform" if self._settings.inform else "trap",
                *bindings,
                lookupMib=False,
            )
        except Exception as error:  # pysnmp has its own, and lets those of the system through
            self._transport = None
            raise OutputFull(f"cannot be sent ({error})", target=self.target) from error
        if trouble:
            raise OutputFull(f"the receiver does not take it ({trouble})", target=self.target)
        if status:
            self.refuse(event, f"the receiver answers {status.prettyPrint()}")

    def _bindings(self, event: Described, count: int) -> list[tuple[Any, Any]]:
        snmp = self._snmp
        kinds = {
            "integer": snmp.Integer32,
            "unsigned": snmp.Unsigned32,
            "string": snmp.OctetString,
            "octets": snmp.OctetString,
        }
        name = snmp.ObjectIdentifier
        own = self._settings.objects == "own"
        arc = self._settings.arc if own else APPLIANCE_ARC
        uptime = int((time.monotonic() - self._began) * 100) & 0xFFFFFFFF
        bindings: list[tuple[Any, Any]] = [
            (name(_UPTIME), snmp.TimeTicks(uptime)),
            (name(_TRAP), name(f"{arc}.0.1")),
        ]
        for row in OBJECTS:
            number = row.number if own else row.appliance
            if number:
                value = value_of(row, event, count)
                # an object that a notification carries stands alone in its table: instance 0
                bindings.append((name(f"{arc}.1.{number}.0"), kinds[row.syntax](value)))
        return bindings

    def disconnect(self) -> None:
        if self._engine is not None:
            self._engine.close_dispatcher()
            self._engine = None
        if self._loop is not None:
            self._loop.run_until_complete(asyncio.sleep(0))
            self._loop.close()
            self._loop = None


def _pass_phrase(kind: str, path: str, setting: str) -> str | None:
    if kind == "none":
        return None
    if not path:
        raise UsageError(f"the output 'snmp': {setting}=FILE must say where the pass phrase is")
    try:
        phrase = Path(path).read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(f"the pass phrase cannot be read: {error}", target=path) from error
    if len(phrase) < 8:
        raise OutputError("a pass phrase has at least 8 characters", target=path)
    return phrase
