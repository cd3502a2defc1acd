"""xnat_plugin_jars finds the plugins in jars, and refuses the sets with which XNAT cannot work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_up_jars import Entry, look_into, write_entry
from roles_tree import load_module

from lab.prepare import practice_plugin

jars = load_module("roles/xnat_modules/library/xnat_plugin_jars.py")

PLUGIN = "id=ohifViewer\nname=OHIF viewer\nclass=org.example.Ohif\n"
DESCRIPTION = "META-INF/xnat/ohif-plugin.properties"


@pytest.fixture
def entry(tmp_path: Path) -> Any:
    """Write a jar and return its entry in the list, and what artifact_file says of it."""
    count = iter(range(100))

    def make(name: str, version: str, files: dict[str, str] | bytes, **more: Any) -> Entry:
        return write_entry(tmp_path / f"{next(count)}.jar", name, version, files, **more)

    return make


def look(*entries: Entry) -> tuple[list[dict[str, str]], list[str]]:
    return look_into(jars, *entries)


def test_plugins_are_read_from_their_jars(entry: Any) -> None:
    manifest = {"META-INF/MANIFEST.MF": "Manifest-Version: 1.0\r\nImplementation-Version: 3.7.0-xpl\r\n"}
    plugins, problems = look(
        entry("ohif", "3.7.0", {DESCRIPTION: PLUGIN, **manifest}),
        entry("practice-plugin", "1.0.0", practice_plugin()),
        entry("batch", "0.6", {"META-INF/xnat/a/b/batch-plugin.properties": PLUGIN.replace("ohifViewer", "batch")}),
        entry("needed-by-batch", "1.0", {"org/example/Library.class": ""}, library=True),
    )
    assert problems == []
    assert [(plugin["id"], plugin["version"]) for plugin in plugins] == [
        ("ohifViewer", "3.7.0-xpl"),
        ("practice-plugin", "1.0.0"),
        ("batch", "0.6"),
    ]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"org/example/Library.class": ""}, "is no XNAT plugin"),
        (b"<!doctype html>", "cannot be read as a jar"),
        ({DESCRIPTION: "id=ohifViewer\nname=x\n"}, "lacks class"),
        ({DESCRIPTION: PLUGIN + "version=3.6.1\n"}, "says itself that it is version 3.6.1"),
        ({DESCRIPTION: PLUGIN, "META-INF/MANIFEST.MF": "Implementation-Version: 3.6\n"}, "is version 3.6"),
    ],
)
def test_a_jar_that_cannot_be_right_is_refused(entry: Any, files: dict[str, str] | bytes, said: str) -> None:
    _, [line] = look(entry("ohif", "3.7.0", files))
    assert "ohif-3.7.0.jar" in line
    assert said in line


def test_two_jars_with_one_plugin_are_refused(entry: Any) -> None:
    """Under whatever names: the class path does not go by them."""
    _, [line] = look(entry("ohif", "3.7", {DESCRIPTION: PLUGIN}), entry("viewer", "3.6", {DESCRIPTION: PLUGIN}))
    assert "plugin ohifViewer is in ohif-3.7.jar and in viewer-3.6.jar" in line


def test_what_is_not_downloaded_yet_is_left_out(entry: Any) -> None:
    """In a dry run."""
    module, file = entry("ohif", "3.7", {DESCRIPTION: PLUGIN})
    assert jars.look([module], [{**file, "present": False}]) == ([], [])
    assert jars.look([module], []) == ([], [])
