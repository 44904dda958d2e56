"""Feeds and streams against a scripted server, with what tests want to look at afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from openstreamer.client.credentials import ClientCredentials, KnownServers
from openstreamer.client.feed import Feed, FeedSettings
from openstreamer.client.names import NameCache
from openstreamer.client.position import PositionFile
from openstreamer.client.receiver import Wanted
from openstreamer.client.reconnect import Backoff, ReconnectPolicy
from openstreamer.client.request import Request, make_request
from openstreamer.client.stop import Stop
from openstreamer.client.stream import OpenedOutput, Since, Stream, StreamEnd, begin
from openstreamer.outputs.registry import OutputSpec, create
from support.certificates import authority


def credentials(folder: Path, **changes: Any) -> ClientCredentials:
    """A client that the scripted server accepts."""
    path = folder / "client.pkcs12"
    if not path.exists():
        authority().pkcs12(path, "client")
    return ClientCredentials(**{"pkcs12": str(path), **changes})


class Notices:
    """Remembers what the operator was told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.ticks = 0

    def notice(self, text: str) -> None:
        self.told.append(text)

    def tick(self) -> None:
        self.ticks += 1


def quick_policy(**options: Any) -> ReconnectPolicy:
    return ReconnectPolicy(backoff=Backoff(0.01, 0.05), **options)


def settings(folder: Path, port: int, **changes: Any) -> FeedSettings:
    request: Request = changes.pop("request", make_request())
    wanted = {name: changes.pop(name) for name in Wanted.__struct_fields__ if name in changes}
    changes.setdefault("credentials", credentials(folder))
    changes.setdefault("host", "127.0.0.1")
    return FeedSettings(port=port, request=request, wanted=Wanted(**wanted), **changes)


class Run:
    """One run of a whole client: feed, outputs, position."""

    def __init__(
        self,
        folder: Path,
        port: int,
        *,
        outputs: tuple[tuple[str, str], ...] = (("json", "events.json"),),
        since: Since = "resume",
        idle_exit: float | None = 0.4,
        until: int | None = None,
        policy: ReconnectPolicy | None = None,
        **changes: Any,
    ) -> None:
        self.stop = Stop()
        self.notices = Notices()
        self.file = PositionFile(folder / "position")
        self.file.acquire()
        chosen = settings(folder, port, until=until, **changes)
        tracker, places = begin(since, self.file, chosen.server, self.notices.notice)
        self.feed = Feed(
            chosen,
            tracker,
            names=NameCache(),
            known_servers=KnownServers(folder / "known-servers"),
            policy=policy or quick_policy(),
            stop=self.stop,
            notice=self.notices.notice,
        )
        specs = [OutputSpec(*_split(name), str(folder / target)) for name, target in outputs]
        self.outputs = [OpenedOutput(spec.key, create(spec)) for spec in specs]
        for opened in self.outputs:
            opened.output.open(places.get(opened.key))
        self.stream = Stream(
            self.feed,
            self.outputs,
            self.notices,
            position_file=self.file,
            stop=self.stop,
            until=until,
            idle_exit=idle_exit,
        )

    def __call__(self) -> StreamEnd:
        try:
            return self.stream.run()
        finally:
            self.file.release()
            self.stop.close()


def _split(text: str) -> tuple[str, str]:
    name, _, configuration = text.partition(":")
    return name, configuration


def lines(path: Path) -> list[dict[str, Any]]:
    """The JSON lines of a file; every line must be whole."""
    data = path.read_bytes()
    assert not data or data.endswith(b"\n")
    return [json.loads(line) for line in data.splitlines()]


def event_ids(path: Path) -> list[int]:
    return [line["data"]["event_id"] for line in lines(path)]
