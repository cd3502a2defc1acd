"""Jars that tests make up, as the modules that look into them are told of them."""

from __future__ import annotations

import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

Entry = tuple[dict[str, Any], ...]


def write_entry(path: Path, name: str, version: str, files: dict[str, str] | bytes, **more: Any) -> Entry:
    """Write a jar, or what is none; return its entry in the list, and what artifact_file says of it."""
    if isinstance(files, bytes):
        path.write_bytes(files)
    else:
        with zipfile.ZipFile(path, "w") as jar:
            for member, text in files.items():
                jar.writestr(member, text)
    module = {"name": name, "version": version, "checksum": f"sha256:{path.name}", **more}
    return module, {"path": str(path), "present": True, "checksum": module["checksum"]}


def look_into(module: ModuleType, *entries: Entry) -> tuple[list[dict[str, str]], list[str]]:
    """What a module finds in these jars, and what it says is wrong."""
    found: tuple[list[dict[str, str]], list[str]] = module.look(*map(list, zip(*entries, strict=True)))
    return found
