"""Searches: documents, columns, criteria, order, what is answered and to whom."""

from __future__ import annotations

import pytest
from search_helpers import (
    DATE,
    LABEL,
    MR,
    NAMESPACE,
    SUBJECT,
    SUBJECT_LABEL,
    bundle,
    criterion,
    element,
    field,
    found,
    post,
    result,
    session_labels,
    sessions_in,
    where,
)
from xnat_twin.testing import Session, XnatServer

pytest_plugins = ["search_fixtures"]


@pytest.mark.rule("search-document")
def test_body_is_read_whatever_it_is_called(api: Session, cohort: str) -> None:
    document = bundle(MR, [LABEL], sessions_in(cohort)).encode()
    params = {"format": "csv"}
    expected = api.post("/data/search", params=params, data=document).text
    assert expected.count("\n") == 4
    for kind in ("text/xml", "application/json", "application/octet-stream"):
        answer = api.post("/data/search", params=params, data=document, headers={"Content-Type": kind})
        assert answer.text == expected, kind
    part = {"search": ("search.xml", document, "text/xml")}
    assert api.post("/data/search", params=params, files=part).text == expected
    assert api.get("/data/search").status_code == 405
    assert api.post("/REST/search", params=params, data=document).text == expected


@pytest.mark.rule("search-refused")
@pytest.mark.parametrize(
    "document",
    [
        "",
        "no XML",
        element("search", **{"xmlns:xdat": NAMESPACE}),
        bundle(MR).replace(NAMESPACE, "http://nrg.wustl.edu/xnat"),
        '<xnat:MRSession xmlns:xnat="http://nrg.wustl.edu/xnat"/>',
        bundle(MR, [LABEL], element("unknown", "text")),
        bundle(MR, [], element("search_field", kind="x")),
        bundle(MR, [field(LABEL).replace(">0<", ">first<")]),
        "<!DOCTYPE a>" + bundle(MR),
        bundle(MR, [element("search_where", "<xdat:child_set>" * 3000 + "</xdat:child_set>" * 3000)]),
    ],
)
def test_what_is_no_search_is_refused(api: Session, document: str) -> None:
    assert post(api, document).status_code == 422


@pytest.mark.rule("search-lenient")
def test_documents_need_not_be_valid(api: Session, cohort: str) -> None:
    column = element("search_field", element("field_ID", "LABEL"), element("element_name", MR))
    one = element("search_where", criterion(f"{MR}/project", "=", cohort))
    document = element("bundle", one, column, element("root_element_name", MR), **{"xmlns:xdat": NAMESPACE, "a": "b"})
    assert [row["label"] for row in found(api, document)] == ["A1", "A2", "B1"]


@pytest.mark.rule("search-rights")
def test_types_that_cannot_be_searched_for(xnat: XnatServer, api: Session, project: str) -> None:
    member = xnat.session(*xnat.new_user(project))
    for http in (api, member):
        assert post(http, bundle("xnat:unknownData")).status_code == 403
    assert post(member, bundle("xnat:mrScanData")).status_code == 403
    assert post(api, bundle("xnat:mrScanData")).status_code == 500


@pytest.mark.rule("search-readable", "search-status")
def test_only_what_one_may_read_is_found(xnat: XnatServer, api: Session, cohort: str) -> None:
    member, stranger = xnat.session(*xnat.new_user(cohort)), xnat.session(*xnat.new_user(xnat.new_project()))
    document = bundle(MR, [LABEL], sessions_in(cohort))
    assert {row["label"] for row in found(member, document)} == {"A1", "A2", "B1"}
    assert found(stranger, document) == []
    guests = xnat.new_project()
    guest = xnat.session(*xnat.new_user(guests))
    api.put(f"/data/projects/{cohort}/subjects/A/projects/{guests}").raise_for_status()
    api.put(f"/data/projects/{cohort}/experiments/A1/projects/{guests}").raise_for_status()
    assert [row["label"] for row in found(guest, document)] == ["A1"]
    path = f"/data/projects/{cohort}/subjects"
    api.put(f"{path}/A/experiments/A1", params={"quarantine": "true"}).raise_for_status()
    api.put(f"{path}/A/experiments/A2", params={"_obsolete": "true"}).raise_for_status()
    states = {row["label"]: row["quarantine_status"] for row in found(api, document)}
    assert states == {"A1": "quarantine", "B1": "active"}


@pytest.mark.rule("search-columns", "search-links")
def test_columns(api: Session, cohort: str) -> None:
    fields = [field(LABEL, 2), field(f"{SUBJECT}/GENDER_TEXT", 1), field(DATE, 0), field(DATE, 3)]
    unknown = [field(f"{MR}/NOTHING", 4), field("xnat:unknownData/LABEL", 5)]
    rows = found(api, bundle(MR, [*fields, *unknown], sessions_in(cohort)))
    links = "session_id insert_date insert_user projects project"
    assert list(rows[0]) == f"date xnat_subjectdata_gender_text label {links} quarantine_status".split()
    subjects = list(found(api, bundle(MR, [SUBJECT_LABEL], sessions_in(cohort)))[0])
    links = "subjectid insert_date insert_user projects project"
    expected = [f"xnat_subjectdata_{name}" for name in ["subject_label", *links.split()]]
    assert subjects == [*expected, "quarantine_status"]


@pytest.mark.rule("search-default-columns")
def test_columns_if_none_is_asked_for(api: Session, cohort: str) -> None:
    rows = found(api, bundle(MR, [], sessions_in(cohort)))
    assert [row["date"] for row in rows] == ["2021-02-28", "2020-01-31", "2019-03-31"]
    assert {"label", "project", "age", "type", "mr_scan_count_agg", "xnat_subjectdata_gender_text"} <= set(rows[0])
    assert found(api, bundle(MR, [f"{MR}/NOTHING"], sessions_in(cohort))) == rows


@pytest.mark.rule("search-xpath-columns")
def test_columns_by_xpath(api: Session, cohort: str) -> None:
    paths = [f"{MR}/{MR}/note", f"{SUBJECT}/{SUBJECT}/label", f"{MR}/{MR}/date", f"{MR}/note"]
    [first, *_] = found(api, bundle(MR, [*paths, LABEL], sessions_in(cohort, criterion(LABEL, "=", "A1"))))
    assert first["xnat_col_mrsessiondatanote"] == "First of all"
    assert first["xnat_subjectdata_xnat_col_subjectdatalabel"] == "A"
    assert first["date"] == "2020-01-31"


@pytest.mark.rule("search-field-values")
def test_fields_that_ask_for_a_value(api: Session, cohort: str) -> None:
    api.put(f"/data/projects/{cohort}/subjects/A", params={f"{SUBJECT}/fields/field[name=my-site]/field": "x"})
    count, variable = f"{SUBJECT}/SUB_EXPT_COUNT", f"{SUBJECT}/XNAT_SUBJECTDATA_FIELD_MAP"
    asked = [field(count, 1, value=MR), f"{variable}=my-site", f"{SUBJECT}/SUB_PROJECT_IDENTIFIER.{cohort}"]
    columns = [SUBJECT_LABEL, *asked, count]
    rows = found(api, bundle(SUBJECT, columns, where(criterion(f"{SUBJECT}/project", "=", cohort))))
    counted = [row["sub_expt_count_xnat_col_mrsessiondata"] for row in rows]
    assert counted == ["2", "1"]
    assert [row["xnat_subjectdata_field_map_my_site"] for row in rows] == ["x", ""]
    assert [row[f"sub_project_identifier_{cohort}"] for row in rows] == ["A", "B"]
    assert [row["sub_expt_count"] for row in rows] == ["", ""]
    document = bundle(
        SUBJECT,
        [SUBJECT_LABEL],
        where(criterion(f"{variable}=my-site", "=", "x"), criterion(f"{count}={MR}", ">", "1")),
    )
    assert [row["subject_label"] for row in found(api, document) if row["project"] == cohort] == ["A"]


@pytest.mark.rule("search-table")
def test_tables(api: Session, cohort: str) -> None:
    document = bundle(MR, [field(LABEL, header="Name"), SUBJECT_LABEL], sessions_in(cohort))
    table = result(post(api, document, format="json"))
    assert {key: table[key] for key in table if key not in {"Columns", "Result"}} == {
        "rootElementName": MR,
        "totalRecords": "3",
    }
    columns = {one.pop("key"): one for one in table["Columns"]}
    assert columns["quarantine_status"] == {}
    label = columns["label"]
    assert (label["id"], label["element_name"], label["header"]) == ("LABEL", MR, "Name")
    assert (label["type"], label["clickable"], label["xPATH"]) == ("string", "true", f"{MR}.LABEL")
    assert label["linkProps"][0]["inserts"] == [{"name": "Field1", "value": "session_id"}]
    assert "linkProps" not in next(iter(result(post(api, document))["Columns"]))
    assert post(api, document, format="xml").text.startswith("<ResultSet ")
    assert "<td>A1</td>" in post(api, document, format="html").text
    assert post(api, document, format="csv").headers["Content-Type"] == "text/csv"


@pytest.mark.rule("search-order")
def test_order(api: Session, cohort: str) -> None:
    def dates(document: str, **params: str) -> list[str]:
        return [row["date"][:4] for row in found(api, document, **params)]

    here = sessions_in(cohort)
    by_date, by_subject = bundle(MR, [DATE], here), bundle(MR, [SUBJECT_LABEL, DATE], here)
    assert dates(by_date) == ["2021", "2020", "2019"]
    assert dates(by_subject)[2] == "2019"
    assert dates(by_subject, sortBy="DATE") == ["2019", "2020", "2021"]
    assert dates(by_subject, sortBy="DATE", sortOrder="DESC") == ["2021", "2020", "2019"]
    assert dates(by_subject, sortBy=f"{MR}.DATE", sortOrder="ASC") == ["2019", "2020", "2021"]
    assert dates(by_subject, sortBy=f"{MR}.DATE", sortOrder="DESC") == ["2019", "2020", "2021"]
    asked = element("sort_by", element("element_name", MR), element("field_ID", "DATE"))
    assert dates(bundle(MR, [SUBJECT_LABEL, DATE], here, asked)) == ["2021", "2020", "2019"]
    for unknown in ("NOTHING", f"{MR}.NOTHING", "xnat:unknownData.DATE"):
        assert post(api, by_date, sortBy=unknown).status_code == 500
    identifier = f"{SUBJECT}.SUB_PROJECT_IDENTIFIER.{cohort}"
    asked_for = bundle(MR, [DATE, identifier.replace(".", "/", 1)], here)
    assert dates(asked_for, sortBy=identifier)[2] == "2019"
    assert len(dates(by_date, sortBy=identifier)) == 3


@pytest.mark.rule("search-joins")
def test_fields_of_other_types(api: Session, cohort: str) -> None:
    here = where(criterion(f"{SUBJECT}/project", "=", cohort))
    rows = found(api, bundle(SUBJECT, [SUBJECT_LABEL, DATE], here))
    assert sorted((row["subject_label"], row["xnat_mrsessiondata_date"][:4]) for row in rows) == [
        ("A", "2020"),
        ("A", "2021"),
        ("B", "2019"),
    ]
    older = found(api, bundle(SUBJECT, [SUBJECT_LABEL], here, where(criterion(DATE, "<", "2020-01-01"))))
    assert [row["subject_label"] for row in older] == ["B"]
    assert session_labels(api, cohort, criterion(f"{SUBJECT}/GENDER_TEXT", "=", "F")) == "A1 A2"
    assert post(api, bundle("xnat:projectData", ["xnat:projectData/ID", DATE])).status_code == 500
