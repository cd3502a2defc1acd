"""Values of every plugin of every host reach the monitor and go on coming: proof of flow, not of presence.

munin-cron ends well with every node dead, and pages are there without values. What counts is that the newest value in
munin's own files has become newer from one round to the next.
"""

from __future__ import annotations

import json

import pytest
from reach import Host, python

LISTED = "find /etc/munin/plugins -mindepth 1 -printf '%f\\n'"
# One rrdtool for all files: {file without its folder and ending: [when, what]} of the newest value of each.
NEWEST = """
import glob, json, os, re, subprocess
files = sorted(glob.glob("/var/lib/munin/dpuk/*.rrd"))
asked = "".join(f"lastupdate {file}\\n" for file in files)
answered = subprocess.run(["rrdtool", "-"], input=asked, capture_output=True, text=True, check=True).stdout
lines = re.findall(r"^(\\d+): (\\S+)$", answered, re.MULTILINE)
assert len(lines) == len(files), answered[-2000:]
print(json.dumps({os.path.basename(file)[:-4]: line for file, line in zip(files, lines)}))
"""
Newest = dict[str, list[str]]


def newest(monitor: Host) -> Newest:
    """The newest value in each of munin's files."""
    done = python(monitor, NEWEST)
    assert done.rc == 0, done.stderr
    found: Newest = json.loads(done.stdout)
    return found


def advanced(before: Newest, after: Newest) -> set[str]:
    """The files that have a newer value, which is known."""
    return {
        name
        for name, (moment, value) in after.items()
        if name in before and int(moment) > int(before[name][0]) and value.lower() not in ("u", "nan", "-nan")
    }


def files_of(host: str, plugin: str, plugins: list[str], files: set[str]) -> set[str]:
    """A plugin's files, by the graph's name in theirs: its own, or one that begins with it and is no other plugin's."""
    graphs = {file: file.removeprefix(f"{host}-").split("-")[0] for file in files if file.startswith(f"{host}-")}
    return {
        file
        for file, graph in graphs.items()
        if graph == plugin or (graph.startswith(f"{plugin}_") and graph not in plugins)
    }


@pytest.fixture(scope="module")
def moved(monitor: Host) -> set[str]:
    """The files that got a newer value from one forced round to the next."""
    poll = "runuser -u munin -- munin-cron"
    assert monitor.run(poll).rc == 0
    before = newest(monitor)
    found: set[str] = set()
    for _ in range(3):  # a round of cron's own, at work just then, makes a forced one give way
        assert monitor.run(poll).rc == 0
        found |= advanced(before, newest(monitor))
        if all(any(file.startswith(f"{host}-") for file in found) for host in ("db", "web", "monitor")):
            break
    return found


@pytest.mark.parametrize("name", ["db", "web", "monitor"])
def test_each_plugin_of_each_host_has_a_newer_value_in_the_next_round(
    moved: set[str], db: Host, web: Host, monitor: Host, name: str
) -> None:
    host = {"db": db, "web": web, "monitor": monitor}[name]
    plugins = host.run(LISTED).stdout.split()
    assert {"cpu", "df", "dpuk_certificates"} < set(plugins)
    assert [plugin for plugin in sorted(plugins) if not files_of(name, plugin, plugins, moved)] == []


def test_this_test_sees_a_file_that_stands_still(monitor: Host) -> None:
    """Without a round in between, nothing is newer."""
    found = newest(monitor)
    assert found
    assert advanced(found, found) == set()
    assert files_of("db", "df", ["df", "df_inode"], {"db-df_inode-overlay-g", "web-df-overlay-g"}) == set()
    assert files_of("db", "diskstats", ["df"], {"db-diskstats_iops-vda-rdio-g"}) == {"db-diskstats_iops-vda-rdio-g"}
