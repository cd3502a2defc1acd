"""Custom variables: pyxnat and XNATpy define, set and read them, each what the other has stored."""

from __future__ import annotations

from typing import Any

import pytest
from xnat_twin.testing import Session

pytest_plugins = ["client_fixtures"]

COHORT = "xnat:subjectData/fields/field[name=cohort]/field"
#: Where the definitions of a project's own variables of subjects go. Projects made by REST have no such place.
PROTOCOL = """<xnat:Project xmlns:xnat="http://nrg.wustl.edu/xnat"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ID="{0}" secondary_ID="{0}"><xnat:name>{0}</xnat:name>
    <xnat:studyProtocol ID="{0}_xnat_subjectData" name="Subjects" data-type="xnat:subjectData"
        xsi:type="xnat:datatypeProtocol"/></xnat:Project>"""


def _variables(api: Session, path: str) -> dict[str, str]:
    """The values that an object has."""
    [item] = api.get(path, params={"format": "json"}).json()["items"]
    return {
        one["data_fields"]["name"]: one["data_fields"]["field"]
        for child in item["children"]
        if child["field"] == "fields/field"
        for one in child["items"]
    }


@pytest.mark.rule("table-predicates-ignored")
def test_pyxnat_sets_and_reads(pyxnat: Any, project: str, api: Session) -> None:
    path = f"/data/projects/{project}/subjects/S1"
    subject = pyxnat.select.project(project).subject("S1")
    subject.create()
    subject.attrs.set(COHORT, "A")
    assert _variables(api, path) == {"cohort": "A"}
    assert subject.attrs.get(COHORT) == "A"
    subject.attrs.set(COHORT, "B")
    subject.attrs.set(COHORT.replace("cohort", "site"), "Oxford")
    assert _variables(api, path) == {"cohort": "B", "site": "Oxford"}
    assert sorted(subject.attrs.get(COHORT)) == ["B", "Oxford"]  # who asks for one variable gets all


def test_xnatpy_sets_and_reads(xnatpy: Any, project: str, api: Session) -> None:
    subject = xnatpy.classes.SubjectData(parent=xnatpy.projects[project], label="S1")
    session = xnatpy.classes.MrSessionData(parent=subject, label="S1_MRI")
    for one, path in ((subject, "subjects/S1"), (session, "experiments/S1_MRI")):
        one.fields["cohort"] = "A"
        one.fields["score"] = "1"
        assert _variables(api, f"/data/projects/{project}/{path}") == {"cohort": "A", "score": "1"}
        one.fields["cohort"] = "B"
        assert _variables(api, f"/data/projects/{project}/{path}")["cohort"] == "B"
        assert one.fields.data == {"cohort": "B", "score": "1"}


def test_pyxnat_defines_and_xnatpy_knows_the_types(pyxnat: Any, xnatpy: Any, project: str, api: Session) -> None:
    document = PROTOCOL.format(project)
    api.put(f"/data/projects/{project}", data=document, headers={"Content-Type": "text/xml"}).raise_for_status()
    wanted = {"visit": {"mood": "string", "score": "integer", "seen": "boolean"}}
    mine = pyxnat.select.project(project)
    mine.add_custom_variables({"Subjects": wanted})
    assert mine.get_custom_variables() == {"Subjects": wanted}

    subject = xnatpy.classes.SubjectData(parent=xnatpy.projects[project], label="S1")
    visit = subject.custom_variables["visit"]
    assert dict(visit) == {"mood": None, "score": None, "seen": None}
    visit["score"] = 3
    visit["seen"] = True
    assert dict(visit) == {"mood": None, "score": 3, "seen": True}
    assert _variables(api, f"/data/projects/{project}/subjects/S1") == {"score": "3", "seen": "true"}
