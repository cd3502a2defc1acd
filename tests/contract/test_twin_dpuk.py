"""The data types of the DPUK: present with the module `dpuk-datatypes` only, and data types like any other."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from object_helpers import fields_of
from xnat_twin.testing import Practice, Session, XnatServer

ASSESSMENT, RISKS = "dpuk:dpukAssessmentData", "dpuk:dpukRiskFactorAssessmentData"
DPUK = "{http://nrg.wustl.edu/dpuk}"
DIAGNOSES = [f"DIAGNOSIS_{name}" for name in ("AD", "PD", "VAD", "MCI", "FTD", "LBD")]


@pytest.fixture(scope="module")
def dpuk(practice: Practice) -> XnatServer:
    """A practice server with the module."""
    return practice(modules=("dpuk-datatypes",))


@pytest.fixture
def http(dpuk: XnatServer) -> Session:
    return dpuk.session()


@pytest.fixture
def subject(dpuk: XnatServer) -> str:
    return f"/data/projects/{dpuk.new_project()}/subjects/S1"


@pytest.mark.rule("dpuk-module")
def test_types_are_there_with_the_module_only(http: Session, practice: Practice) -> None:
    other = practice().session()
    assert "dpuk" in http.get("/xapi/schemas").json()
    assert "dpuk" not in other.get("/xapi/schemas").json()
    assert {ASSESSMENT, RISKS} <= set(http.get("/xapi/schemas/datatypes").json())
    assert ASSESSMENT not in other.get("/xapi/schemas/datatypes").json()
    path = f"/data/projects/{practice().new_project()}/subjects/S1/experiments/A1"
    assert other.put(path, params={"xsiType": ASSESSMENT}).status_code >= 400


@pytest.mark.rule("dpuk-schema")
@pytest.mark.parametrize(
    ("flavour", "path"),
    [("1.6", "/schemas/dpuk/dpuk.xsd"), ("1.8", "/xapi/schemas/dpuk"), ("1.10", "/xapi/schemas/dpuk/dpuk")],
)
def test_schema_describes_every_field(practice: Practice, flavour: str, path: str) -> None:
    answer = practice(flavour=flavour, modules=("dpuk-datatypes",)).session().get(path)
    assert answer.status_code == 200
    root, xs = ET.fromstring(answer.content), "{http://www.w3.org/2001/XMLSchema}"  # noqa: S314
    roots = {element.get("name"): element.get("type") for element in root.findall(f"{xs}element")}
    assert roots == {"DPUKAssessment": ASSESSMENT, "DPUKRiskFactorsAssessment": RISKS}
    fields = {field.get("name"): field for field in root.iterfind(f".//{xs}sequence/{xs}element")}
    kinds = {str(name): str(field.get("type")).removeprefix("xs:") for name, field in fields.items()}
    assert {kinds[name] for name in DIAGNOSES} == {"boolean"}
    assert (kinds["MMSE"], kinds["MOCA"], kinds["CDR"], kinds["APOE"]) == ("integer", "integer", "float", "string")
    assert all(field.findtext(f"{xs}annotation/{xs}documentation") for field in fields.values())


@pytest.mark.rule("dpuk-fields")
def test_assessment_keeps_booleans_and_scores(http: Session, subject: str) -> None:
    path = f"{subject}/experiments/A1"
    given = dict.fromkeys(DIAGNOSES, "false") | {"DIAGNOSIS_AD": "true", "MMSE": "21", "MOCA": "18", "CDR": "0.5"}
    params = {f"{ASSESSMENT}/{name}": value for name, value in given.items()}
    assert http.put(path, params={"xsiType": ASSESSMENT, "date": "2014-05-06", **params}).status_code == 201
    fields = fields_of(http, path)
    wanted = dict.fromkeys(DIAGNOSES, "false") | {"DIAGNOSIS_AD": "true", "MMSE": 21, "MOCA": 18, "CDR": 0.5}
    assert {name: fields[name] for name in wanted} == wanted
    assert fields["date"] == "2014-05-06"


@pytest.mark.rule("dpuk-fields")
def test_risk_factors_are_booleans_and_a_text(http: Session, subject: str) -> None:
    path = f"{subject}/experiments/R1"
    given = {"HAS_FAMILIAL_GENE": "1", "HAS_OTHER_RISK_GENE": "0", "HAS_OTHER_RISK": "TRUE", "APOE": "E3/E4"}
    params = {f"{RISKS}/{name}": value for name, value in given.items()}
    assert http.put(path, params={"xsiType": RISKS, **params}).status_code == 201
    fields = fields_of(http, path)
    wanted = {"HAS_FAMILIAL_GENE": "true", "HAS_OTHER_RISK_GENE": "false", "HAS_OTHER_RISK": "true", "APOE": "E3/E4"}
    assert {name: fields[name] for name in wanted} == wanted


@pytest.mark.rule("dpuk-fields")
@pytest.mark.parametrize(
    ("name", "value"), [("DIAGNOSIS_AD", "maybe"), ("MMSE", "28.5"), ("MOCA", "good"), ("CDR", "0,5")]
)
def test_value_of_another_kind_is_400(http: Session, subject: str, name: str, value: str) -> None:
    path = f"{subject}/experiments/A1"
    assert http.put(path, params={"xsiType": ASSESSMENT, f"{ASSESSMENT}/{name}": value}).status_code == 400
    assert http.get(path).status_code == 404


@pytest.mark.rule("dpuk-xml")
def test_document_has_the_namespace_of_each_field(http: Session, subject: str) -> None:
    path = f"{subject}/experiments/A1"
    params = {f"{ASSESSMENT}/DIAGNOSIS_AD": "true", f"{ASSESSMENT}/DIAGNOSIS_PD": "false", f"{ASSESSMENT}/MMSE": "21"}
    http.put(path, params={"xsiType": ASSESSMENT, "note": "n", **params}).raise_for_status()
    data = http.get(path, params={"format": "xml"}).content
    root = ET.fromstring(data)  # noqa: S314
    assert root.tag == f"{DPUK}DPUKAssessment"
    found = {child.tag: child.text for child in root}
    assert (found[f"{DPUK}DIAGNOSIS_AD"], found[f"{DPUK}DIAGNOSIS_PD"], found[f"{DPUK}MMSE"]) == ("1", "0", "21")
    assert found["{http://nrg.wustl.edu/xnat}note"] == "n"
    changed = data.replace(b">21<", b">22<").replace(b"DIAGNOSIS_PD>0<", b"DIAGNOSIS_PD>true<")
    assert http.put(path, data=changed, headers={"Content-Type": "text/xml"}).status_code in {200, 201}
    fields = fields_of(http, path)
    assert (fields["MMSE"], fields["DIAGNOSIS_PD"], fields["DIAGNOSIS_AD"]) == (22, "true", "true")


@pytest.mark.rule("dpuk-table")
def test_tables_show_booleans_as_digits(http: Session, subject: str) -> None:
    params = {f"{ASSESSMENT}/DIAGNOSIS_AD": "true", f"{ASSESSMENT}/DIAGNOSIS_PD": "false", f"{ASSESSMENT}/CDR": "0.5"}
    http.put(f"{subject}/experiments/A1", params={"xsiType": ASSESSMENT, **params}).raise_for_status()
    columns = [f"{ASSESSMENT}/{name}" for name in ("DIAGNOSIS_AD", "DIAGNOSIS_PD", "MMSE", "CDR")]
    wanted = {"xsiType": ASSESSMENT, "columns": ",".join(["label", *columns]), "format": "json"}
    (row,) = http.get(f"{subject}/experiments", params=wanted).json()["ResultSet"]["Result"]
    cells = {name.lower(): value for name, value in row.items()}
    assert [cells[column.lower()] for column in columns] == ["1", "0", "", "0.5"]


@pytest.mark.rule("dpuk-xml")
def test_assessments_are_part_of_their_subject(http: Session, subject: str) -> None:
    http.put(f"{subject}/experiments/A1", params={"xsiType": ASSESSMENT, f"{ASSESSMENT}/MMSE": "21"}).raise_for_status()
    data = http.get(subject, params={"format": "xml"}).text
    assert f'xsi:type="{ASSESSMENT}"' in data
    assert "<dpuk:MMSE>21</dpuk:MMSE>" in data
