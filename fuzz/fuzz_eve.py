"""Fuzz target: one line of EVE JSON turned into records.

    python fuzz/fuzz_eve.py [-runs=20000] [corpus folder] [other options of libFuzzer]

A line may be refused with LineError, CodecError, a JSON or a text error, and nothing else; what it is turned
into are records that can be decoded, with nothing left over, and whose names are there. The lines are whole
ones with a value replaced, or any bytes. Needs the package `atheris`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

try:
    import atheris
except ImportError:
    sys.exit("this target needs atheris: pip install atheris")

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

with atheris.instrument_imports(include=["openstreamer.inputs"]):
    import msgspec

    from openstreamer.errors import CodecError
    from openstreamer.inputs.eve import EveInput
    from openstreamer.inputs.interface import Batch
    from openstreamer.inputs.line_input import LineError
    from openstreamer.inputs.uri import make_input
    from openstreamer.protocol.records import Record, UnknownRecord, decode_record
    from support.eve_lines import alert, fileinfo, flow
    from support.input_context import MemoryContext

COMMON = {"timestamp": "2024-05-06T07:08:02.000000+0000", "flow_id": 1001, "src_ip": "10.0.0.1"}
LINES: list[dict[str, Any]] = [
    alert(
        1, flow={"start": COMMON["timestamp"], "src_ip": "10.0.0.1"}, icmp_type=3, icmp_code=1, host="north"
    ),
    alert(2, http={"url": "/a", "hostname": "b", "status": 200}, alert={"xff": "10.9.9.9"}, vlan=[1, 2]),
    alert(3, smtp={"mail_from": "a", "rcpt_to": ["b"]}, email={"attachment": ["c"]}, src_ip="2001:db8::1"),
    flow(1, flow={"alerted": True, "action": "drop"}),
    fileinfo(1, smb={"command": "WRITE", "share": "s", "filename": "f"}),
    {**COMMON, "event_type": "http", "http": {"url": "/a", "hostname": "b", "http_user_agent": "c"}},
    {**COMMON, "event_type": "tls", "tls": {"sni": "a", "fingerprint": "ab:cd", "version": "TLS 1.2"}},
    {
        **COMMON,
        "event_type": "dns",
        "dns": {"type": "answer", "rrname": "a", "rrtype": "A", "rcode": "NXDOMAIN"},
    },
]
VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    1,
    255,
    65_536,
    1 << 32,
    1 << 64,
    1.5,
    "",
    "x",
    "::1",
    "1.2.3.4",
    [],
    {},
]

source = make_input("eve", {"path": "-", "flows": 100})
assert isinstance(source, EveInput)
source.begin(MemoryContext())
known: set[bytes] = set()


def made_line(provider: Any) -> bytes:
    """A whole line in which a few values were replaced by others, or by text of the fuzzer's own."""
    line = json.loads(json.dumps(LINES[provider.ConsumeIntInRange(0, len(LINES) - 1)]))
    for _ in range(provider.ConsumeIntInRange(0, 4)):
        target = line
        while True:
            name = list(target)[provider.ConsumeIntInRange(0, len(target) - 1)]
            if not isinstance(target[name], dict) or not target[name] or provider.ConsumeBool():
                break
            target = target[name]
        choice = provider.ConsumeIntInRange(0, len(VALUES) + 1)
        target[name] = VALUES[choice] if choice < len(VALUES) else provider.ConsumeUnicodeNoSurrogates(40)
    raw = json.dumps(line, ensure_ascii=provider.ConsumeBool()).encode()
    if provider.ConsumeBool():
        place = provider.ConsumeIntInRange(0, len(raw))
        raw = raw[:place] + provider.ConsumeBytes(4) + raw[place + 4 :]
    return raw


def one_input(raw: bytes) -> None:
    """The first byte chooses between any bytes and a line made from a whole one."""
    provider = atheris.FuzzedDataProvider(raw)
    line = provider.ConsumeBytes(1 << 20) if provider.ConsumeIntInRange(0, 3) == 0 else made_line(provider)
    batch = Batch()
    try:
        source.take_line(line, batch)
    except (LineError, CodecError, msgspec.MsgspecError, UnicodeError, RecursionError):
        known.update(key for key, *_ in batch.metadata)
        return
    known.update(key for key, *_ in batch.metadata)
    for record in batch.records:
        event = decode_record(Record(record.record_type, record.data))
        assert not isinstance(event.data, UnknownRecord)
        assert event.left_over is msgspec.UNSET
        assert known.issuperset(record.references)


def main() -> None:
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
