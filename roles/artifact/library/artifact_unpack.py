#!/usr/bin/python
"""Unpack one archive into one folder, wholly or not at all.

Runs on the host. The folder carries a list of what was unpacked and from which archive; a later run compares every
file and folder with it, so what was changed, added, lost or given away since is found. It does not verify the archive:
the controller has done that.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.host.tree import current, replaced, write_list

DOCUMENTATION = r"""
module: artifact_unpack
short_description: Unpack a verified archive atomically
description:
  - Unpacks beside the destination and renames, so that the destination is complete or absent at any moment.
  - Everything belongs to the user that runs the module and is writable by nobody else.
options:
  src: {description: "Archive on the host: zip (jar, war) or tar with any compression. Removed afterwards.", type: path}
  dest: {description: Folder to make., type: path, required: true}
  checksum:
    description: Checksum of the archive; tells this release from another.
    type: str
    required: true
  strip: {description: Leading path parts to drop from each member., type: int, default: 0}
author: DPUK node project
"""

EXAMPLES = r"""
- name: Unpack Tomcat
  artifact_unpack:
    src: /opt/tomcat/.archive
    dest: /opt/tomcat/9.0.117
    checksum: "sha512:82b15278..."
    strip: 1
"""

RETURN = r"""
dest: {description: The folder., type: str, returned: success}
needed: {description: Whether the folder held anything but this archive's content., type: bool, returned: success}
"""


class UnpackError(Exception):
    """One sentence for the person at the terminal."""


def stripped(name: str, strip: int) -> PurePosixPath | None:
    """The member's path under the destination; None for what the strip removes, an error for what escapes."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise UnpackError(f"the archive has a member that would land outside of the folder: {name}")
    parts = path.parts[strip:]
    return PurePosixPath(*parts) if parts else None


def unpack_zip(archive: Path, target: Path, strip: int) -> None:
    """Unpack a zip; files become 0644, for zips carry no modes that can be trusted."""
    with zipfile.ZipFile(archive) as bundle:
        for member in bundle.infolist():
            relative = stripped(member.filename, strip)
            if relative is None:
                continue
            path = target / relative
            if member.is_dir():
                path.mkdir(parents=True, exist_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            with bundle.open(member) as source, path.open("wb") as out:
                shutil.copyfileobj(source, out, 1 << 20)
            path.chmod(0o644)


def unpack_tar(archive: Path, target: Path, strip: int) -> None:
    """Unpack a tar; files keep only their execute bit, links may only point inside."""
    with tarfile.open(archive) as bundle:
        for member in bundle:
            relative = stripped(member.name, strip)
            if relative is None:
                continue
            path = target / relative
            if member.isdir():
                path.mkdir(parents=True, exist_ok=True)
            elif member.issym():
                path.parent.mkdir(parents=True, exist_ok=True)
                landing = (path.parent / member.linkname).resolve()
                if not landing.is_relative_to(target.resolve()):
                    raise UnpackError(f"the archive has a link that points outside: {member.name} -> {member.linkname}")
                path.symlink_to(member.linkname)
            elif member.islnk():
                original = stripped(member.linkname, strip)
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(target / (original or ""), path)
            elif member.isfile():
                path.parent.mkdir(parents=True, exist_ok=True)
                source = bundle.extractfile(member)
                if source is None:
                    raise UnpackError(f"cannot read {member.name} from the archive")
                with source, path.open("wb") as out:
                    shutil.copyfileobj(source, out, 1 << 20)
                path.chmod(0o755 if member.mode & 0o100 else 0o644)


def unpack(archive: Path, dest: Path, checksum: str, strip: int) -> None:
    """Make ``dest`` hold the archive's content; what was there is moved aside first and removed last."""
    os.umask(0o022)  # a server whose root has a stricter one would get folders that the service cannot enter
    with replaced(dest) as fresh:
        fresh.mkdir(parents=True)
        try:
            if zipfile.is_zipfile(archive):
                unpack_zip(archive, fresh, strip)
            else:
                unpack_tar(archive, fresh, strip)
        except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
            raise UnpackError(f"{archive} cannot be unpacked: {error}") from error
        if not any(fresh.iterdir()):
            raise UnpackError(f"{archive} holds nothing to unpack")
        write_list(fresh, checksum)


def main() -> None:
    """Compare, unpack when needed, answer Ansible."""
    module = AnsibleModule(
        argument_spec={
            "src": {"type": "path"},
            "dest": {"type": "path", "required": True},
            "checksum": {"type": "str", "required": True},
            "strip": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    options = module.params
    dest = Path(options["dest"])
    before, after = current(dest), options["checksum"]
    needed = before != after
    diff = {"before": f"{dest}: {before or 'absent'}\n", "after": f"{dest}: {after}\n"}
    if not options["src"] or module.check_mode:
        # Without src this only tells whether there is something to do.
        module.exit_json(changed=needed and bool(options["src"]), needed=needed, dest=str(dest), diff=diff)
    archive = Path(options["src"])
    if needed:
        try:
            unpack(archive, dest, after, options["strip"])
        except (UnpackError, OSError) as error:
            archive.unlink(missing_ok=True)
            module.fail_json(msg=f"{dest} stays as it was: {error}")
    archive.unlink(missing_ok=True)
    module.exit_json(changed=needed, needed=needed, dest=str(dest), diff=diff)


if __name__ == "__main__":
    main()
