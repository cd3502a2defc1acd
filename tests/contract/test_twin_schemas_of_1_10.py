"""What 1.10 adds for administrators about data types: created schemas, actions, and types as the database has them."""

from __future__ import annotations

import pytest
from xnat_twin.testing import Practice, Session, XnatServer

_CREATE = "/xapi/datatypes/create"


@pytest.fixture(scope="module")
def newest(practice: Practice) -> XnatServer:
    return practice(flavour="1.10", name="of_1_10")


@pytest.fixture
def admin(newest: XnatServer) -> Session:
    return newest.session()


@pytest.mark.rule("dbschemas")
def test_created_schemas_are_listed_downloaded_and_deleted(newest: XnatServer, admin: Session) -> None:
    asked = {"name": "Asthma", "singular": "A", "plural": "As", "extends": "subjectAssessorData"}
    xsi_type = admin.post(_CREATE, params=asked).json()["complexType"]
    found = next(one for one in admin.get("/xapi/dbschemas").json() if one["name"] == "asthma")
    assert found["elements"] == [xsi_type]
    path = f"/xapi/dbschemas/{found['id']}"
    file = admin.get(f"{path}/schema")
    assert (file.text, "xml" in file.headers["Content-Type"]) == (found["content"], True)
    assert file.headers["Content-Disposition"] == 'attachment; filename="asthma.xsd"'
    assert admin.post(f"{path}/load").json()["status"] in {"loaded", "already_loaded"}

    experiment = f"/data/projects/{newest.new_project()}/subjects/S1/experiments/A1"
    assert admin.put(experiment, params={"xsiType": xsi_type}).status_code == 201
    refused = admin.delete(path)
    assert (refused.status_code, "experiments" in refused.json()["error"]) == (500, True)
    assert admin.get("/xapi/schemas/asthma").status_code == 200
    admin.delete(experiment).raise_for_status()
    assert admin.delete(path).status_code == 200
    assert admin.get(path + "/schema").status_code == 404
    assert admin.get("/xapi/schemas/asthma").status_code == 404
    assert admin.put(experiment, params={"xsiType": xsi_type}).status_code == 400


@pytest.mark.rule("dbschemas-missing")
@pytest.mark.parametrize("number", ["999999999", "no-number"])
def test_created_schema_that_is_not_there(admin: Session, number: str) -> None:
    path = f"/xapi/dbschemas/{number}"
    answers = [admin.delete(path), admin.post(f"{path}/load"), admin.get(f"{path}/schema")]
    assert [answer.status_code for answer in answers] == [404, 404, 404]


@pytest.mark.rule("datatypes-actions")
def test_actions_of_a_type(newest: XnatServer, admin: Session) -> None:
    path = "/xapi/datatypes/xnat:projectData/actions"
    assert admin.get(path).json() == []
    action = {"name": "testAction", "displayName": "Test Action", "image": "test.gif"}
    assert admin.post(path, json=[action]).status_code == 200
    assert admin.post(path, json=[action]).status_code == 200
    assert newest.session(*newest.new_user()).get(path).json() == [action]
    assert admin.get("/xapi/datatypes/xnat:mrSessionData/actions").json() == []
    assert admin.post(path, json=[]).json() == {"message": "No actions to add"}
    for wrong, said in (({"displayName": "A"}, "name is required"), ({"name": "a<b>"}, "can only contain")):
        answer = admin.post(path, json=[wrong])
        assert (answer.status_code, said in answer.json()["error"]) == (400, True)
    assert admin.get("/xapi/datatypes/no:such/actions").status_code == 404
    assert newest.session(*newest.new_user()).post(path, json=[action]).status_code == 403


@pytest.mark.rule("xft-elements")
def test_types_as_the_database_has_them(admin: Session) -> None:
    schemas = {one["targetNamespacePrefix"]: one for one in admin.get("/xapi/xft/schemas").json()}
    assert schemas["xnat"]["targetNamespaceURI"] == "http://nrg.wustl.edu/xnat"
    assert schemas["xnat"]["elementCount"] > 50
    assert not {"xdat", "arc", "cat"} & set(schemas)
    names = admin.get("/xapi/xft/elements").json()
    assert names == sorted(names, key=str.lower)
    assert "xnat:mrSessionData" in names
    assert not [name for name in names if name.startswith(("xdat:", "arc:", "cat:"))]
    assert not [name for name in names if name.endswith(("_meta_data", "_history"))]
    more = admin.get("/xapi/xft/elements", params={"showHistory": "true", "showMeta": "true"}).json()
    assert {"xnat:mrSessionData_history", "xnat:mrSessionData_meta_data"} <= set(more)

    below = "/xapi/xft/schemas/xnat/elements"
    assert {"name": "mrSessionData", "extension": "xnat:imageSessionData"}.items() <= (
        admin.get(f"{below}/mrsessiondata").json().items()
    )
    assert "subjectData" in {one["name"] for one in admin.get(below).json()}
    fields = {one["name"]: one["fieldType"] for one in admin.get(f"{below}/subjectdata/fields").json()}
    assert fields["label"] == "xs:string"
    assert any("/" in name for name in fields)
    tied = {(one["superiorElement"]["name"], one["subordinateElement"]["name"]) for one in _references(admin)}
    assert ("xnat:imageSessionData", "xnat:imageScanData") in tied


def _references(admin: Session) -> list[dict[str, dict[str, str]]]:
    found: list[dict[str, dict[str, str]]] = admin.get("/xapi/xft/references").json()
    assert all({"manyToMany", "referenceType"} <= set(one) for one in found)
    return found


@pytest.mark.rule("xft-elements")
@pytest.mark.parametrize(
    ("path", "status"),
    [("xdat/elements", 403), ("xdat/elements/user/fields", 403), ("no/elements", 404), ("xnat/elements/no", 404)],
)
def test_what_the_database_does_not_tell(admin: Session, path: str, status: int) -> None:
    assert admin.get(f"/xapi/xft/schemas/{path}").status_code == status


@pytest.mark.rule("xft-elements", "dbschemas")
def test_types_of_the_database_are_for_administrators(newest: XnatServer) -> None:
    user = newest.session(*newest.new_user())
    paths = ("xft/schemas", "xft/elements", "xft/references", "xft/schemas/xnat/elements/projectdata", "dbschemas")
    assert [user.get(f"/xapi/{path}").status_code for path in paths] == [403] * len(paths)


@pytest.mark.rule("datatypes-1.10")
@pytest.mark.parametrize("path", ["dbschemas", "xft/schemas", "datatypes/xnat:projectData/actions"])
def test_none_of_it_is_there_before_1_10(practice: Practice, path: str) -> None:
    assert practice(flavour="1.8").session().get(f"/xapi/{path}").status_code == 404
