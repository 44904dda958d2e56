"""What the checks of a configuration share: the file, what is noted about it, and paths relative to it.

Not here: what is checked (checking.py, check_servers.py, check_outputs.py).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from openstreamer.client.service.configuration import Configuration
from openstreamer.client.service.mistakes import Collector


class Context:
    """One file that is being checked.

    Attributes:
        tree: the file as the TOML reader gives it. configuration: what could be read of it. collector: its
        mistakes. warnings: what is no mistake but should be known.
    """

    def __init__(
        self, tree: dict[str, Any], configuration: Configuration, collector: Collector, base: Path
    ) -> None:
        self.tree = tree
        self.configuration = configuration
        self.collector = collector
        self.warnings: list[str] = []
        self._base = base

    def path(self, text: str) -> str:
        """A path of the file, made absolute; "" stays."""
        return os.path.abspath(self._base / os.path.expanduser(text)) if text else ""

    def check_readable(self, key: tuple[str, ...], path: str) -> None:
        """Note a mistake if a file cannot be read."""
        try:
            with open(path, "rb"):
                pass
        except OSError as error:
            self.collector.add(key, f"cannot read {path}: {error.strerror}")

    def check_folder(self, key: tuple[str, ...], path: str) -> None:
        """Note a mistake if a file cannot be made or written there."""
        folder = os.path.dirname(path)
        if os.path.isdir(path):
            self.collector.add(key, f"{path} is a directory; name a file in it")
        elif not os.path.isdir(folder):
            self.collector.add(key, f"the directory {folder} does not exist")
        elif os.path.exists(path):
            if not os.access(path, os.W_OK):
                self.collector.add(key, f"{path} cannot be written")
        elif not os.access(folder, os.W_OK | os.X_OK):
            self.collector.add(key, f"no file can be made in {folder}")
