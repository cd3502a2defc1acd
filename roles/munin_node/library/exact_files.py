#!/usr/bin/python
"""Have exactly these files in a folder: in one go, where a copy for each file would take a connection for each.

Files are root's. A program that runs meanwhile finds each file as it was or as it shall be. What Python keeps compiled
beside them is left to Python.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: exact_files
short_description: Have exactly these files in a folder
description:
  - Writes files that are missing or otherwise, corrects their rights, removes others.
  - Makes the folder and those above it; folders in it are left alone.
options:
  path: {description: The folder., type: path, required: true}
  files: {description: "Name: content.", type: dict, required: true}
  executable: {description: Names of those that are programs., type: list, elements: str, default: []}
author: DPUK node project
"""

EXAMPLES = r"""
- name: Bring two files
  exact_files:
    path: /usr/local/lib/example
    files: {run.py: "...", shared.py: "..."}
    executable: [run.py]
"""

RETURN = r"""
written: {description: Files that were written or got their rights back., type: list, elements: str, returned: always}
removed: {description: Files that were removed., type: list, elements: str, returned: always}
"""

FOLDER = 0o755


def mode_of(name: str, executable: list[str]) -> int:
    """The rights that a file shall have."""
    return 0o755 if name in executable else 0o644


def as_wanted(file: Path, content: bytes, mode: int) -> bool:
    """Whether a file is there with this content, root's, and with these rights; a link is not."""
    if file.is_symlink() or not file.is_file():
        return False
    found = file.stat()
    owned = (found.st_uid, found.st_gid) == (os.geteuid(), os.getegid())
    return owned and found.st_mode & 0o7777 == mode and file.read_bytes() == content


def write(file: Path, content: bytes, mode: int) -> None:
    """Have the file, whole or not at all."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(content)
        os.fchmod(descriptor, mode)
    Path(name).replace(file)


def main() -> None:
    """Compare, act, answer Ansible."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "files": {"type": "dict", "required": True},
            "executable": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    path, executable = Path(module.params["path"]), module.params["executable"]
    files = {name: content.encode() for name, content in module.params["files"].items()}
    if odd := [name for name in files if "/" in name or name.startswith(".")]:
        module.fail_json(msg=f"{odd[0]} is no name of a file in {path}")
    there = path.is_dir()
    open_folder = there and path.stat().st_mode & 0o7777 != FOLDER
    found = sorted(file.name for file in path.iterdir() if file.is_symlink() or not file.is_dir()) if there else []
    written = [
        name
        for name, content in sorted(files.items())
        if not there or not as_wanted(path / name, content, mode_of(name, executable))
    ]
    removed = [name for name in found if name not in files]
    if not module.check_mode:
        # Those above it get the rights that this leaves.
        os.umask(0o022)
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(FOLDER)
        for name in written:
            write(path / name, files[name], mode_of(name, executable))
        for name in removed:
            (path / name).unlink()
    before = "".join(f"{name}{' (otherwise)' if name in written else ''}\n" for name in found)
    after = "".join(f"{name}\n" for name in sorted(files))
    module.exit_json(
        changed=bool(written or removed or open_folder or not there),
        written=written,
        removed=removed,
        diff={"before_header": str(path), "after_header": str(path), "before": before, "after": after},
    )


if __name__ == "__main__":
    main()
