"""The WAR's bytes depend on nothing but its content. The real compiler and Tomcat are the lab's business."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

import pytest
from xnat_twin.war.build import HERE, BuildError, compile_servlet, copy_package, write_war


def _compiler(folder: Path) -> list[str]:
    """A stand-in for javac that puts a class file where the real one would."""
    script = folder / "javac.py"
    script.write_text(
        "import sys, pathlib\n"
        "out = pathlib.Path(sys.argv[sys.argv.index('-d') + 1])\n"
        "assert '--release' in sys.argv and pathlib.Path(sys.argv[-1]).name == 'TwinServlet.java'\n"
        "(out / 'TwinServlet.class').write_bytes(b'\\xca\\xfe\\xba\\xbe')\n"
    )
    return [sys.executable, str(script)]


def _folder(parent: Path) -> Path:
    work = parent / "work"
    work.mkdir(parents=True)
    (parent / "servlet-api.jar").write_bytes(b"api")
    inf = work / "war" / "WEB-INF"
    copy_package(inf / "python" / "xnat_twin")
    compile_servlet(work, inf / "classes", parent / "servlet-api.jar", _compiler(parent))
    (inf / "web.xml").write_text((HERE / "web.xml").read_text())
    return work / "war"


def test_same_content_gives_the_same_war(tmp_path: Path) -> None:
    first, second = _folder(tmp_path / "1"), _folder(tmp_path / "2")
    for number, path in enumerate(sorted(second.rglob("*"))):
        os.utime(path, (number, number))
        path.chmod(0o700)
    assert write_war(first, tmp_path / "1.war") == write_war(second, tmp_path / "2.war")
    assert (tmp_path / "1.war").read_bytes() == (tmp_path / "2.war").read_bytes()


def test_other_content_gives_another_war(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "1")
    before = write_war(folder, tmp_path / "a.war")
    (folder / "WEB-INF" / "web.xml").write_text("<web-app/>")
    assert write_war(folder, tmp_path / "b.war") != before


def test_war_holds_servlet_and_server_but_no_leftovers(tmp_path: Path) -> None:
    write_war(_folder(tmp_path / "1"), tmp_path / "x.war")
    names = zipfile.ZipFile(tmp_path / "x.war").namelist()
    assert names == sorted(names, key=lambda name: name.split("/"))
    for name in ("web.xml", "classes/TwinServlet.class", "python/xnat_twin/__main__.py"):
        assert f"WEB-INF/{name}" in names
    assert not [name for name in names if "__pycache__" in name or "/war/" in name or "testing" in name]
    assert not [name for name in names if "/rules/" in name]


def test_war_holds_every_schema(tmp_path: Path) -> None:
    write_war(_folder(tmp_path / "1"), tmp_path / "x.war")
    start = "WEB-INF/python/xnat_twin/datatypes/schemas/"
    names = {name.removeprefix(start) for name in zipfile.ZipFile(tmp_path / "x.war").namelist() if start in name}
    here = HERE.parent / "datatypes" / "schemas"
    assert {path.relative_to(here).as_posix() for path in here.rglob("*.xsd")} == {
        name for name in names if name.endswith(".xsd")
    }
    assert {"xnat/xnat.xsd", "dpuk/dpuk.xsd"} <= names


def test_compiler_that_fails_is_quoted(tmp_path: Path) -> None:
    failing = [sys.executable, "-c", "import sys; sys.exit('error: release version 11 not supported')"]
    with pytest.raises(BuildError, match="release version 11 not supported"):
        compile_servlet(tmp_path, tmp_path / "classes", _api(tmp_path), failing)


def test_compiler_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="no-such-javac"):
        compile_servlet(tmp_path, tmp_path / "classes", _api(tmp_path), ["no-such-javac"])


def _api(folder: Path) -> Path:
    path = folder / "api" / "servlet-api.jar"
    path.parent.mkdir()
    path.write_bytes(b"api")
    return path
