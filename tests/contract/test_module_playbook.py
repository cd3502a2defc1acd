"""The modules and playbooks/upload_niftis.yml through the real ansible-playbook: runs, check mode, diff, secrets."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import nibabel
import pytest
from playbook_runner import ROOT, Ansible
from xnat_twin.testing import XnatServer

IMAGES = Path(nibabel.__file__).parent / "tests" / "data"
PLAYBOOK = ROOT / "playbooks" / "upload_niftis.yml"


@pytest.fixture
def ansible(xnat: XnatServer, tmp_path: Path) -> Ansible:
    return Ansible(xnat, tmp_path)


@pytest.fixture
def uploads(xnat: XnatServer, tmp_path: Path) -> dict[str, Any]:
    """Two images into one scan of a project that does not exist yet; one path relative to where one types."""
    (tmp_path / "anatomical.nii").write_bytes((IMAGES / "anatomical.nii").read_bytes())
    return {
        "project": xnat.new_id(),
        "subject": "sub001",
        "session": "sub001_MRI",
        "scan": 1,
        "type": "T1",
        "src": ["anatomical.nii", str(IMAGES / "example4d.nii.gz")],
    }


def given(tmp_path: Path, *uploads: Any) -> str:
    file = tmp_path / "uploads.json"
    file.write_text(json.dumps({"uploads": list(uploads)}))
    return f"-e@{file}"


def test_the_whole_road_and_back(ansible: Ansible, uploads: dict[str, Any], tmp_path: Path, xnat: XnatServer) -> None:
    what = given(tmp_path, uploads)
    predicted = ansible(PLAYBOOK, what, "--check", "--diff")
    assert predicted.code == 0, predicted.output
    assert "changed=2 " in predicted.recap
    assert "anatomical.nii: 68002 bytes" in predicted.output
    assert xnat.session().get(f"{xnat.url}/data/projects/{uploads['project']}?format=json").status_code == 404

    first = ansible(PLAYBOOK, what, "-vvv")
    assert first.code == 0, first.output
    assert "changed=2 " in first.recap
    for name in ("anatomical.nii", "example4d.nii.gz"):
        data = (IMAGES / name).read_bytes()
        assert hashlib.md5(data, usedforsecurity=False).hexdigest() in first.output
        assert f"{uploads['project']}/sub001/sub001_MRI/1/NIFTI/{name}" in first.output
    assert xnat.password not in predicted.output + first.output

    second = ansible(PLAYBOOK, what)
    assert second.code == 0, second.output
    assert "changed=0 " in second.recap
    assert "unchanged (same size and MD5)" in second.output


def test_a_whole_study_is_summed_up_at_the_end(ansible: Ansible, tmp_path: Path, xnat: XnatServer) -> None:
    image = (IMAGES / "anatomical.nii").read_bytes()
    for subject in ("s1", "s2"):
        (tmp_path / subject).mkdir()
        (tmp_path / subject / "1-T1.nii").write_bytes(image)
    study = {
        "project": xnat.new_id(),
        "root": ".",
        "pattern": "{subject}/{scan}-{scan_type}.nii",
        "defaults": {"session": "{subject}_MR1"},
        "snapshots": True,  # the two scans have the same image
    }
    file = tmp_path / "study.json"
    file.write_text(json.dumps({"study": study}))
    predicted = ansible(PLAYBOOK, f"-e@{file}", "--check")
    assert "Nothing was done; this would be: 6 files: 6 sent." in predicted.output
    first = ansible(PLAYBOOK, f"-e@{file}")
    assert first.code == 0, first.output
    assert "msg: |-\n        6 files: 6 sent." in first.output
    second = ansible(PLAYBOOK, f"-e@{file}")
    assert "2 files: 2 same." in second.output
    assert "changed=0 " in second.recap
    file.write_text(json.dumps({"study": {**study, "max_failures": 0}}))
    failed = ansible(PLAYBOOK, f"-e@{file}")
    assert failed.code == 2
    assert "[ERROR]: Task failed: Action failed: max_failures: must be at least 1." in failed.output
    # Steps for other cases are not worth a line.
    assert "skipping: [" not in predicted.output + first.output + second.output


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (None, "There is nothing to upload. Say what to upload in a file"),
        ({"src": None}, "Upload 1 of 1 lacks src."),
        ({"session": None, "type": None}, "Upload 1 of 1 lacks type, session."),
        ({"sorce": "x"}, "Upload 1 of 1 has sorce, which means nothing here (known are: "),
        ({"subject": 1}, "Upload 1 of 1 has a number as subject: put it in quotes"),
        ({"type": None, "sorce": "x"}, "Upload 1 of 1 lacks type; has sorce, which"),
        ({"src": "nope.nii"}, "src: there is no file"),
        ({"subject": "sub 001"}, "subject: 'sub 001' contains ' '"),
    ],
)
def test_bad_input_is_one_clear_message(
    ansible: Ansible, uploads: dict[str, Any], tmp_path: Path, change: dict[str, Any] | None, message: str
) -> None:
    upload = {name: value for name, value in {**uploads, **(change or {})}.items() if value is not None}
    run = ansible(PLAYBOOK, *([] if change is None else [given(tmp_path, upload)]))
    assert run.code == 2
    assert message in " ".join(run.output.split())
    assert "Traceback" not in run.output


@pytest.mark.parametrize(
    "change", [{"src": "nope.nii"}, {"subject": "sub 001"}, {"dest": "a#b.nii"}, {"xsi_type": "nonsense"}]
)
def test_nothing_is_made_when_one_of_many_uploads_cannot_work(
    ansible: Ansible, uploads: dict[str, Any], tmp_path: Path, xnat: XnatServer, change: dict[str, str]
) -> None:
    run = ansible(PLAYBOOK, given(tmp_path, uploads, {**uploads, "scan": 2, "src": "anatomical.nii", **change}))
    assert run.code == 2
    assert "changed=0 " in run.recap
    assert xnat.session().get(f"/data/projects/{uploads['project']}?format=json").status_code == 404


def test_a_scan_of_another_type_stops_the_run_before_anything_is_made(
    ansible: Ansible, uploads: dict[str, Any], tmp_path: Path, xnat: XnatServer
) -> None:
    assert ansible(PLAYBOOK, given(tmp_path, uploads)).code == 0
    new, wrong = {**uploads, "session": "sub001_MRI2"}, {**uploads, "xsi_type": "xnat:ctScanData"}
    run = ansible(PLAYBOOK, given(tmp_path, new, wrong))
    assert run.code == 2
    assert "is of type xnat:mrScanData, not xnat:ctScanData" in " ".join(run.output.split())
    assert "changed=0 " in run.recap
    listed = xnat.session().get(f"{xnat.url}/data/projects/{uploads['project']}/experiments?format=json")
    assert [row["label"] for row in listed.json()["ResultSet"]["Result"]] == ["sub001_MRI"]


def test_a_relative_path_of_a_ca_starts_where_one_types(
    ansible: Ansible, uploads: dict[str, Any], tmp_path: Path
) -> None:
    run = ansible(PLAYBOOK, given(tmp_path, uploads), XNAT_URL="https://127.0.0.1:9", XNAT_CA_PATH="lost/ca.crt")
    assert run.code == 2
    assert f"{tmp_path}/lost/ca.crt" in "".join(run.output.split())


@pytest.mark.parametrize("verbosity", ["-v", "-vvv"])
def test_no_secret_in_any_output(
    ansible: Ansible, tmp_path: Path, xnat: XnatServer, project: str, verbosity: str
) -> None:
    """Given as option, as variable, in the environment and in a refused URL; in success, in failure and in a diff."""
    sentinel = "s3ntinel-Passw0rd"
    book = tmp_path / "book.yml"
    book.write_text(
        f"""
- hosts: localhost
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{{{ ansible_playbook_python }}}}"
  tasks:
    - xnat_subject: {{project: {project}, subject: s, password: "{{{{ secret }}}}", yob: 1950}}
      ignore_errors: true
    - xnat_subject: {{project: {project}, subject: s, token: "alias:{{{{ secret }}}}"}}
      ignore_errors: true
    - xnat_subject: {{project: {project}, subject: s, url: "https://ana:{{{{ secret }}}}@xnat.invalid"}}
      ignore_errors: true
    - xnat_subject: {{project: {project}, subject: s, yob: 1950}}
    - xnat_file: {{project: {project}, resource: R, src: {book}}}
"""
    )
    # In a file of its own, as a vault is: Ansible quotes the lines of a playbook around a failure.
    (tmp_path / "secret.json").write_text(json.dumps({"secret": sentinel}))
    run = ansible(book, verbosity, "--diff", f"-e@{tmp_path / 'secret.json'}")
    assert run.code == 0, run.output
    assert "ignored=3" in run.recap
    assert "answered 401" in run.output
    assert sentinel not in run.output
    assert xnat.password not in run.output
