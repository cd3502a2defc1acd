"""Tables: forms, columns, their names, pages and order, in every kind of list."""

from __future__ import annotations

import csv
import io
from typing import Any
from urllib.parse import quote

import pytest
import requests
from xnat_twin.testing import Session, XnatServer

MR = {"xsiType": "xnat:mrSessionData"}


def _result(answer: requests.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["ResultSet"])


def _csv(http: Session, path: str, **params: str) -> list[dict[str, str]]:
    answer = http.get(path, params={"format": "csv", **params})
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def _header(http: Session, path: str, **params: str) -> list[str]:
    answer = http.get(path, params={"format": "csv", **params})
    assert answer.status_code == 200, answer.text
    return answer.content.decode().split("\n")[0].split(",")


@pytest.fixture
def three(api: Session, project: str) -> str:
    """A project with subjects S1 (35 kg, male), S2 (9.5 kg) and S3, an MR session of each of the first two."""
    path = f"/data/projects/{project}"
    for number, fields in ((1, {"weight": "35", "gender": "male"}), (2, {"weight": "9.5"}), (3, {})):
        api.put(f"{path}/subjects/S{number}", params=fields).raise_for_status()
    for number in (1, 2):
        params = {**MR, "date": f"2020-01-0{number}", "time": "09:05:00", "note": f"é, {number} & more"}
        api.put(f"{path}/subjects/S{number}/experiments/E{number}", params=params).raise_for_status()
    return path


@pytest.mark.rule("table-values-are-text", "table-title", "table-content-type", "table-streamed")
def test_json_table(api: Session, three: str) -> None:
    answer = api.get(f"{three}/subjects", params={"columns": "label,weight,yob"})
    assert answer.headers["Content-Type"] == "application/json"
    assert "Content-Length" not in answer.headers
    result = _result(answer)
    assert set(result) == {"Result", "totalRecords"}
    assert result["totalRecords"] == "3"
    weights = {row["label"]: (row["weight"], row["yob"]) for row in result["Result"]}
    assert weights == {"S1": ("35.0", ""), "S2": ("9.5", ""), "S3": ("", "")}
    assert _result(api.get("/data/experiments"))["title"] == "Matching experiments"


@pytest.mark.rule("table-time-of-day")
def test_times_of_day(api: Session, three: str) -> None:
    [row, _] = _result(api.get(f"{three}/experiments", params={"columns": "time"}))["Result"]
    assert row["time"] == "09:05:00.000"
    assert _csv(api, f"{three}/experiments", columns="time")[0]["time"] == "09:05:00"


@pytest.mark.rule("table-columns-property")
def test_columns_have_properties_in_lists_of_files_only(api: Session, three: str) -> None:
    assert "Columns" not in _result(api.get(f"{three}/subjects"))
    files = _result(api.get(f"{three}/files", params={"format": "json"}))
    assert files["Columns"] == [{"key": "URI", "serverRoot": ""}]


@pytest.mark.rule("table-csv", "table-xml", "table-html", "table-content-type", "table-format")
def test_other_forms_of_the_same_table(api: Session, three: str) -> None:
    api.put(f"{three}/subjects/S1", params={"group": 'a <"b">,\nc'})
    params = {"columns": "label,group", "sortBy": "label"}
    stored = "a &lt;&quot;b&quot;&gt;,"
    rows = _csv(api, f"{three}/subjects", **params)
    assert rows[0]["group"] == f"{stored} c"
    forms = {
        "csv": ("text/csv", f'"{stored} c"'),
        "XML": ("text/xml", f"<cell>{stored} c</cell>"),
        "html": ("text/html", f"<td>{stored} c</td>"),
        "xList": ("text/html", f"S1{stored} c"),
        "zip": ("text/html", f"<td>{stored} c</td>"),
        "no_such": ("text/html", f"<td>{stored} c</td>"),
    }
    for form, (media_type, written) in forms.items():
        answer = api.get(f"{three}/subjects", params={**params, "format": form})
        assert answer.headers["Content-Type"] == media_type, form
        assert written in answer.content.decode(), form


@pytest.mark.rule("table-content-type")
def test_characters_are_utf_8(api: Session, three: str) -> None:
    assert _csv(api, f"{three}/experiments", columns="note", label="E1")[0]["note"] == "é, 1 &amp; more"


@pytest.mark.rule("table-negotiation")
@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("text/xml", "text/xml"),
        ("application/json;q=0.5,text/xml;q=0.4", "application/json"),
    ],
)
def test_form_is_negotiated(api: Session, accept: str, media_type: str) -> None:
    answer = api.get("/data/projects", headers={"Accept": accept})
    assert answer.headers["Content-Type"] == media_type


@pytest.mark.rule("table-negotiation")
def test_format_does_not_help_against_a_narrow_accept(api: Session) -> None:
    answer = api.get("/data/projects", params={"format": "csv"}, headers={"Accept": "text/csv"})
    assert answer.status_code == 406


@pytest.mark.rule("table-sort")
def test_rows_are_sorted(api: Session, three: str) -> None:
    def labels(**params: str) -> list[str]:
        return [row["label"] for row in _csv(api, f"{three}/subjects", columns="label,weight", **params)]

    assert labels(sortBy="WEIGHT") == ["S2", "S1", "S3"]
    assert labels(sortBy="weight", sortOrder="desc") == ["S3", "S1", "S2"]
    assert labels(sortBy="no_such", sortOrder="DESC") == labels()[::-1]


@pytest.mark.rule("table-paging", "table-no-paging", "table-sorted-after-paging")
@pytest.mark.parametrize("kind", ["subjects", "experiments"])
def test_lists_are_paged(api: Session, three: str, kind: str) -> None:
    path, count = f"{three}/{kind}", {"subjects": 3, "experiments": 2}[kind]
    everything = [row["ID"] for row in _csv(api, path)]
    assert len(everything) == count

    def page(**params: str) -> list[str]:
        result = _result(api.get(path, params=params))
        assert ("totalRecords" in result) is ("*" in params.values() or not any(int(v) for v in params.values()))
        return [row["ID"] for row in result["Result"]]

    assert page(limit="1") == everything[:1]
    assert page(offset="1") == everything[1:]
    assert page(limit="1", offset="1") == everything[1:2]
    for params in ({"limit": "*"}, {"limit": "*", "offset": "1"}, {"offset": "*", "limit": "1"}, {"limit": "0"}):
        assert page(**params) == everything
    [last] = _result(api.get(path, params={"limit": "1", "sortBy": "label", "sortOrder": "DESC"}))["Result"]
    assert last["ID"] == everything[0]


@pytest.mark.rule("table-lost", "table-unknown-field")
@pytest.mark.parametrize("params", [{"limit": "x"}, {"limit": "1", "offset": "-1"}, {"columns": "xnat:subjectData/no"}])
def test_broken_lists(api: Session, three: str, params: dict[str, str]) -> None:
    for path in (f"{three}/subjects", "/data/subjects", "/data/experiments"):
        assert api.get(path, params=params).status_code == 500, path
    answer = api.get(f"{three}/experiments", params=params)
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.rule("table-columns", "table-column-names", "table-unknown-columns", "table-xsitype-column")
def test_columns_of_subjects(api: Session, three: str) -> None:
    path = f"{three}/subjects"
    assert _header(api, path) == ["ID", "project", "label", "insert_date", "insert_user", "URI"]
    asked = "label,xnat:subjectData/demographics[@xsi:type=xnat:demographicData]/gender,no,no:such/a,xsiType,URI"
    assert _header(api, path, columns=asked) == ["ID", "label", "gender", "URI"]
    assert _header(api, path, columns="xnat:subjectData/demographics/yob") == [
        "ID", "xnat:subjectdata/demographics/yob", "URI",
    ]  # fmt: skip
    assert _header(api, path, columns=quote("xnat:subjectData/SRC,label")) == ["ID", "src", "label", "URI"]
    assert _header(api, path, columns="DEFAULT") == _header(api, path, columns="") == _header(api, path)


@pytest.mark.rule("table-key-of-type", "table-abstract-shows-type", "table-columns", "table-column-names")
def test_columns_of_experiments(api: Session, three: str) -> None:
    path, default = f"{three}/experiments", ["ID", "project", "date", "xsiType", "label", "insert_date"]
    assert set(_header(api, path)) == {"xnat:subjectassessordata/id", *default, "URI"}
    assert _header(api, "/data/experiments") == [*default, "URI"]
    assert set(_header(api, "/data/experiments", xsiType="xnat:subjectAssessorData")) == {
        "xnat:subjectassessordata/id", *default, "subject_ID", "subject_label", "URI",
    }  # fmt: skip
    assert set(_header(api, "/data/experiments", columns="label")) == {"ID", "label", "xsiType", "project", "URI"}
    sessions = {"session_ID", "label", "xsiType", "project", "URI"}
    assert set(_header(api, path, xsiType="xnat:imagesessiondata", columns="label")) == sessions
    assert set(_header(api, path, columns="label", **MR)) == {"xnat:mrsessiondata/id", "label", "URI"}
    for row in _csv(api, path):
        assert row["URI"] == f"/data/experiments/{row['ID']}"
        assert row["xnat:subjectassessordata/id"] == row["ID"]


@pytest.mark.rule("table-columns-narrow", "table-xsitype")
def test_special_columns_narrow_a_list(api: Session, three: str) -> None:
    path = f"{three}/experiments"
    api.put(f"{three}/subjects/S3/experiments/P1", params={"xsiType": "xnat:petSessionData"}).raise_for_status()

    def labels(**params: str) -> set[str]:
        return {row["label"] for row in _csv(api, path, **params)}

    assert labels() == labels(columns="label,scanner") == {"E1", "E2", "P1"}
    assert labels(columns="label,coil") == labels(columns="label,xnat:mrSessionData/date") == {"E1", "E2"}
    assert labels(columns="label,tracer_name") == {"P1"}
    assert labels(xsiType="XNAT:petsessiondata") == {"P1"}
    assert labels(xsiType="xnat:imageSessionData") == {"E1", "E2", "P1"}
    assert labels(xsiType="xnat:petSessionData,xnat:ctSessionData") == {"E1", "E2", "P1"}


@pytest.mark.rule("table-empty-experiments", "table-raw-names")
def test_list_of_experiments_without_rows(api: Session, project: str) -> None:
    for path, key in ((f"/data/projects/{project}/experiments", "subjectassessordata"), ("/data/experiments", "e")):
        header = _header(api, path, label="no such")
        assert not {"ID", "URI", "xsiType"} & set(header)
        assert any(name.startswith("xnat_") and key in name for name in header)
    assert _header(api, f"/data/projects/{project}/subjects") == [
        "ID", "project", "label", "insert_date", "insert_user", "URI",
    ]  # fmt: skip


@pytest.mark.rule("table-fields")
def test_names_of_fields(api: Session, scan: str, project: str) -> None:
    def fields(path: str) -> dict[str, str]:
        result = _result(api.get(path, params={"fields": "", "format": "json"}))
        assert set(result) == {"Result"}
        return {row["key"]: row["xpath"] for row in result["Result"]}

    assert fields("/data/projects")["note"] == "xnat:projectData/fields/field[name=note]/field"
    assert fields(f"/data/projects/{project}/subjects")["yob"].endswith("[@xsi:type=xnat:demographicData]/yob")
    assert fields("/data/experiments") == fields(f"/data/projects/{project}/experiments")
    assert fields("/data/experiments")["xsiType"] == "xnat:experimentData/extension_item/element_name"
    assert fields(scan.rpartition("/")[0])["scanTime"] == "xnat:imageScanData/startTime"


@pytest.mark.rule("table-scans-need-id", "table-paging-ignored", "table-filters-ignored", "table-xsitype-column")
def test_scans_go_their_own_way(api: Session, scan: str) -> None:
    path = scan.rpartition("/")[0]
    api.put(f"{path}/2", params={"xsiType": "xnat:mrScanData", "type": "T2", "coil": "head"}).raise_for_status()
    assert _header(api, path) == [
        "xnat_imagescandata_id", "ID", "type", "quality", "xsiType", "note", "series_description", "URI",
    ]  # fmt: skip
    assert len(_csv(api, path, type="T2", limit="1")) == 2
    assert {row["coil"] for row in _csv(api, path, columns="ID,coil")} == {"", "head"}
    assert api.get(path, params={"columns": "type"}).status_code == 500
    result = _result(api.get(path, params={"limit": "1"}))
    assert (result["totalRecords"], "title" in result) == ("2", False)


@pytest.mark.rule("table-paging-ignored", "table-filters-ignored", "table-restrict")
def test_projects_go_their_own_way(api: Session, xnat: XnatServer, project: str) -> None:
    mine, _ = xnat.new_project(), xnat.new_project("public")
    member, owner = xnat.session(*xnat.new_user(mine)), xnat.session(*xnat.new_user(mine, "Owners"))
    assert {row["ID"] for row in _csv(api, "/data/projects", ID=mine, limit="1")} == {mine}
    assert len(_csv(api, "/data/projects", limit="1")) > 1
    assert len(_csv(member, "/data/projects", ID=mine)) > 1
    assert mine not in {row["ID"] for row in _csv(member, "/data/projects", restrict="edit")}
    assert {row["ID"] for row in _csv(owner, "/data/projects", restrict="delete")} == {mine}
