"""A document that was read from one XNAT and made fit is taken by another one, and comes back the same.

From and to what people have: 1.6, 1.8 and 1.10, with types that this code does not know by name.
"""

from __future__ import annotations

import pytest
from ansible.module_utils.xnat.copying import documents
from xnat_twin.testing import Practice, Session, XnatServer

pytestmark = pytest.mark.practice_xnat("needs two servers")

MR, SCAN, COG = "xnat:mrSessionData", "xnat:mrScanData", "dpuk:dpukAssessmentData"
MODULES = ("dpuk-datatypes",)
FROM_TO = [("1.6", "1.10"), ("1.8", "1.10"), ("1.10", "1.10")]


@pytest.fixture(params=FROM_TO, ids="-".join)
def servers(request: pytest.FixtureRequest, practice: Practice) -> tuple[XnatServer, XnatServer]:
    source, target = request.param
    return practice(source, MODULES), practice(target, MODULES, name="target")


def fill(api: Session, project: str) -> None:
    """A subject with demographics and a variable, a session with a scan, two assessments, and a share."""
    path = f"/data/projects/{project}/subjects/S1"
    for below, params in [
        (
            "",
            {"gender": "male", "yob": "1950", "group": "G", "xnat:subjectData/fields/field[name=cohort]/field": "A b"},
        ),
        ("/experiments/S1_MRI", {"xsiType": MR, "date": "2020-01-02", "note": "a, b", f"{MR}/fieldStrength": "3.0"}),
        (
            "/experiments/S1_MRI/scans/1",
            {"xsiType": SCAN, "type": "T1", f"{SCAN}/parameters/tr": "2.3", f"{SCAN}/parameters/voxelRes/x": "1.5"},
        ),
        ("/experiments/S1_MRI/scans/1/resources/NIFTI", {"format": "NIFTI"}),
        ("/experiments/S1_MRI/assessors/QC", {"xsiType": "xnat:qcManualAssessorData", "date": "2020-02-03"}),
        ("/experiments/COG", {"xsiType": COG, f"{COG}/MMSE": "29", f"{COG}/CDR": "0.5", f"{COG}/DIAGNOSIS_AD": "true"}),
    ]:
        api.put(f"{path}{below}", params=params).raise_for_status()


def document(api: Session, path: str) -> documents.Document:
    """One object's document."""
    answer = api.get(path, params={"format": "xml"})
    answer.raise_for_status()
    return documents.read(answer.content, path)


def test_objects_of_any_type_come_back_the_same(servers: tuple[XnatServer, XnatServer]) -> None:
    source, target = servers
    there, here = source.session(), target.session()
    old, new = source.new_project(), target.new_project()
    fill(there, old)
    identifiers: dict[str, str] = {}
    # Each needs those above it first, whose IDs on the target its document then names.
    for below in ("", "/experiments/S1_MRI", "/experiments/COG", "/experiments/S1_MRI/assessors/QC"):
        path = f"/subjects/S1{below}"
        wanted = document(there, f"/data/projects/{old}{path}")
        body, left = documents.fit(wanted, new, identifiers)
        assert "subject_ID" not in {one.path for one in left}
        for _ in range(2):
            answer = here.put(
                f"/data/projects/{new}{path}",
                params={"inbody": "true", "allowDataDeletion": "false"},
                data=body,
                headers={"Content-Type": "text/xml"},
            )
            assert answer.status_code in (200, 201), answer.text
        found = document(here, f"/data/projects/{new}{path}")
        assert documents.differences(wanted, found) == []
        assert found.identifier
        identifiers[wanted.identifier] = found.identifier


def test_what_somebody_changed_is_found(servers: tuple[XnatServer, XnatServer]) -> None:
    _, target = servers
    api, project = target.session(), target.new_project()
    fill(api, project)
    path = f"/data/projects/{project}/subjects/S1/experiments/S1_MRI"
    before = document(api, path)
    api.put(f"{path}/scans/1", params={"xsiType": SCAN, f"{SCAN}/parameters/tr": "2.4"}).raise_for_status()
    [found] = documents.differences(before, document(api, path))
    assert (found.path, found.source, found.target) == ("scans/scan[ID=1]/parameters/tr", "2.3", "2.4")
