"""xnat_module_jars refuses modules of XNAT 1.6 that its builder cannot build, or would build by chance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_up_jars import Entry, look_into, write_entry
from roles_tree import load_module

jars = load_module("roles/xnat_modules/library/xnat_module_jars.py")

CLASS = "src/java/org/nrg/dpuk/Freeze.java"


@pytest.fixture
def entry(tmp_path: Path) -> Any:
    """Write a jar and return its entry in the list, and what artifact_file says of it."""

    def make(name: str, version: str, files: dict[str, str] | bytes) -> Entry:
        return write_entry(tmp_path / f"{name}-{version}.jar", name, version, files)

    return make


def look(*entries: Entry) -> tuple[list[dict[str, str]], list[str]]:
    return look_into(jars, *entries)


def test_modules_that_go_together_pass(entry: Any) -> None:
    """The same file in two jars is no matter as long as it is the same; what is not in src/ does not count."""
    found, problems = look(
        entry("node-extras", "1-3b", {CLASS: "one", "src/": "", "META-INF/MANIFEST.MF": "a", "web-conf/x.xml": "a"}),
        entry("branding", "1", {"src/images/logo.png": "b", "META-INF/MANIFEST.MF": "b", "web-conf/x.xml": "b"}),
        entry("copy", "1", {CLASS: "one"}),
    )
    assert problems == []
    assert found[0] == {"id": "node-extras", "version": "1-3b", "jar": "node-extras-1-3b.jar"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>not found</html>", "cannot be read as a jar"),
        ({"META-INF/MANIFEST.MF": "a"}, "has nothing in src/"),
        ({"src/": ""}, "has nothing in src/"),
        ({CLASS: "a", "../../etc/cron.d/x": "b"}, "leads out of the tree: ../../etc/cron.d/x"),
        ({CLASS: "a", "/etc/x": "b"}, "leads out of the tree: /etc/x"),
        ({CLASS: "a", "META-INF/xnat/a-plugin.properties": "id=a"}, "is a plugin of XNAT 1.7 or later"),
    ],
)
def test_what_is_no_module_is_refused(entry: Any, content: Any, words: str) -> None:
    _, (problem,) = look(entry("bad", "1", content))
    assert problem.startswith("xnat_modules: bad-1.jar")
    assert words in problem


def test_a_cut_jar_is_refused(entry: Any) -> None:
    """The first bytes are right, and the list of its members is gone."""
    module, file = entry("cut", "1", {CLASS: "x" * 1000})
    path = Path(file["path"])
    path.write_bytes(path.read_bytes()[:-40])
    assert "cannot be read as a jar" in look((module, file))[1][0]


def test_a_damaged_member_is_refused(entry: Any) -> None:
    module, file = entry("flipped", "1", {CLASS: "x" * 1000})
    path = Path(file["path"])
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)
    assert "is damaged" in look((module, file))[1][0]


def test_two_versions_of_one_class_are_refused_by_name(entry: Any) -> None:
    """A renamed jar beside the one that it replaces: both would be compiled."""
    more = {f"src/templates/{number}.vm": "x" for number in range(5)}
    other = dict.fromkeys(more, "y")
    _, (problem,) = look(
        entry("node-extras", "1", {CLASS: "old", **more}), entry("dpuk-node-extras", "1-3b", {CLASS: "new", **other})
    )
    for words in ("dpuk-node-extras-1-3b.jar and node-extras-1.jar", CLASS, "and 3 more", "Keep one"):
        assert words in problem, words


def test_what_is_not_here_yet_is_left_out() -> None:
    module = {"name": "later", "version": "1", "checksum": "sha256:1"}
    file = {"path": "/nowhere", "present": False, "checksum": "sha256:1"}
    assert jars.look([module], [file])[1] == []
