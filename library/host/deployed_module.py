#!/usr/bin/python
"""Prove that the application that Tomcat serves holds one module of XNAT 1.6, and nothing of another version of it.

A jar in a folder proves nothing: the builder may have left it out, or laid another file over it. What is compiled is
looked for by name only, for a class says nothing of the source that it was made of. It changes nothing.
"""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: deployed_module
short_description: Prove that a module of XNAT 1.6 is deployed as its jar has it
description:
  - Pages, scripts, styles, images and schemas of the jar must be in the application, byte for byte.
  - What other versions of the module in O(older) have and no jar in O(jars) has, must not be there, classes included.
    A file that XNAT itself has under that name may be there, with XNAT's content.
options:
  application: {description: The folder that Tomcat serves., type: path, required: true}
  jars: {description: Folder with the jars that it was built with., type: path, required: true}
  jar: {description: Name of the module's jar in it., type: str, required: true}
  older:
    description: Pattern of paths of other versions' jars, as C(/opt/xnat-builder/*.jars/NAME-*.jar).
    type: str
    default: ""
  own: {description: The builder's folder with files of XNAT's own., type: path, default: ""}
author: DPUK node project
"""

EXAMPLES = r"""
- name: Insist that the new version is served
  deployed_module:
    application: /opt/xnat/1.6.5-0123456789ab
    jars: /opt/xnat-builder/1.6.5-0123456789ab.jars
    jar: dpuk-node-extras-1-3b.jar
    older: /opt/xnat-builder/*.jars/dpuk-node-extras-*.jar
    own: /opt/xnat-builder/1.6.5-0123456789ab/plugin-resources
"""

RETURN = r"""
files: {description: How many files of the jar are served as they are in it., type: int, returned: always}
absent: {description: How many files of other versions are gone., type: int, returned: always}
built: {description: Whether there was something to look at; false in check mode only., type: bool, returned: always}
"""

# Where the builder lays what a module has in src/, when it lays it there as it is.
PLACES = {
    "src/templates/": "templates/",
    "src/scripts/": "scripts/",
    "src/style/": "style/",
    "src/images/": "images/",
    "src/schemas/": "schemas/",
}
JAVA = "src/java/"
CLASSES = "WEB-INF/classes/"
SHOWN = 5


def place_of(member: str) -> str:
    """The path in the application of what a jar has in src/; nothing when the builder makes something else of it."""
    if member.startswith(JAVA) and member.endswith(".java"):
        return f"{CLASSES}{member.removeprefix(JAVA).removesuffix('.java')}.class"
    for source, place in PLACES.items():
        if member.startswith(source):
            return place + member.removeprefix(source)
    return ""


def members(jar: Path) -> dict[str, str]:
    """Path in the application -> SHA-256 of what the jar has for it."""
    with zipfile.ZipFile(jar) as opened:
        found = {place_of(name): name for name in opened.namelist() if not name.endswith("/")}
        return {place: hashlib.sha256(opened.read(name)).hexdigest() for place, name in found.items() if place}


def digest_of(path: Path) -> str:
    """SHA-256 of a file; nothing when there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def differing(application: Path, wanted: dict[str, str]) -> list[str]:
    """What is not served as the jar has it."""
    found = {place: digest_of(application / place) for place in wanted if not place.startswith(CLASSES)}
    return [
        f"{place} is {'another file' if digest else 'missing'}"
        for place, digest in found.items()
        if digest != wanted[place]
    ]


def left_over(application: Path, older: dict[str, set[str]], allowed: set[str], own: Path | None) -> list[str]:
    """What only another version had, and is served all the same."""
    found = []
    for place, digests in sorted(older.items()):
        digest = digest_of(application / place)
        if place in allowed or not digest or not (place.startswith(CLASSES) or digest in digests):
            continue
        # XNAT's own page under that name, which a version had brought unchanged.
        candidates = own.rglob(Path(place).name) if own else ()
        if not any(path.as_posix().endswith(f"/{place}") and digest_of(path) == digest for path in candidates):
            found.append(place)
    return found


def some(names: list[str]) -> str:
    """The first of them, and how many more."""
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def main() -> None:
    """Look, answer Ansible."""
    module = AnsibleModule(
        argument_spec={
            "application": {"type": "path", "required": True},
            "jars": {"type": "path", "required": True},
            "jar": {"type": "str", "required": True},
            "older": {"type": "str", "default": ""},
            "own": {"type": "path", "default": ""},
        },
        supports_check_mode=True,
    )
    application, jars = Path(module.params["application"]), Path(module.params["jars"])
    name = module.params["jar"]
    if module.check_mode and not (application.is_dir() and (jars / name).is_file()):
        module.exit_json(changed=False, files=0, absent=0, built=False)
    try:
        listed = {path.name: members(path) for path in sorted(jars.glob("*.jar"))}
        others = [path for path in sorted(Path("/").glob(module.params["older"].lstrip("/"))) if path.name != name]
        older: dict[str, set[str]] = {}
        for path in others:
            for place, digest in members(path).items():
                older.setdefault(place, set()).add(digest)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        module.fail_json(msg=f"The jars in {jars} cannot be read: {error}")
    if name not in listed:
        module.fail_json(msg=f"{name} is not among the jars that {application} was built with ({jars})")
    wanted = listed[name]
    allowed = {place for one in listed.values() for place in one}
    own = Path(module.params["own"]) if module.params["own"] else None
    wrong, left = differing(application, wanted), left_over(application, older, allowed, own)
    if wrong or left:
        said = [f"{some(wrong)}"] if wrong else []
        said += [f"what other versions had is still there: {some(left)}"] if left else []
        module.fail_json(msg=f"{application} does not serve {name} as it is: {'; '.join(said)}")
    files = sum(not place.startswith(CLASSES) for place in wanted)
    module.exit_json(changed=False, files=files, absent=len(older.keys() - allowed), built=True)


if __name__ == "__main__":
    main()
