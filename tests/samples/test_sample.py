"""The sample can be made again: the capture byte for byte, the events but for what Suricata draws."""

from __future__ import annotations

import ast
import ipaddress
import json
import subprocess
import sys
from collections import Counter
from importlib import resources
from pathlib import Path

from support.programs import program

SAMPLES = Path(__file__).parents[2] / "samples"


def events(text: str) -> list[str]:
    """The lines in a comparable form: no flow number, and of flow lines not when and why they were logged."""
    rows = [json.loads(line) for line in text.splitlines()]
    for row in rows:
        row.pop("flow_id", None)
        if row["event_type"] == "flow":
            del row["timestamp"], row["flow"]["reason"]
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def installed_events() -> str:
    return (resources.files("openstreamer.samples") / "sample.eve.json").read_text("utf-8")


def test_the_capture_comes_out_the_same(tmp_path: Path) -> None:
    made = tmp_path / "again.pcap"
    subprocess.run([sys.executable, SAMPLES / "make_pcap.py", made], check=True, timeout=60)
    assert made.read_bytes() == (SAMPLES / "sample.pcap").read_bytes()


def test_the_capture_needs_only_the_standard_library() -> None:
    tree = ast.parse((SAMPLES / "make_pcap.py").read_text("utf-8"))
    modules = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert modules <= set(sys.stdlib_module_names)


def test_suricata_finds_the_same_events(tmp_path: Path) -> None:
    program("suricata")
    subprocess.run([SAMPLES / "make_eve.sh", tmp_path], check=True, timeout=100, capture_output=True)
    assert events((tmp_path / "sample.eve.json").read_text("utf-8")) == events(installed_events())


def test_the_sample_is_rich_enough_to_show() -> None:
    rows = [json.loads(line) for line in installed_events().splitlines()]
    kinds = Counter(row["event_type"] for row in rows)
    assert kinds["alert"] > 100
    assert kinds["flow"] > 300
    assert kinds["fileinfo"] > 50
    alerts = [row for row in rows if row["event_type"] == "alert"]
    assert len({row["alert"]["signature_id"] for row in alerts}) >= 15
    assert {row["alert"]["severity"] for row in alerts} == {1, 2, 3, 4}
    assert any("xff" in row["alert"] for row in alerts)
    assert any(len(row.get("vlan", [])) == 2 for row in rows)
    assert all(row["fileinfo"]["sha256"] for row in rows if row["event_type"] == "fileinfo")


def test_every_address_is_set_aside_for_documentation() -> None:
    documentation = [
        ipaddress.ip_network(text)
        for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
    ]
    rows = [json.loads(line) for line in installed_events().splitlines()]
    addresses = {ipaddress.ip_address(row[key]) for row in rows for key in ("src_ip", "dest_ip")}
    assert all(any(address in network for network in documentation) for address in addresses)
