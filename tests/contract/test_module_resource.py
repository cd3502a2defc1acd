"""xnat_resource: at every level, and never a word of success that XNAT does not mean."""

from __future__ import annotations

import pytest
from module_runner import ModuleFailedError, Modules
from xnat_twin.testing import XnatServer

pytest_plugins = ["module_fixtures"]

LEVELS = {
    "project": {},
    "subject": {"subject": "s1"},
    "experiment": {"subject": "s1", "session": "e1"},
    "scan": {"subject": "s1", "session": "e1", "scan": "1"},
}


def labels(xnat: XnatServer, project: str) -> list[str]:
    """The resources of a project's own level, of its subject s1 and of all below, as `category/label`."""
    http, found = xnat.session(), []
    for path in ("", "/subjects/s1", "/subjects/s1/experiments/e1", "/subjects/s1/experiments/e1/scans/1"):
        owner = f"{xnat.url}/data/projects/{project}{path}"
        if http.get(owner, params={"format": "json"}).status_code == 404:
            continue
        answer = http.get(f"{owner}/resources", params={"format": "json"})
        found += [f"{path}/{row['label']}" for row in answer.json()["ResultSet"]["Result"]]
    return found


@pytest.mark.parametrize("level", list(LEVELS))
def test_life_of_a_resource(level: str, project: str, modules: Modules, xnat: XnatServer) -> None:
    key = {"project": project, **LEVELS[level], "resource": "NIFTI"}
    asked = {**key, "format": "NIFTI", "content": "T1 & T2", "tags": ["raw", "mr"]}

    predicted = modules.resource(check=True, **asked)
    assert labels(xnat, project) == []
    made = modules.resource(**asked)
    assert made["changed"] is predicted["changed"] is True
    assert made["diff"] == predicted["diff"]
    assert made["created_parents"] == predicted["created_parents"]
    assert made["object"]["id"]
    assert made["object"]["format"] == "NIFTI"

    assert modules.resource(**asked)["changed"] is False
    assert modules.resource(check=True, **asked)["changed"] is False
    assert modules.resource(**key)["changed"] is False
    assert len(labels(xnat, project)) == 1

    predicted = modules.resource(check=True, state="absent", **key)
    assert len(labels(xnat, project)) == 1
    gone = modules.resource(state="absent", **key)
    assert gone["changed"] is predicted["changed"] is True
    assert gone["diff"] == predicted["diff"]
    assert labels(xnat, project) == []
    assert modules.resource(state="absent", **key)["changed"] is False


@pytest.mark.parametrize(("option", "value"), [("format", "DICOM"), ("content", "T2"), ("tags", ["more"])])
def test_other_labels_on_an_existing_resource_are_reported_not_pretended(
    project: str, modules: Modules, option: str, value: object
) -> None:
    key = {"project": project, "resource": "R"}
    modules.resource(**key, format="NIFTI", content="T1", tags=["raw"])
    for check in (True, False):
        with pytest.raises(
            ModuleFailedError, match=rf"exists with other labels: {option} is .*XNAT cannot change them"
        ):
            modules.resource(**key, **{option: value}, check=check)
    assert modules.resource(**key, format="NIFTI", content="T1", tags=["raw"])["changed"] is False


def test_a_wrong_parent_does_not_put_the_resource_elsewhere(project: str, modules: Modules, xnat: XnatServer) -> None:
    """XNAT lists the resources of the subject or project for an experiment or scan that does not exist."""
    modules.scan(project=project, **LEVELS["scan"])
    modules.resource(project=project, resource="NIFTI")
    modules.resource(project=project, subject="s1", resource="NIFTI")
    before = labels(xnat, project)
    for more, kind in [({"session": "nope"}, "experiment nope"), ({"session": "e1", "scan": "9"}, "scan 9")]:
        key = {"project": project, "subject": "s1", **more, "resource": "NIFTI"}
        with pytest.raises(ModuleFailedError, match=rf"The {kind} of .* does not exist"):
            modules.resource(**key, create_parents=False)
        assert modules.resource(**key, state="absent")["changed"] is False
        assert modules.resource(**key, check=True)["changed"] is True
    assert labels(xnat, project) == before


def test_parents_are_made_on_demand(modules: Modules, xnat: XnatServer) -> None:
    project = xnat.new_id()
    key = {"project": project, **LEVELS["scan"], "resource": "NIFTI"}
    predicted = modules.resource(**key, check=True)
    made = modules.resource(**key)
    assert [parent.split()[0] for parent in made["created_parents"]] == ["project", "subject", "experiment", "scan"]
    assert made["created_parents"] == predicted["created_parents"]
    assert made["diff"] == predicted["diff"]


def test_a_scan_id_that_is_the_type_of_another_scan_is_refused(project: str, modules: Modules) -> None:
    modules.scan(project=project, subject="s1", session="e1", scan="1", type="T1")
    modules.scan(project=project, subject="s1", session="e1", scan="T1", type="T2")
    with pytest.raises(
        ModuleFailedError, match=r"Scan 1 of the .* is of type 'T1', which is the ID of the scan wanted"
    ):
        modules.resource(project=project, subject="s1", session="e1", scan="T1", resource="R")


@pytest.mark.parametrize("label", ["NIF TI", "a'b", "a/b", "12", "*", ""])
def test_a_label_that_xnat_misreads_is_refused(project: str, modules: Modules, label: str) -> None:
    with pytest.raises(ModuleFailedError, match=r"^resource: "):
        modules.resource(project=project, resource=label, url="http://127.0.0.1:9")


def test_who_may_what(project: str, modules: Modules, xnat: XnatServer) -> None:
    key = {"project": project, "resource": "R"}
    reader = Modules(xnat.url, *xnat.new_user(project, "Collaborators"), xnat.ca_path)
    member = Modules(xnat.url, *xnat.new_user(project, "Members"), xnat.ca_path)
    with pytest.raises(ModuleFailedError, match=r"Cannot create the resource R .* answered 403"):
        reader.resource(**key)
    assert member.resource(**key)["changed"] is True
    assert reader.resource(**key)["changed"] is False
    for account in (reader, member):
        with pytest.raises(ModuleFailedError, match="only owners may delete"):
            account.resource(**key, state="absent")


def test_a_gap_in_the_address_is_named(modules: Modules) -> None:
    with pytest.raises(ModuleFailedError, match=r"^subject: is missing"):
        modules.resource(project="p", session="e1", resource="R")
    with pytest.raises(ModuleFailedError, match=r"^experiment: is missing"):
        modules.resource(project="p", subject="s1", scan="1", resource="R")
    with pytest.raises(ModuleFailedError, match="exclude each other"):
        modules.resource(project="p", subject="s1", session="e1", scan="1", assessor="a", resource="R")


def test_requests_are_few(project: str, modules: Modules) -> None:
    key = {"project": project, **LEVELS["scan"], "resource": "NIFTI"}
    modules.scan(project=project, **LEVELS["scan"])
    assert modules.resource(**key)["requests"] <= 7
    assert modules.resource(**key)["requests"] <= 5
