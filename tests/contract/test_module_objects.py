"""What xnat_project, xnat_subject, xnat_experiment and xnat_scan have in common, for each of them.

Create, again, change, check mode, diff, delete, delete again; nothing is written by check mode, and what it says is
what the real run says.
"""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.xnat import session as client_session
from module_runner import ModuleFailedError, Modules
from xnat_twin.testing import XnatServer

pytest_plugins = ["module_fixtures"]

KEYS: dict[str, dict[str, str]] = {
    "project": {},
    "subject": {"subject": "sub001"},
    "experiment": {"subject": "sub001", "session": "sub001_MRI"},
    "scan": {"subject": "sub001", "experiment": "sub001_MRI", "scan": "1"},
}
FIRST: dict[str, dict[str, Any]] = {
    "project": {
        "name": "A & B <test>",
        "description": 'say "yes"',
        "pi_firstname": "A'",
        "pi_lastname": "Ngata",
        "keywords": "mr, it's",
    },
    "subject": {"gender": "female", "yob": 1950, "group": "A & B", "handedness": "left"},
    "experiment": {"date": "2024-05-01", "time": "10:05", "note": "a < b & 'c' + d%20"},
    "scan": {"type": "T1", "series_description": "MP-RAGE & co", "quality": "usable", "frames": 176},
}
SECOND: dict[str, dict[str, Any]] = {
    "project": {"description": "other"},
    "subject": {"yob": 1951},
    "experiment": {"note": "other"},
    "scan": {"quality": "questionable"},
}
FIELDS: dict[str, dict[str, Any]] = {
    "project": {"funder": "MRC & friends"},
    "subject": {"Cohort": "A", "xnat:subjectData/demographics[@xsi:type=xnat:demographicData]/weight": 61.5},
    "experiment": {"Visit": 2, "xnat:mrSessionData/acquisition_site": "Leeds"},
    "scan": {"coil_id": "32ch", "xnat:mrScanData/parameters/tr": 2.30},
}
KINDS = list(KEYS)


@pytest.fixture
def place(project: str, xnat: XnatServer, request: pytest.FixtureRequest) -> dict[str, str]:
    """A project for the test: fresh and existing, or (for the module of projects) not existing yet."""
    kind = request.getfixturevalue("kind")
    return {"project": xnat.new_id() if kind == "project" else project}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def snapshot(xnat: XnatServer, project: str) -> list[Any]:
    """Everything in a project that a module could have changed."""
    http = xnat.session()
    found: list[Any] = []
    for path in (f"projects/{project}", f"projects/{project}/subjects/sub001"):
        answer = http.get(f"{xnat.url}/data/{path}", params={"format": "json"})
        found.append((answer.status_code, answer.json() if answer.ok else None))
    for path in ("subjects", "experiments"):
        answer = http.get(f"{xnat.url}/data/projects/{project}/{path}", params={"format": "json"})
        rows = answer.json()["ResultSet"]["Result"] if answer.ok else None
        found.append(rows)
        for row in rows or []:
            below = http.get(f"{xnat.url}{row['URI']}", params={"format": "json"})
            found.append(below.json())
    return found


def test_life_of_an_object(kind: str, place: dict[str, str], modules: Modules, xnat: XnatServer) -> None:
    key = {**place, **KEYS[kind]}
    asked = {**key, **FIRST[kind], "fields": FIELDS[kind]}

    empty = snapshot(xnat, place["project"])
    predicted = modules.run(kind, check=True, **asked)
    assert snapshot(xnat, place["project"]) == empty, "check mode changed the server"
    created = modules.run(kind, **asked)
    assert created["changed"] is predicted["changed"] is True
    assert created["diff"] == predicted["diff"]
    assert created["created_parents"] == predicted["created_parents"]
    assert (
        created["object"]["label"]
        == predicted["object"]["label"]
        == KEYS[kind].get(kind, key.get("session", key.get(kind, "")))
    )
    assert created["object"]["id"]

    full = snapshot(xnat, place["project"])
    again = modules.run(kind, **asked)
    assert again["changed"] is False, again["diff"]
    assert again["diff"] == {"before": "", "after": ""}
    assert again["object"] == created["object"]
    assert modules.run(kind, check=True, **asked)["changed"] is False
    assert modules.run(kind, **key)["changed"] is False, "naming the object alone changes nothing"
    assert snapshot(xnat, place["project"]) == full

    predicted = modules.run(kind, check=True, **key, **SECOND[kind])
    assert snapshot(xnat, place["project"]) == full, "check mode changed the server"
    changed = modules.run(kind, **key, **SECOND[kind])
    assert changed["changed"] is predicted["changed"] is True
    assert changed["diff"] == predicted["diff"]
    for side, values in (("before", FIRST[kind]), ("after", SECOND[kind])):
        head, *shown = changed["diff"][side].splitlines()
        assert head.startswith(f"{kind} ")
        assert shown == [f"    {name}: {values[name]}" for name in SECOND[kind]]
    left = {name: value for name, value in FIRST[kind].items() if name not in SECOND[kind]}
    assert modules.run(kind, **key, **left, fields=FIELDS[kind])["changed"] is False, "other values were touched"

    full = snapshot(xnat, place["project"])
    predicted = modules.run(kind, check=True, **key, state="absent")
    assert predicted["changed"] is True
    assert snapshot(xnat, place["project"]) == full, "check mode changed the server"
    gone = modules.run(kind, **key, state="absent")
    assert gone["changed"] is True
    assert gone["diff"] == predicted["diff"]
    assert gone["diff"]["before"].startswith(f"{kind} ")
    assert gone["diff"]["after"] == ""
    assert modules.run(kind, **key, state="absent")["changed"] is False
    assert modules.run(kind, check=True, **key, state="absent")["changed"] is False


@pytest.mark.parametrize("kind", ["subject", "experiment", "scan"])
def test_parents_are_made_on_demand_and_named(kind: str, modules: Modules, xnat: XnatServer) -> None:
    project = xnat.new_id()
    key = {"project": project, **KEYS[kind]}
    predicted = modules.run(kind, check=True, **key)
    made = modules.run(kind, **key)
    above = KINDS[: KINDS.index(kind)]
    assert [parent.split()[0] for parent in made["created_parents"]] == above
    assert made["created_parents"] == predicted["created_parents"]
    assert made["diff"] == predicted["diff"]
    assert modules.run(kind, **key)["created_parents"] == []


@pytest.mark.parametrize("kind", ["subject", "experiment", "scan"])
def test_without_create_parents_the_missing_one_is_named(
    kind: str, project: str, modules: Modules, xnat: XnatServer
) -> None:
    missing = xnat.new_id()
    before = snapshot(xnat, project)
    with pytest.raises(
        ModuleFailedError, match=f"The project {missing} does not exist, or this account may not see it"
    ):
        modules.run(kind, project=missing, **KEYS[kind], create_parents=False)
    if kind != "subject":
        with pytest.raises(ModuleFailedError, match=f"The subject sub001 of project {project} does not exist"):
            modules.run(kind, project=project, **KEYS[kind], create_parents=False)
    assert snapshot(xnat, project) == before


@pytest.mark.parametrize("label", ["sub 001", "sub#1", "süb", "a/b", "*"])
def test_a_label_with_illegal_characters_is_refused_before_any_request(
    kind: str, project: str, modules: Modules, label: str
) -> None:
    key = {"project": project, **KEYS[kind]}
    key["experiment" if kind == "experiment" else kind] = label
    key.pop("session", None) if kind == "experiment" else None
    with pytest.raises(ModuleFailedError, match=rf"^{kind}: .*which XNAT cannot keep in the label of a {kind}"):
        modules.run(kind, **{**key, "url": "http://127.0.0.1:9"})


def test_a_value_that_xnat_ignores_is_not_reported_as_set(project: str, modules: Modules) -> None:
    key = {"project": project, **KEYS["scan"]}
    modules.scan(**key)
    with pytest.raises(ModuleFailedError, match=r"did not keep it as given.*\(xnat:mrScanData\)"):
        modules.scan(**key, fields={"xnat:ctScanData/parameters/kvp": "120"})


def test_an_experiment_under_another_subject_is_not_moved(project: str, modules: Modules, xnat: XnatServer) -> None:
    modules.experiment(project=project, subject="right", experiment="E1", note="keep me")
    modules.subject(project=project, subject="wrong")
    before = snapshot(xnat, project)
    for subject in ("wrong", "unknown"):
        for more in ({}, {"note": "x"}, {"state": "absent"}):
            with pytest.raises(
                ModuleFailedError, match=rf"under subject right, not under {subject}. XNAT would move it"
            ):
                modules.experiment(project=project, subject=subject, experiment="E1", **more)
        with pytest.raises(ModuleFailedError, match="XNAT would move it"):
            modules.scan(project=project, subject=subject, experiment="E1", scan="1")
        with pytest.raises(ModuleFailedError, match="XNAT would move it"):
            modules.resource(project=project, subject=subject, experiment="E1", resource="R")
    assert snapshot(xnat, project) == before


def test_a_scan_of_another_type_is_refused_before_writing(project: str, modules: Modules, xnat: XnatServer) -> None:
    key = {"project": project, **KEYS["scan"]}
    modules.scan(**key, xsi_type="xnat:mrScanData", type="T1")
    before = snapshot(xnat, project)
    for check in (True, False):
        with pytest.raises(
            ModuleFailedError, match=r"is of type xnat:mrScanData, not xnat:ctScanData.*Nothing was changed"
        ):
            modules.scan(**key, xsi_type="xnat:ctScanData", type="CT", check=check)
    assert snapshot(xnat, project) == before


def test_an_experiment_of_another_type_is_refused(project: str, modules: Modules) -> None:
    key = {"project": project, **KEYS["experiment"]}
    modules.experiment(**key)
    with pytest.raises(ModuleFailedError, match="is of type xnat:mrSessionData, not xnat:petSessionData"):
        modules.experiment(**key, xsi_type="xnat:petSessionData")


def test_a_data_type_in_another_case_is_the_same(project: str, modules: Modules) -> None:
    key = {"project": project, **KEYS["scan"], "xsi_type": "xnat:MRScanData"}
    assert modules.scan(**key)["object"]["xsi_type"] == "xnat:mrScanData"
    assert modules.scan(**key)["changed"] is False


def test_types_follow_each_other(project: str, modules: Modules) -> None:
    made = modules.scan(project=project, subject="s", experiment="PET1", scan="1", xsi_type="xnat:petScanData")
    assert made["object"]["xsi_type"] == "xnat:petScanData"
    assert (
        modules.experiment(project=project, subject="s", experiment="PET1")["object"]["xsi_type"]
        == "xnat:petSessionData"
    )
    assert (
        modules.scan(project=project, subject="s", experiment="PET1", scan="2")["object"]["xsi_type"]
        == "xnat:petScanData"
    )
    assert (
        modules.scan(project=project, subject="s", experiment="E", scan="1")["object"]["xsi_type"] == "xnat:mrScanData"
    )


def test_an_unknown_data_type_is_explained(project: str, modules: Modules) -> None:
    with pytest.raises(ModuleFailedError, match=r"Cannot create the experiment E .* answered 400"):
        modules.experiment(project=project, subject="s", experiment="E", xsi_type="foo:barData")
    with pytest.raises(ModuleFailedError, match="xsi_type: 'barData' is not the name of a data type"):
        modules.experiment(project=project, subject="s", experiment="E", xsi_type="barData")


def test_custom_variables_do_not_double_when_written_in_another_case(project: str, modules: Modules) -> None:
    key = {"project": project, "subject": "s"}
    modules.subject(**key, fields={"Cohort": "A"})
    assert modules.subject(**key, fields={"cohort": "A"})["changed"] is False
    after = modules.subject(**key, fields={"COHORT": "B"})["object"]["fields"]
    assert [value for path, value in after.items() if path.lower() == "fields/field[name=cohort]/field"] == ["B"]


def test_an_empty_text_clears_a_value(project: str, modules: Modules) -> None:
    key = {"project": project, **KEYS["scan"]}
    modules.scan(**key, note="something")
    assert modules.scan(**key, note="")["changed"] is True
    assert modules.scan(**key, note="")["changed"] is False


def test_a_change_leaves_visit_and_protocol_alone(project: str, modules: Modules) -> None:
    """XNAT clears both with every change that comes through a subject's path."""
    key = {"project": project, **KEYS["experiment"]}
    fields = {"xnat:mrSessionData/visit": "v1", "xnat:mrSessionData/protocol": "p1"}
    modules.experiment(**key, fields=fields)
    assert modules.experiment(**key, note="other")["changed"] is True
    assert modules.experiment(**key, fields=fields)["changed"] is False


def test_objects_can_be_named_by_id(project: str, modules: Modules) -> None:
    made = modules.experiment(project=project, subject="s", experiment="E")
    subject = modules.subject(project=project, subject="s")["object"]["id"]
    by_id = modules.experiment(project=project, subject=subject, experiment=made["object"]["id"])
    assert by_id["changed"] is False
    assert by_id["object"] == made["object"]


# -- projects -------------------------------------------------------------------------------------------------------


def test_accessibility_is_set_and_changed(modules: Modules, xnat: XnatServer) -> None:
    project = xnat.new_id()
    modules.project(project=project, accessibility="private")
    assert modules.project(project=project, accessibility="private")["changed"] is False
    predicted = modules.project(project=project, accessibility="public", check=True)
    changed = modules.project(project=project, accessibility="public")
    assert changed["diff"] == predicted["diff"]
    assert changed["diff"]["before"] == f"project {project}\n    accessibility: private\n"
    assert xnat.session().get(f"{xnat.url}/data/projects/{project}/accessibility").text.strip() == "public"


def test_an_id_or_name_that_is_taken_in_another_case_is_reported_with_its_owner(
    project: str, modules: Modules, xnat: XnatServer
) -> None:
    for check in (True, False):
        with pytest.raises(ModuleFailedError, match=f"is already the ID of project '{project}'"):
            modules.project(project=project.upper(), check=check)
        with pytest.raises(ModuleFailedError, match=rf"^name: .* is already the ID of project '{project}'"):
            modules.project(project=xnat.new_id(), name=project.upper(), check=check)
        with pytest.raises(ModuleFailedError, match=f"is already the ID of project '{project}'"):
            modules.subject(project=project.upper(), subject="s", check=check)


def test_a_new_name_that_is_taken_is_reported_with_its_owner(project: str, modules: Modules, xnat: XnatServer) -> None:
    other = xnat.new_id()
    modules.project(project=other)
    for check in (True, False):
        with pytest.raises(ModuleFailedError, match=rf"^name: .* is already the ID of project '{project}'"):
            modules.project(project=other, name=project.upper(), check=check)
    # What the owner may not see, only XNAT knows.
    owner = member(xnat, other, "Owners")
    with pytest.raises(ModuleFailedError, match=r"answered 409.* Its new name or secondary ID is taken") as caught:
        owner.project(project=other, name=project.upper())
    assert "does not exist" not in caught.value.msg


def test_the_id_of_a_deleted_project_is_explained(modules: Modules, xnat: XnatServer) -> None:
    project = xnat.new_id()
    modules.project(project=project)
    modules.project(project=project, state="absent")
    with pytest.raises(ModuleFailedError, match=r"answered 403.*was deleted \(XNAT never gives such an ID out again"):
        modules.project(project=project)


def test_an_alias_is_not_taken_for_the_project(modules: Modules, xnat: XnatServer) -> None:
    project, alias = xnat.new_id(), xnat.new_id("alias")
    xnat.session().put(f"{xnat.url}/data/projects/{project}", params={"alias": alias}).raise_for_status()
    with pytest.raises(ModuleFailedError, match=rf"'{alias}' is another name .alias. of project '{project}'"):
        modules.project(project=alias, name="x")


# -- accounts -------------------------------------------------------------------------------------------------------


def member(xnat: XnatServer, project: str | None, group: str = "Members") -> Modules:
    return Modules(xnat.url, *xnat.new_user(project, group), xnat.ca_path)


def test_a_project_that_the_account_may_not_see(kind: str, project: str, modules: Modules, xnat: XnatServer) -> None:
    modules.scan(project=project, **KEYS["scan"])
    before = snapshot(xnat, project)
    stranger = member(xnat, None)
    with pytest.raises(ModuleFailedError, match="may not see") as caught:
        stranger.run(kind, project=project, **KEYS[kind], **SECOND[kind])
    assert caught.value.result["status"] in {403, 409}
    if kind != "project":
        with pytest.raises(
            ModuleFailedError, match=f"The project {project} does not exist, or this account may not see it"
        ):
            stranger.run(kind, project=project, **KEYS[kind], create_parents=False)
    assert stranger.run(kind, project=project, **KEYS[kind], state="absent")["changed"] is False
    assert snapshot(xnat, project) == before


@pytest.mark.parametrize("kind", ["subject", "experiment", "scan"])
def test_an_account_that_may_only_read_is_told_so(kind: str, project: str, modules: Modules, xnat: XnatServer) -> None:
    modules.run(kind, project=project, **KEYS[kind], **FIRST[kind])
    reader = member(xnat, project, "Collaborators")
    assert reader.run(kind, project=project, **KEYS[kind], **FIRST[kind])["changed"] is False
    with pytest.raises(ModuleFailedError, match=r"Cannot change the .* answered 403.*This account may not do that"):
        reader.run(kind, project=project, **KEYS[kind], **SECOND[kind])
    with pytest.raises(ModuleFailedError, match=r"Cannot delete the .* answered 403.*may not delete it"):
        reader.run(kind, project=project, **KEYS[kind], state="absent")


def test_an_account_that_may_not_change_the_project_is_told_so(
    project: str, modules: Modules, xnat: XnatServer
) -> None:
    reader = member(xnat, project)
    with pytest.raises(ModuleFailedError, match=r"answered 403.*may not change the project: only its owners") as caught:
        reader.project(project=project, description="other")
    assert "does not exist" not in caught.value.msg


@pytest.mark.parametrize(
    ("kind", "message"),
    [("project", "answered 200 and did not delete the project .* shared with another"), ("scan", "is still there")],
)
def test_an_object_that_is_not_deleted_despite_200(
    kind: str, message: str, project: str, modules: Modules, monkeypatch: pytest.MonkeyPatch
) -> None:
    """XNAT skips the deletion of a project silently when a subject in it is shared with another one."""
    monkeypatch.setattr(client_session.time, "sleep", lambda _: None)
    modules.scan(project=project, **KEYS["scan"])
    real = client_session.Session.request

    def swallow(session: client_session.Session, method: str, *arguments: Any, **more: Any) -> Any:
        return client_session.Answer(200, "") if method == "DELETE" else real(session, method, *arguments, **more)

    monkeypatch.setattr(client_session.Session, "request", swallow)
    with pytest.raises(ModuleFailedError, match=message):
        modules.run(kind, project=project, **KEYS[kind], state="absent")


def test_requests_are_few(project: str, modules: Modules) -> None:
    """Login and logout are two of each."""
    for kind, first, second in [("subject", 6, 3), ("experiment", 6, 4), ("scan", 6, 4)]:
        key = {"project": project, **KEYS[kind]}
        assert modules.run(kind, **key)["requests"] <= first, kind
        assert modules.run(kind, **key)["requests"] <= second, kind
