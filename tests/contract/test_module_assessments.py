"""Assessments of the DPUK: one by xnat_experiment, a table of many by xnat_upload; wrong values never reach XNAT."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from module_runner import ModuleFailedError, Modules
from playbook_runner import ROOT, Ansible, Run
from xnat_twin.testing import Practice, Session, XnatServer

pytest_plugins = ["module_fixtures"]
pytestmark = pytest.mark.practice_xnat("needs a site with the module dpuk-datatypes")

ASSESSMENT, RISKS = "dpuk:dpukAssessmentData", "dpuk:dpukRiskFactorAssessmentData"
Writes = list[tuple[str, str]]


@pytest.fixture(scope="module", params=["1.6", "1.10"])
def dpuk(practice: Practice, request: pytest.FixtureRequest) -> XnatServer:
    """A practice server with the module, of the DPUK's version and of a recent one."""
    return practice(flavour=request.param, modules=("dpuk-datatypes",))


@pytest.fixture
def modules(dpuk: XnatServer) -> Modules:
    return Modules(dpuk.url, dpuk.admin, dpuk.password)


@pytest.fixture
def project(dpuk: XnatServer) -> str:
    return dpuk.new_project()


@pytest.fixture
def http(dpuk: XnatServer) -> Session:
    return dpuk.session()


def listed(http: Session, project: str, xsi_type: str, *names: str) -> list[tuple[str, ...]]:
    """(label, values...) of all assessments of a type, as texts of XNAT's list."""
    columns = ["label", *(f"{xsi_type}/{name}" for name in names)]
    wanted = {"xsiType": xsi_type, "columns": ",".join(columns), "format": "json"}
    rows = http.get(f"/data/projects/{project}/experiments", params=wanted).json()["ResultSet"]["Result"]
    cells = [{name.lower(): value for name, value in row.items()} for row in rows]
    return sorted(tuple(row[column.lower()] for column in columns) for row in cells)


def write(path: Path, *rows: dict[str, object]) -> str:
    """A table with these rows; its columns are those of the first."""
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return str(path)


def words_of(run: Run) -> str:
    """What was printed, however its lines were broken and its quotes doubled."""
    return " ".join(run.output.split()).replace("''", "'")


def test_life_of_an_assessment(modules: Modules, project: str, http: Session, writes: Writes) -> None:
    key = {"project": project, "subject": "S1", "experiment": "S1_DPUK", "xsi_type": ASSESSMENT}
    first = {**key, "date": "2016-05-04", "fields": {"mmse": 28, "CDR": "0.5", "diagnosis_mci": "yes"}}
    predicted = modules.experiment(check=True, **first)
    assert writes == []
    made = modules.experiment(**first)
    assert made["changed"] is predicted["changed"] is True
    assert made["diff"] == predicted["diff"]
    assert listed(http, project, ASSESSMENT, "MMSE", "CDR", "DIAGNOSIS_MCI") == [("S1_DPUK", "28", "0.5", "1")]
    writes.clear()
    for same in (first, {**first, "fields": {"MMSE": "28", "cdr": 0.5, "DIAGNOSIS_MCI": True}}):
        assert modules.experiment(**same)["changed"] is False
    assert writes == []
    changed = modules.experiment(**{**key, "fields": {"mmse": 27}})
    assert "MMSE" in changed["diff"]["before"]
    assert listed(http, project, ASSESSMENT, "MMSE", "CDR") == [("S1_DPUK", "27", "0.5")]
    assert modules.experiment(state="absent", **key)["changed"] is True
    assert listed(http, project, ASSESSMENT) == []


def test_wrong_values_are_refused_before_anything_is_sent() -> None:
    """Nobody listens at this address, and the failure is not that."""
    modules = Modules("http://127.0.0.1:9", "admin", "no-word-of-a-message")
    key = {"project": "P1", "subject": "S1", "experiment": "S1_RISK", "xsi_type": RISKS}
    with pytest.raises(ModuleFailedError, match="APOE: 'e5e4' is none of e2e2") as caught:
        modules.experiment(**key, fields={"APOE": "e5e4", "HAS_OTHER_RISK": "perhaps", "MMSE": 3})
    assert "HAS_OTHER_RISK: 'perhaps'" in str(caught.value)
    assert f"MMSE: is a field of {ASSESSMENT}" in str(caught.value)
    with pytest.raises(ModuleFailedError, match="Cannot"):
        modules.experiment(**key, fields={"APOE": "e3e4"}, retries=0)


def test_a_type_that_is_only_known_to_the_server_is_judged_too(modules: Modules, project: str, http: Session) -> None:
    key = {"project": project, "subject": "S1", "experiment": "S1_DPUK"}
    modules.experiment(**key, xsi_type=ASSESSMENT, fields={"MMSE": 20})
    with pytest.raises(ModuleFailedError, match="MMSE: 31 is no whole number"):
        modules.experiment(**key, fields={"MMSE": 31})
    assert modules.experiment(**key, fields={"mmse": "20"})["changed"] is False
    assert listed(http, project, ASSESSMENT, "MMSE") == [("S1_DPUK", "20")]


def test_a_table_of_many_subjects(
    modules: Modules, project: str, http: Session, writes: Writes, tmp_path: Path
) -> None:
    rows: list[dict[str, object]] = [
        {"subject": f"S{n:03}", "date": "2016-05-04", "MMSE": n % 31, "CDR": "0.5"} for n in range(200)
    ]
    options = {"project": project, "defaults": {"session": "{subject}_DPUK"}}
    table = write(tmp_path / "first.csv", *rows)
    predicted = modules.upload(check=True, manifest=table, **options)
    assert writes == []
    made = modules.upload(manifest=table, **options)
    assert made["objects"] == predicted["objects"] == {"created": 400, "changed": 0, "same": 0, "failed": 0}
    assert made["requests"] <= len(rows) + 10
    assert listed(http, project, ASSESSMENT, "MMSE")[31:33] == [("S031_DPUK", "0"), ("S032_DPUK", "1")]
    writes.clear()
    again = modules.upload(manifest=table, **options)
    assert (again["changed"], writes) == (False, [])
    assert again["requests"] <= 6
    rows[5]["MMSE"] = 30
    rows.append({"subject": "S900", "date": "2016-05-04", "MMSE": 3, "CDR": "2"})
    more = modules.upload(manifest=write(tmp_path / "more.csv", *rows), **options)
    assert more["objects"] == {"created": 2, "changed": 1, "same": 399, "failed": 0}
    assert len(writes) == 2
    assert ("S005_DPUK", "30") in listed(http, project, ASSESSMENT, "MMSE")


def test_wrong_rows_are_named_together_and_nothing_is_sent(
    modules: Modules, project: str, http: Session, writes: Writes, tmp_path: Path
) -> None:
    table = write(
        tmp_path / "wrong.csv",
        {"subject": "S1", "session": "S1_DPUK", "mmse": "21"},
        {"subject": "S2", "session": "S2_DPUK", "mmse": "31"},
        {"subject": "S3", "session": "S3_DPUK", "mmse": "high"},
    )
    with pytest.raises(ModuleFailedError, match="row 3: MMSE: '31'") as caught:
        modules.upload(project=project, manifest=table)
    assert "row 4: MMSE: 'high'" in str(caught.value)
    assert (writes, listed(http, project, ASSESSMENT)) == ([], [])
    with pytest.raises(ModuleFailedError, match="did you mean moca"):
        modules.upload(project=project, manifest=write(tmp_path / "column.csv", {"subject": "S1", "MOCAA": "21"}))


def test_a_row_has_one_kind_of_assessment(modules: Modules, project: str, tmp_path: Path) -> None:
    table = write(tmp_path / "both.csv", {"subject": "S1", "session": "S1_DPUK", "MMSE": "21", "APOE": "e3e4"})
    with pytest.raises(ModuleFailedError, match=f"a field of {RISKS} is given for a session of type {ASSESSMENT}"):
        modules.upload(project=project, manifest=table)


def test_risk_factors_stand_beside_images(modules: Modules, project: str, http: Session, tmp_path: Path) -> None:
    """One project, one subject, both kinds: each list is asked for by its type."""
    modules.experiment(project=project, subject="S1", experiment="S1_MR1", xsi_type="xnat:mrSessionData")
    rows: list[dict[str, object]] = [
        {"subject": "S1", "session": "S1_RISK", "session_type": "", "APOE": "4/3", "session.note": ""},
        {"subject": "S1", "session": "S1_MR1", "session_type": "xnat:mrSessionData", "APOE": "", "session.note": "n"},
    ]
    table = write(tmp_path / "risks.csv", *rows)
    assert modules.upload(project=project, manifest=table)["objects"]["created"] == 1
    assert listed(http, project, RISKS, "APOE") == [("S1_RISK", "e3e4")]
    assert modules.upload(project=project, manifest=table)["changed"] is False


def test_an_assessment_of_another_kind_under_that_label_is_left_alone(
    modules: Modules, project: str, http: Session, tmp_path: Path
) -> None:
    modules.experiment(project=project, subject="S1", experiment="S1_DPUK", xsi_type=RISKS, fields={"APOE": "e3e3"})
    table = write(tmp_path / "other.csv", {"subject": "S1", "session": "S1_DPUK", "MMSE": "21"})
    with pytest.raises(ModuleFailedError):
        modules.upload(project=project, manifest=table)
    assert listed(http, project, RISKS, "APOE") == [("S1_DPUK", "e3e3")]


def test_the_playbook_loads_a_table(dpuk: XnatServer, project: str, http: Session, tmp_path: Path) -> None:
    """As the page for data managers says: predicted, done, done again, refused."""
    write(tmp_path / "scores.csv", *({"subject": f"S{n}", "date": "2016-05-04", "MMSE": 20 + n} for n in range(3)))
    ansible, playbook = Ansible(dpuk, tmp_path), ROOT / "playbooks" / "load_assessments.yml"
    words = ["-e", f"project={project}", "-e", "table=scores.csv"]
    predicted = ansible(playbook, *words, "--check", "--diff")
    assert (predicted.code, listed(http, project, ASSESSMENT)) == (0, [])
    assert "would be: 6 created, 0 changed, 0 as they were (subjects and assessments)." in words_of(predicted)
    assert "MMSE: 22" in predicted.output
    done = ansible(playbook, *words)
    assert (done.code, "changed=1" in done.recap) == (0, True), done.output
    assert listed(http, project, ASSESSMENT, "MMSE") == [("S0_DPUK", "20"), ("S1_DPUK", "21"), ("S2_DPUK", "22")]
    again = ansible(playbook, *words)
    assert "0 created, 0 changed, 6 as they were" in words_of(again)
    assert "changed=0" in again.recap
    dated = ansible(playbook, *words, "-e", "label={subject}_{date}")
    assert ("S1_2016-05-04", "21") in listed(http, project, ASSESSMENT, "MMSE"), dated.output
    write(tmp_path / "scores.csv", {"subject": "S1", "MMSE": 55})
    refused = ansible(playbook, *words)
    assert refused.code != 0
    assert "row 2: MMSE: '55' is no whole number from 0 to 30" in words_of(refused)
    assert ansible(playbook, "-e", f"project={project}").code != 0
