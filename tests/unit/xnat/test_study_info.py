"""study_info says what is in a study without any server; the playbook passes on all of its options."""

from __future__ import annotations

import contextlib
import errno
import importlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.testing import patch_module_args
from ansible.module_utils.xnat import session
from ansible.module_utils.xnat.study import summary
from ansible.module_utils.xnat.study.module import source_options, upload_options

from filter_plugins.xnat_study import PATHS

ROOT = Path(__file__).parents[3]


def run(**options: Any) -> dict[str, Any]:
    return run_module("study_info", **options)


def run_module(name: str, **options: Any) -> dict[str, Any]:
    printed = io.StringIO()
    with patch_module_args(options), contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        importlib.import_module(name).main()
    return dict(json.loads(printed.getvalue()))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, size in (("s1/m1/1_T1.nii", 5), ("s1/m2/1_T1.nii", 6), ("s2/m3/2_T2.nii", 7), ("notes.txt", 3)):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    return tmp_path


def test_it_counts_by_subject_and_names_what_is_left_out(folder: Path) -> None:
    found = run(project="p", root=str(folder), pattern="{subject}/{session}/{scan}_{scan_type}.nii")
    assert found["changed"] is False
    assert found["subjects"] == [
        {
            "subject": "s1",
            "sessions": ["m1", "m2"],
            "resources": {"m1/1/NIFTI": 1, "m2/1/NIFTI": 1},
            "files": 2,
            "bytes": 11,
        },
        {"subject": "s2", "sessions": ["m3"], "resources": {"m3/2/NIFTI": 1}, "files": 1, "bytes": 7},
    ]
    assert found["totals"] == {"subjects": 2, "sessions": 3, "files": 3, "project_files": 0, "bytes": 18}
    assert [remark["about"] for remark in found["remarks"]] == ["notes.txt"]
    assert (found["python"], found["missing_packages"]) == (sys.executable, [])


def test_a_python_without_any_package_is_told_all_of_them_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "REQUESTS_ERROR", "No module named 'requests'")
    monkeypatch.setattr(summary, "find_spec", lambda name: None)
    found = run(project="p", root=str(folder), pattern="{subject}/{session}/{scan}_{scan_type}.nii")
    assert found["missing_packages"] == ["requests", "nibabel", "pillow"]
    sent = run_module(
        "xnat_upload", project="p", root=str(folder), pattern="{subject}/{session}/{scan}_{scan_type}.nii"
    )
    assert sent["failed"] is True
    assert "requests" in sent["msg"]


def test_a_source_that_cannot_be_read_is_one_message(tmp_path: Path) -> None:
    failed = run(project="p", bids=str(tmp_path / "none"))
    assert failed["failed"] is True
    assert str(tmp_path / "none") in failed["msg"]
    assert "defect" not in failed["msg"]


@pytest.mark.parametrize(
    "source", [{"bids": "/data/study"}, {"root": "/data/study", "pattern": "{subject}/{scan}.nii"}]
)
def test_a_folder_below_one_that_is_closed_is_one_message(
    monkeypatch: pytest.MonkeyPatch, source: dict[str, str]
) -> None:
    def closed(path: Path, *_: object, **__: object) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_dir", closed)
    failed = run(project="p", **source)
    assert "cannot read /data/study: Permission denied. Check who may read it." in failed["msg"]
    assert "defect" not in failed["msg"]


@pytest.mark.parametrize("report", ["report.xls", "none/report.csv"])
def test_a_report_that_cannot_be_written_is_noticed_before_hosts_are_asked(folder: Path, report: str) -> None:
    """Ansible with two hosts that nobody could reach."""
    study = {"project": "p", "root": str(folder), "pattern": "{subject}/{scan}.nii", "report": report}
    hosts = {name: {"ansible_host": f"{name}.invalid"} for name in ("a", "b")}
    done = play(folder, hosts, study)
    assert done.returncode != 0
    assert f"report: {report} must end in .csv, .tsv or .json" in " ".join(f"{done.stdout}{done.stderr}".split())
    assert "unreachable=1" not in done.stdout


def test_a_subject_in_pieces_is_told_before_anybody_sends(folder: Path) -> None:
    """Two hosts that are this machine, each with another folder, and no server."""
    for host, name in (("a", "s1/m1/1_T1.nii"), ("b", "s1/m2/1_T1.nii")):
        (folder / host / name).parent.mkdir(parents=True)
        (folder / host / name).write_bytes(b"x")
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    study = {"project": "p", "root": "{{ part }}", "pattern": "{subject}/{session}/{scan}_{scan_type}.nii"}
    done = play(folder, {host: {**local, "part": str(folder / host)} for host in ("a", "b")}, study)
    assert done.returncode != 0
    said = " ".join(f"{done.stdout}{done.stderr}".split())
    assert "Subject s1: b has m2, which a has not. Subject s1: a has m1, which b has not. Each is sent by one" in said
    assert "Make the project once" not in said


def play(folder: Path, hosts: dict[str, Any], study: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """The playbook as it is typed in `folder`, with these uploaders."""
    (folder / "hosts.json").write_text(json.dumps({"uploaders": {"hosts": hosts}}))
    (folder / "study.json").write_text(json.dumps({"study": study}))
    program = str(Path(sys.executable).parent / "ansible-playbook")
    command = [program, "-i", "hosts.json", str(ROOT / "playbooks/upload_niftis.yml"), "-e", "@study.json"]
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "PWD": str(folder),
    }
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)


@pytest.fixture(scope="module")
def documentation() -> dict[str, Any]:
    command = [str(Path(sys.executable).parent / "ansible-doc"), "--json", "-t", "module", "study_info"]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=True)
    return dict(json.loads(done.stdout)["study_info"])


def test_options_are_documented_as_they_are(documentation: dict[str, Any]) -> None:
    documented = documentation["doc"]["options"]
    assert set(documented) == set(source_options())
    for name, spec in source_options().items():
        for key in ("type", "default", "elements"):
            assert documented[name].get(key) == spec.get(key), f"{name}: {key}"


def test_examples_are_valid_and_what_is_returned_is_documented(documentation: dict[str, Any], folder: Path) -> None:
    for task in yaml.safe_load(documentation["examples"]):
        if "study_info" in task:
            result = ArgumentSpecValidator(source_options()).validate(task["study_info"])
            assert result.error_messages == [], task
    found = run(project="p", root=str(folder), regex=r"(?P<subject>\w+)/(?P<session>\w+)/(?P<scan>\d).*")
    described = documentation["return"]
    assert set(found) - {"changed", "invocation"} == set(described)
    assert set(found["subjects"][0]) == set(described["subjects"]["contains"])
    assert set(found["totals"]) == set(described["totals"]["sample"])


def test_the_playbook_gives_study_info_exactly_its_options() -> None:
    play = yaml.safe_load((ROOT / "playbooks" / "upload_study.yml").read_text())[0]
    assert set(play["vars"]["__source_options"]) == set(source_options())


def test_relative_paths_are_known_as_paths() -> None:
    def paths(options: Mapping[str, Any]) -> Iterator[str]:
        for name, spec in options.items():
            if "path" in {spec["type"], spec.get("elements")}:
                yield name
            yield from paths(spec.get("options", {}))

    # The file of the certificate is no part of a study.
    assert set(paths(upload_options())) - {"ca_path"} == PATHS
