"""Finding an input by its name.

The classes come from the entry point group `openstreamer.inputs`; a package that installs such an entry
point has its input available by that name, in `feed NAME` and in `serve --input NAME:…`. Where this package
itself runs uninstalled, straight from its sources, the built-in inputs are found through the table below.
"""

from __future__ import annotations

import contextlib
import importlib
from importlib.metadata import entry_points

from openstreamer.errors import UsageError
from openstreamer.inputs.interface import Input

GROUP = "openstreamer.inputs"

BUILT_IN = {
    "eve": "openstreamer.inputs.eve:EveInput",
    "estreamer": "openstreamer.inputs.estreamer:EstreamerInput",
    "eve-unix": "openstreamer.inputs.eve_unix:EveUnixInput",
    "json": "openstreamer.inputs.json_lines:JsonLinesInput",
}
"""The inputs of this package, as its own entry points name them."""


def names() -> list[str]:
    """The names of all inputs that can be used here, sorted."""
    return sorted({entry.name for entry in entry_points(group=GROUP)} | BUILT_IN.keys())


def file_formats() -> list[str]:
    """The names of the inputs that read files, sorted; one that cannot be loaded is passed over."""
    formats = []
    for name in names():
        with contextlib.suppress(UsageError):
            if find(name).reads_files:
                formats.append(name)
    return formats


def find(name: str) -> type[Input]:
    """The class of the input of that name.

    Raises:
        UsageError: there is none, or it cannot be imported.
    """
    values = [entry.value for entry in entry_points(group=GROUP, name=name)]
    if not values and name in BUILT_IN:
        values = [BUILT_IN[name]]
    for value in values:
        module_name, _, attribute = value.partition(":")
        try:
            loaded = getattr(importlib.import_module(module_name), attribute)
        except (ImportError, AttributeError) as error:
            raise UsageError(f"the input {name!r} cannot be loaded: {error}") from error
        if not (isinstance(loaded, type) and issubclass(loaded, Input)):
            raise UsageError(f"the input {name!r} ({value}) is not a subclass of Input")
        return loaded
    raise UsageError(f"there is no input {name!r}; there are: {', '.join(names())}")
