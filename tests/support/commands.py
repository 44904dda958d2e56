"""Run commands of the program inside the test process."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from openstreamer.cli import main


@dataclass
class Result:
    """What a command did."""

    status: int
    out: str
    err: str
    out_bytes: bytes


class _Output(io.TextIOWrapper):
    def __init__(self) -> None:
        self.raw_bytes = io.BytesIO()
        super().__init__(self.raw_bytes, encoding="utf-8", write_through=True)

    def content(self) -> bytes:
        self.flush()
        return self.raw_bytes.getvalue()


@contextmanager
def _environment(changes: Mapping[str, str], folder: Path | None) -> Iterator[None]:
    before = dict(os.environ)
    here = Path.cwd()
    os.environ.pop("OPENSTREAMER_PASSWORD", None)
    os.environ.update(changes)
    if folder is not None:
        os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(before)


def run(
    *arguments: str,
    state: Path | None = None,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    given: str = "",
) -> Result:
    """Run `openstreamer ARGUMENTS`; `given` is standard input, which is no terminal."""
    out, err = _Output(), _Output()
    changes = dict(environment or {})
    if state is not None:
        changes["OPENSTREAMER_STATE"] = str(state)
    stdin = sys.stdin
    sys.stdin = io.StringIO(given)
    status = 0
    try:
        with _environment(changes, folder), redirect_stdout(out), redirect_stderr(err):
            try:
                main(list(arguments))
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdin = stdin
    raw = out.content()
    return Result(status, raw.decode("utf-8", "replace"), err.content().decode(), raw)
