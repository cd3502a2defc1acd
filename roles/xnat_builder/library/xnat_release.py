#!/usr/bin/python
"""Make a release of what the builder of XNAT 1.6 deployed: a folder of root's that the service can read and not change.

The application writes to two folders inside its own; they become links to folders of the service's. The new folder
comes to be in one step. It does not decide which release runs.
"""

from __future__ import annotations

import grp
import os
import shutil
import stat
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.host.tree import current, replaced, write_list

DOCUMENTATION = r"""
module: xnat_release
short_description: Copy a deployed application into a release
description:
  - Copies O(src) to O(dest), owned by root, readable by O(group) and writable by nobody else; it carries a list of its
    content.
options:
  src: {description: What was deployed., type: path, required: true}
  dest: {description: The release., type: path, required: true}
  id: {description: What it was made from; tells this release from another., type: str, required: true}
  group: {description: The group of the service., type: str, required: true}
  links: {description: "Folders that the application writes to, and where they are.", type: dict, default: {}}
  adopt:
    description: Folders that the builder has written elsewhere and that become root's as well.
    type: list
    elements: path
    default: []
author: DPUK node project
"""

EXAMPLES = r"""
- name: Make the release
  xnat_release:
    src: /opt/xnat-builder/1.6.5-0123456789ab/appserver/webapps/xnat
    dest: /opt/xnat/1.6.5-0123456789ab
    id: "0123"
    group: xnat
    links: {logs: /data/xnat/home/logs, work: /data/xnat/home/work}
"""

RETURN = r"""
"""


class ReleaseError(Exception):
    """One sentence for the person at the terminal."""


def copy(src: Path, dest: Path) -> None:
    """Regular files, folders, and links that stay inside; anything else in an application is none of its parts."""
    root = src.resolve()
    for folder, folders, files in os.walk(src):
        here = Path(folder)
        target = dest / here.relative_to(src)
        target.mkdir(parents=True, exist_ok=True)
        for name in [*folders, *files]:
            path, made = here / name, target / name
            kind = path.lstat().st_mode
            if stat.S_ISLNK(kind):
                if not path.resolve().is_relative_to(root) or path.readlink().is_absolute():
                    raise ReleaseError(f"{path} is a link that leads out of the application: {path.readlink()}")
                made.symlink_to(path.readlink())
            elif stat.S_ISREG(kind):
                shutil.copyfile(path, made, follow_symlinks=False)
            elif not stat.S_ISDIR(kind):
                raise ReleaseError(f"{path} is neither file nor folder")


def hand_over(folder: Path, group: int) -> None:
    """To root; the group reads. What was a program stays one."""
    for path in [folder, *folder.rglob("*")]:
        status = path.lstat()
        if os.geteuid() == 0:
            os.chown(path, 0, group, follow_symlinks=False)
        if not stat.S_ISLNK(status.st_mode):
            path.chmod(0o750 if stat.S_ISDIR(status.st_mode) or status.st_mode & 0o100 else 0o640)


def release(src: Path, dest: Path, name: str, group: int, links: dict[str, str]) -> None:
    """Make the folder beside and rename it; the one that was there is removed last."""
    with replaced(dest) as fresh:
        copy(src, fresh)
        for link, target in links.items():
            place = fresh / link
            if place.is_symlink() or place.is_file():
                place.unlink()
            elif place.exists():
                shutil.rmtree(place)
            place.symlink_to(target)
        hand_over(fresh, group)
        write_list(fresh, name).chmod(0o600)


def main() -> None:
    """Compare, copy when needed, answer Ansible."""
    module = AnsibleModule(
        argument_spec={
            "src": {"type": "path", "required": True},
            "dest": {"type": "path", "required": True},
            "id": {"type": "str", "required": True},
            "group": {"type": "str", "required": True},
            "links": {"type": "dict", "default": {}},
            "adopt": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    options = module.params
    src, dest = Path(options["src"]), Path(options["dest"])
    before, after = current(dest), options["id"]
    changed = before != after
    if not module.check_mode:
        os.umask(0o022)
        try:
            group = grp.getgrnam(options["group"]).gr_gid
            if changed:
                release(src, dest, after, group, options["links"])
            for folder in map(Path, options["adopt"]):
                if folder.is_dir():
                    hand_over(folder, group)
        except (ReleaseError, OSError, KeyError) as error:
            module.fail_json(msg=f"{dest} stays as it was: {error}")
    diff = {"before": f"{dest}: {before or 'absent'}\n", "after": f"{dest}: {after}\n"}
    module.exit_json(changed=changed, diff=diff)


if __name__ == "__main__":
    main()
