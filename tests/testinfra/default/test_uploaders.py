"""Several hosts upload one study with one command: each subject once, one report, and a host's failure is its own.

One story: two hosts, of which one has too few packages; the same two, of which one has a damaged image; all three, as
a prediction, for real, and again. What arrived, and from which address, the node says: its answers and nginx's log.
"""

from __future__ import annotations

import csv
import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uploaders
from reach import Client, Host
from uploaders import ACCOUNT, FOLDER, SHARES, STUDY, Run, Uploaders

from lab.settings import Lab

JSON = {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
SEND = "Send what each machine has to, and verify that it is there"
# On db alone.
DAMAGED = f"{FOLDER}/S01/S01_MR1/2_BOLD.nii"
# A Python that first notes all processes, with their arguments, and what is in its own environment.
WATCHED = f"/home/{ACCOUNT}/python"
NOTES = f"/home/{ACCOUNT}/processes"
WATCHER = f"""#!/bin/sh
cat /proc/[0-9]*/cmdline /proc/$$/environ 2>/dev/null | tr '\\0' '\\n' >> {NOTES}
exec /usr/bin/python3 "$@"
"""


@pytest.fixture(scope="module")
def hosts(db: Host, web: Host, monitor: Host) -> dict[str, Host]:
    return {"db": db, "web": web, "monitor": monitor}


@pytest.fixture(scope="module")
def contents(lab: Lab, hosts: dict[str, Host], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, bytes]]:
    """The files of the study by path, spread over the hosts."""
    folder = tmp_path_factory.mktemp("study")
    contents = uploaders.make_files(folder)
    uploaders.put_study(lab, hosts, folder)
    yield contents
    for host in hosts.values():
        uploaders.take_away(host)


@pytest.fixture(scope="module")
def group(
    lab: Lab, contents: dict[str, bytes], passwords: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Uploaders:
    """The playbook for hosts that have files."""
    return Uploaders(lab, tmp_path_factory.mktemp("uploaders"), passwords["vault_xnat_admin_password"])


@pytest.fixture(scope="module")
def study(group: Uploaders, admin: Client) -> Iterator[dict[str, Any]]:
    """The study, for a project that nobody has used before; the project goes in the end."""
    project = f"upl{secrets.token_hex(3)}"
    report = group.folder / "report.json"
    yield {"project": project, "root": FOLDER, "regex": uploaders.PATHS, "report": str(report)}
    address = f"{admin.url}/data/projects/{project}"
    admin.session.delete(address, params={"removeFiles": "true"}, timeout=60)


def writes(web: Host, study: dict[str, Any]) -> list[tuple[str, str]]:
    """Every request that may change the project, in order: (address of the host, path below the project)."""
    log = uploaders.run(web, "cat /var/log/nginx/access.log")
    return re.findall(rf'^(\S+) .*"(?:PUT|POST|DELETE) /data/projects/{study["project"]}(\S*)', log, re.MULTILINE)


@pytest.fixture(scope="module")
def refused(group: Uploaders, study: dict[str, Any], hosts: dict[str, Host]) -> tuple[Run, list[tuple[str, str]]]:
    """Two hosts, and the Python of one has no packages. With what was sent."""
    uploaders.run(hosts["web"], f"runuser -u {ACCOUNT} -- python3 -m venv --without-pip /home/{ACCOUNT}/bare")
    group.hosts = ["db", "web"]
    group.variables = {"web": {"ansible_python_interpreter": f"/home/{ACCOUNT}/bare/bin/python"}}
    return group.upload(study), writes(hosts["web"], study)


@pytest.fixture(scope="module")
def partial(
    group: Uploaders, study: dict[str, Any], refused: object, hosts: dict[str, Host]
) -> tuple[Run, dict[str, Any]]:
    """The same two with all packages, and an image of one is damaged. With the report."""
    uploaders.run(hosts["db"], f"cp -p {DAMAGED} {DAMAGED}.whole && echo damaged > {DAMAGED}")
    group.variables = {}
    done = group.upload(study)
    uploaders.run(hosts["db"], f"mv {DAMAGED}.whole {DAMAGED}")
    return done, json.loads(Path(study["report"]).read_text())


@pytest.fixture(scope="module")
def predicted(
    group: Uploaders, study: dict[str, Any], partial: object, web: Host
) -> tuple[Run, list[tuple[str, str]], list[tuple[str, str]]]:
    """The image is mended, the third host is added to the group, and check mode asked. With what was sent by then."""
    group.hosts = list(STUDY)
    before = writes(web, study)
    return group.upload(study, "--check", **JSON), before, writes(web, study)


@pytest.fixture(scope="module")
def files_before(predicted: object, hosts: dict[str, Host]) -> dict[str, set[str]]:
    """What the account has on the hosts before all is sent, with a Python that watches what is done."""
    for host in hosts.values():
        uploaders.run(host, f"cat > {WATCHED} <<'END'\n{WATCHER}END\ntouch {NOTES}; chown {ACCOUNT} {WATCHED} {NOTES}")
        uploaders.run(host, f"chmod 0700 {WATCHED}")
    return {name: uploaders.files_of_account(host) for name, host in hosts.items()}


@pytest.fixture(scope="module")
def whole(group: Uploaders, study: dict[str, Any], files_before: dict[str, set[str]]) -> tuple[Run, dict[str, Any]]:
    """The three for real, with all that Ansible can be made to print. With the report."""
    group.variables = {host: {"ansible_python_interpreter": WATCHED} for host in STUDY}
    done = group.upload(study, "-vvv")
    return done, json.loads(Path(study["report"]).read_text())


@pytest.fixture(scope="module")
def again(
    group: Uploaders, study: dict[str, Any], whole: tuple[Run, dict[str, Any]]
) -> tuple[Run, list[dict[str, str]]]:
    """The same once more, with a table as report."""
    group.variables = {}
    table = group.folder / "report.csv"
    done = group.upload({**study, "report": str(table)})
    with table.open(newline="") as file:
        return done, list(csv.DictReader(file))


def key(row: dict[str, Any]) -> tuple[str, ...]:
    """Where a file of a report is, what became of it, and who says so."""
    return tuple(str(row[name] or "") for name in ("subject", "session", "scan", "resource", "name", "action", "host"))


def test_a_host_without_packages_is_told_by_name_before_anybody_sends(
    refused: tuple[Run, list[tuple[str, str]]],
) -> None:
    run, sent = refused
    assert run.code != 0
    python = f"/home/{ACCOUNT}/bare/bin/python"
    assert f"web has no requests, nibabel for {python}" in " ".join(run.output.split())
    assert sent == []


def test_a_failing_host_is_named_and_does_not_lose_the_report_of_the_others(
    partial: tuple[Run, dict[str, Any]], admin: Client
) -> None:
    run, report = partial
    assert run.code != 0
    assert re.search(rf"db: {DAMAGED} is not a NIFTI image", " ".join(run.output.split()))
    assert list(report["failed"]) == ["db"]
    assert {(row["host"], row["subject"], row["action"]) for row in report["files"]} == {
        ("web", "S02", "sent"),
        ("web", "S05", "sent"),
    }
    assert {admin.get(row["uri"]).status_code for row in report["files"]} == {200}


def test_check_mode_sends_nothing(predicted: tuple[Run, list[tuple[str, str]], list[tuple[str, str]]]) -> None:
    run, before, after = predicted
    assert run.code == 0
    assert before == after != []


def test_the_prediction_is_what_is_done_file_by_file(
    predicted: tuple[Run, object, object], whole: tuple[Run, dict[str, Any]]
) -> None:
    results = predicted[0].results(SEND)
    told = [{**row, "host": host} for host, result in results.items() for row in result["files"]]
    assert whole[0].code == 0
    assert sorted(map(key, told)) == sorted(map(key, whole[1]["files"]))
    assert {row["action"] for row in told} == {"sent", "same"}


def test_the_prediction_counts_what_the_real_run_changes(
    predicted: tuple[Run, object, object], whole: tuple[Run, dict[str, Any]]
) -> None:
    changed = {host: counts["changed"] for host, counts in whole[0].counted().items()}
    assert {host: counts["changed"] for host, counts in predicted[0].counted().items()} == changed
    assert all(changed[host] > 0 for host in STUDY)


def test_the_report_has_one_row_per_file_and_its_host(
    whole: tuple[Run, dict[str, Any]], contents: dict[str, bytes]
) -> None:
    rows = {row["path"].removeprefix(f"{FOLDER}/"): row for row in whole[1]["files"]}
    assert len(whole[1]["files"]) == len(rows)
    assert {path: row["size"] for path, row in rows.items()} == {path: len(text) for path, text in contents.items()}
    assert all(path in STUDY[row["host"]] for path, row in rows.items())


def test_each_host_of_the_group_has_its_share_and_no_subject_is_with_two(whole: tuple[Run, dict[str, Any]]) -> None:
    """To add the third host to the group was all that there was to do."""
    shares: dict[str, set[str]] = {}
    for row in whole[1]["files"]:
        shares.setdefault(row["host"], set()).add(row["subject"] or row["resource"])
    assert shares == {host: set(names) for host, names in SHARES.items()}


def test_what_had_arrived_is_not_sent_again_whoever_sent_it(
    whole: tuple[Run, dict[str, Any]], partial: tuple[Run, dict[str, Any]]
) -> None:
    arrived = {row["uri"] for row in partial[1]["files"]}
    assert {row["uri"] for row in whole[1]["files"] if row["action"] == "same"} == arrived


def test_the_node_says_from_which_address_each_subject_came(
    whole: tuple[Run, dict[str, Any]], study: dict[str, Any], lab: Lab, web: Host
) -> None:
    came: dict[str, set[str]] = {}
    for address, path in writes(web, study):
        if found := re.match(r"/subjects/(\w+)|/resources/(\w+)", path):
            came.setdefault(found[1] or found[2], set()).add(address)
    sent = {"db": ["S01", "S06"], "web": ["S02", "S04", "S05"], "monitor": ["S03", "documents"]}
    assert came == {name: {lab.hosts[host]} for host, names in sent.items() for name in names}


def test_totals_are_those_of_all(
    whole: tuple[Run, dict[str, Any]], partial: tuple[Run, dict[str, Any]], contents: dict[str, bytes]
) -> None:
    run, report = whole
    same = len(partial[1]["files"])
    sent = len(contents) - same
    totals = report["totals"]
    assert (totals["files"], totals["same"], totals["sent"], totals["failed"]) == (len(contents), same, sent, 0)
    assert f"{len(contents)} files: {same} same, {sent} sent." in run.output
    assert report["failed"] == {}


def test_all_bytes_are_there(whole: tuple[Run, dict[str, Any]], contents: dict[str, bytes], admin: Client) -> None:
    there = {row["path"].removeprefix(f"{FOLDER}/"): admin.get(row["uri"]).content for row in whole[1]["files"]}
    assert there == contents


def test_a_second_run_changes_nothing(
    again: tuple[Run, list[dict[str, str]]], whole: tuple[Run, dict[str, Any]]
) -> None:
    run, rows = again
    assert run.code == 0
    assert {counts["changed"] for counts in run.counted().values()} == {0}
    assert sorted(map(key, rows)) == sorted(key({**row, "action": "same"}) for row in whole[1]["files"])


def test_the_password_is_in_no_output_process_or_file(
    whole: tuple[Run, dict[str, Any]], group: Uploaders, hosts: dict[str, Host], files_before: dict[str, set[str]]
) -> None:
    assert group.password not in whole[0].output
    for name, host in hosts.items():
        notes = uploaders.run(host, f"cat {NOTES}")
        assert WATCHED in notes, "no process was seen"
        assert group.password not in notes
        assert group.password not in uploaders.run(host, "journalctl --no-pager")
        # No copy of the certificate either, nor anything else that was not there before.
        assert uploaders.files_of_account(host) == files_before[name]
