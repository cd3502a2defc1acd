"""XNAT's contract, section 11: plugins, and which data types and projects somebody can use."""

from __future__ import annotations

import pytest
import requests
from xnat_twin.testing import Practice, Session, XnatServer

MODULES = ("dpuk-biobank", "dpuk-datatypes", "dpuk-node-extras")
DISPLAYS = "/xapi/access/displays"


@pytest.mark.rule("plugins")
def test_plugins_are_listed_by_their_ids(practice: Practice) -> None:
    http = practice(modules=MODULES).session()
    plugins = http.get("/xapi/plugins").json()
    assert sorted(plugins) == list(MODULES)
    for name, plugin in plugins.items():
        assert plugin["id"] == name
        assert {"pluginClass", "name", "version", "description", "beanName"} <= plugin.keys()
        assert http.get(f"/xapi/plugins/{name}").json() == plugin
    types = {found["type"] for found in plugins["dpuk-datatypes"]["dataModelBeans"]}
    assert types == {"dpuk:dpukAssessmentData", "dpuk:dpukRiskFactorAssessmentData"}


@pytest.mark.rule("plugins", "plugin-404")
def test_site_without_plugins_has_none(practice: Practice) -> None:
    http = practice().session()
    assert http.get("/xapi/plugins").json() == {}
    answer = http.get("/xapi/plugins/dpuk-datatypes")
    assert answer.status_code == 404
    assert "No plugin with ID dpuk-datatypes could be found on this system" in answer.text


@pytest.mark.rule("access-projects")
def test_projects_of_the_caller_with_his_role(xnat: XnatServer, project: str) -> None:
    user, password = xnat.new_user(project, "Collaborators")
    http = xnat.session(user, password)
    entry = next(one for one in http.get("/xapi/access/projects").json() if one["ID"] == project)
    assert (entry["role"], entry["group_id"]) == ("Collaborators", f"{project}_collaborator")
    assert entry["URI"] == f"/data/projects/{project}"
    assert {"name", "secondary_ID", "description"} <= entry.keys()


@pytest.mark.rule("element-displays")
@pytest.mark.parametrize("display", ["createable", "creatable", "browseableCreateable"])
def test_types_that_the_caller_may_create(practice: Practice, display: str) -> None:
    server = practice(modules=("dpuk-datatypes",))
    names = [one["elementName"] for one in server.session().get(f"{DISPLAYS}/{display}").json()]
    assert {"xnat:subjectData", "xnat:mrSessionData", "dpuk:dpukAssessmentData"} <= set(names)
    assert not {"xnat:experimentData", "xnat:mrScanData"} & set(names)
    stranger = server.session(*server.new_user())
    assert stranger.get(f"{DISPLAYS}/{display}").json() == []


@pytest.mark.rule("element-displays")
@pytest.mark.parametrize("display", ["browseable", "searchable", "searchableByDesc", "searchableByPluralDesc"])
def test_types_of_which_there_are_data(api: Session, session: str, display: str) -> None:
    found = {one["elementName"]: one for one in api.get(f"{DISPLAYS}/{display}").json()}
    assert found["xnat:mrSessionData"]["isImageSession"] is True
    assert found["xnat:mrSessionData"]["isSubjectAssessor"] is True
    assert found["xnat:subjectData"]["isExperiment"] is False
    assert session.endswith("S1_MRI")


@pytest.mark.rule("element-displays-unknown")
@pytest.mark.parametrize("display", ["readable", "editable", "nosuch"])
def test_readable_and_editable_are_no_displays(api: Session, display: str) -> None:
    answer = api.get(f"{DISPLAYS}/{display}")
    assert answer.status_code == 400
    assert "is not recognized" in answer.text
    assert display not in api.get(DISPLAYS).json()


@pytest.mark.rule("xapi-absent-1-6")
def test_1_6_has_no_xapi(practice: Practice) -> None:
    server = practice("1.6", MODULES)
    for path in ("/xapi/siteConfig/buildInfo", "/xapi/siteConfig", "/xapi/users", "/xapi/plugins"):
        answer = server.session().get(path)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.rule("xapi-anonymous-1-6")
def test_1_6_leads_to_the_login_page_whoever_asks_for_xapi_without_login(practice: Practice) -> None:
    server = practice("1.6")
    answer = requests.get(f"{server.url}/xapi/siteConfig/buildInfo", allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/app/template/Login.vm")
    assert requests.get(f"{server.url}/data/projects", allow_redirects=False).status_code == 401


@pytest.mark.rule("xapi-unknown-path")
def test_path_that_nobody_has_is_404(api: Session) -> None:
    assert api.get("/xapi/nosuch").status_code == 404
    assert api.get("/data/nosuch").status_code == 404
