"""Classes of intrusion rules: number, short name, description, usual priority.

Sensors write either the short name or the description; events carry a number. The numbers here are ours and
never change: new classes are added at the end. They follow the order in which rule sets list the classes, so
that most are the numbers that other tools give out too. A description that is not in the table gets a number
from the store, above `FIRST_FREE`. Not here: which rule has which class.
"""

from __future__ import annotations

from typing import NamedTuple

FIRST_FREE = 10_000
"""Numbers of classes that are not in the table begin above this one."""


class RuleClass(NamedTuple):
    """One class of rules."""

    number: int
    name: str
    description: str
    priority: int


_TABLE = """
not-suspicious|Not Suspicious Traffic|3
unknown|Unknown Traffic|3
bad-unknown|Potentially Bad Traffic|2
attempted-recon|Attempted Information Leak|2
successful-recon-limited|Information Leak|2
successful-recon-largescale|Large Scale Information Leak|2
attempted-dos|Attempted Denial of Service|2
successful-dos|Denial of Service|2
attempted-user|Attempted User Privilege Gain|1
unsuccessful-user|Unsuccessful User Privilege Gain|1
successful-user|Successful User Privilege Gain|1
attempted-admin|Attempted Administrator Privilege Gain|1
successful-admin|Successful Administrator Privilege Gain|1
rpc-portmap-decode|Decode of an RPC Query|2
shellcode-detect|Executable code was detected|1
string-detect|A suspicious string was detected|3
suspicious-filename-detect|A suspicious filename was detected|2
suspicious-login|An attempted login using a suspicious username was detected|2
system-call-detect|A system call was detected|2
tcp-connection|A TCP connection was detected|4
trojan-activity|A Network Trojan was detected|1
unusual-client-port-connection|A client was using an unusual port|2
network-scan|Detection of a Network Scan|3
denial-of-service|Detection of a Denial of Service Attack|2
non-standard-protocol|Detection of a non-standard protocol or event|2
protocol-command-decode|Generic Protocol Command Decode|3
web-application-activity|access to a potentially vulnerable web application|2
web-application-attack|Web Application Attack|1
misc-activity|Misc activity|3
misc-attack|Misc Attack|2
icmp-event|Generic ICMP event|3
inappropriate-content|Inappropriate Content was Detected|1
policy-violation|Potential Corporate Privacy Violation|1
default-login-attempt|Attempt to login by a default username and password|2
sdf|Sensitive Data was Transmitted Across the Network|2
file-format|Known malicious file or file based exploit|1
malware-cnc|Known malware command and control traffic|1
client-side-exploit|Known client side exploit attempt|1
targeted-activity|Targeted Malicious Activity was Detected|1
exploit-kit|Exploit Kit Activity Detected|1
external-ip-check|Device Retrieving External IP Address Detected|2
domain-c2|Domain Observed Used for C2 Detected|1
pup-activity|Possibly Unwanted Program Detected|2
credential-theft|Successful Credential Theft Detected|1
social-engineering|Possible Social Engineering Attempted|2
coin-mining|Crypto Currency Mining Activity Detected|2
command-and-control|Malware Command and Control Activity Detected|1
"""


def _read(table: str) -> tuple[RuleClass, ...]:
    rows = (line.split("|") for line in table.split("\n") if line)
    return tuple(
        RuleClass(number, name, description, int(priority))
        for number, (name, description, priority) in enumerate(rows, 1)
    )


CLASSES = _read(_TABLE)
"""All classes of the table, in the order of their numbers."""

_BY_TEXT = {
    **{entry.description.lower(): entry for entry in CLASSES},
    **{entry.name: entry for entry in CLASSES},
}


def find_class(text: str) -> RuleClass | None:
    """The class with this short name or description, upper or lower case, or None."""
    return _BY_TEXT.get(text.strip().lower())
