"""The pages for people: what a browser shows of what was uploaded, to whom, and that nothing stored can run in it.

XNAT's own pages are others; only `/` being there and the login page are XNAT's (test_twin_login.py).
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import requests
from file_helpers import BINARY
from xnat_twin.server import Server
from xnat_twin.site import Site
from xnat_twin.testing import Session, XnatServer

BROWSER = {"User-Agent": "Mozilla/5.0"}
#: Breaks a page that forgets to escape anything, and shows any escaping done twice.
NASTY = """</td><script>alert("x")</script> & 'y' &lt;"""

pytestmark = pytest.mark.practice_xnat("XNAT's own pages are others")


class _Page(HTMLParser):
    """A page as a person sees it: its text, its links, its tags. Fails on tags that do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.links: dict[str, str] = {}
        self.rows: list[list[str]] = []
        self.tags: list[str] = []
        self._open: list[str] = []
        self._href = ""
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in {"meta", "input", "br", "link"}:
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag == "td":
            self.rows[-1].append("")
        self._href = dict(attrs).get("href") or "" if tag == "a" else self._href

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        self._href = "" if tag == "a" else self._href
        if tag in {"td", "th", "tr", "h1", "h2", "p", "dd", "dt"}:
            self.text += "\n"

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.text += data
        if "td" in self._open:
            self.rows[-1][-1] += data
        if self._href:
            self.links[data] = self._href


def _look(http: Session, path: str) -> _Page:
    answer = http.get(path, headers=BROWSER)
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"
    answer.encoding = "utf-8"
    return _Page(answer.text)


@pytest.fixture
def filled(api: Session, project: str) -> str:
    """A project with a subject, a session, two scans and files, among them awkward ones."""
    base = f"/data/projects/{project}"
    session = f"{base}/subjects/S1/experiments/S1_MR"
    for path, fields in (
        (base, {"description": NASTY, "accessibility": "private"}),
        (f"{base}/subjects/S1", {"gender": "female", "xnat:subjectData/fields/field[name=cohort]/field": NASTY}),
        (session, {"xsiType": "xnat:mrSessionData", "date": "2024-03-05", "note": NASTY}),
        (f"{session}/scans/1", {"xsiType": "xnat:mrScanData", "type": "T1", "series_description": NASTY}),
        (f"{session}/scans/2", {"xsiType": "xnat:mrScanData"}),
        (f"{base}/subjects/S2", {}),
    ):
        api.put(path, params=fields).raise_for_status()
    for path, content in (
        (f"{session}/scans/1/resources/NIFTI/files/T1.nii.gz", b"n" * 1_234_567),
        (f"{session}/scans/2/resources/NIFTI/files/two.nii.gz", b"two"),
        (f"{session}/resources/NOTES/files/a%20b/%C3%A4%20%26%20%3Cb%3E%20100%25%2B.txt", b"note"),
        (f"{base}/subjects/S1/resources/CONSENT/files/consent.txt", b"yes"),
        (f"{base}/resources/PROTOCOL/files/protocol.pdf", b"pdf"),
    ):
        api.put(path, data=content, headers=BINARY, params={"format": NASTY}).raise_for_status()
    # Now both scans answer to the name 1, one by its ID and one by its type.
    api.put(f"{session}/scans/2", params={"type": "1"}).raise_for_status()
    return project


# --- Logging in ---


def test_browser_that_is_not_logged_in_gets_a_form_and_no_names(xnat: XnatServer, filled: str) -> None:
    page = _look(Session(xnat.url), "/")
    assert page.tags.count("form") == 1
    assert filled not in page.text


@pytest.mark.rule("login-form")
def test_form_logs_in_and_leads_home(xnat: XnatServer, filled: str) -> None:
    http = Session(xnat.url)
    answer = http.post("/login", data={"username": xnat.admin, "password": xnat.password}, headers=BROWSER)
    assert (answer.status_code, answer.url) == (200, f"{xnat.url}/")
    assert re.fullmatch(r"[0-9A-F]{32}", http.cookies["JSESSIONID"])
    assert filled in _look(http, "/").links
    assert http.get("/data/auth").text == f"User '{xnat.admin}' is logged in"


@pytest.mark.rule("login-form")
def test_wrong_password_is_told_and_opens_no_session(xnat: XnatServer) -> None:
    http = Session(xnat.url)
    answer = http.post("/login", data={"username": xnat.admin, "password": "wrong"}, headers=BROWSER)
    assert answer.url == f"{xnat.url}/app/template/Login.vm?failed=true"
    reason = xnat.site.preferences["uiLoginFailureMessage"].partition("%d")[0]
    assert reason in _Page(answer.text).text
    assert "JSESSIONID" not in http.cookies
    assert reason not in _look(http, "/app/template/Login.vm").text


@pytest.mark.rule("logout-page")
def test_logging_out_ends_the_session_and_shows_the_form(xnat: XnatServer) -> None:
    http = Session(xnat.url)
    http.post("/login", data={"username": xnat.admin, "password": xnat.password})
    answer = http.get(_look(http, "/").links["Log out"], headers=BROWSER)
    assert "form" in _Page(answer.text).tags
    assert http.get("/data/auth").status_code == 401


def test_page_below_leads_everyone_who_is_not_logged_in_to_the_form(xnat: XnatServer, filled: str) -> None:
    for headers in (BROWSER, {}):
        answer = requests.get(f"{xnat.url}/browse/projects/{filled}", headers=headers)
        assert answer.url == f"{xnat.url}/app/template/Login.vm"


def test_page_of_a_site_that_is_not_configured_says_so(tmp_path: Path) -> None:
    with Server(Site.open(tmp_path, initialized=False)) as server:
        api = XnatServer(server.url, "admin", "admin").session()
        assert "/xapi/siteConfig" in _look(api, "/").text
        assert "An administrator has to configure" in _look(Session(server.url), "/app/template/Unconfigured.vm").text
        api.post("/xapi/siteConfig", json={"initialized": True}).raise_for_status()
        assert "In the REST API: /data/projects" in _look(api, "/").text


@pytest.mark.rule("logout-page")
def test_home_page_of_an_open_site_shows_what_is_public(xnat: XnatServer, filled: str) -> None:
    public = xnat.new_project("public")
    api = xnat.session()
    api.post("/xapi/siteConfig", json={"requireLogin": False}).raise_for_status()
    try:
        page = _look(Session(xnat.url), "/")
        assert (public in page.links, filled in page.links, "Log in" in page.links) == (True, False, True)
        _look(Session(xnat.url), page.links[public])
        assert Session(xnat.url).get("/app/action/LogoutUser").url == f"{xnat.url}/"
    finally:
        api.post("/xapi/siteConfig", json={"requireLogin": True}).raise_for_status()


def test_client_that_looks_for_redirects_finds_none(xnat: XnatServer, api: Session) -> None:
    """The client xnatpy gets the server's address first, without and with a password, and compares where it ends."""
    for http in (Session(xnat.url), api):
        assert http.get(xnat.url + "/", headers={"User-Agent": "xnatpy/0.8.1"}).url == f"{xnat.url}/"


# --- Looking ---


def _line(page: _Page, name: str) -> list[str]:
    """The cells from the one that reads `name` to the end of its row."""
    cells = next(row for row in page.rows if name in row)
    return cells[cells.index(name) :]


def _rest(page: _Page) -> str:
    """The address in the REST API that the page names."""
    assert page.text.count("In the REST API: ") == 1
    return page.text.partition("In the REST API: ")[2].partition("\n")[0]


def test_home_page_counts_subjects_sessions_files_and_bytes(api: Session, filled: str) -> None:
    assert _line(_look(api, "/"), filled)[-5:] == ["private", "2", "1", "5", "1.2 MB"]


def test_names_lead_from_the_project_to_every_file(api: Session, filled: str) -> None:
    project = _look(api, _look(api, "/").links[filled])
    assert _line(project, "S1")[1:] == ["S1_MR", "xnat:mrSessionData", "2024-03-05", "2", "3", "1.2 MB"]
    assert "S2" in project.links
    assert api.get(project.links["protocol.pdf"]).content == b"pdf"

    subject = _look(api, project.links["S1"])
    assert "female" in subject.text
    assert "cohort" in subject.text
    assert api.get(subject.links["consent.txt"]).content == b"yes"

    session = _look(api, subject.links["S1_MR"])
    assert session.links == session.links | {"Projects": "/", filled: _look(api, "/").links[filled]}
    assert _line(session, "T1.nii.gz")[1] == "1.2 MB"
    assert api.get(session.links["T1.nii.gz"]).content == b"n" * 1_234_567
    assert api.get(session.links["two.nii.gz"]).content == b"two"
    note = api.get(session.links["a b/ä & <b> 100%+.txt"])
    assert note.content == b"note"
    assert note.headers["Content-Disposition"].startswith("attachment")

    resource = _look(api, session.links["Scan 1 · NIFTI"])
    assert api.get(resource.links["T1.nii.gz"]).content == b"n" * 1_234_567
    assert resource.links["S1_MR"] == subject.links["S1_MR"]


def test_every_link_on_every_page_leads_somewhere(api: Session, filled: str) -> None:
    waiting, seen = ["/"], set()
    while waiting:
        path = waiting.pop()
        page = _look(api, path)
        assert api.get(_rest(page)).status_code == 200, _rest(page)
        for link in page.links.values():
            if link not in seen and (filled in link or link == "/"):
                seen.add(link)
                if link.startswith("/data/"):
                    assert api.get(link).status_code == 200, link
                else:
                    waiting.append(link)
    assert len(seen) == 15  # home, project, 2 subjects, session, 5 resources, 5 files


def test_stored_values_are_shown_as_they_were_sent_and_never_run(api: Session, filled: str) -> None:
    base = f"/browse/projects/{filled}"
    for path in (base, f"{base}/subjects/S1", f"{base}/experiments/S1_MR"):
        page = _look(api, path)
        assert page.text.count(NASTY) >= 2, f"{path}: a field and the format of a file"
        assert "script" not in page.tags
    policy = api.get(base).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy


def test_image_assessors_and_reconstructions_are_on_the_page_of_their_session(
    api: Session, xnat: XnatServer, filled: str
) -> None:
    session = f"/data/projects/{filled}/subjects/S1/experiments/S1_MR"
    for path, kind in (
        ("assessors/QC1", "xnat:qcManualAssessorData"),
        ("reconstructions/R1", "xnat:reconstructedImageData"),
    ):
        api.put(f"{session}/{path}", params={"xsiType": kind}).raise_for_status()
        for direction in ("in", "out"):
            upload = f"{session}/{path}/{direction}/resources/{direction}/files/{direction}.txt"
            api.put(upload, data=direction.encode(), headers=BINARY).raise_for_status()
    page = _look(api, f"/browse/projects/{filled}/experiments/S1_MR")
    assert _line(page, "QC1")[1] == "xnat:qcManualAssessorData"
    assert _line(page, "R1")[-2:] == ["2", "5 B"]
    assert api.get(page.links["in.txt"]).content == b"in"
    assert api.get(page.links["out.txt"]).content == b"out"
    assessor = _look(api, page.links["QC1"])
    assert "S1_MR" in assessor.links
    assert api.get(_rest(assessor), params={"format": "json"}).json()["items"][0]["data_fields"]["label"] == "QC1"
    assert (api.get(assessor.links["in.txt"]).content, api.get(assessor.links["out.txt"]).content) == (b"in", b"out")


# --- Who sees what ---


def test_stranger_sees_neither_name_nor_page(xnat: XnatServer, api: Session, filled: str) -> None:
    resource = _look(api, f"/browse/projects/{filled}/experiments/S1_MR").links["Scan 1 · NIFTI"]
    stranger = xnat.session(*xnat.new_user())
    assert filled not in _look(stranger, "/").text
    base = f"/browse/projects/{filled}"
    for path in (base, f"{base}/subjects/S1", f"{base}/experiments/S1_MR", resource):
        answer = stranger.get(path, headers=BROWSER)
        assert (answer.status_code, "S1" in answer.text) == (404, False), path


def test_protected_project_shows_its_data_to_members_only(xnat: XnatServer, filled: str) -> None:
    xnat.session().put(f"/data/projects/{filled}/accessibility/protected").raise_for_status()
    stranger, reader = xnat.session(*xnat.new_user()), xnat.session(*xnat.new_user(filled, "Collaborators"))
    assert stranger.get(f"/browse/projects/{filled}").status_code == 404
    assert "S1_MR" in _look(reader, _look(reader, "/").links[filled]).links


def test_resource_is_shown_only_in_a_project_that_it_is_part_of(xnat: XnatServer, api: Session, filled: str) -> None:
    number = _look(api, f"/browse/projects/{filled}/experiments/S1_MR").links["Scan 1 · NIFTI"].rpartition("/")[2]
    member_elsewhere = xnat.session(*xnat.new_user(other := xnat.new_project()))
    assert member_elsewhere.get(f"/browse/projects/{other}/resources/{number}").status_code == 404
    assert api.get(f"/browse/projects/{filled}/resources/0").status_code == 404
    assert api.get(f"/browse/projects/{filled}/resources/x").status_code == 404


def test_shared_data_is_shown_under_its_label_where_it_is_shared(xnat: XnatServer, api: Session, filled: str) -> None:
    target = xnat.new_project()
    base = f"/data/projects/{filled}"
    api.put(f"{base}/experiments/S1_MR/projects/{target}", params={"label": "GUEST_MR"}).raise_for_status()
    reader = xnat.session(*xnat.new_user(target, "Collaborators"))
    project = _look(reader, f"/browse/projects/{target}")
    session = _look(reader, project.links["GUEST_MR"])
    assert f"Shared by\n{filled}" in session.text
    assert "S1" not in session.links, "the subject is not shared"
    assert reader.get(session.links["two.nii.gz"]).content == b"two"

    api.put(f"{base}/subjects/S1/projects/{target}", params={"label": "GUEST"}).raise_for_status()
    project = _look(reader, f"/browse/projects/{target}")
    assert _line(project, "GUEST")[1] == "GUEST_MR"
    subject = _look(reader, project.links["GUEST"])
    assert reader.get(subject.links["consent.txt"]).content == b"yes"
    assert _line(_look(reader, "/"), target)[-5:] == ["private", "1", "1", "0", ""]


# --- Long lists ---


def test_long_lists_come_in_pages(api: Session, project: str) -> None:
    base = f"/data/projects/{project}"
    for number in range(201):
        api.put(f"{base}/subjects/S{number:03}").raise_for_status()
    first = _look(api, f"/browse/projects/{project}")
    assert ("S000" in first.links, "S199" in first.links, "S200" in first.links) == (True, True, False)
    assert "Page 1 of 2" in first.text
    last = _look(api, f"/browse/projects/{project}{first.links['After →']}")
    assert ("S199" in last.links, "S200" in last.links, "After →" in last.links) == (False, True, False)
    assert last.links["← Before"] == "?page=1"
    for page, shown in (("9", "S200"), ("0", "S000"), ("x", "S000"), ("", "S000")):
        assert shown in _look(api, f"/browse/projects/{project}?page={page}").links, page


def test_many_files_of_a_resource_are_on_a_page_of_their_own(api: Session, scan: str) -> None:
    for number in range(21):
        api.put(f"{scan}/resources/R/files/f{number:02}", data=b"x", headers=BINARY).raise_for_status()
    project = scan.split("/")[3]
    session = _look(api, f"/browse/projects/{project}/experiments/S1_MRI")
    assert ("f19" in session.links, "f20" in session.links) == (True, False)
    assert "f20" in _look(api, session.links["… all 21 files"]).links
