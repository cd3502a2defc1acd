"""Modules are unpacked, and their Java sources "compiled": a class here is empty but for the checksum of its source.

No compiler runs: braces must balance, a file holds the class that it is called after, and no class may be there twice.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zipfile
from pathlib import Path

_PACKAGE = re.compile(r"^\s*package\s+([\w.]+)\s*;", re.MULTILINE)
_TYPE = re.compile(r"^(?:public\s+|final\s+|abstract\s+)*(?:class|interface|enum)\s+(\w+)", re.MULTILINE)


class CompileError(Exception):
    """What javac would have said."""


def unpack_modules(folder: Path, project: Path) -> None:
    """Every jar's src/ over the project's. Two jars with one source file of different content do not compile."""
    holders: dict[str, tuple[str, bytes]] = {}
    for path in sorted(folder.glob("*.jar")):
        try:
            with zipfile.ZipFile(path) as jar:
                if jar.testzip() is not None:
                    raise zipfile.BadZipFile("a member is damaged")
                names = [name for name in jar.namelist() if name.startswith("src/") and not name.endswith("/")]
                for name in names:
                    content = jar.read(name)
                    if name.endswith(".java") and holders.setdefault(name, (path.name, content))[1] != content:
                        raise CompileError(f"{name}: error: duplicate class, in {holders[name][0]} and {path.name}")
                    place = project / name
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_bytes(content)
        except zipfile.BadZipFile as error:
            raise CompileError(f"Unable to unpack {path}: error in opening zip file ({error})") from error


def compile_project(sources: Path, classes: Path) -> None:
    """One class file for each source. All that is wrong is said at once."""
    wrong: list[str] = []
    places: dict[str, Path] = {}
    for path in sorted(sources.rglob("*.java")):
        text = path.read_text()
        package = _PACKAGE.search(text)
        declared = [f"{package[1]}.{name}" if package else name for name in _TYPE.findall(text)]
        if text.count("{") != text.count("}") or not declared:
            wrong.append(f"{path}: error: reached end of file while parsing")
        for name in declared:
            if name in places:
                wrong.append(f"{path}: error: duplicate class: {name}, also in {places[name]}")
            places.setdefault(name, path)
    if wrong:
        raise CompileError("\n".join(wrong))
    for name, path in places.items():
        place = (classes / name.replace(".", "/")).with_suffix(".class")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(class_file(name.replace(".", "/"), hashlib.sha256(path.read_bytes()).hexdigest()))


def class_file(name: str, checksum: str) -> bytes:
    """An empty class that Tomcat can read, with a checksum among its constants. Reference: JVM specification, 4.1."""
    words = (name, "java/lang/Object", checksum)
    texts = [struct.pack(f">BH{len(word)}s", 1, len(word), word.encode()) for word in words]
    classes = [struct.pack(">BH", 7, index) for index in (1, 2)]
    pool = b"".join([*texts, *classes])
    # Java 6; six constants from 1 on; public; this class and the one above it; no fields, methods or attributes.
    return struct.pack(">IHHH", 0xCAFEBABE, 0, 50, 6) + pool + struct.pack(">HHHHHHH", 0x21, 4, 5, 0, 0, 0, 0)
