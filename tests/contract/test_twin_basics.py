"""XNAT's contract, sections 0.1, 0.2 and 0.5: paths, parameters, errors and bodies, whatever the object."""

from __future__ import annotations

import pytest
from file_helpers import listed, put, raw_get
from xnat_twin.testing import Session, XnatServer

PAGE = """<html>
<head>
   <title>Status page</title>
</head>
<body>
<h3>{message}</h3><p>You can get technical details <a href="http://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html#sec10.{section}">here</a>.<br>
Please continue your visit at our <a href="/">home page</a>.
</p>
</body>
</html>
"""
NOT_FOUND = "The server has not found anything matching the request URI"


@pytest.mark.rule("rest-is-data", "archive-is-data")
@pytest.mark.parametrize("prefix", ["/REST", "/data/archive", "/REST/archive"])
def test_rest_and_archive_are_other_names_for_data(api: Session, scan: str, prefix: str) -> None:
    put(api, f"{scan}/resources/R/files/a.txt", b"a").raise_for_status()
    path = f"{scan}/resources/R/files/a.txt".replace("/data", prefix, 1)
    assert api.get(path).content == b"a"
    assert put(api, path.replace("a.txt", "b.txt"), b"b").status_code == 200
    assert sorted(listed(api, f"{scan}/resources/R/files")) == ["a.txt", "b.txt"]


@pytest.mark.rule("archive-not-everywhere")
@pytest.mark.parametrize("path", ["users", "JSESSION", "services/refresh/catalog", "config"])
def test_services_and_accounts_have_no_archive_variant(api: Session, path: str) -> None:
    assert api.get(f"/data/archive/{path}").status_code == 404


@pytest.mark.rule("paths-match-by-prefix")
def test_what_is_behind_a_known_path_is_ignored_or_refused(api: Session, project: str, scan: str) -> None:
    api.put(f"{scan}/resources/R").raise_for_status()
    assert api.get(f"/data/projects/{project}/subjects/S1/bogus").status_code == 200
    assert api.get(f"/data/projects/{project}/bogus").status_code == 400
    answer = api.get(f"{scan}/resources/R/bogus")
    assert (answer.status_code, "works at the catalog level only" in answer.text) == (400, True)


@pytest.mark.rule("path-variables-not-decoded")
def test_path_variables_are_not_decoded(xnat: XnatServer, project: str, session: str) -> None:
    assert raw_get(xnat, session)[0] == 200
    assert raw_get(xnat, f"{session[:-1]}%49")[0] == 404, "%49 is I"
    assert raw_get(xnat, f"/data/projects/{project[:-1]}%{ord(project[-1]):x}")[0] == 404


@pytest.mark.rule("scan-id-decoded-for-files")
def test_scan_id_is_decoded_for_files_and_not_for_the_scan(
    api: Session, xnat: XnatServer, session: str, scan: str
) -> None:
    put(api, f"{scan}/resources/R/files/a", b"a").raise_for_status()
    assert raw_get(xnat, f"{session}/scans/%31/resources/R/files/a") == (200, b"a"), "%31 is 1"
    assert raw_get(xnat, f"{session}/scans/%31")[0] == 404


@pytest.mark.rule("scan-type-with-a-slash")
def test_slash_in_a_scan_type_is_written_in_brackets(api: Session, session: str) -> None:
    api.put(f"{session}/scans/7", params={"xsiType": "xnat:mrScanData", "type": "T1/T2"}).raise_for_status()
    put(api, f"{session}/scans/7/resources/R/files/a", b"a").raise_for_status()
    assert api.get(f"{session}/scans/T1%5BSLASH%5DT2/resources/R/files/a").content == b"a"


@pytest.mark.rule("booleans")
@pytest.mark.parametrize(
    ("value", "is_true"), [("true", True), ("1", True), ("", True), ("no", True), ("FALSE", False), ("0", False)]
)
def test_boolean_is_true_unless_it_is_false_or_0(api: Session, scan: str, value: str, is_true: bool) -> None:
    path = f"{scan}/resources/R/files/a"
    put(api, path, b"old").raise_for_status()
    put(api, path, b"new", overwrite=value).raise_for_status()
    assert api.get(path).content == (b"new" if is_true else b"old")


@pytest.mark.rule("booleans")
@pytest.mark.parametrize(("value", "removed"), [("false", False), ("0", False), ("no", True), ("", True)])
def test_only_false_and_0_are_false(api: Session, scan: str, value: str, removed: bool) -> None:
    path = f"{scan}/resources/R/files/a"
    put(api, path).raise_for_status()
    api.delete(path, params={"removeFiles": value}).raise_for_status()
    assert (put(api, path).text == "") == removed


@pytest.mark.rule("error-page", "error-page-is-not-well-formed", "no-not-found-in-errors")
def test_error_page_has_its_unclosed_br_and_its_words(api: Session) -> None:
    answer = api.get("/data/nothing/here")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text == PAGE.format(message=NOT_FOUND, section="4.5")
    assert "Not Found" not in answer.text


@pytest.mark.rule("error-message-is-the-reason")
def test_message_is_also_the_reason_phrase(api: Session, project: str) -> None:
    answer = api.delete(f"/data/projects/{project}/resources/none/files/a")
    assert (answer.status_code, answer.reason) == (400, "Unable to determine resource, parent, or security.")
    assert answer.text == PAGE.format(message=answer.reason, section="4.1")


@pytest.mark.rule("texts-are-latin-1")
def test_other_letters_than_latin_1_are_lost_in_texts(api: Session, scan: str) -> None:
    answer = api.put(f"{scan}/resources/R/files/a", params={"reference": "/no/é and ž"})
    assert "/no/é and ?".encode("iso-8859-1") in answer.content


@pytest.mark.rule("success-without-a-page")
def test_successful_changes_answer_with_no_page(api: Session, scan: str) -> None:
    path = f"{scan}/resources/R/files/a"
    for answer in (put(api, path), put(api, path), api.delete(path), api.put(scan), api.delete(scan)):
        assert answer.status_code == 200
        assert not answer.text.lstrip().startswith(("<html", "<!DOCTYPE"))


@pytest.mark.rule("nothing-to-answer")
def test_change_without_an_answer_is_200_and_empty_and_a_get_of_nothing_is_404(api: Session, scan: str) -> None:
    answer = api.put(f"{scan}/resources/R")
    assert (answer.status_code, answer.content) == (200, b"")
    answer = api.delete(f"{scan}/resources/R")
    assert (answer.status_code, answer.content) == (200, b"")
    assert api.get("/data/services/refresh/catalog").status_code == 404


@pytest.mark.rule("nothing-has-no-type")
def test_answer_without_a_body_has_no_type_and_that_of_an_upload_is_plain(api: Session, scan: str) -> None:
    path = f"{scan}/resources/R/files/a"
    created, stored, deleted = api.put(f"{scan}/resources/R"), put(api, path), api.delete(path)
    for answer in (created, deleted, api.delete(f"{scan}/resources/R"), api.delete("/data/JSESSION")):
        assert (answer.status_code, answer.content, answer.headers.get("Content-Type")) == (200, b"", None)
    assert (stored.content, stored.headers["Content-Type"].partition(";")[0]) == (b"", "text/plain")


@pytest.mark.rule("method-not-allowed")
def test_other_methods_are_405_and_the_answer_says_which_there_are(api: Session) -> None:
    answer = api.delete("/data/projects")
    assert answer.status_code == 405
    assert {"GET", "POST"} <= {method.strip() for method in answer.headers["Allow"].split(",")}


@pytest.mark.rule("body-as-form")
@pytest.mark.parametrize("method", ["type", "parameter"])
def test_fields_can_be_a_form(api: Session, project: str, method: str) -> None:
    path = f"/data/projects/{project}/subjects/S2"
    if method == "type":
        answer = api.put(path, data={"gender": "female"})
    else:
        headers = {"Content-Type": "text/plain"}
        answer = api.put(path, params={"req_format": "form"}, data=b"gender=female", headers=headers)
    assert answer.status_code == 201
    assert "<xnat:gender>female</xnat:gender>" in api.get(path, params={"format": "xml"}).text


@pytest.mark.rule("body-as-query")
@pytest.mark.parametrize("params", [{}, {"req_format": "qs"}])
def test_fields_are_in_the_query_string(api: Session, project: str, params: dict[str, str]) -> None:
    path = f"/data/projects/{project}/subjects/S2"
    assert api.put(path, params={**params, "gender": "female"}).status_code == 201
    assert "<xnat:gender>female</xnat:gender>" in api.get(path, params={"format": "xml"}).text


@pytest.mark.rule("body-as-xml")
@pytest.mark.parametrize("way", ["text/xml", "application/xml", "req_format", "inbody", "multipart"])
def test_fields_can_be_a_document(api: Session, project: str, way: str) -> None:
    path = f"/data/projects/{project}/subjects/S2"
    document = (
        f'<xnat:Subject xmlns:xnat="http://nrg.wustl.edu/xnat" project="{project}" label="S2"><xnat:demographics '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xnat:demographicData">'
        "<xnat:gender>female</xnat:gender></xnat:demographics></xnat:Subject>"
    )
    if way == "multipart":
        answer = api.put(path, files={"f": ("subject.xml", document)})
    elif way in {"req_format", "inbody"}:
        params = {"req_format": "xml"} if way == "req_format" else {"inbody": "true"}
        answer = api.put(path, params=params, data=document, headers={"Content-Type": "application/octet-stream"})
    else:
        answer = api.put(path, data=document, headers={"Content-Type": way})
    assert answer.status_code == 201
    assert "<xnat:gender>female</xnat:gender>" in api.get(path, params={"format": "xml"}).text
