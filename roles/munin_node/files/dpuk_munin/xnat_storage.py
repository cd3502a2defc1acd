"""How much is in XNAT's folders, how much came within a day, and how much room is left.

env.folders   NAME=PATH words: archive=/data/xnat/archive prearchive=/data/xnat/prearchive
env.state     what was measured: /var/lib/dpuk/storage/state.json

Counting millions of files takes longer than munin waits, so dpuk-storage.timer has it done by storage_state.py once an
hour; here its figures are read, and told how old they are. Room is asked of the file systems at once.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from .graph import Field, Graph
from .settings import Settings
from .storage_state import DAY, State

EXAMPLE = "archive=/data/xnat/archive prearchive=/data/xnat/prearchive"


def measure(settings: Settings) -> list[Graph]:
    """Four graphs: bytes, bytes gained in a day, room, and how old the first two are."""
    folders = settings.pairs("folders", EXAMPLE)
    path = Path(settings.text("state", "/var/lib/dpuk/storage/state.json"))
    state = State.read(path)
    age = None if state.measured is None else max(0.0, time.time() - state.measured) / 3600
    sizes, growth = [], []
    for number, (name, folder) in enumerate(folders.items()):
        size = state.sizes.get(name)
        said = state.problems.get(name, "") or ("" if size is not None else f"{path} says nothing of it")
        sizes.append(Field(name, name, size, folder, draw="AREASTACK" if number else "AREA", extra=said))
        growth.append(Field(name, name, state.growth(name, DAY), f"{folder}: gained within 24 hours.", extra=said))
    return [
        Graph(
            name="xnat_storage",
            title="XNAT: size of its folders",
            unit="bytes",
            category="xnat",
            info="Sum of the files in each folder, counted once an hour.",
            fields=sizes,
            arguments="--base 1024 --lower-limit 0",
            scale=True,
        ),
        Graph(
            name="xnat_storage_growth",
            title="XNAT: gained within 24 hours",
            unit="bytes",
            category="xnat",
            info="By how much each folder grew within 24 hours, or since it was first counted. Below 0: it shrank.",
            fields=growth,
            arguments="--base 1024",
            scale=True,
        ),
        Graph(
            name="xnat_storage_free",
            title="XNAT: room that is left",
            unit="bytes",
            category="xnat",
            info="Free space of the file systems that XNAT's folders are on, for others than root.",
            fields=free(folders),
            arguments="--base 1024 --lower-limit 0",
            scale=True,
        ),
        Graph(
            name="xnat_storage_age",
            title="XNAT: age of the count of its folders",
            unit="hours",
            category="xnat",
            info="Counting starts one hour after the last one ended. Older than a day: see journalctl -u dpuk-storage.",
            fields=[Field("age", "hours since it was counted", age, str(path))],
        ),
    ]


def free(folders: dict[str, str]) -> list[Field]:
    """A field for each file system, named by the first folder on it."""
    shared: dict[object, list[str]] = {}
    for name, folder in folders.items():
        try:
            device: object = os.stat(folder).st_dev  # noqa: PTH116 - of the mount, whatever its name
        except OSError:
            device = name
        shared.setdefault(device, []).append(name)
    fields = []
    for names in shared.values():
        said, room = "", None
        try:
            found = os.statvfs(folders[names[0]])
            room = float(found.f_bavail * found.f_frsize)
        except OSError as error:
            said = f"{folders[names[0]]}: {error.strerror}"
        info = f"The file system of {folders[names[0]]}."
        fields.append(Field(names[0], ", ".join(names), room, info, extra=said))
    return fields
