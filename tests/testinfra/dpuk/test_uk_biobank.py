"""The variant of UK Biobank: dpuk-biobank in place of dpuk-node-extras and dpuk-datatypes, its settings, and tokens.

The last of this scenario's tests, for what it leaves is another node.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from dpuk_node import FILE, IMAGE, Node

from lab.settings import ROOT

pytest_plugins = ["dpuk_node"]

CONFIG = ROOT / "tests" / "xnat_builder" / "biobank.json"
MODULES = ["dpuk-biobank-0-4", "dpuk-branding-1"]
KEY = "4321\n" + "987654321012345678901234"
SETTINGS: dict[str, Any] = {
    "dpuk_node_extras_hub_location": "",
    "dpuk_node_extras_location": "",
    "dpuk_node_extras_script_src": "",
    "dpuk_node_extras_config_src": "",
    "dpuk_biobank_config_src": str(CONFIG),
}
RECORD = "/var/lib/dpuk/biobank_tokens.json"
TOKEN = "/data/modules/biobank/projects/modules/token"


@pytest.fixture(scope="module")
def program(dpuk: Node) -> dict[str, Any]:
    """A program in place of UK Biobank's, as variables of the role."""
    path = dpuk.logs / "ukbfetch"
    path.write_bytes(b"#!/bin/sh\necho a program of the tests\n")
    return {
        "dpuk_biobank_ukbfetch_src": [str(path)],
        "dpuk_biobank_ukbfetch_checksum": f"sha256:{dpuk.digest(path.read_bytes())}",
    }


def test_a_token_that_the_node_would_refuse_is_refused_before(dpuk: Node, program: dict[str, Any]) -> None:
    given = SETTINGS | program | {"dpuk_biobank_tokens": {"modules": "4321"}}
    outcome = dpuk.update([*MODULES], "a token of another form", **given)
    assert outcome.recap is None
    assert "the token of project modules does not have the form" in outcome.said
    assert outcome.watch.gaps == []


def test_the_node_becomes_one_of_uk_biobank(dpuk: Node, program: dict[str, Any]) -> None:
    given = SETTINGS | program | {"dpuk_biobank_tokens": {"modules": f"{KEY}\n"}}
    outcome = dpuk.update([*MODULES], "UK Biobank", **given)
    assert outcome.recap is not None
    settings = dpuk.settings()
    assert json.loads(settings["biobank.config"]) == json.loads(CONFIG.read_text())
    assert settings["biobank.ukbfetch"] == "/opt/ukbfetch"
    assert settings["biobank.keyregex"] == r"\d{4}\n\d{24}"
    assert dpuk.web.run("/opt/ukbfetch").stdout.strip() == "a program of the tests"
    assert (dpuk.admin.get(TOKEN).status_code, dpuk.admin.get(TOKEN).text) == (200, "Saved")
    assert dpuk.deployed("DataFreeze*") == []
    assert dpuk.admin.get(FILE).content == IMAGE
    assert "dpuk-biobank-0-4.jar" in outcome.said.rpartition("Say what was configured")[2]

    record = dpuk.web.file(RECORD)
    assert (record.user, record.mode) == ("root", 0o600)
    key = KEY.split("\n")[1]
    assert key not in record.content_string
    assert key not in outcome.said

    again = dpuk.update([*MODULES], "UK Biobank again", **given)
    assert again.recap is not None
    assert (again.recap.changed, again.watch.gaps) == (0, [])
