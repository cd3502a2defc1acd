"""Modules of a DPUK node come, go and are replaced on a node that holds data; what cannot work leaves the node serving.

The tests are one story and run in their order: from node-extras 1-3a to 1-3b, the applet fix added, a withdrawn module
removed, then everything that can be wrong with a jar. At the end the node has what it can go on with.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from dpuk_node import ASSESSMENT, FILE, IMAGE, Node
from secret_forms import told

pytest_plugins = ["dpuk_node"]

FIRST = ["dpuk-node-extras-1-3a", "dpuk-datatypes-1", "dpuk-branding-1", "dpuk-testing-ribbon-1"]
NEWER = ["dpuk-node-extras-1-3b", *FIRST[1:]]
FIXED = [*NEWER, "xnat-upload-applet-fix-1"]
FINAL = [name for name in FIXED if "ribbon" not in name]


def insist_that_data_is_there(node: Node) -> None:
    """The image byte for byte, and the assessment."""
    assert node.admin.get(FILE).content == IMAGE
    assessment = node.admin.get(f"{ASSESSMENT}?format=json").json()["items"][0]["data_fields"]
    assert str(assessment["MMSE"]) == "29"


def test_the_node_serves_what_the_inventory_lists(dpuk: Node) -> None:
    assert dpuk.version_said() == "1-3a"
    assert sorted(dpuk.deployed("*LegacyFreeze*")) == [
        "DataFreeze_LegacyFreeze.vm",
        "LegacyFreeze.class",
        "LegacyFreeze.js",
    ]
    assert dpuk.admin.get("/images/testing-ribbon.png").status_code == 200
    assert b"DPUK" in dpuk.admin.get("/images/logo.png").content


def test_another_version_takes_the_place_of_the_old_one_and_nothing_of_that_is_left(dpuk: Node) -> None:
    outcome = dpuk.update([*NEWER], "from 1-3a to 1-3b")
    assert outcome.recap is not None
    assert outcome.recap.changed > 0
    assert "dpuk-node-extras-1-3b.jar" in outcome.said
    assert dpuk.version_said() == "1-3b"
    assert dpuk.deployed("*LegacyFreeze*") == []
    assert sorted(dpuk.deployed("StudyFilter*")) == ["StudyFilter.class", "StudyFilter.js"]
    assert len(outcome.watch.gaps) == 1
    insist_that_data_is_there(dpuk)


def test_what_is_not_changed_costs_not_one_second(dpuk: Node) -> None:
    before = dpuk.started()
    outcome = dpuk.update([*NEWER], "nothing changed")
    assert outcome.recap is not None
    assert outcome.recap.changed == 0
    assert outcome.watch.gaps == []
    assert outcome.watch.answered > 0
    assert dpuk.started() == before


def test_a_run_that_was_cut_short_while_xnat_was_stopped_is_continued_by_the_next(dpuk: Node) -> None:
    """Which is the one below, and adds the applet fix."""
    dpuk.cut_short([*FIXED], "xnat_builder : Point Tomcat at the release")
    assert dpuk.web.run("systemctl is-active tomcat").stdout.strip() != "active"


def test_the_applet_fix_is_added_and_proved(dpuk: Node) -> None:
    outcome = dpuk.update([*FIXED], "the applet fix added")
    assert outcome.recap is not None
    assert dpuk.deployed("UploadApplet.vm") == ["UploadApplet.vm"]
    assert dpuk.web.run("grep -rl 'instead of an applet' /opt/xnat/*/templates/screens/UploadApplet.vm").rc == 0
    assert len(outcome.watch.gaps) == 1
    insist_that_data_is_there(dpuk)


def test_a_withdrawn_module_is_gone_with_all_that_it_brought(dpuk: Node) -> None:
    outcome = dpuk.update([*FINAL], "a withdrawn module removed")
    assert outcome.recap is not None
    assert "dpuk-testing-ribbon" in outcome.said
    assert dpuk.deployed("*ribbon*") == []
    assert dpuk.admin.get("/images/testing-ribbon.png").status_code == 404
    insist_that_data_is_there(dpuk)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("page", "this is an HTML page, not a zip archive"),
        ("truncated", "dpuk-truncated-1.jar"),
        ("checksum", "wrong version, or a damaged copy"),
    ],
)
def test_a_jar_that_is_none_is_refused_before_anything_is_touched(dpuk: Node, what: str, said: str) -> None:
    before = dpuk.started()
    good = Path(dpuk.made()["dpuk-branding-1"]["src"][0]).read_bytes()
    contents = {"page": b"<!DOCTYPE html><title>404 Not Found</title>\n", "truncated": good[: len(good) // 2]}
    jar = dpuk.damaged(f"dpuk-{what}", contents.get(what, good), "" if what in contents else "0" * 64)
    outcome = dpuk.update([*FINAL, jar], f"{what}, refused")
    assert outcome.recap is None
    assert said in outcome.said
    assert outcome.watch.gaps == []
    assert dpuk.started() == before


def test_a_jar_that_does_not_compile_fails_beside_the_running_node(dpuk: Node) -> None:
    before = dpuk.started()
    outcome = dpuk.update([*FINAL, "does-not-compile-1"], "does not compile")
    assert outcome.recap is None
    assert "reached end of file while parsing" in outcome.said
    assert "what runs stays as it is" in outcome.said
    assert outcome.watch.gaps == []
    assert dpuk.started() == before


def test_a_release_that_does_not_start_is_rolled_back_and_the_old_one_serves(dpuk: Node) -> None:
    outcome = dpuk.update([*FINAL, "does-not-start-1"], "does not start, rolled back")
    assert outcome.recap is None
    assert "broken-context.xml" in outcome.said
    assert "runs again, with all data" in outcome.said
    assert dpuk.version_said() == "1-3b"
    assert dpuk.deployed("broken-context.xml") == []
    insist_that_data_is_there(dpuk)


def test_after_all_that_the_next_run_goes_on(dpuk: Node) -> None:
    """Nothing of what failed is in the way, and nothing is down for it."""
    outcome = dpuk.update([*FINAL], "after the failures")
    assert outcome.recap is not None
    assert outcome.watch.gaps == []
    assert dpuk.version_said() == "1-3b"
    insist_that_data_is_there(dpuk)


def test_no_run_tells_a_password(dpuk: Node, passwords: dict[str, str]) -> None:
    logs = sorted(dpuk.logs.glob("*.log"))
    assert len(logs) > 8
    for log in logs:
        assert told(log.read_text(), passwords) == [], log.name
