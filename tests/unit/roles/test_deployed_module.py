"""deployed_module finds what is missing of a module, what is not its own, and what another version has left."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from roles_tree import load_module

deployed = load_module("library/host/deployed_module.py")

NEW = {
    "META-INF/MANIFEST.MF": "Manifest-Version: 1.0\n",
    "src/scripts/freeze.js": "new",
    "src/templates/screens/Freeze.vm": "<h1>new</h1>",
    "src/java/org/nrg/Freeze.java": "class Freeze {}",
    "src/conf/freeze.xml": "<beans/>",
}
OLD = {
    "src/scripts/freeze.js": "old",
    "src/scripts/legacy.js": "old",
    "src/templates/screens/Index.vm": "as XNAT has it",
    "src/java/org/nrg/Legacy.java": "class Legacy {}",
}


def jar(path: Path, files: dict[str, str]) -> Path:
    """Write a jar."""
    with zipfile.ZipFile(path, "w") as opened:
        for name, text in files.items():
            opened.writestr(name, text)
    return path


def write(root: Path, files: dict[str, str]) -> None:
    """Write files below a folder."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """What Tomcat serves, with all of the new version."""
    root = tmp_path / "application"
    write(root, {"scripts/freeze.js": "new", "templates/screens/Freeze.vm": "<h1>new</h1>"})
    write(root, {"WEB-INF/classes/org/nrg/Freeze.class": "compiled", "templates/screens/Index.vm": "as XNAT has it"})
    return root


@pytest.fixture
def wanted(tmp_path: Path) -> dict[str, str]:
    """What the new jar has."""
    found: dict[str, str] = deployed.members(jar(tmp_path / "new.jar", NEW))
    return found


@pytest.fixture
def older(tmp_path: Path) -> dict[str, set[str]]:
    """What the old jar has."""
    return {place: {digest} for place, digest in deployed.members(jar(tmp_path / "old.jar", OLD)).items()}


def test_only_what_is_deployed_as_it_is_counts(wanted: dict[str, str]) -> None:
    """Settings in src/conf are merged by the builder, the manifest stays in the jar; sources become classes."""
    assert set(wanted) == {
        "scripts/freeze.js",
        "templates/screens/Freeze.vm",
        "WEB-INF/classes/org/nrg/Freeze.class",
    }


def test_the_new_version_alone_is_well(
    application: Path, wanted: dict[str, str], older: dict[str, set[str]], tmp_path: Path
) -> None:
    write(tmp_path / "own", {"webapp/templates/screens/Index.vm": "as XNAT has it"})
    assert deployed.differing(application, wanted) == []
    assert deployed.left_over(application, older, set(wanted), tmp_path / "own") == []


@pytest.mark.parametrize(
    ("text", "said"), [(None, "scripts/freeze.js is missing"), ("old", "scripts/freeze.js is another file")]
)
def test_what_is_not_as_the_jar_has_it_is_found(
    application: Path, wanted: dict[str, str], text: str | None, said: str
) -> None:
    (application / "scripts/freeze.js").unlink()
    if text is not None:
        write(application, {"scripts/freeze.js": text})
    assert deployed.differing(application, wanted) == [said]


@pytest.mark.parametrize(
    ("name", "text"), [("scripts/legacy.js", "old"), ("WEB-INF/classes/org/nrg/Legacy.class", "compiled of something")]
)
def test_what_only_the_old_version_had_is_found(
    application: Path, wanted: dict[str, str], older: dict[str, set[str]], tmp_path: Path, name: str, text: str
) -> None:
    """A page that the old version had brought unchanged from XNAT itself is XNAT's."""
    write(tmp_path / "own", {"webapp/templates/screens/Index.vm": "as XNAT has it"})
    write(application, {name: text})
    assert deployed.left_over(application, older, set(wanted), tmp_path / "own") == [name]


def test_a_page_of_the_old_version_in_place_of_xnats_own_is_found(
    application: Path, wanted: dict[str, str], older: dict[str, set[str]], tmp_path: Path
) -> None:
    write(tmp_path / "own", {"webapp/templates/screens/Index.vm": "XNAT's own, which is another"})
    found = deployed.left_over(application, older, set(wanted), tmp_path / "own")
    assert found == ["templates/screens/Index.vm"]


def test_a_file_of_another_listed_module_may_stay(
    application: Path, wanted: dict[str, str], older: dict[str, set[str]]
) -> None:
    write(application, {"scripts/legacy.js": "old"})
    allowed = {*wanted, "scripts/legacy.js", "templates/screens/Index.vm"}
    assert deployed.left_over(application, older, allowed, None) == []
