"""Schemas as files, data types as lists, and types that nobody has heard of before."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from xnat_twin.site import Site
from xnat_twin.testing import Practice, Session, XnatServer

_XS = "{http://www.w3.org/2001/XMLSchema}"
_BLOOD = """<?xml version="1.0" encoding="UTF-8"?>
<xs:schema targetNamespace="urn:blood" xmlns:blood="urn:blood" xmlns:xnat="http://nrg.wustl.edu/xnat"
    xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:element name="Blood" type="blood:bloodData"/>
  <xs:complexType name="bloodData">
    <xs:complexContent><xs:extension base="xnat:subjectAssessorData">
      <xs:sequence>
        <xs:element name="fasting" type="xs:boolean" minOccurs="0"/>
        <xs:element name="cells" minOccurs="0">
          <xs:complexType><xs:sequence>
            <xs:element name="red" type="xs:float" minOccurs="0"/>
          </xs:sequence></xs:complexType>
        </xs:element>
      </xs:sequence>
      <xs:attribute name="lot" type="xs:string"/>
    </xs:extension></xs:complexContent>
  </xs:complexType>
</xs:schema>
"""


@pytest.fixture(scope="module")
def blood(practice: Practice, tmp_path_factory: pytest.TempPathFactory) -> XnatServer:
    """A practice server with a data type from a file."""
    path = tmp_path_factory.mktemp("schemas") / "blood.xsd"
    path.write_text(_BLOOD)
    return practice(schemas=(path,))


@pytest.fixture(scope="module")
def custom(practice: Practice) -> XnatServer:
    """A practice server on which types are made."""
    return practice(name="types")


@pytest.mark.rule("schemas-list")
def test_schemas_are_listed_by_name(api: Session) -> None:
    names = api.get("/xapi/schemas").json()
    assert {"xnat", "xdat", "catalog", "birn/birnprov"} <= set(names)


@pytest.mark.rule("schemas-file")
def test_every_schema_is_served_as_a_file(api: Session) -> None:
    for name in api.get("/xapi/schemas").json():
        answer = api.get(f"/xapi/schemas/{name}")
        assert answer.status_code == 200, name
        assert answer.headers["Content-Type"].startswith("application/xml")
        assert ET.fromstring(answer.content).tag == f"{_XS}schema"  # noqa: S314


@pytest.mark.rule("schemas-file")
def test_schema_may_be_asked_for_with_its_folder(api: Session) -> None:
    assert api.get("/xapi/schemas/xnat/xnat").content == api.get("/xapi/schemas/xnat").content
    assert api.get("/xapi/schemas/nosuch").status_code == 404
    assert api.get("/xapi/schemas/xnat/nosuch").status_code == 404


@pytest.mark.rule("schemas-location")
@pytest.mark.parametrize("path", ["/schemas/xnat/xnat.xsd", "/schemas/xnat.xsd"])
def test_schema_is_also_where_documents_say_it_is(api: Session, path: str) -> None:
    assert api.get(path).content == api.get("/xapi/schemas/xnat").content
    assert api.get("/schemas/nosuch/nosuch.xsd").status_code == 404


@pytest.mark.rule("schemas-1.6")
def test_xnat_1_6_has_its_schemas_elsewhere(practice: Practice) -> None:
    old = practice(flavour="1.6", modules=("dpuk-datatypes",)).session()
    assert old.get("/xapi/schemas").status_code == 404
    for name in ("xnat", "dpuk"):
        assert ET.fromstring(old.get(f"/schemas/{name}/{name}.xsd").content).tag == f"{_XS}schema"  # noqa: S314


@pytest.mark.rule("datatypes-names")
def test_data_types_are_listed_with_those_of_list_entries(api: Session) -> None:
    names = api.get("/xapi/schemas/datatypes").json()
    assert {"xnat:mrSessionData", "xnat:imageScanData", "xnat:subjectData_field", "prov:processStep"} <= set(names)


@pytest.mark.rule("datatypes-elements")
@pytest.mark.parametrize("name", ["xnat:mrSessionData", "xnat_MRSession", "http://nrg.wustl.edu/xnat:MRSession"])
def test_data_type_is_found_by_any_of_its_names(api: Session, name: str) -> None:
    found = api.post("/xapi/schemas/datatypes/elements", json={"dataTypes": [name]}).json()
    assert list(found) == ["xnat_mrSessionData"]
    element = found["xnat_mrSessionData"]
    assert (element["properName"], element["namespacePrefix"]) == ("MRSession", "xnat")


@pytest.mark.rule("datatypes-elements")
def test_data_types_one_by_one_and_all_at_once(api: Session) -> None:
    one = api.get("/xapi/schemas/datatypes/elements/xnat:petSessionData").json()
    everything = api.get("/xapi/schemas/datatypes/elements/all").json()
    assert list(one) == ["xnat_petSessionData"]
    assert one["xnat_petSessionData"] == everything["xnat_petSessionData"]
    assert len(everything) > 50
    missing = api.post("/xapi/schemas/datatypes/elements", json={"dataTypes": ["no:such", "xnat:mrSessionData"]})
    assert (missing.status_code, "no:such" in missing.text) == (404, True)


@pytest.mark.rule("datatypes-names-of")
def test_names_of_data_types(api: Session) -> None:
    asked = {"dataTypes": ["xnat:mrSessionData", "xnat:petSessionData"]}
    found = api.post("/xapi/schemas/datatypes/names", data=asked).json()
    assert set(found) == {"xnat_mrSessionData", "xnat_petSessionData"}
    assert {"xnat:mrSessionData", "xnat:MRSession", "http://nrg.wustl.edu/xnat:MRSession"} <= set(
        found["xnat_mrSessionData"]
    )
    assert (
        api.get("/xapi/schemas/datatypes/names/xnat:mrSessionData").json()["xnat_mrSessionData"]
        == (found["xnat_mrSessionData"])
    )
    assert "timestamp" in api.get("/xapi/schemas/datatypes/names/all").json()


@pytest.mark.rule("datatypes-one-of-many")
def test_single_data_type_without_a_list_is_forgotten(api: Session) -> None:
    assert api.post("/xapi/schemas/datatypes/names", data={"dataType": "xnat:mrSessionData"}).status_code == 500


@pytest.mark.rule("type-from-schema")
def test_type_from_a_file_is_a_type_like_any_other(blood: XnatServer) -> None:
    http, project = blood.session(), blood.new_project()
    assert http.get("/xapi/schemas/blood").text == _BLOOD
    path = f"/data/projects/{project}/subjects/S1/experiments/B1"
    created = http.put(
        path,
        params={
            "xsiType": "blood:bloodData",
            "blood:bloodData/fasting": "true",
            "blood:bloodData/cells/red": "4.5",
            "blood:bloodData/lot": "L1",
            "date": "2020-02-03",
        },
    )
    assert created.status_code == 201
    fields = http.get(path, params={"format": "json"}).json()["items"][0]["data_fields"]
    assert (fields["fasting"], fields["cells/red"], fields["lot"], fields["date"]) == ("true", 4.5, "L1", "2020-02-03")
    root = ET.fromstring(http.get(path, params={"format": "xml"}).content)  # noqa: S314
    assert root.tag == "{urn:blood}Blood"
    assert root.findtext("{urn:blood}cells/{urn:blood}red") == "4.5"
    assert http.put(path, params={"blood:bloodData/cells/red": "many"}).status_code == 400
    rows = http.get(f"/data/projects/{project}/experiments", params={"xsiType": "blood:bloodData"}).json()
    assert [row["label"] for row in rows["ResultSet"]["Result"]] == ["B1"]


@pytest.mark.rule("datatypes-list")
def test_data_types_with_how_many_there_are(practice: Practice) -> None:
    server = practice(name="counted")
    http, project = server.session(), server.new_project()
    http.put(f"/data/projects/{project}/subjects/S1/experiments/E1", params={"xsiType": "xnat:petSessionData"})
    found = {one["elementName"]: one for one in http.get("/xapi/datatypes").json()}
    pet = {"elementName": "xnat:petSessionData", "singular": "PETSession", "plural": "PETSessions"}
    assert found["xnat:petSessionData"] == pet | {"secured": True, "count": 1}
    assert found["xnat:mrScanData"]["secured"] is False
    used = {one["elementName"] for one in http.get("/xapi/datatypes", params={"used": "true"}).json()}
    assert used == {"xnat:projectData", "xnat:subjectData", "xnat:petSessionData"}
    secured = http.get("/xapi/datatypes", params={"secured": "true"}).json()
    assert all(one["secured"] for one in secured)
    user = server.session(*server.new_user())
    readable = {one["elementName"]: one["count"] for one in user.get("/xapi/datatypes?readable=true").json()}
    assert readable["xnat:petSessionData"] == 0


@pytest.mark.rule("datatypes-one")
def test_one_data_type(custom: XnatServer) -> None:
    http = custom.session()
    found = http.get("/xapi/datatypes/xnat:projectData").json()
    assert (found["elementName"], found["secure"], found["searchable"]) == ("xnat:projectData", True, True)
    assert http.get("/xapi/datatypes/no:such").status_code == 404


@pytest.mark.rule("datatypes-create")
def test_data_type_is_made_at_run_time(custom: XnatServer) -> None:
    http, project = custom.session(), custom.new_project()
    name = custom.new_id("T").replace("_", "")
    asked = {"name": name, "singular": "A & B", "plural": "As & Bs", "extends": "subjectAssessorData"}
    created = http.post("/xapi/datatypes/create", params=asked)
    assert created.status_code == 201
    xsi_type = created.json()["complexType"]
    path = f"/data/projects/{project}/subjects/S1/experiments/C1"
    assert http.put(path, params={"xsiType": xsi_type, "date": "2024-06-15"}).status_code == 201
    assert http.get(path, params={"format": "json"}).json()["items"][0]["meta"]["xsi:type"] == xsi_type
    assert http.get(f"/xapi/datatypes/{xsi_type}").json()["plural"] == "As & Bs"
    assert http.post("/xapi/datatypes/create", params=asked).status_code == 400


@pytest.mark.rule("datatypes-create")
@pytest.mark.parametrize("change", [{"extends": "mrSessionData"}, {"name": ""}, {"name": "a:b"}])
def test_data_type_that_cannot_be_made(custom: XnatServer, change: dict[str, str]) -> None:
    asked = {"name": "T1", "singular": "T", "plural": "Ts", "extends": "imageAssessorData"} | change
    assert custom.session().post("/xapi/datatypes/create", params=asked).status_code == 400


@pytest.mark.rule("datatypes-create")
def test_data_types_are_made_by_administrators(custom: XnatServer) -> None:
    user = custom.session(*custom.new_user())
    asked = {"name": "T2", "singular": "T", "plural": "Ts", "extends": "subjectAssessorData"}
    assert user.post("/xapi/datatypes/create", params=asked).status_code == 403


@pytest.mark.rule("datatypes-1.10")
def test_data_types_cannot_be_made_before_1_10(practice: Practice) -> None:
    http = practice(flavour="1.8").session()
    assert http.get("/xapi/datatypes").status_code == 404
    assert http.post("/xapi/datatypes/create", params={"name": "T"}).status_code == 404


@pytest.mark.rule("datatypes-create")
@pytest.mark.practice_xnat("looks at the data folder")
def test_data_type_made_at_run_time_is_there_after_a_restart(custom: XnatServer, tmp_path: Path) -> None:
    asked = {"name": "Kept", "singular": "K", "plural": "Ks", "extends": "subjectAssessorData"}
    assert custom.session().post("/xapi/datatypes/create", params=asked).status_code == 201
    folder = custom.site.schema_folder
    (tmp_path / "schemas").mkdir()
    for file in folder.iterdir():
        (tmp_path / "schemas" / file.name).write_bytes(file.read_bytes())
    again = Site.open(tmp_path)
    assert "kept:keptData" in again.types
    again.close()
