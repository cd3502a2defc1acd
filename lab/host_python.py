"""Placed on the lab's hosts: Python compiles each file of Ansible's modules once there, and not at every task again.

Ansible brings what a task needs as a zip archive, of which Python keeps nothing compiled: half of what a task takes
goes into that. Only root's Python keeps it, as only root may be believed; what a task does is not touched.
"""

# Every Python of the host imports this, and pathlib takes long.
# ruff: noqa: PTH103, PTH105, PTH123
import _imp
import contextlib
import marshal
import os
import zipimport

# Left out by the look at whether a dry run changes anything (lab/untouched.py).
FOLDER = "/var/tmp/lab-compiled"  # noqa: S108 - of root's, and nobody else's

_compile = zipimport._compile_source  # type: ignore[attr-defined]


def compiled(pathname, source, *more):  # type: ignore[no-untyped-def]
    """What zipimport's own function answers."""
    path = f"{FOLDER}/{_imp.source_hash(0, bytes(source)).hex()}-{len(source)}"
    with contextlib.suppress(OSError, EOFError, ValueError, TypeError), open(path, "rb") as file:
        return marshal.load(file)  # noqa: S302 - of root's own
    code = _compile(pathname, source, *more)
    with contextlib.suppress(OSError):
        os.makedirs(FOLDER, mode=0o700, exist_ok=True)
        with open(f"{path}.{os.getpid()}", "wb") as file:
            marshal.dump(code, file)
        os.replace(f"{path}.{os.getpid()}", path)
    return code


if os.geteuid() == 0:
    zipimport._compile_source = compiled  # type: ignore[attr-defined]
