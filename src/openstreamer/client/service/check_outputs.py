"""The outputs of a configuration, judged and made ready.

An output is made, not opened, because it knows best what it cannot do.
"""

from __future__ import annotations

import typing
from pathlib import Path

import msgspec

from openstreamer.client.service.check_context import Context
from openstreamer.client.service.configuration import OutputSection, size_of
from openstreamer.client.service.mistakes import Collector
from openstreamer.client.service.plan import OutputPlan
from openstreamer.errors import UsageError
from openstreamer.outputs.interface import IS_FILE, Output
from openstreamer.outputs.registry import OutputSpec, find, names

MIN_QUEUE = 64 * 1024
"""A queue that is smaller than a few bundles would only make everything slow."""


class OutputChecks:
    """The section `outputs`."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def plans(self, state: Path, sources: dict[str, tuple[str, ...]]) -> dict[str, OutputPlan]:
        if not self._context.tree.get("outputs"):
            self._context.collector.add(("outputs",), "no output is named: write a section [outputs.NAME]")
        plans = {}
        for name, section in self._context.configuration.outputs.items():
            plan = self._output_plan(name, section, state, sources)
            if plan is not None:
                plans[name] = plan
        return plans

    def _output_plan(
        self, name: str, section: OutputSection, state: Path, sources: dict[str, tuple[str, ...]]
    ) -> OutputPlan | None:
        here = ("outputs", name)
        wanted = []
        for number, source in enumerate(section.servers):
            if source in sources:
                wanted.append(source)
                continue
            pair = next((each for each, servers in sources.items() if source in servers), None)
            text = f"belongs to the pair {pair!r}; name that" if pair else "is no server and no pair"
            near = "" if pair else Collector.nearest(source, sources)
            self._context.collector.add((*here, "servers", number), f"{source!r} {text}{near}")
        filters = []
        for number, each in enumerate(section.filters):
            if each in self._context.configuration.filters:
                filters.append(self._context.configuration.filters[each])
            elif each not in (self._context.tree.get("filters") or {}):
                near = Collector.nearest(each, self._context.configuration.filters)
                self._context.collector.add((*here, "filters", number), f"there is no filter {each!r}{near}")
        queue = size_of(section.queue_bytes)
        if queue < MIN_QUEUE:
            self._context.collector.add((*here, "queue_bytes"), f"a queue has at least {MIN_QUEUE} bytes")
        try:
            output = find(section.format)
        except UsageError as error:
            near = Collector.nearest(section.format, names())
            unknown = section.format not in names()
            self._context.collector.add(
                (*here, "format"), f"there is no output {section.format!r}{near}" if unknown else str(error)
            )
            return None
        made = self._make(here, output, section)
        if made is None:
            return None
        letters = self._context.path(section.dead_letters) or str(state / "dead-letters" / f"{name}.json")
        if section.dead_letters:
            self._context.check_folder((*here, "dead_letters"), letters)
        return OutputPlan(
            name=name,
            spec=OutputSpec(section.format, "", made.target),
            config=made.config,
            sources=tuple(wanted) if section.servers else tuple(sources),
            filters=tuple(filters),
            names=section.names,
            metadata=section.metadata,
            queue_bytes=queue,
            full=section.full,
            retry=(section.retry_first_seconds, section.retry_limit_seconds),
            dead_letters=letters,
            dead_letters_bytes=size_of(section.dead_letters_bytes),
            save_seconds=self._context.configuration.client.save_seconds,
            section=section,
        )

    def _make(self, here: tuple[str, str], output: type[Output], section: OutputSection) -> Output | None:
        """The output itself, which knows best what it cannot do."""
        settings = dict(section.settings)
        for key in _file_settings(output):
            if isinstance(settings.get(key), str) and settings[key]:
                settings[key] = self._context.path(settings[key])
                self._context.check_readable((*here, "settings", key), settings[key])
        before = len(self._context.collector.found)
        config = self._context.collector.read(output.Config, settings, (*here, "settings"), strict=False)
        target = section.target
        takes_files = output.complete_target.__func__ is Output.complete_target.__func__  # type: ignore[attr-defined]
        try:
            if takes_files and target != "-":
                target = self._context.path(target)
                self._context.check_folder((*here, "target"), target)
            target = output.complete_target(target)
        except UsageError as error:
            self._context.collector.add((*here, "target"), str(error))
            return None
        if config is None or len(self._context.collector.found) > before:
            return None
        try:
            return output(config, target)
        except UsageError as error:
            self._context.collector.add((*here, "settings") if settings else here, str(error))
            return None

    def check_targets(self, outputs: dict[str, OutputPlan]) -> None:
        used: dict[str, str] = {}
        for name, plan in outputs.items():
            for key, target in (("target", plan.spec.target), ("dead_letters", plan.dead_letters)):
                what = "standard output" if target == "-" else target
                if target in used:
                    self._context.collector.add(
                        ("outputs", name, key), f"{used[target]} writes to {what} too"
                    )
                used.setdefault(target, f"outputs.{name}")


def _file_settings(output: type[Output]) -> list[str]:
    """The settings of an output that name files."""
    hints = typing.get_type_hints(output.Config, include_extras=True)
    found = []
    for field in msgspec.structs.fields(output.Config):
        notes = getattr(hints[field.name], "__metadata__", ())
        marked = any(isinstance(note, msgspec.Meta) and note.extra == IS_FILE for note in notes)
        if marked:
            found.append(field.encode_name)
    return found
