"""eNcore's outputters, one by one, as outputs of ours: adapter (form), stream (where to), options (rotation).

Not here: the rest of its configuration (encore.py).
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

_BYTES_A_LINE = {"json": 1600, "cef": 800}
"""About how long a line is; eNcore counts lines where we count bytes."""

_LINES = 10_000
"""Lines of a file before eNcore begins another, if nothing is said."""

_JSON_INSTEAD = {
    "splunk": "eNcore's key=value lines for Splunk have no counterpart; Splunk reads JSON lines"
    " (sourcetype _json),"
    " and their field names are those of docs/json-lines.md",
    "netwitness": "eNcore's form for NetWitness has no counterpart; these are JSON lines of ours",
    "kvpair": "lines of key=value have no counterpart; these are JSON lines of ours",
    "logzilla": "the form for LogZilla has no counterpart; these are JSON lines of ours",
    "ocsf": "OCSF has no counterpart; these are JSON lines with the protocol's own fields",
}

_OPTIONS = {
    "scpKeyFilepath": "files are not sent anywhere; let another program copy those that were rotated",
    "s3": "files are not sent anywhere; let another program copy those that were rotated",
    "region": "files are not sent anywhere; let another program copy those that were rotated",
    "awssource": "files are not sent anywhere; let another program copy those that were rotated",
    "accountId": "files are not sent anywhere; let another program copy those that were rotated",
}


class Outputter(msgspec.Struct, kw_only=True):
    """What came of an outputter; `format` is None if nothing did.

    Attributes:
        target: as our configuration has it. is_file: whether that is a path. settings: of the output.
        comment: a sentence above it. notes: (key within the outputter, why it has no counterpart).
    """

    format: str | None = None
    target: str = "-"
    is_file: bool = False
    settings: dict[str, Any] = {}
    comment: str = ""
    notes: list[tuple[str, str]] = []


def convert_outputter(outputter: dict[str, Any]) -> Outputter:
    """What an outputter becomes."""
    made = Outputter()
    adapter = str(outputter["adapter"]).lower()
    stream = outputter.get("stream")
    stream = stream if isinstance(stream, dict) else {}
    uri = str(stream.get("uri", ""))
    options = stream.get("options")
    options = options if isinstance(options, dict) else {}
    form = _form(adapter, made)
    if outputter.get("passthru"):
        made.notes.append(
            ("passthru", "messages are not written as they come; 'openstreamer decode' reads such")
        )
        form = None
    if form is None:
        return made
    _stream(form, uri, options, made)
    for key in outputter:
        if key not in ("adapter", "enabled", "name", "passthru", "stream") and not key.endswith("@comment"):
            made.notes.append((key, "this key is not known to the converter"))
    return made


def _form(adapter: str, made: Outputter) -> str | None:
    if adapter == "json":
        made.comment = "The fields have other names than eNcore's: docs/json-lines.md."
        return "json"
    if adapter in ("cef", "cef2"):
        made.comment = (
            "The head says OpenStreamer where eNcore said Cisco and Firepower; the file output has"
            " settings for it"
            " (vendor, product). Which fields go where: docs/output-fields.md."
        )
        return "cef"
    if adapter in _JSON_INSTEAD:
        made.comment = f"{_JSON_INSTEAD[adapter]}."
        made.notes.append(("adapter", f"{adapter}: {_JSON_INSTEAD[adapter]}"))
        return "json"
    made.notes.append(("adapter", f"{adapter}: there is no output of that form"))
    return None


def _stream(form: str, uri: str, options: dict[str, Any], made: Outputter) -> None:
    scheme, _, rest = uri.partition("://")
    if scheme in ("file", "relfile"):
        made.format, made.is_file = form, True
        path = re.sub(r"\{[^}]*\}", "", rest.lstrip("/") if scheme == "relfile" else rest)
        path = re.sub(r"([._-])[._-]+(?=[^/]*$)", r"\1", path)
        made.target = path if path and not path.endswith("/") else f"{path}events.{form}"
        _rotation(form, options, made)
    elif scheme in ("udp", "tcp"):
        made.format, made.target = "syslog", f"{scheme}://{rest.strip('/')}"
        made.settings = {"content": form, "format": "rfc3164"}
        if scheme == "tcp":
            made.settings["framing"] = "lines"
        if form == "json":
            made.settings["limit"] = 65_000
        made.comment += " eNcore sent bare lines; here each is a syslog message that holds one."
        if "{" in rest:
            made.comment += " The address was never filled in."
            made.target = f"{scheme}://127.0.0.1:514"
        made.comment = made.comment.strip()
    elif scheme == "scp":
        made.notes.append(
            ("stream.uri", "files are not sent anywhere; let another program copy rotated ones")
        )
        made.format, made.is_file = form, True
        made.target = f"{re.sub(r'[{][^}]*[}]', '', rest.rpartition('/')[2]) or 'events'}"
        _rotation(form, options, made)
    else:
        made.format, made.target = form, "-"
        if scheme not in ("", "stdout"):
            made.comment = f"{made.comment} It went to {uri}, which for eNcore is standard output.".strip()
    for key, value in options.items():
        if key in _OPTIONS and value:
            made.notes.append((f"stream.options.{key}", _OPTIONS[key]))
        elif key not in ("rotate", "maxLogs", *_OPTIONS) and not key.endswith("@comment"):
            made.notes.append((f"stream.options.{key}", "this key is not known to the converter"))


def _rotation(form: str, options: dict[str, Any], made: Outputter) -> None:
    if not options.get("rotate", True):
        return
    lines = options.get("maxLogs", _LINES)
    lines = lines if isinstance(lines, int) and lines > 0 else _LINES
    size = max(1, round(lines * _BYTES_A_LINE[form] / 1_000_000))
    made.settings = {"rotate_size": f"{size}m"}
    made.comment = (
        f"{made.comment} eNcore began a new file after {lines:,} lines; here sizes and ages are counted, and"
        f" {size} MB are about as much. All files stay (keep)."
    ).strip()
