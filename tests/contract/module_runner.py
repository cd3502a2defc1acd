"""Runs a module of library/ in this process, exactly as Ansible would, and returns what it printed."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import json
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.testing import patch_module_args

SCAN = {"subject": "s1", "session": "e1", "scan": "1"}


class ModuleFailedError(Exception):
    """The module left with fail_json; `result` is what it printed, `msg` its message."""

    def __init__(self, result: dict[str, Any]) -> None:
        """Keep the result; the message is that of the module."""
        super().__init__(result["msg"])
        self.result = result
        self.msg: str = result["msg"]


@dataclass
class Modules:
    """The modules of library/ on one server: `modules.file(project="p", ...)` runs xnat_file.

    `check=True` runs in check mode. Raises ModuleFailedError where a playbook would stop.
    """

    url: str
    username: str
    password: str
    ca_path: str | None = None
    output: list[str] = field(default_factory=list)

    def run(self, name: str, /, **options: Any) -> dict[str, Any]:
        """Run `xnat_{name}` with these options; those of the connection are filled in, None leaves one out."""
        check = bool(options.pop("check", False))
        given = {"url": self.url, "username": self.username, "password": self.password, "ca_path": self.ca_path}
        asked = {name: value for name, value in {**given, **options}.items() if value is not None}
        arguments = {**asked, "_ansible_check_mode": check, "_ansible_diff": True}
        module = importlib.import_module(f"xnat_{name}")
        printed = io.StringIO()
        with patch_module_args(arguments), contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
            module.main()
        self.output.append(printed.getvalue())
        result: dict[str, Any] = json.loads(printed.getvalue())
        assert "A defect in this module" not in result.get("msg", ""), result
        if result.get("failed"):
            raise ModuleFailedError(result)
        return result

    def file(self, **options: Any) -> dict[str, Any]:
        """Run xnat_file; files of 0 bytes are meant unless a test says otherwise, for its tree has one."""
        empty = {"allow_empty": True} if "src" in options else {}
        return self.run("file", **{**empty, **options})

    def __getattr__(self, name: str) -> Any:
        """`modules.scan(...)` is `modules.run("scan", ...)`."""
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda **options: self.run(name, **options)


def md5(data: bytes) -> str:
    """MD5 of some bytes, as XNAT states it."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
