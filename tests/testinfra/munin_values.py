"""What a munin plugin says on a host, read by munin's rules."""

from __future__ import annotations

import re

from reach import Host

# graph → field → what was said. A plugin with one graph says it without naming it; here it has the plugin's name.
Said = dict[str, dict[str, str]]


def said(host: Host, plugin: str, attribute: str = "value", word: str = "") -> Said:
    """One attribute of all fields, as munin-run says it: with the account and the settings that munin-node uses."""
    done = host.run(f"munin-run {plugin} {word}")
    assert (done.rc, done.stderr) == (0, ""), f"{plugin}: {done.stderr}"
    return read(done.stdout, plugin, attribute)


def read(text: str, plugin: str, attribute: str) -> Said:
    """The same from what was printed."""
    found: Said = {}
    graph = plugin
    for line in text.splitlines():
        if line.startswith("multigraph "):
            graph = line.split()[1]
        elif match := re.fullmatch(rf"(\w+)\.{attribute} (.+)", line):
            found.setdefault(graph, {})[match[1]] = match[2]
    return found
