"""pyxnat and XNATpy against each version that the practice XNAT can be, and with the data types of DPUK installed."""

from __future__ import annotations

import datetime as dt
import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from client_runner import Clients
from xnat_twin.testing import Practice

pytest_plugins = ["client_fixtures"]
pytestmark = pytest.mark.practice_xnat("servers of other versions, and with the modules of DPUK")

FLAVOURS = ("1.6", "1.8", "1.10")


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """With each deletion XNATpy reads every list again that is still in memory, of any connection."""
    yield
    gc.collect()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_pyxnat_from_login_to_deletion(
    flavour: str, practice: Practice, direct: None, nifti: Path, tmp_path: Path
) -> None:
    server = practice(flavour=flavour)
    path = f"/data/projects/{server.new_project()}/subjects/S1/experiments/E1/scans/1/resources/NIFTI/files/T1.nii.gz"
    with Clients(server).pyxnat() as interface:
        version = interface.version()
        assert (version.decode() if flavour == "1.6" else version["version"]).startswith(flavour)
        file = interface.select(path.removeprefix("/data"))
        file.put(str(nifti))
        assert server.session().get(path).content == nifti.read_bytes()
        file.parent().get(str(tmp_path), extract=True)
        assert (tmp_path / "NIFTI" / "T1.nii.gz").read_bytes() == nifti.read_bytes()
        subject = file.parent().parent().parent().parent()
        assert subject.label() == "S1"
        subject.delete()
        assert not subject.exists()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_xnatpy_from_login_to_deletion(
    flavour: str, practice: Practice, direct: None, nifti: Path, tmp_path: Path
) -> None:
    server = practice(flavour=flavour)
    project = server.new_project()
    with Clients(server).xnatpy() as connection:
        assert connection.xnat_version.startswith(flavour)
        subject = connection.classes.SubjectData(parent=connection.projects[project], label="S1")
        session = connection.classes.MrSessionData(parent=subject, label="E1")
        resource = connection.classes.MrScanData(parent=session, id="1", type="T1").create_resource("NIFTI")
        resource.upload(str(nifti))
        path = f"/data/projects/{project}/subjects/S1/experiments/E1/scans/1/resources/NIFTI/files/T1.nii.gz"
        assert server.session().get(path).content == nifti.read_bytes()
        resource.download_dir(str(tmp_path / "got"), verbose=False)
        [copy] = (tmp_path / "got").rglob("*.gz")
        assert copy.read_bytes() == nifti.read_bytes()
        del subject, session, resource  # the lists below what is deleted are gone from the server then
        connection.clearcache()
        gc.collect()
        connection.projects[project].subjects["S1"].delete()
        assert server.session().get(f"/data/projects/{project}/subjects/S1").status_code == 404


@pytest.mark.rule("xnatpy-schemas")
@pytest.mark.parametrize(
    ("flavour", "warned"),
    [
        ("1.6", []),
        ("1.8", []),
        ("1.10", ["Found an unsupported version (1.10.1), trying 1.7 compatible model builder"]),
    ],
)
def test_xnatpy_understands_every_schema(flavour: str, warned: list[str], practice: Practice, direct: None) -> None:
    clients = Clients(practice(flavour=flavour, modules=("dpuk-datatypes",)))
    clients.server.new_project()  # XNATpy finds the schemas of a 1.6 in the document of a project
    with clients.xnatpy() as connection:
        assert clients.warnings == warned
        assert {"ProjectData", "SubjectData", "MrSessionData", "MrScanData", "QcManualAssessorData"} <= set(
            vars(connection.classes)
        )
        assert issubclass(connection.classes.DpukDpukAssessmentData, connection.classes.SubjectAssessorData)


@pytest.mark.rule("clients-dpuk")
def test_pyxnat_with_a_dpuk_assessment(practice: Practice, direct: None) -> None:
    server = practice(modules=("dpuk-datatypes",))
    project = server.new_project()
    with Clients(server).pyxnat() as interface:
        assessment = interface.select.project(project).subject("S1").experiment("S1_2024")
        name = "dpuk:dpukAssessmentData"
        assessment.create(experiments=name, **{f"{name}/MMSE": "28", f"{name}/DIAGNOSIS_AD": "true"})
        assert (assessment.exists(), assessment.datatype()) == (True, name)
        assessment.attrs.set(f"{name}/CDR", "0.5")
        fields = server.session().get(f"/data/projects/{project}/experiments/S1_2024", params={"format": "json"})
        [item] = fields.json()["items"]
        values = {key.lower(): value for key, value in item["data_fields"].items()}
        assert (values["mmse"], values["cdr"]) == (28, 0.5)
        assert values["diagnosis_ad"] == "true"
        # In capitals it would take the ID: it guesses which of the columns is meant, and they are in small letters.
        assert assessment.attrs.get(f"{name}/mmse") == "28"
        resource = assessment.resource("FORM")
        resource.file("form.txt").put("scanned form")
        assert resource.file("form.txt").exists()
        assessment.delete()
        assert not assessment.exists()


@pytest.mark.rule("clients-dpuk")
def test_xnatpy_with_dpuk_assessments(practice: Practice, direct: None) -> None:
    server = practice(modules=("dpuk-datatypes",))
    project = server.new_project()
    with Clients(server).xnatpy() as connection:
        subject = connection.classes.SubjectData(parent=connection.projects[project], label="S1")
        assessment = connection.classes.DpukDpukAssessmentData(parent=subject, label="S1_2024")
        assessment.mmse = 28
        assessment.cdr = 0.5
        assessment.diagnosis_ad = True
        assessment.date = dt.date(2024, 2, 29)
        risk = connection.classes.DpukDpukRiskFactorAssessmentData(parent=subject, label="S1_RISK")
        risk.apoe = "e3/e4"
        risk.has_familial_gene = False
        connection.clearcache()
        again = connection.projects[project].experiments["S1_2024"]
        assert (again.mmse, again.cdr, again.diagnosis_ad) == (28, 0.5, True)
        assert connection.projects[project].experiments["S1_RISK"].apoe == "e3/e4"
        http = server.session()
        [item] = http.get(f"/data/projects/{project}/experiments/S1_2024", params={"format": "json"}).json()["items"]
        assert item["meta"]["xsi:type"] == "dpuk:dpukAssessmentData"
        values = {name.lower(): value for name, value in item["data_fields"].items()}
        assert (values["mmse"], values["cdr"], values["diagnosis_ad"]) == (28, 0.5, "true")
        resource = assessment.create_resource("FORM")
        resource.upload_data(b"scanned form", "form.txt")
        assert [one.id for one in resource.files] == ["form.txt"]
        assessment.delete()
        left = http.get(f"/data/projects/{project}/experiments").json()["ResultSet"]["Result"]
        assert [row["label"] for row in left] == ["S1_RISK"]
