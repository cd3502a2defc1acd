#!/usr/bin/python
"""Build XNAT 1.6 with its modules in a tree of its own, as an account that runs nothing else.

A tree is fresh or finished: one whose build was cut short is removed and begun again, so what an old module left behind
cannot be in it. Nothing that runs is touched. Whether the result is used is not decided here.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.host.account import Account, java_environment
from ansible.module_utils.host.last_words import masked, telling

DOCUMENTATION = r"""
module: xnat_build
short_description: Run the builder of XNAT 1.6 in a fresh tree
description:
  - V(looked) says whether the tree is built from these inputs. V(built) makes it so with C(bin/setup.sh -Ddeploy=true).
  - V(compared) runs C(bin/update.sh -Ddeploy=true), which reads the database and writes C(sql/xnat-update.sql).
options:
  action: {description: What to do., type: str, choices: [looked, built, compared], required: true}
  tree: {description: The folder to build in., type: path, required: true}
  account: {description: Who builds., type: str, required: true}
  java_home: {description: The JDK., type: path, required: true}
  java_options: {description: Options for every JVM., type: list, elements: str, default: []}
  builder: {description: Folder with the builder's files., type: path, required: true}
  pipeline: {description: Folder with the pipeline installer's., type: path, required: true}
  repository:
    description: Folder with the Maven cache, which becomes C(plugin-resources/repository).
    type: path
    required: true
  jdbc: {description: "A jar that takes the place of every C(postgresql-*.jar).", type: path, default: ""}
  jars: {description: Folder with the modules., type: path, required: true}
  modules: {description: Names of the jars in it that are to be built in., type: list, elements: str, default: []}
  properties: {description: "Content of files, by their path in the tree.", type: dict, required: true}
  writable: {description: Folders elsewhere that the build writes to., type: list, elements: path, default: []}
  timeout: {description: Seconds., type: int, default: 3600}
author: DPUK node project
"""

EXAMPLES = r"""
- name: Build it
  xnat_build:
    action: built
    tree: /opt/xnat-builder/1.6.5-0123456789ab
    account: xnatbuild
    java_home: /opt/java/0123456789ab
    builder: /opt/xnat-builder/inputs/0123456789ab
    pipeline: /opt/xnat-builder/inputs/0123456789ab
    repository: /opt/xnat-builder/inputs/0123456789ab
    jars: /opt/xnat-builder/1.6.5-0123456789ab.jars
    modules: [dpuk-node-extras-1-3b.jar]
    properties: {build.properties: "..."}
"""

RETURN = r"""
needed: {description: Whether it was not built from these inputs before., type: bool, returned: always}
build: {description: A name for this build of the tree., type: str, returned: always}
"""

DRIVER = re.compile(r"postgresql[-_.].*\.jar", re.IGNORECASE)
REPOSITORY = Path("plugin-resources/repository")
MODULES = Path("dpuk-modules")
APPLICATION = Path("appserver/webapps/xnat")
RESULTS = (APPLICATION, Path("deployments/xnat/sql/xnat.sql"), Path("bin/StoreXML"))
UPDATE = Path("deployments/xnat/sql/xnat-update.sql")
LINES = 12  # of what the builder said last, when no line tells of an error


class BuildError(Exception):
    """What went wrong, for the person at the terminal."""


def fingerprint(options: dict[str, Any]) -> str:
    """What the tree was built from. The properties hold the database's password, so root alone reads it."""
    names = ("builder", "pipeline", "repository", "jdbc", "modules", "properties")
    return hashlib.sha256(json.dumps({name: options[name] for name in names}, sort_keys=True).encode()).hexdigest()


def beside(tree: Path, what: str) -> Path:
    """A file of root's beside the tree, where the account that builds cannot write."""
    return tree.with_name(f"{tree.name}.{what}")


def built(tree: Path, wanted: str) -> str:
    """The name of the build, when the tree was finished from these inputs; else nothing."""
    try:
        name, inputs = beside(tree, "built").read_text(encoding="utf-8").split()
    except (OSError, ValueError):
        return ""
    return name if tree.is_dir() and inputs == wanted else ""


def write_secret(path: Path, text: str) -> None:
    """A file that root alone reads."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def give(folder: Path, account: Account) -> None:
    """Everything in a folder to the account."""
    account.own(folder)
    for path in folder.rglob("*"):
        account.own(path)


def replace_driver(tree: Path, jdbc: Path) -> None:
    """Put one driver in the place of all that the builder brings, under the names that its lists of files have."""
    found = [path for path in tree.rglob("*.jar") if DRIVER.fullmatch(path.name) and path.is_file()]
    if not found:
        raise BuildError("xnat_builder_jdbc_src: neither builder nor repository has a postgresql-*.jar to replace")
    for path in found:
        path.unlink()
        shutil.copyfile(jdbc, path)


def lay_out(options: dict[str, Any], tree: Path, account: Account) -> None:
    """A fresh tree: builder, repository, pipeline installer, exactly these modules, and the properties."""
    if tree.exists():
        shutil.rmtree(tree)
    shutil.copytree(options["builder"], tree, symlinks=True)
    (tree / ".artifact").unlink(missing_ok=True)
    shutil.copytree(options["repository"], tree / REPOSITORY, symlinks=True, dirs_exist_ok=True)
    shutil.copytree(options["pipeline"], tree / "pipeline-installer", symlinks=True)
    for folder in (MODULES, APPLICATION.parent, Path("pipeline-modules")):
        (tree / folder).mkdir(parents=True, exist_ok=True)
    for name in options["modules"]:
        shutil.copyfile(Path(options["jars"]) / name, tree / MODULES / name)
    for name, content in options["properties"].items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.touch(0o600)
        path.write_text(content, encoding="utf-8")
    if options["jdbc"]:
        replace_driver(tree, Path(options["jdbc"]))
    give(tree, account)
    # The properties hold a password.
    tree.chmod(0o700)


def run(options: dict[str, Any], tree: Path, account: Account, script: str) -> None:
    """One of the builder's commands; what it says is kept beside the tree."""
    for name in options["writable"]:
        folder = Path(name)
        folder.mkdir(exist_ok=True)
        give(folder, account)
    log = beside(tree, f"{script.removesuffix('.sh')}.log")
    environment = java_environment(options["java_home"], tree, options["java_options"])
    command = [str(tree / "bin" / script), "-Ddeploy=true"]
    try:
        code = account.run(command, tree, log, environment, options["timeout"])
    except OSError as error:
        raise BuildError(f"bin/{script} of the builder cannot be run: {error}") from error
    if code == 0:
        return
    said = log.read_text(encoding="utf-8", errors="replace").splitlines()
    hidden = re.findall(r"(?m)password\s*=\s*(\S{4,})", "\n".join(options["properties"].values()))
    words = [masked(line, hidden) for line in telling(said, LINES) or said[-LINES:]]
    how = f"did not end within {options['timeout']} s" if code < 0 else f"answered {code}"
    raise BuildError(f"bin/{script} {how}: {'; '.join(words) or 'it said nothing'}. All that it said is in {log}")


def build(options: dict[str, Any], tree: Path, account: Account) -> None:
    """From nothing to a finished tree."""
    beside(tree, "built").unlink(missing_ok=True)
    lay_out(options, tree, account)
    run(options, tree, account, "setup.sh")
    missing = [str(path) for path in RESULTS if not (tree / path).exists()]
    if missing:
        raise BuildError(f"bin/setup.sh ended well, but made no {', '.join(missing)} in {tree}")
    # The name tells one build from the next where a password is all that differs, and says nothing of it.
    write_secret(beside(tree, "built"), f"{secrets.token_hex(8)} {fingerprint(options)}\n")


def compare(options: dict[str, Any], tree: Path, account: Account) -> None:
    """Have the builder write what the database lacks; what it wrote before is about a database as it was then."""
    (tree / UPDATE).unlink(missing_ok=True)
    run(options, tree, account, "update.sh")


def main() -> None:
    """Look, build or compare, answer Ansible."""
    module = AnsibleModule(
        argument_spec={
            "action": {"type": "str", "choices": ["looked", "built", "compared"], "required": True},
            "tree": {"type": "path", "required": True},
            "account": {"type": "str", "required": True},
            "java_home": {"type": "path", "required": True},
            "java_options": {"type": "list", "elements": "str", "default": []},
            "builder": {"type": "path", "required": True},
            "pipeline": {"type": "path", "required": True},
            "repository": {"type": "path", "required": True},
            "jdbc": {"type": "path", "default": ""},
            "jars": {"type": "path", "required": True},
            "modules": {"type": "list", "elements": "str", "default": []},
            "properties": {"type": "dict", "required": True, "no_log": True},
            "writable": {"type": "list", "elements": "path", "default": []},
            "timeout": {"type": "int", "default": 3600},
        },
        supports_check_mode=True,
    )
    options = module.params
    tree, action = Path(options["tree"]), options["action"]
    name = built(tree, fingerprint(options))
    needed = not name
    diff = {"before": "" if needed else f"{tree}\n", "after": f"{tree}\n"}
    changes = needed if action == "built" else action == "compared"
    if action == "looked" or module.check_mode or not changes:
        module.exit_json(changed=changes, needed=needed, build=name, diff=diff)
    os.umask(0o022)
    try:
        account = Account.named(options["account"])
        (build if action == "built" else compare)(options, tree, account)
    except (BuildError, OSError, KeyError) as error:
        module.fail_json(msg=f"{tree.name} was not built, and what runs stays as it is. {error}")
    module.exit_json(changed=True, needed=needed, build=built(tree, fingerprint(options)), diff=diff)


if __name__ == "__main__":
    main()
