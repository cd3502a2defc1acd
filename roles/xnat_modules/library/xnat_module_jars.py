#!/usr/bin/python
"""Look into the jars of modules for XNAT 1.6, and refuse sets that its builder cannot build or would build by chance.

Runs on the controller, on files that are verified already. A module is a jar with a tree src/ that the builder lays
over XNAT's own; it is source code, so whether it compiles only the build can tell.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from ansible.module_utils.host.jars import answer, paths_by_checksum

DOCUMENTATION = r"""
module: xnat_module_jars
short_description: Check jars of modules for XNAT 1.6 before anything is built
description:
  - Errors, all told at once, are a file that is no whole zip, a jar without C(src/), one that would write elsewhere, a
    plugin of 1.7 and later, and two jars with one file of different content.
  - Jars that are not on this machine yet (check mode) are left out.
options:
  modules: {description: "Entries of C(xnat_modules).", type: list, elements: dict, required: true}
  files: {description: What artifact_file said of each file., type: list, elements: dict, required: true}
author: DPUK node project
"""

EXAMPLES = r"""
- name: Look into the jars
  xnat_module_jars:
    modules: [{name: dpuk-node-extras, version: 1-3b, checksum: "sha256:..."}]
    files: [{path: /root/.cache/dpuk-node/artifacts/dpuk-node-extras-1-3b.jar, present: true, checksum: "sha256:..."}]
  delegate_to: localhost
"""

RETURN = r"""
plugins:
  description: C(id), C(version) and C(jar) of each module, as xnat_plugin_jars says them of plugins.
  type: list
  elements: dict
  returned: success
"""

SHOWN = 3  # files in a message


def contents(path: Path) -> tuple[dict[str, str], list[str]]:
    """Hashes of what a jar lays over XNAT, by path, and what is wrong with the jar."""
    with zipfile.ZipFile(path) as jar:
        broken = jar.testzip()
        if broken is not None:
            raise zipfile.BadZipFile(f"its member {broken} is damaged")
        names = jar.namelist()
        outside = [name for name in names if name.startswith("/") or ".." in name.split("/")]
        problems = [f"has a member that leads out of the tree: {outside[0]}"] if outside else []
        if any(name.startswith("META-INF/xnat/") for name in names):
            problems.append("is a plugin of XNAT 1.7 or later: get the module for 1.6")
        source = [name for name in names if name.startswith("src/") and not name.endswith("/")]
        if not source:
            problems.append("has nothing in src/, so it is no module of XNAT 1.6")
        return {name: hashlib.sha256(jar.read(name)).hexdigest() for name in source}, problems


def look(modules: list[dict[str, Any]], files: list[dict[str, Any]]) -> tuple[list[dict[str, str]], list[str]]:
    """All modules, and all that is wrong with them."""
    paths = paths_by_checksum(files)
    found: list[dict[str, str]] = []
    problems: list[str] = []
    holders: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for module in modules:
        name, version = str(module["name"]), str(module["version"])
        jar = f"{name}-{version}.jar"
        found.append({"id": name, "version": version, "jar": jar})
        path = paths.get(str(module["checksum"]))
        if path is None:
            continue
        try:
            members, wrong = contents(path)
        except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            problems.append(f"xnat_modules: {jar} ({path}) cannot be read as a jar: {error}. Get it again")
            continue
        problems += [f"xnat_modules: {jar} {what}" for what in wrong]
        for member, digest in members.items():
            holders[member][digest].append(jar)
    clashes: dict[str, list[str]] = defaultdict(list)
    for member, digests in holders.items():
        if len(digests) > 1:
            clashes[" and ".join(sorted(jar for jars in digests.values() for jar in jars))].append(member)
    for jars, members_of_both in clashes.items():
        more = f" and {len(members_of_both) - SHOWN} more" if len(members_of_both) > SHOWN else ""
        problems.append(
            f"xnat_modules: {jars} differ in {', '.join(sorted(members_of_both)[:SHOWN])}{more}: which one is built in "
            "would be chance, and two classes of one name do not compile. Keep one"
        )
    return found, problems


def main() -> None:
    """Look, answer Ansible."""
    answer(look)


if __name__ == "__main__":
    main()
