#!/usr/bin/python
"""Have exactly the named links to plugins in a folder: missing ones are made, wrong ones corrected, others removed.

Munin runs whatever is in its folder of plugins, and its package links what the machine happens to have. A plugin whose
file ends in _ is one for many things: if_eth0 is a link to if_, if_err_eth0 one to if_err_. It does not write plugins.
"""

from __future__ import annotations

import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: plugin_links
short_description: Have exactly these links to munin plugins in a folder
description:
  - Whatever else is in the folder is removed, files, too. A folder in it is an error.
  - In check mode a plugin that is not there yet counts as one that will be.
options:
  path: {description: The folder with the links., type: path, required: true}
  python:
    description: >-
      Folder of plugins that are Python modules. C(NAME.py) in it gives the plugin NAME, a link to C(plugin.py), which
      goes by the name that it is called by. They come before those in O(folders).
    type: path
  folders:
    description: Where plugins are; the first that has one gives it.
    type: list
    elements: path
    default: []
  names: {description: Names of links to plugins in O(python) and O(folders)., type: list, elements: str, default: []}
  links:
    description: Links to plugins elsewhere.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: The link's name., type: str, required: true}
      source: {description: The plugin., type: path, required: true}
author: DPUK node project
"""

EXAMPLES = r"""
- name: Have these plugins and no others
  plugin_links:
    path: /etc/munin/plugins
    folders: [/usr/share/munin/plugins]
    names: [cpu, if_eth0]
"""

RETURN = r"""
added: {description: Links that were made or corrected., type: list, elements: str, returned: always}
removed: {description: What was removed., type: list, elements: str, returned: always}
"""


def plugin_of(name: str, python: Path | None, folders: list[Path]) -> Path | None:
    """The file that a link of this name leads to: by its own name, else by the longest beginning that ends in _."""
    if python and (python / f"{name}.py").is_file():
        return python / "plugin.py"
    beginnings = [name[: end + 1] for end in range(len(name) - 1, 0, -1) if name[end] == "_" and end + 1 < len(name)]
    for candidate in [name, *beginnings]:
        for folder in folders:
            if (folder / candidate).is_file():
                return folder / candidate
    return None


def present(path: Path) -> dict[str, str]:
    """What is in the folder: name → where the link leads, or nothing for what is no link."""
    if not path.is_dir():
        return {}
    return {entry.name: str(entry.readlink()) if entry.is_symlink() else "" for entry in sorted(path.iterdir())}


def shown(links: dict[str, str]) -> str:
    """One line for each, for the diff."""
    return "".join(f"{name} -> {target or '(no link)'}\n" for name, target in sorted(links.items()))


def main() -> None:
    """Compare, act, answer Ansible."""
    link = {"name": {"type": "str", "required": True}, "source": {"type": "path", "required": True}}
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "python": {"type": "path"},
            "folders": {"type": "list", "elements": "path", "default": []},
            "names": {"type": "list", "elements": "str", "default": []},
            "links": {"type": "list", "elements": "dict", "default": [], "options": link},
        },
        supports_check_mode=True,
    )
    path, folders = Path(module.params["path"]), [Path(folder) for folder in module.params["folders"]]
    python = Path(module.params["python"]) if module.params["python"] else None
    sources = {name: plugin_of(name, python, folders) for name in module.params["names"]}
    sources.update({one["name"]: Path(one["source"]) for one in module.params["links"]})
    lost = [name for name, source in sources.items() if source is None or not os.access(source, os.X_OK)]
    if lost and not module.check_mode:
        module.fail_json(
            msg=f"There are no plugins for {', '.join(lost)} that can be run in {', '.join(map(str, folders))}. "
            "Is a name misspelt, or a package not installed?"
        )
    wanted = {name: str(source or folders[-1] / name) for name, source in sources.items()}
    found = present(path)
    if odd := [name for name in found if not (path / name).is_symlink() and (path / name).is_dir()]:
        module.fail_json(msg=f"{path / odd[0]} is a folder, where only plugins belong. Move it away")
    added = [name for name, target in sorted(wanted.items()) if found.get(name) != target]
    removed = [name for name in found if name not in wanted]
    if not module.check_mode:
        for name in removed:
            (path / name).unlink()
        for name in added:
            # A new link takes the old one's place at once. The dot in front hides it from munin meanwhile.
            temporary = path / f".{name}.new"
            temporary.unlink(missing_ok=True)
            temporary.symlink_to(wanted[name])
            temporary.replace(path / name)
    diff = {"before_header": str(path), "after_header": str(path), "before": shown(found), "after": shown(wanted)}
    module.exit_json(changed=bool(added or removed), added=added, removed=removed, diff=diff)


if __name__ == "__main__":
    main()
