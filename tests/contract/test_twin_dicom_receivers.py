"""XNAT's contract, section 11: definitions of DICOM receivers."""

from __future__ import annotations

from typing import Any

import pytest
from xnat_twin.testing import Practice, Session, XnatServer

SCP = "/xapi/dicomscp"
NEW: dict[str, Any] = {"aeTitle": "DPUK", "port": 8104, "identifier": "dicomObjectIdentifier"}


@pytest.fixture
def server(practice: Practice, request: pytest.FixtureRequest) -> XnatServer:
    """A server whose receivers one test may change."""
    return practice(name=f"receivers_{request.function.__name__}")


@pytest.fixture
def admin(server: XnatServer) -> Session:
    return server.session()


@pytest.mark.rule("dicom-receivers")
def test_site_starts_with_one_receiver_that_everybody_sees(server: XnatServer, admin: Session) -> None:
    (first,) = admin.get(SCP).json()
    assert (first["aeTitle"], first["port"], first["enabled"], first["label"]) == ("XNAT", 8104, True, "XNAT:8104")
    stranger = server.session(*server.new_user())
    assert [one["aeTitle"] for one in stranger.get(SCP).json()] == ["XNAT"]
    assert [
        stranger.post(SCP, json=NEW).status_code,
        stranger.get(f"{SCP}/{first['id']}").status_code,
        stranger.delete(f"{SCP}/{first['id']}").status_code,
    ] == [403, 403, 403]


@pytest.mark.rule("dicom-receiver-post")
def test_new_receiver_gets_a_number_and_defaults(admin: Session) -> None:
    answer = admin.post(SCP, json=NEW)
    made = answer.json()
    assert answer.status_code == 200
    assert (made["enabled"], made["anonymizationEnabled"], made["whitelist"]) == (True, True, [])
    assert admin.get(f"{SCP}/{made['id']}").json() == made
    assert "dicomObjectIdentifier" in admin.get(f"{SCP}/identifiers").json()


@pytest.mark.rule("dicom-receiver-put")
def test_change_replaces_the_whole(admin: Session) -> None:
    made = admin.post(SCP, json={**NEW, "enabled": False, "directArchive": True}).json()
    changed = admin.put(f"{SCP}/{made['id']}", json={**NEW, "port": 8105, "id": 99}).json()
    assert (changed["id"], changed["port"], changed["enabled"], changed["directArchive"]) == (
        made["id"],
        8105,
        True,
        False,
    )


@pytest.mark.rule("dicom-receiver-refused")
@pytest.mark.parametrize(
    "wrong",
    [
        {"identifier": None},
        {"identifier": "other"},
        {"aeTitle": ""},
        {"aeTitle": " blank"},
        {"aeTitle": "seventeen letters"},
        {"aeTitle": "back\\slash"},
        {"aeTitle": "XNAT"},
        {"whitelist": ["a@b@10.0.0.1"]},
        {"whitelist": ["SCANNER@nowhere"]},
    ],
    ids=str,
)
def test_what_is_wrong_is_400(admin: Session, wrong: dict[str, Any]) -> None:
    assert admin.post(SCP, json={**NEW, **wrong}).status_code == 400
    assert len(admin.get(SCP).json()) == 1


@pytest.mark.rule("dicom-receiver-whitelist")
def test_senders_are_a_set(admin: Session) -> None:
    senders = ["SCANNER", "10.0.0.0/8", "SCANNER", "", "MR1@10.1.2.3"]
    made = admin.post(SCP, json={**NEW, "whitelist": senders}).json()
    assert sorted(made["whitelist"]) == ["10.0.0.0/8", "MR1@10.1.2.3", "SCANNER"]


@pytest.mark.rule("dicom-receiver-one")
def test_one_receiver_is_switched_off_and_deleted(admin: Session) -> None:
    (first,) = admin.get(SCP).json()
    path = f"{SCP}/{first['id']}"
    assert admin.put(f"{path}/enabled/false").json()["enabled"] is False
    assert admin.get(f"{path}/enabled").text == "false"
    assert [admin.delete(path).status_code, admin.delete(path).status_code, admin.get(path).status_code] == [
        200,
        404,
        404,
    ]
