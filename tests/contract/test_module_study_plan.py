"""A study against a server: what present.py finds, what the plan makes of it, and that its documents are kept.

Driven with the client's own session, without Ansible. Writing files is not part of this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from xnat_twin.testing import XnatServer

from module_utils.xnat.address import Address
from module_utils.xnat.bodies import XmlBody
from module_utils.xnat.local import md5
from module_utils.xnat.server import Server
from module_utils.xnat.session import Session
from module_utils.xnat.study import present, study_plan
from module_utils.xnat.study.present import Present
from module_utils.xnat.study.study import Attributes, Study
from module_utils.xnat.study.study_plan import StudyPlan


@pytest.fixture
def session(xnat: XnatServer) -> Iterator[Session]:
    with Session(Server(xnat.url, xnat.admin, xnat.password, ca_path=xnat.ca_path)) as client:
        yield client


def _plan(study: Study, there: Present, **options: object) -> StudyPlan:
    settings: dict[str, object] = {"overwrite": "different", **options}
    return study_plan.plan(
        study,
        there,
        local_md5=md5,
        stored_md5=lambda _, file: file.digest,
        **settings,  # type: ignore[arg-type]
    )


def _send(session: Session, plan: StudyPlan) -> None:
    for document in plan.documents:
        session.request("PUT", document.path, f"send the {document.address}", body=XmlBody(document.body))


@pytest.fixture
def kept(session: Session) -> Callable[[Study], Present]:
    """Sends the documents of a study, and proves that nothing is left to do; returns what is there then."""

    def keep(study: Study) -> Present:
        plan = _plan(study, present.read(session, study))
        assert plan.documents
        _send(session, plan)
        there = present.read(session, study)
        again = _plan(study, there)
        assert [change for document in again.documents for change in document.changes] == []
        return there

    return keep


SPECIAL = "a & b < c > \"d\" 'e' é µ"


def _study(project: str, kind: str = "mr") -> Study:
    study = Study()
    session = Address(project, "S1", "S1_1")
    study.describe(
        session.up_to("subject"),
        Attributes(None, {"gender": "female", "age": 63, "group": SPECIAL}, {"Cohort 1": "b & c", "mmse": "28"}),
    )
    study.describe(
        session,
        Attributes(
            f"xnat:{kind}SessionData",
            {"date": "2024-02-29", "time": "09:05", "note": SPECIAL, "scanner": "Prisma", "operator": "x"},
            {"xnat:imageSessionData/scanner/manufacturer": "Siemens", "site.code": "11025", "site": SPECIAL},
        ),
    )
    for number in ("1", "2"):
        study.describe(
            Address(project, "S1", "S1_1", number),
            Attributes(
                f"xnat:{kind}ScanData",
                {"type": f"T{number}w", "series_description": f"sub-1_T{number}w", "quality": "usable", "frames": 5},
                {
                    f"xnat:{kind}ScanData/startTime": "10:05:01",
                    f"xnat:{kind}ScanData/scanner/manufacturer": "Siemens",
                    "EchoNumber": number,
                    "Note": SPECIAL,
                    "Rate": 0.00001,
                    "Empty": "",
                },
            ),
        )
    return study


@pytest.mark.parametrize("kind", ["mr", "pet", "ct"])
def test_documents_are_kept_as_they_were_sent(project: str, kept: Callable[[Study], Present], kind: str) -> None:
    study = _study(project, kind)
    of_kind = {
        "mr": {"parameters/tr": 2000, "parameters/te": "4.37", "parameters/voxelRes/x": 1.5, "fieldStrength": "3.0"},
        "pet": {"parameters/tracer/dose": 1} if False else {},
        "ct": {"parameters/rescale/slope": 1} if False else {},
    }[kind]
    scan = Address(project, "S1", "S1_1", "1")
    study.attributes[scan].fields |= {f"xnat:{kind}ScanData/{path}": value for path, value in of_kind.items()}
    there = kept(study)
    assert there.sessions[scan.up_to("experiment")].xsi_type == f"xnat:{kind}SessionData"
    assert there.scans[scan].xsi_type == f"xnat:{kind}ScanData"
    assert there.scans[scan].values["parameters/addParam[name=Note]/addField"] == SPECIAL
    assert there.subjects[scan.up_to("subject")].values["demographics/gender"] == "female"
