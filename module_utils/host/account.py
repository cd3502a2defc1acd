"""Run a program as an account without privileges, and keep what it says. Nothing that is root's is handed on.

What the program has left running when it ends is ended with it. It makes no account.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

PATH = "/usr/local/bin:/usr/bin:/bin"


def java_environment(java_home: str, tree: Path, options: list[str]) -> dict[str, str]:
    """What a program in ``bin`` of a tree needs to find this JDK, with options for every JVM that it starts."""
    found = {"JAVA_HOME": java_home, "PATH": f"{java_home}/bin:{tree}/bin:{PATH}"}
    return found | ({"JAVA_TOOL_OPTIONS": " ".join(options)} if options else {})


@dataclass(frozen=True)
class Account:
    """Who runs the program."""

    name: str
    uid: int
    gid: int
    home: str
    groups: list[int] = field(default_factory=list)

    @classmethod
    def named(cls, name: str) -> Account:
        """The account of this name; ``KeyError`` when there is none."""
        found = pwd.getpwnam(name)
        groups = [group.gr_gid for group in grp.getgrall() if name in group.gr_mem]
        return cls(name, found.pw_uid, found.pw_gid, found.pw_dir, groups)

    def own(self, path: Path) -> None:
        """Give one file, folder or link to the account; only root can, and nobody else needs to."""
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def run(self, command: list[str], folder: Path, log: Path, environment: dict[str, str], timeout: float) -> int:
        """Run a program in a folder, its output in a log of root's; its exit code, -1 when it took too long."""
        with contextlib.suppress(FileNotFoundError):
            log.unlink()
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        privileged = os.geteuid() == 0
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={"PATH": PATH, "HOME": self.home, "USER": self.name, "LOGNAME": self.name, "LANG": "C.UTF-8"}
                | environment,
                stdin=subprocess.DEVNULL,
                stdout=handle,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o027,
                user=self.uid if privileged else None,
                group=self.gid if privileged else None,
                extra_groups=self.groups if privileged else None,
            )
        finally:
            os.close(handle)
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            return -1
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
