"""What can be searched for: data types, their fields, and the values of these in searches."""

from __future__ import annotations

import json

import pytest
from search_helpers import (
    MR,
    SUBJECT,
    SUBJECT_LABEL,
    bundle,
    criterion,
    csv_rows,
    field,
    found,
    result,
    session_labels,
    sessions_in,
    where,
)
from xnat_twin.testing import Practice, Session, XnatServer

pytest_plugins = ["search_fixtures"]

PROJECT = "xnat:projectData"
ELEMENTS = "/data/search/elements"


@pytest.mark.rule("search-elements")
def test_types(xnat: XnatServer, api: Session, cohort: str) -> None:
    table = result(api.get(ELEMENTS, params={"format": "json"}))
    assert table["title"] == "Data-Types"
    assert "totalRecords" not in table
    types = {row["ELEMENT_NAME"]: row for row in table["Result"]}
    assert {PROJECT, SUBJECT, MR, "xnat:qcManualAssessorData"} <= set(types)
    assert "xnat:mrScanData" not in types
    assert set(types[SUBJECT]) == {"ELEMENT_NAME", "SINGULAR", "PLURAL", "SECURED", "COUNT"}
    assert (types[SUBJECT]["SINGULAR"], types[SUBJECT]["PLURAL"]) == ("Subject", "Subjects")
    assert types[SUBJECT]["SECURED"] == "true"
    assert int(types[MR]["COUNT"]) >= 3
    assert csv_rows(api.get(ELEMENTS, params={"format": "csv"})) == table["Result"]
    used = csv_rows(api.get(ELEMENTS, params={"format": "csv", "used": "true"}))
    assert {row["ELEMENT_NAME"] for row in used} == {name for name, row in types.items() if row["COUNT"] != "0"}
    stranger = xnat.session(*xnat.new_user(xnat.new_project()))
    readable = csv_rows(stranger.get(ELEMENTS, params={"format": "csv", "readable": "true"}))
    seen = next(int(row["COUNT"]) for row in readable if row["ELEMENT_NAME"] == MR)
    assert seen <= int(types[MR]["COUNT"]) - 3, "only what is public, which none of the cohort is"


@pytest.mark.rule("search-fields")
def test_fields_of_a_type(api: Session, cohort: str) -> None:
    table = result(api.get(f"{ELEMENTS}/{SUBJECT}", params={"format": "json"}))
    assert (table["title"], table["element_name"]) == ("Search Fields", SUBJECT)
    names = ["listing", "all"]
    assert [one["name"] for one in table["versions"]["DisplayVersions"]["versions"]] == names
    fields = {row["FIELD_ID"]: row for row in table["Result"]}
    assert fields["GENDER_TEXT"] == {
        "FIELD_ID": "GENDER_TEXT",
        "HEADER": "M/F",
        "SUMMARY": fields["GENDER_TEXT"]["SUMMARY"],
        "TYPE": "string",
        "REQUIRES_VALUE": "false",
        "DESC": "M/F",
        "ELEMENT_NAME": SUBJECT,
        "SRC": "0",
    }
    assert {"PROJECT", "INSERT_DATE", "DOB", "AGE", "SUB_GROUP", "PROJECTS"} <= set(fields)
    assert "SUBJECT_ID" not in fields
    label = fields[f"SUB_PROJECT_IDENTIFIER={cohort}"]
    assert (label["HEADER"], label["SUMMARY"], label["SRC"]) == (cohort, f"Label within the {cohort} project.", "2")
    sessions = {row["FIELD_ID"]: row for row in csv_rows(api.get(f"{ELEMENTS}/{MR}", params={"format": "csv"}))}
    assert sessions["SCAN_COUNT_TYPE"]["REQUIRES_VALUE"] == "true"
    both = csv_rows(api.get(f"{ELEMENTS}/{SUBJECT},{PROJECT}", params={"format": "csv"}))
    assert {row["ELEMENT_NAME"] for row in both} == {SUBJECT, PROJECT}
    assert api.get(f"{ELEMENTS}/xnat:unknownData", params={"format": "json"}).status_code == 400


@pytest.mark.rule("search-fields-form")
def test_fields_are_xml_if_no_form_is_asked_for(api: Session) -> None:
    answer = api.get(f"{ELEMENTS}/{SUBJECT}")
    assert answer.headers["Content-Type"] == "text/xml"
    assert "<row><cell>INSERT_DATE</cell>" in answer.text
    assert api.get(f"{ELEMENTS}/{SUBJECT}", headers={"Accept": "application/json"}).status_code == 406


@pytest.mark.rule("search-fields-put")
def test_putting_a_type_changes_nothing(api: Session) -> None:
    answer = api.put(f"{ELEMENTS}/{MR}", params={"singular": "Other"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert api.put(f"{ELEMENTS}/xnat:unknownData").status_code == 404
    types = {row["ELEMENT_NAME"]: row for row in csv_rows(api.get(ELEMENTS, params={"format": "csv"}))}
    assert types[MR]["SINGULAR"] != "Other"


@pytest.mark.rule("search-custom-variables")
def test_variables_of_a_project(api: Session, project: str) -> None:
    document = f"""<xnat:Project ID="{project}" secondary_ID="{project}" xmlns:xnat="http://nrg.wustl.edu/xnat"
      xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><xnat:name>{project}</xnat:name>
      <xnat:studyProtocol ID="{project}_s" data-type="{SUBJECT}" name="Subjects" xsi:type="xnat:datatypeProtocol">
        <xnat:definitions><xnat:definition ID="{project}_d" data-type="{SUBJECT}" project-specific="1">
          <xnat:fields><xnat:field name="Cohort" datatype="integer" type="custom" required="0"
            xmlPath="{SUBJECT}/fields/field[name=cohort]/field"/></xnat:fields>
        </xnat:definition></xnat:definitions></xnat:studyProtocol></xnat:Project>"""
    api.put(f"/data/projects/{project}", data=document, headers={"Content-Type": "text/xml"}).raise_for_status()
    fields = csv_rows(api.get(f"{ELEMENTS}/{SUBJECT}", params={"format": "csv"}))
    [row] = [row for row in fields if row["FIELD_ID"] == "XNAT_SUBJECTDATA_FIELD_MAP=cohort"]
    assert (row["HEADER"], row["SUMMARY"], row["TYPE"]) == ("Cohort", "Custom Variable: Cohort", "integer")
    assert row["SRC"] == "1"


@pytest.mark.rule("search-project-fields")
def test_fields_of_projects(xnat: XnatServer, api: Session, cohort: str) -> None:
    member, _ = xnat.new_user(cohort, "Collaborators")
    other = xnat.new_project()
    api.put(f"/data/projects/{cohort}/subjects/A/projects/{other}", params={"label": "A_"}).raise_for_status()
    api.put(f"/data/projects/{cohort}/experiments/A1/projects/{other}", params={"label": "A1_"}).raise_for_status()
    api.put(
        f"/data/projects/{cohort}", params={"name": f"{cohort} title", "pi_firstname": "Ada", "pi_lastname": "Lovelace"}
    ).raise_for_status()
    names = "ID NAME PI PROJECT_INVS PROJECT_ACCESS PROJECT_OWNERS PROJECT_COLLABS PROJ_MR_COUNT PROJ_CT_COUNT URI"
    role = field(f"{PROJECT}/USER_ROLE", 20, value="{XDAT_USER_ID}")
    rows = found(api, bundle(PROJECT, [*(f"{PROJECT}/{name}" for name in names.split()), role]))
    own = {row["id"]: row for row in rows}
    assert {key: value for key, value in own[cohort].items() if not key.startswith("user_role")} == {
        "id": cohort,
        "name": f"{cohort} title",
        "pi": "Ada Lovelace",
        "project_invs": "Lovelace, Ada",
        "project_access": "private",
        "project_owners": f" {xnat.admin} ",
        "project_collabs": f" {member} ",
        "proj_mr_count": "3",
        "proj_ct_count": "",
        "uri": f"/archive/projects/{cohort}",
        "quarantine_status": "active",
    }
    assert [value for key, value in own[cohort].items() if key.startswith("user_role_")] == ["Owners"]
    assert own[other]["proj_mr_count"] == "1"


@pytest.mark.rule("search-project-fields")
def test_what_happened_to_projects(xnat: XnatServer, api: Session, cohort: str) -> None:
    api.put(f"/data/users/favorites/Project/{cohort}").raise_for_status()
    names = "LAST_WORKFLOW LAST_ACCESS FAV ACCESS_IMG"
    columns = [f"{PROJECT}/PROJECT_{name}" for name in names.split()]
    columns += [f"{PROJECT}/PROJ_QUARANTINE", f"{PROJECT}/PROJ_PREARCHIVE_CODE"]
    accessed = field(f"{PROJECT}/LAST_ACCESSED", 20, value="{XDAT_USER_ID}")
    [row] = found(api, bundle(PROJECT, [*columns, accessed], where(criterion(f"{PROJECT}/ID", "=", cohort))))
    last, *accessed_by_me = (value for key, value in row.items() if key.startswith(("project_last_w", "last_accessed")))
    assert accessed_by_me == [last] != [""]
    assert row["project_last_access"] == row["project_fav"] == f" {xnat.admin} "
    assert row["project_access_img"] == "/@WEBAPPimages/key.gif"
    assert (row["proj_quarantine"], row["proj_prearchive_code"]) == ("0", "4")


@pytest.mark.rule("search-subject-fields")
def test_fields_of_subjects(xnat: XnatServer, api: Session, cohort: str) -> None:
    path, other = f"/data/projects/{cohort}/subjects", xnat.new_project()
    api.put(f"{path}/A/projects/{other}", params={"label": "A_"}).raise_for_status()
    more = {"dob": "1960-12-31", "handedness": "left", "group": "control", "race": "any", "age": "58"}
    api.put(f"{path}/B", params=more).raise_for_status()
    names = "GENDER_TEXT HANDEDNESS_TEXT DOB AGE AGE_BRACKET MR_COUNT PROJECTS ADD_IDS SUB_GROUP RACE GENDER"
    rows = found(
        api,
        bundle(
            SUBJECT,
            [SUBJECT_LABEL, *(f"{SUBJECT}/{name}" for name in names.split())],
            where(criterion(f"{SUBJECT}/project", "=", cohort)),
        ),
    )
    first, second = ([row[name.lower()] for name in names.split()] for row in rows)
    assert first == ["F", "", "1950", "", "", "2", f",<{cohort}>,<{other}>", "A, A_", "", "", "female"]
    assert second == ["M", "L", "1960", "58", "55-59", "1", f",<{cohort}>", "", "control", "any", "male"]
    assert rows[0]["subjectid"] != rows[1]["subjectid"]


@pytest.mark.rule("search-session-fields")
def test_fields_of_sessions(xnat: XnatServer, api: Session, cohort: str) -> None:
    path, other = f"/data/projects/{cohort}/subjects/A", xnat.new_project()
    for number, kind, series in ((1, "T1", "MPRAGE"), (2, "T1", "DTI 64"), (3, "T2", "MPRAGE")):
        scan = {"xsiType": "xnat:mrScanData", "type": kind, "series_description": series}
        api.put(f"{path}/experiments/A1/scans/{number}", params=scan).raise_for_status()
    api.put(f"{path}/projects/{other}").raise_for_status()
    api.put(f"{path}/experiments/A1/projects/{other}", params={"label": "A1_"}).raise_for_status()
    names = "AGE GEN_AGE MR_SCAN_COUNT_AGG DTI_COUNT MR_NOTES PROJECTS SUBJECT_LABEL RPT DATE_CHAR"
    asked = [f"{MR}/SCAN_COUNT_TYPE=T1", f"{MR}/SCAN_COUNT_L_DESC=RAGE", f"{MR}/MR_PROJECT_IDENTIFIER={other}"]
    columns = [f"{MR}/LABEL", *(f"{MR}/{name}" for name in names.split()), *asked]
    [row] = found(api, bundle(MR, columns, sessions_in(cohort, criterion(f"{MR}/LABEL", "=", "A1"))))
    expected = ["70", "70.00", "T1(2), T2(1)", "1", "First of ", f"<{cohort}>,<{other}>", "A"]
    assert [row[name.lower()] for name in names.split()] == [*expected, "/@WEBAPP/images/r.gif", "2020-01-31"]
    assert (row["scan_count_type_t1"], row["scan_count_l_desc_rage"]) == ("2", "2")
    assert row[f"mr_project_identifier_{other}"] == "A1_"
    api.put(f"{path}/experiments/A2", params={f"{MR}/age": "44.7"}).raise_for_status()
    assert session_labels(api, cohort, criterion(f"{MR}/AGE", "=", "44")) == "A2"
    for birth, age in (("2000-03-31", "19"), ("2000-04-01", "18")):
        api.put(f"/data/projects/{cohort}/subjects/B", params={"dob": birth}).raise_for_status()
        assert session_labels(api, cohort, criterion(f"{MR}/AGE", "=", age)) == "B1"


@pytest.mark.rule("search-own-fields")
@pytest.mark.practice_xnat("a site with DPUK's data types")
def test_fields_of_an_installed_type(practice: Practice) -> None:
    xnat = practice(modules=("dpuk-datatypes",), name="assessments")
    http, project, assessment = xnat.session(), xnat.new_project(), "dpuk:dpukAssessmentData"
    path = f"/data/projects/{project}/subjects/S1"
    params = {
        "xsiType": assessment,
        "date": "2020-01-31",
        f"{assessment}/MMSE": "28",
        f"{assessment}/DIAGNOSIS_AD": "1",
    }
    http.put(path).raise_for_status()
    http.put(f"{path}/experiments/A1", params=params).raise_for_status()
    fields = {row["FIELD_ID"] for row in csv_rows(http.get(f"{ELEMENTS}/{assessment}", params={"format": "csv"}))}
    assert {"SUBJECT_ID", "EXPT_ID", "DATE", "PROJECT", "AGE", "MMSE", "MOCA", "DIAGNOSIS_AD"} <= fields
    assert f"DPUK_DPUKASSESSMENTDATA_PROJECT_IDENTIFIER={project}" in fields
    [row] = found(http, bundle(assessment, [], where(criterion(f"{assessment}/MMSE", ">", "27"))))
    assert (row["label"], row["mmse"], row["diagnosis_ad"], row["expt_id"][:4]) == ("A1", "28", "1", "XNAT")
    for value, count in (("true", 1), ("false", 0)):
        criteria = where(criterion(f"{assessment}/DIAGNOSIS_AD", "=", value))
        assert len(found(http, bundle(assessment, [], criteria))) == count
    table = json.loads(http.get(f"{ELEMENTS}/{assessment}", params={"format": "json"}).text)["ResultSet"]
    listing = table["versions"]["DisplayVersions"]["versions"][0]
    assert (listing["name"], listing["orderBy"], listing["defaultSortOrder"]) == ("listing", "DATE", "DESC")
