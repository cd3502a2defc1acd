"""The post-install steps of a DPUK node are done: site name and data freezes. What is changed by hand is put back."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from dpuk_node import Node
from reach import Client

from lab.settings import ROOT

pytest_plugins = ["dpuk_node"]

FREEZE = ROOT / "tests" / "xnat_builder" / "freeze"
LOCATION = "datafreeze.remote.location"


@pytest.fixture
def changed_by_hand(admin: Client) -> str:
    """Where freezes go to is another place now, as somebody has set it on XNAT's page."""
    answer = admin.put(
        "/data/services/settings",
        data=f"{LOCATION}={quote('https://elsewhere.dpuk.test', safe='')}",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 200
    return "https://elsewhere.dpuk.test"


def test_the_site_is_called_after_its_place(dpuk: Node) -> None:
    assert dpuk.settings()["siteId"] == "DPUK-LAB"


def test_data_freezes_are_set_up(dpuk: Node) -> None:
    """The script to its last byte, for it is a program."""
    settings = dpuk.settings()
    assert settings["datafreeze.remote.hub.location"] == "https://hub.dpuk.test"
    assert settings[LOCATION] == "https://central.dpuk.test"
    assert settings["datafreeze.remote.script"] == (FREEZE / "anon.das").read_text()
    assert json.loads(settings["datafreeze.remote.config"]) == json.loads((FREEZE / "payload-fields.json").read_text())
    assert dpuk.admin.get("/data/remote/connection").json()["configured"] is True


def test_what_was_changed_by_hand_is_shown_and_put_back(dpuk: Node, changed_by_hand: str) -> None:
    """Without a restart of XNAT; and the last lines say what the node is."""
    before = dpuk.started()
    looked = dpuk.update(None, "a setting changed by hand, looked at", "--check")
    assert looked.recap is not None
    assert (looked.recap.changed, changed_by_hand in looked.said) == (1, True)
    assert dpuk.settings()[LOCATION] == changed_by_hand
    mended = dpuk.update(None, "a setting changed by hand, put back")
    assert mended.recap is not None
    assert mended.recap.changed == 1
    assert dpuk.settings()[LOCATION] == "https://central.dpuk.test"
    assert dpuk.started() == before
    assert mended.watch.gaps == []
    last = mended.said.rpartition("Say what was configured")[2]
    for words in (
        "dpuk-node-extras-1-3a.jar",
        "sent to https://central.dpuk.test",
        "dpuk:dpukAssessmentData",
        "not mended",
    ):
        assert words in last
