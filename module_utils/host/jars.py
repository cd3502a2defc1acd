"""What the two modules that look into the jars of ``xnat_modules`` share: what they are given, and how they answer.

What makes a jar a good one they know themselves: one of them plugins of XNAT 1.7 and later, the other modules of 1.6.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

Listed = list[dict[str, Any]]
Verdict = tuple[list[dict[str, str]], list[str]]  # what was found, and what is wrong


def paths_by_checksum(files: Listed) -> dict[str, Path]:
    """The files that are on this machine, of what artifact_file said of each."""
    return {str(file["checksum"]): Path(file["path"]) for file in files if file["present"]}


def answer(look: Callable[[Listed, Listed], Verdict]) -> None:
    """Look, answer Ansible: all that is wrong at once."""
    module = AnsibleModule(
        argument_spec={
            "modules": {"type": "list", "elements": "dict", "required": True},
            "files": {"type": "list", "elements": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    plugins, problems = look(module.params["modules"], module.params["files"])
    if problems:
        module.fail_json(msg="\n".join(problems))
    module.exit_json(changed=False, plugins=plugins)
