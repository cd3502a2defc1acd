#!/usr/bin/python
"""Look into the jars of plugins and say which plugins XNAT will find there; refuse sets with which it cannot start.

Runs on the controller, on files that are verified already. It knows what XNAT's XnatPluginBeanManager looks for:
META-INF/xnat/**/*-plugin.properties, each with `id`, `name` and `class`.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

from ansible.module_utils.host.jars import answer, paths_by_checksum

DOCUMENTATION = r"""
module: xnat_plugin_jars
short_description: Read plugin IDs from jars, and refuse sets that cannot work
description:
  - Errors, all told at once, are two jars with one plugin ID, a jar without a plugin, and one of another version.
  - Jars that are not on this machine yet (check mode) are left out.
options:
  modules: {description: "Entries of C(xnat_modules).", type: list, elements: dict, required: true}
  files: {description: What artifact_file said of each file., type: list, elements: dict, required: true}
author: DPUK node project
"""

EXAMPLES = r"""
- name: Look into the jars
  xnat_plugin_jars:
    modules: [{name: ohif-viewer, version: "3.7.0", checksum: "sha256:..."}]
    files: [{path: /root/.cache/dpuk-node/artifacts/ohif-viewer-3.7.0.jar, present: true, checksum: "sha256:..."}]
  delegate_to: localhost
"""

RETURN = r"""
plugins:
  description: C(id), C(version) and C(jar) of each plugin.
  type: list
  elements: dict
  returned: success
"""

PROPERTIES = re.compile(r"META-INF/xnat/(?:.*/)?[^/]*-plugin\.properties")
NEEDED = ("id", "name", "class")


def properties(text: str) -> dict[str, str]:
    """Lines `key=value` of a Java properties file; what a plugin's file has needs no more of that format."""
    lines = (line.strip() for line in text.splitlines())
    pairs = (re.split(r"\s*[=:]\s*", line, maxsplit=1) for line in lines if line and line[0] not in "#!")
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def manifest_version(text: str) -> str:
    """Implementation-Version of a jar's manifest; empty when it says none."""
    found = re.search(r"^Implementation-Version:\s*(\S+)", text, re.MULTILINE)
    return found[1] if found else ""


def read_jar(path: Path) -> tuple[list[dict[str, str]], str]:
    """The plugins' properties in one jar, and the version that its manifest says. Raises OSError or BadZipFile."""
    with zipfile.ZipFile(path) as jar:
        names = [name for name in jar.namelist() if PROPERTIES.fullmatch(name)]
        found = [properties(jar.read(name).decode("latin-1")) for name in sorted(names)]
        manifest = jar.read("META-INF/MANIFEST.MF") if "META-INF/MANIFEST.MF" in jar.namelist() else b""
    return found, manifest_version(manifest.decode("utf-8", errors="replace"))


def same_version(listed: str, said: str) -> bool:
    """Whether a jar's own word is the listed version; builds add to it (3.7.0-xpl), so one may begin with the other."""
    return not said or listed.startswith(said) or said.startswith(listed)


def look(modules: list[dict[str, Any]], files: list[dict[str, Any]]) -> tuple[list[dict[str, str]], list[str]]:
    """All plugins in the jars, and all that is wrong with them."""
    paths = paths_by_checksum(files)
    plugins: list[dict[str, str]] = []
    problems: list[str] = []
    for module in modules:
        path = paths.get(str(module["checksum"]))
        if path is None:
            continue
        jar = f"{module['name']}-{module['version']}.jar"
        try:
            found, version = read_jar(path)
        except (OSError, zipfile.BadZipFile) as error:
            problems.append(f"xnat_modules: {jar} ({path}) cannot be read as a jar: {error}. Get it again")
            continue
        if not found and not module.get("library"):
            problems.append(
                f"xnat_modules: {jar} is no XNAT plugin, it has no META-INF/xnat/*-plugin.properties. "
                "Is it a module of XNAT 1.6, or a library of another plugin (library: true)?"
            )
        for said in found:
            lacking = [key for key in NEEDED if not said.get(key)]
            if lacking:
                problems.append(
                    f"xnat_modules: {jar}: its plugin lacks {', '.join(lacking)}, so XNAT would not load it"
                )
                continue
            version = said.get("version", version)
            plugins.append({"id": said["id"], "version": version or str(module["version"]), "jar": jar})
        if not same_version(str(module["version"]), version):
            problems.append(f"xnat_modules: {jar} says itself that it is version {version}. Correct version or src")
    by_id: dict[str, list[str]] = {}
    for plugin in plugins:
        by_id.setdefault(plugin["id"], []).append(plugin["jar"])
    problems += [
        f"xnat_modules: plugin {name} is in {' and in '.join(jars)}; with both XNAT cannot start. Keep one"
        for name, jars in by_id.items()
        if len(jars) > 1
    ]
    return plugins, problems


def main() -> None:
    """Look, answer Ansible."""
    answer(look)


if __name__ == "__main__":
    main()
