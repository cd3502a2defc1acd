"""The three archives that an installation of XNAT 1.6 begins with, made of this folder and of the practice XNAT.

`build_inputs(folder, war)` writes them; the same sources give the same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from xnat_twin.datatypes.modules import installed_types

from xnat_builder.modules import jar

HERE = Path(__file__).parent
BUILDER = HERE / "builder"
VERSION = "1.6.5"
#: The libraries that the build asks for: of Maven's repository, by their paths in it.
LIBRARIES = ("postgresql/jars/postgresql-9.1-901.jdbc4.jar", "xnat/jars/xdat-1.6.5.jar", "xnat/jars/nrgutil-1.6.5.jar")
_WEB_XML = "WEB-INF/web.xml"
_DEPLOYED = """
  <context-param>
    <param-name>flavour</param-name>
    <param-value>1.6</param-value>
  </context-param>
  <context-param>
    <param-name>deployed</param-name>
    <param-value>true</param-value>
  </context-param>"""


@dataclass(frozen=True)
class Archive:
    """A file and its SHA-256."""

    path: Path
    sha256: str


@dataclass(frozen=True)
class Inputs:
    """What an installation begins with."""

    builder: Archive
    pipeline: Archive
    repository: Archive


def build_inputs(folder: Path, war: Path) -> Inputs:
    """Write the archives to `folder`. `war` is the practice XNAT as a WAR that claims to be `VERSION`."""
    folder.mkdir(parents=True, exist_ok=True)
    # Jars, as they come to be in WEB-INF/lib, where Tomcat opens every one of them.
    libraries = {f"repository/{name}": jar({"stand-in.txt": f"for {name}\n"}) for name in LIBRARIES}
    installer = {
        "pipeline-installer-1.6.5/setup.sh": b"#!/bin/sh\n",
        "pipeline-installer-1.6.5/bin/XnatPipelineLauncher": b"#!/bin/sh\n",
    }
    return Inputs(
        _pack(
            folder / "xnat_builder_1_6dev_dpuk_node.tar.gz",
            {f"xnat/{name}": content for name, content in _builder(war).items()},
        ),
        _pack(folder / "pipeline-installer-1.6.5.tar.gz", installer),
        _pack(folder / "maven-repository.tar.gz", libraries),
    )


def _builder(war: Path) -> dict[str, bytes]:
    """Everything below the builder's top folder."""
    found = {
        path.relative_to(BUILDER).as_posix(): path.read_bytes().replace(b"@VERSION@", VERSION.encode())
        for path in BUILDER.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and "skeleton" not in path.relative_to(BUILDER).parts[:1]
    }
    project = "plugin-resources/project-skeletons/xnat"
    for path in (BUILDER / "skeleton").rglob("*"):
        if path.is_file():
            found[f"{project}/{path.relative_to(BUILDER / 'skeleton').as_posix()}"] = path.read_bytes()
    found[f"{project}/src/images/logo.png"] = b"\x89PNG\r\n\x1a\n the logo of XNAT"
    found[f"{project}/deploy/security/security.xml"] = first_documents().encode()
    found["plugin-resources/libraries.txt"] = "".join(f"{name}\n" for name in LIBRARIES).encode()
    with zipfile.ZipFile(war) as opened:
        for name in opened.namelist():
            found[f"plugin-resources/webapp/xnat/{name}"] = opened.read(name)
    web = f"plugin-resources/webapp/xnat/{_WEB_XML}"
    head, end, tail = found[web].decode().partition("</context-param>")
    found[web] = f"{head}{end}{_DEPLOYED}{tail}".encode()
    return found


def first_documents() -> str:
    """security.xml: the two accounts that every XNAT starts with, and rights on its own data types."""
    users = "".join(
        f"<xdat:user><xdat:login>{login}</xdat:login><xdat:firstname>{first}</xdat:firstname>"
        f"<xdat:lastname>{last}</xdat:lastname><xdat:email>you@yoursite.org</xdat:email>"
        f"<xdat:primary_password>{escape(password)}</xdat:primary_password>{roles}</xdat:user>\n"
        for login, first, last, password, roles in (
            (
                "admin",
                "Admin",
                "Admin",
                "admin",
                '<xdat:assigned_roles><xdat:role_type role_name="Administrator"/></xdat:assigned_roles>',
            ),
            ("guest", "XNAT", "Guest", "", ""),
        )
    )
    elements = "".join(
        f'<xdat:element_security element_name={quoteattr(one.name)} secure="1" singular={quoteattr(one.singular)} '
        f"plural={quoteattr(one.plural)}><xdat:primary_security_fields>"
        f"<xdat:primary_security_field>{one.name}/project</xdat:primary_security_field>"
        "</xdat:primary_security_fields></xdat:element_security>\n"
        for one in sorted(installed_types().secured(), key=lambda one: one.name)
    )
    return (
        f'<xdat:security xmlns:xdat="http://nrg.wustl.edu/security" system="xnat">\n{users}{elements}</xdat:security>\n'
    )


def _pack(path: Path, files: Mapping[str, bytes]) -> Archive:
    """A tar.gz of these files: sorted names, no times, no owners. What is in a folder bin is a program."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size = len(files[name])
            member.mode = 0o755 if "/bin/" in name or name.endswith(".sh") else 0o644
            tar.addfile(member, io.BytesIO(files[name]))
    with path.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=1) as out:
        out.write(packed.getvalue())
    return Archive(path, hashlib.sha256(path.read_bytes()).hexdigest())
