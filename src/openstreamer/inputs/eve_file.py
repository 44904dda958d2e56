"""EVE `fileinfo` -> file event (record 500).

Rules: chapter 3 of the integration guide for the record, `docs/inputs-eve.md` for the mapping and its gaps.
"""

from __future__ import annotations

from openstreamer.inputs.eve_common import (
    Clock,
    EventLine,
    FlowTable,
    Http,
    Part,
    address,
    connection_numbers,
    web_address,
)
from openstreamer.inputs.eve_names import Names
from openstreamer.inputs.interface import Batch, NewRecord
from openstreamer.inputs.line_input import LineError
from openstreamer.inputs.protocols import protocol_number
from openstreamer.layouts.file import FileEvent
from openstreamer.wire import encoder

FILE_EVENT, FILE_EVENT_BLOCK = 500, 79

UNKNOWN, DOWNLOAD, UPLOAD = 0, 1, 2
STORED = 1
_NO_SHA256 = "0" * 64

_SERVER_PORTS = frozenset(
    {20, 21, 25, 80, 110, 139, 143, 443, 445, 465, 587, 993, 995, 2049, 3128, 8000, 8080, 8443}
)


class FileInfo(Part):
    """The `fileinfo` object."""

    filename: str | None = None
    size: int = 0
    sha256: str | None = None
    stored: bool = False


class Smb(Part):
    share: str | None = None
    filename: str | None = None
    command: str | None = None


class Nfs(Part):
    procedure: str | None = None


class FtpData(Part):
    command: str | None = None


class PlainFileLine(EventLine):
    """A file without the details of its protocol."""

    fileinfo: FileInfo | None = None


class FileLine(PlainFileLine):
    """A file with all that is mapped."""

    http: Http | None = None
    smb: Smb | None = None
    nfs: Nfs | None = None
    ftp_data: FtpData | None = None


class FileMapper:
    """Turns files into records."""

    def __init__(self, names: Names, clock: Clock, flows: FlowTable, sensor: str) -> None:
        self._names = names
        self._clock = clock
        self._flows = flows
        self._sensor = sensor
        self._encode = encoder(FileEvent, FILE_EVENT_BLOCK)

    def take(self, line: PlainFileLine, batch: Batch) -> None:
        """Add the record of one file. Raises LineError or EncodeError."""
        info = line.fileinfo
        if info is None:
            raise LineError("a file without its fileinfo object")
        second, _ = self._clock.parse(line.timestamp)
        sender, receiver = address(line.src_ip), address(line.dest_ip)
        host = line.host or self._sensor
        device = self._names.device(host)
        application = self._names.application(line.app_proto)
        flow = self._flows.get(line.flow_id)
        flow.files += 1
        instance, counter = connection_numbers(line.flow_id)
        sha256 = info.sha256.lower() if info.sha256 else _NO_SHA256
        protocol = protocol_number(line.proto) if line.proto is not None else 0
        event = FileEvent(
            block_type=FILE_EVENT_BLOCK,
            device_id=device.value,
            connection_instance=instance,
            connection_counter=counter,
            connection_time=flow.start,
            file_event_time=second,
            source_ip=sender,
            destination_ip=receiver,
            file_storage_status=STORED if info.stored else 0,
            sha256=sha256,
            file_name=info.filename or "",
            file_size=info.size,
            direction=direction(line, flow.client),
            application_protocol_id=application.value,
            uri=_uri(line),
            signature=sha256 if info.sha256 else "",
            source_port=line.src_port,
            destination_port=line.dest_port,
            protocol=protocol or 0,
        )
        if type(line) is FileLine and line.http is not None:
            event.http_response = line.http.status
        references = (*device.references, *application.references)
        batch.records.append(NewRecord(FILE_EVENT, self._encode(event), "file", references))


def direction(line: PlainFileLine, client: str | None) -> int:
    """Whether the file went to the client of the connection (1) or came from it (2); 0 if nothing tells.

    Told by the operation where the protocol names it, else by who is known to have opened the connection,
    else by the ports.
    """
    if type(line) is FileLine:
        if line.ftp_data is not None and line.ftp_data.command is not None:
            # the data connection may be opened from either end
            return UPLOAD if line.ftp_data.command.upper() in ("STOR", "STOU", "APPE") else DOWNLOAD
        if line.nfs is not None and line.nfs.procedure in ("READ", "WRITE"):
            return DOWNLOAD if line.nfs.procedure == "READ" else UPLOAD
        if line.smb is not None and line.smb.command is not None:
            if "WRITE" in line.smb.command:
                return UPLOAD
            if "READ" in line.smb.command:
                return DOWNLOAD
    if client is not None and line.src_ip != line.dest_ip:
        if client == line.src_ip:
            return UPLOAD
        if client == line.dest_ip:
            return DOWNLOAD
    source, destination = line.src_port, line.dest_port
    if source == destination:
        return UNKNOWN
    if (source in _SERVER_PORTS) != (destination in _SERVER_PORTS):
        return DOWNLOAD if source in _SERVER_PORTS else UPLOAD
    return DOWNLOAD if source < destination else UPLOAD


def _uri(line: PlainFileLine) -> str:
    if type(line) is not FileLine:
        return ""
    if line.http is not None:
        return web_address(line.http)
    if line.smb is not None and line.smb.share:
        name = line.smb.filename or ""
        return line.smb.share + ("" if name.startswith("\\") else "\\") + name
    return ""
