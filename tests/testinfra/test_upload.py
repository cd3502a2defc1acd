"""A data manager's playbook against the provisioned node: images go through every layer and arrive byte for byte."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from reach import DATABASE, USER, Client, Host, python, query

from lab import demo
from lab.settings import INVENTORY, ROOT, Lab

PROJECT = "verify1"
FOLDER = f"/data/xnat/archive/{PROJECT}/arc001/sub001_MRI/SCANS/1/NIFTI"
FILES = f"/data/projects/{PROJECT}/subjects/sub001/experiments/sub001_MRI/scans/1/resources/NIFTI/files"


WAIT = (
    "import time, urllib.request\n"
    "for _ in range(60):\n"
    "    try:\n"
    "        urllib.request.urlopen('http://127.0.0.1:8080/xapi/siteConfig/buildInfo', timeout=5); break\n"
    "    except OSError: time.sleep(1)\n"
    "else: raise SystemExit('XNAT did not answer within 60 s')\n"
)


@pytest.fixture(scope="module")
def recaps(lab: Lab, passwords: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What `playbooks/upload_niftis.yml` printed when run three times: a prediction, for real, and again."""
    wanted = tmp_path_factory.mktemp("uploads") / "uploads.yml"
    scan = {"project": PROJECT, "subject": "sub001", "experiment": "sub001_MRI", "scan": "1", "type": "T1"}
    sources = [str(path) for path in demo.example_images()]
    wanted.write_text(yaml.safe_dump({"uploads": [{**scan, "resource": "NIFTI", "src": sources}]}))
    account = {
        "XNAT_URL": lab.url,
        "XNAT_USER": "admin",
        "XNAT_PASSWORD": passwords["vault_xnat_admin_password"],
        "XNAT_CA_PATH": str(lab.directory / "ca.crt"),
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(INVENTORY)]
    command += [str(ROOT / "playbooks" / "upload_niftis.yml"), "-e", f"@{wanted}"]
    printed = []
    for more in (["--check"], [], []):
        done = subprocess.run(
            [*command, *more], cwd=ROOT, env={**os.environ, **account}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        printed.append(done.stdout)
    return printed


def test_the_second_run_changes_nothing(recaps: list[str]) -> None:
    assert "changed=0" not in recaps[1]
    assert "changed=0" in recaps[2]


def test_the_prediction_counts_what_the_real_run_changes(recaps: list[str]) -> None:
    counted = [next(word for word in text.split() if word.startswith("changed=")) for text in recaps]
    assert counted[0] == counted[1]


def test_the_server_reports_the_digests_of_the_images(recaps: list[str], client: Client) -> None:
    rows = client.get(FILES, params={"format": "json"}).json()["ResultSet"]["Result"]
    digests = {path.name: _md5(path.read_bytes()) for path in demo.example_images()}
    assert {row["Name"]: row["digest"] for row in rows} == digests


def test_what_comes_back_through_the_front_door_is_the_same_bytes(recaps: list[str], client: Client) -> None:
    for path in demo.example_images():
        assert client.get(f"{FILES}/{path.name}").content == path.read_bytes()


def test_the_bytes_are_in_the_archive_on_disk_and_belong_to_xnat(recaps: list[str], web: Host) -> None:
    for path in demo.example_images():
        file = web.file(f"{FOLDER}/{path.name}")
        assert (file.user, file.group) == ("xnat", "xnat")
        assert file.mode & 0o007 == 0
        assert file.md5sum == _md5(path.read_bytes())


def test_the_objects_are_in_postgresql_on_the_other_host(recaps: list[str], db: Host) -> None:
    dump = db.run("runuser -u postgres -- pg_dump --data-only %s", DATABASE)
    assert dump.rc == 0, dump.stderr
    assert {"sub001", "sub001_MRI", PROJECT} <= set(dump.stdout.split())
    owners = "SELECT string_agg(DISTINCT tableowner, ',') FROM pg_tables WHERE schemaname = 'public'"
    assert query(db, owners) == USER


def test_an_image_of_100_mb_passes_unbuffered(recaps: list[str], client: Client, web: Host, tmp_path: Path) -> None:
    """More than any default limit of nginx and Tomcat, and nothing of it is left in a temporary folder on the way."""
    image = tmp_path / "large.nii"
    block = os.urandom(1 << 20)
    with image.open("wb") as file:
        for _ in range(100):
            file.write(block)
    with image.open("rb") as file:
        headers = {"Content-Type": "application/octet-stream"}
        answer = client.put(
            f"{FILES}/large.nii", params={"inbody": "true", "overwrite": "true"}, data=file, headers=headers
        )
    assert answer.status_code == 200, answer.text
    assert web.file(f"{FOLDER}/large.nii").md5sum == _md5(image.read_bytes())
    spooled = web.run("find /var/lib/nginx /var/lib/tomcat/temp /var/lib/tomcat/work -type f -size +1M")
    assert (spooled.rc, spooled.stdout) == (0, "")


def test_everything_survives_a_restart_of_both_services(recaps: list[str], client: Client, web: Host, db: Host) -> None:
    before = client.get(FILES, params={"format": "csv"}).text
    assert db.run("systemctl restart postgresql").rc == 0
    assert web.run("systemctl restart tomcat").rc == 0
    reached = python(web, WAIT)
    assert reached.rc == 0, reached.stderr
    assert client.get(FILES, params={"format": "csv"}).text == before


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
