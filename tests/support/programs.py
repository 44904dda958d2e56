"""Programs that tests use where they are installed.

A missing one is a reason to skip, with the name of Debian's package in it. In continuous integration
(`OPENSTREAMER_NO_SKIPS=1`, set by `.ci/run`) such a skip is a failure: see `conftest.py`.
"""

from __future__ import annotations

import shutil
import subprocess

import pytest

PACKAGES = {
    "openssl": "openssl",
    "perl": "perl",
    "rsyslogd": "rsyslog",
    "snmptranslate": "snmp",
    "snmptrapd": "snmptrapd",
    "tshark": "tshark",
    "capinfos": "wireshark-common",
    "chromedriver": "chromium-driver",
    "chromium": "chromium",
    "suricata": "suricata (bookworm-backports)",
    "testssl": "testssl.sh",
}
"""Debian package of each program."""


def program(name: str) -> str:
    """Path of the program, or skip."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"not installed: {name} (apt-get install {PACKAGES.get(name, name)})")
    return path


def perl_module(name: str, package: str) -> str:
    """Path of Perl where it has the module, or skip."""
    perl = program("perl")
    if subprocess.run([perl, f"-M{name}", "-e", "1"], capture_output=True, timeout=30).returncode:
        pytest.skip(f"not installed: Perl module {name} (apt-get install {package})")
    return perl
